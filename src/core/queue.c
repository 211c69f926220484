#include "core/queue.h"

#include "base/memory.h"

#include <assert.h>
#include <stdio.h>

void queue_init(struct queue *queue, struct limits *limits)
{
    *queue = (struct queue){.limits = limits};
    map_init(&queue->buckets);
    map_init(&queue->tenants);
    list_init(&queue->round);
    list_init(&queue->dirty);
}

void queue_done(struct queue *queue)
{
    size_t cursor = 0;
    for (void *bucket; (bucket = map_next(&queue->buckets, &cursor));)
        memory_free(bucket);
    cursor = 0;
    for (void *tenant; (tenant = map_next(&queue->tenants, &cursor));)
        memory_free(tenant);
    map_done(&queue->buckets);
    map_done(&queue->tenants);
}

static struct queue_tenant *tenant_of(struct queue *queue, const char *name)
{
    struct queue_tenant *tenant = map_get(&queue->tenants, span_of(name));
    if (tenant)
        return tenant;
    tenant = memory_new(struct queue_tenant);
    bool fits = span_copy(span_of(name), tenant->name, sizeof tenant->name);
    assert(fits);
    tenant->gauge = limit_gauge(queue->limits, LIMIT_TENANT, name);
    list_init(&tenant->buckets);
    list_init(&tenant->link);
    map_set(&queue->tenants, span_of(tenant->name), tenant);
    return tenant;
}

static struct queue_bucket *find_bucket(struct queue *queue, const char *tenant, const char *model,
                                        int priority, bool make)
{
    char id[sizeof((struct queue_bucket *)NULL)->id];
    int size = snprintf(id, sizeof id, "%s\n%s\n%d", tenant, model, priority);
    assert(size > 0 && (size_t)size < sizeof id);
    struct queue_bucket *bucket = map_get(&queue->buckets, (struct span){id, (size_t)size});
    if (bucket)
        return bucket;
    assert(make); /* what leaves a bucket, or was claimed from it, lay there */
    bucket = memory_new(struct queue_bucket);
    (void)span_copy((struct span){id, (size_t)size}, bucket->id, sizeof bucket->id);
    (void)span_copy(span_of(model), bucket->model, sizeof bucket->model);
    bucket->tenant = tenant_of(queue, tenant);
    bucket->gauge = limit_gauge(queue->limits, LIMIT_MODEL, model);
    bucket->priority = priority;
    list_init(&bucket->link);
    list_init(&bucket->dirty_link);
    map_set(&queue->buckets, span_of(bucket->id), bucket);
    return bucket;
}

static void fill(struct queue *queue, struct queue_bucket *bucket, ms_t head_at)
{
    bucket->head_at = head_at;
    bucket->head_known = true;
    if (list_empty(&bucket->tenant->buckets))
        list_add(&queue->round, &bucket->tenant->link);
    list_add(&bucket->tenant->buckets, &bucket->link);
}

void queue_set(struct queue *queue, const struct bucket_change *totals, ms_t head_at)
{
    assert(totals->delta_count > 0);
    struct queue_bucket *bucket =
        find_bucket(queue, totals->tenant, totals->model, totals->priority, true);
    bucket->count = totals->delta_count;
    bucket->arrived = totals->delta_arrived;
    limit_count_queued(queue->limits, totals->tenant, totals->model, totals->delta_count);
    fill(queue, bucket, head_at);
}

static void mark_dirty(struct queue *queue, struct queue_bucket *bucket)
{
    list_remove(&bucket->dirty_link);
    list_add(&queue->dirty, &bucket->dirty_link);
}

void queue_enter(struct queue *queue, struct job *job)
{
    struct queue_bucket *bucket = find_bucket(queue, job->tenant, job->model, job->priority, true);
    if (bucket->count == 0)
        fill(queue, bucket, job->queued_at);
    else if (bucket->head_known && job->queued_at < bucket->head_at)
        bucket->head_at = job->queued_at;
    bucket->count++;
    bucket->delta_count++;
    job->ticket = ++bucket->arrived;
    bucket->delta_arrived++;
    mark_dirty(queue, bucket);
    limit_count_queued(queue->limits, job->tenant, job->model, 1);
}

void queue_leave(struct queue *queue, const struct job *job)
{
    struct queue_bucket *bucket = find_bucket(queue, job->tenant, job->model, job->priority, false);
    assert(bucket->count > 0);
    bucket->count--;
    bucket->delta_count--;
    mark_dirty(queue, bucket);
    limit_count_queued(queue->limits, job->tenant, job->model, -1);
    if (bucket->count > 0) {
        /* Whoever went may have been the oldest; the store knows who is now. */
        bucket->head_known = bucket->head_known && job->queued_at > bucket->head_at;
        return;
    }
    /* Tickets start anew with the next job, in memory and, by the delta, in the store. */
    bucket->delta_arrived -= bucket->arrived;
    bucket->arrived = 0;
    list_remove(&bucket->link);
    if (list_empty(&bucket->tenant->buckets)) {
        list_remove(&bucket->tenant->link);
        bucket->tenant->deficit = 0;
    }
}

static int64_t aged(const struct queue_bucket *bucket, ms_t now)
{
    ms_t waited = now > bucket->head_at ? now - bucket->head_at : 0;
    return bucket->priority + waited / QUEUE_AGE_STEP * QUEUE_AGE_POINTS;
}

static bool goes_before(const struct queue_bucket *a, const struct queue_bucket *b, ms_t now)
{
    int64_t of_a = aged(a, now), of_b = aged(b, now);
    return of_a != of_b ? of_a > of_b : a->head_at < b->head_at;
}

/* The tenant's best bucket with room; *ret_rivals counts those that had room too. A bucket whose
 * head is unknown is given at once: the order can't be told before it is asked for. */
static struct queue_bucket *best_of(struct queue *queue, struct queue_tenant *tenant, ms_t now,
                                    unsigned *ret_room, unsigned *ret_rivals)
{
    struct queue_bucket *best = NULL;
    *ret_rivals = 0;
    LIST_EACH(&tenant->buckets, link) {
        struct queue_bucket *bucket = LIST_OWNER(link, struct queue_bucket, link);
        unsigned room = limit_room_of(queue->limits, tenant->gauge, bucket->gauge);
        if (room == 0)
            continue;
        if (!bucket->head_known)
            return bucket;
        (*ret_rivals)++;
        if (!best || goes_before(bucket, best, now)) {
            best = bucket;
            *ret_room = room;
        }
    }
    return best;
}

/* How many to claim at once: more than one only where the order can't change in between. */
static unsigned claim_size(struct queue *queue, const struct queue_bucket *bucket, unsigned room,
                           unsigned rivals)
{
    bool alone = queue->round.next == queue->round.previous;
    unsigned size = rivals > 1 ? 1 : alone ? QUEUE_CLAIM_MAX : bucket->tenant->deficit;
    size = size > room ? room : size;
    size = size > QUEUE_CLAIM_MAX ? QUEUE_CLAIM_MAX : size;
    return (int64_t)size > bucket->count ? (unsigned)bucket->count : size;
}

static void next_tenant(struct queue *queue, struct queue_tenant *tenant)
{
    tenant->deficit = 0;
    list_remove(&tenant->link);
    list_add(&queue->round, &tenant->link);
}

/* A tenant without room keeps its place and what is left of its turn: who is passed over because
 * others hold all of a model's room must be the first when some of it is free. */
bool queue_want(struct queue *queue, ms_t now, struct want *ret_want)
{
    if (queue->limits->limit && queue->limits->in_flight >= queue->limits->limit)
        return false;
    LIST_EACH(&queue->round, link) {
        struct queue_tenant *tenant = LIST_OWNER(link, struct queue_tenant, link);
        unsigned room = 0, rivals = 0;
        struct queue_bucket *bucket = best_of(queue, tenant, now, &room, &rivals);
        if (!bucket)
            continue;
        if (tenant->deficit == 0)
            tenant->deficit = tenant->gauge->weight;
        *ret_want = (struct want){
            .kind = WANT_CLAIM,
            .tenant = tenant->name,
            .model = bucket->model,
            .priority = bucket->priority,
            .limit = bucket->head_known ? claim_size(queue, bucket, room, rivals) : 0,
        };
        return true;
    }
    return false;
}

void queue_got(struct queue *queue, const struct want *want, unsigned claimed, unsigned left,
               ms_t head_at)
{
    struct queue_bucket *bucket =
        find_bucket(queue, want->tenant, want->model, want->priority, false);
    struct queue_tenant *tenant = bucket->tenant;
    if (left > 0) {
        bucket->head_known =
            false; /* one of those that stayed; it is asked for when there is room */
    } else if (bucket->count > 0) {
        assert(head_at != MS_NEVER);
        bucket->head_at = head_at;
        bucket->head_known = true;
    }
    if (want->limit == 0)
        return;
    /* The store must give what the counts promise, or this would ask for ever. */
    assert(claimed + left > 0);
    if (claimed == 0)
        return;
    tenant->deficit = tenant->deficit > claimed ? tenant->deficit - claimed : 0;
    if (tenant->deficit == 0 && !list_empty(&tenant->buckets))
        next_tenant(queue, tenant);
}

void queue_flush(struct queue *queue, struct output *output)
{
    for (struct list *link; (link = list_take(&queue->dirty));) {
        struct queue_bucket *bucket = LIST_OWNER(link, struct queue_bucket, dirty_link);
        if (bucket->delta_count || bucket->delta_arrived) {
            struct bucket_change *change = &output_change(output, CHANGE_BUCKET)->bucket;
            (void)span_copy(span_of(bucket->tenant->name), change->tenant, sizeof change->tenant);
            (void)span_copy(span_of(bucket->model), change->model, sizeof change->model);
            change->priority = bucket->priority;
            change->delta_count = bucket->delta_count;
            change->delta_arrived = bucket->delta_arrived;
        }
        bucket->delta_count = bucket->delta_arrived = 0;
        if (bucket->count == 0) {
            map_remove(&queue->buckets, span_of(bucket->id));
            memory_free(bucket);
        }
    }
}

void queue_check(const struct queue *queue)
{
    int64_t queued = 0;
    size_t cursor = 0;
    for (struct queue_bucket *bucket; (bucket = map_next(&queue->buckets, &cursor));) {
        assert(bucket->count >= 0 && bucket->arrived >= bucket->count);
        assert((bucket->count > 0) == !list_empty(&bucket->link));
        queued += bucket->count;
    }
    assert(queued == queue->limits->queued);
    cursor = 0;
    for (struct queue_tenant *tenant; (tenant = map_next(&queue->tenants, &cursor));)
        assert(list_empty(&tenant->buckets) == list_empty(&tenant->link));
}
