#include "ledger.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static void *add(void ***list, size_t *count, size_t *room, void *item)
{
    if (*count == *room) {
        *room = *room ? *room * 2 : 64;
        *list = memory_grow(*list, *room * sizeof(void *));
    }
    (*list)[(*count)++] = item;
    return item;
}

void ledger_init(struct ledger *ledger, const struct swarm *swarm)
{
    *ledger = (struct ledger){0};
    for (unsigned tenant = 0; tenant < swarm->tenant_count; tenant++)
        ledger->rows[tenant] = tenant_row_make(swarm->tenant_names[tenant]);
    arena_init(&ledger->arena);
    map_init(&ledger->by_key);
    map_init(&ledger->hooks_by_name);
    for (unsigned tenant = 0; tenant < SWARM_TENANTS_MAX; tenant++) {
        for (unsigned model = 0; model < SWARM_MODELS_MAX; model++) {
            for (unsigned n = 0; n < SWARM_PRIORITIES_MAX; n++) {
                struct bucket *bucket = &ledger->buckets[tenant][model][n];
                list_init(&bucket->jobs);
                bucket->tenant = tenant;
                bucket->model = model;
                bucket->priority = swarm->priorities[n];
            }
            for (unsigned n = 0; n < LEDGER_FINGERPRINTS; n++)
                list_init(&ledger->twins[tenant][model][n]);
        }
    }
}

void ledger_done(struct ledger *ledger)
{
    memory_free(ledger->submissions);
    memory_free(ledger->rings);
    memory_free(ledger->requests);
    memory_free(ledger->jobs);
    memory_free(ledger->uploads);
    memory_free(ledger->hooks);
    memory_free(ledger->entries);
    map_done(&ledger->hooks_by_name);
    map_done(&ledger->by_key);
    arena_done(&ledger->arena);
}

struct submission *ledger_submission(struct ledger *ledger)
{
    struct submission *submission = arena_new(&ledger->arena, struct submission);
    submission->index = (unsigned)ledger->submission_count;
    (void)snprintf(submission->name, sizeof submission->name, "{\"s\":%u}", submission->index);
    submission->input = submission->name;
    memcpy(submission->body_hash, &submission->index, sizeof submission->index);
    return add((void ***)&ledger->submissions, &ledger->submission_count, &ledger->submission_room,
               submission);
}

void ledger_ring_name(struct keyring *ring)
{
    memcpy(ring->hash, &ring->index, sizeof ring->index);
}

struct keyring *ledger_ring(struct ledger *ledger)
{
    struct keyring *ring = arena_new(&ledger->arena, struct keyring);
    ring->index = (unsigned)ledger->ring_count;
    ledger_ring_name(ring);
    return add((void ***)&ledger->rings, &ledger->ring_count, &ledger->ring_room, ring);
}

struct request *ledger_request(struct ledger *ledger, enum request_kind kind, unsigned tenant)
{
    struct request *request = arena_new(&ledger->arena, struct request);
    request->kind = kind;
    request->tenant = tenant;
    (void)add((void ***)&ledger->requests, &ledger->request_count, &ledger->request_room, request);
    request->change.token = ledger->request_count;
    return request;
}

uint64_t ledger_token(const struct ledger *ledger, const struct request *request)
{
    (void)ledger;
    return request->change.token;
}

struct request *ledger_find_request(const struct ledger *ledger, uint64_t token)
{
    return token >= 1 && token <= ledger->request_count ? ledger->requests[token - 1] : NULL;
}

struct ledger_upload *ledger_upload(struct ledger *ledger)
{
    struct ledger_upload *upload = arena_new(&ledger->arena, struct ledger_upload);
    upload->upload.key = (int64_t)ledger->upload_count + 1;
    (void)snprintf(upload->upload.id, sizeof upload->upload.id, "upl_%zu",
                   ledger->upload_count + 1);
    return add((void ***)&ledger->uploads, &ledger->upload_count, &ledger->upload_room, upload);
}

struct ledger_job *ledger_find_job(const struct ledger *ledger, int64_t key)
{
    return map_get(&ledger->by_key, span_make(&key, sizeof key));
}

struct ledger_job *ledger_job(struct ledger *ledger, int64_t key)
{
    struct ledger_job *job = ledger_find_job(ledger, key);
    if (job)
        return job;
    job = arena_new(&ledger->arena, struct ledger_job);
    job->key = key;
    job->index = (unsigned)ledger->job_count + 1;
    list_init(&job->queued);
    list_init(&job->twin);
    map_set(&ledger->by_key, span_make(&job->key, sizeof job->key), job);
    return add((void ***)&ledger->jobs, &ledger->job_count, &ledger->job_room, job);
}

struct ledger_entry *ledger_entry(struct ledger *ledger, struct ledger_job *job, unsigned attempt,
                                  unsigned vendor)
{
    struct ledger_entry *entry = arena_new(&ledger->arena, struct ledger_entry);
    entry->index = (unsigned)ledger->entry_count;
    (void)snprintf(entry->name, sizeof entry->name, "r%u", entry->index);
    entry->vendor = vendor;
    entry->job = job->key;
    entry->attempt = attempt;
    entry->older = job->entries;
    job->entries = entry;
    return add((void ***)&ledger->entries, &ledger->entry_count, &ledger->entry_room, entry);
}

static struct ledger_entry *find_key(const struct ledger *ledger, int64_t key)
{
    size_t low = 0, high = ledger->entry_count; /* their keys grow */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ledger->entries[middle]->key < key)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_there = low < ledger->entry_count && ledger->entries[low]->key == key;
    return is_there ? ledger->entries[low] : NULL;
}

struct ledger_entry *ledger_find_entry(const struct ledger *ledger, const char *remote_id)
{
    int64_t index, key;
    if (id_read(span_of(remote_id), "gen_", &key))
        return find_key(ledger, key);
    if (remote_id[0] != 'r' || ledger->entry_count == 0 ||
        !span_integer(span_of(remote_id + 1), 0, (int64_t)ledger->entry_count - 1, &index))
        return NULL;
    return ledger->entries[index];
}

struct ledger_entry *ledger_entry_of(const struct ledger_job *job, unsigned attempt)
{
    struct ledger_entry *entry = job->entries;
    while (entry && entry->attempt != attempt)
        entry = entry->older;
    return entry;
}

struct ledger_hook *ledger_find_hook(const struct ledger *ledger, int64_t job, unsigned number)
{
    const int64_t name[2] = {job, number};
    return map_get(&ledger->hooks_by_name, span_make(name, sizeof name));
}

struct ledger_hook *ledger_hook(struct ledger *ledger, int64_t job, unsigned number)
{
    struct ledger_hook *hook = arena_new(&ledger->arena, struct ledger_hook);
    hook->name.job = job;
    hook->name.number = number;
    map_set(&ledger->hooks_by_name, span_make(&hook->name, sizeof hook->name), hook);
    return add((void ***)&ledger->hooks, &ledger->hook_count, &ledger->hook_room, hook);
}

struct submission *ledger_read_name(const struct ledger *ledger, const char *name)
{
    struct span text = span_of(name);
    int64_t index;
    if (text.size < 7 || !span_starts(text, "{\"s\":"))
        return NULL;
    text = (struct span){text.data + 5, text.size - 6};
    if (!span_integer(text, 0, (int64_t)ledger->submission_count - 1, &index))
        return NULL;
    return ledger->submissions[index];
}

struct bucket *ledger_bucket(struct ledger *ledger, const struct ledger_job *job, int priority)
{
    for (unsigned n = 0; n < SWARM_PRIORITIES_MAX; n++) {
        struct bucket *bucket = &ledger->buckets[job->tenant][job->model][n];
        if (bucket->priority == priority)
            return bucket;
    }
    return NULL;
}

static bool is_before(const struct ledger_job *a, const struct ledger_job *b)
{
    return a->queued_at != b->queued_at ? a->queued_at < b->queued_at : a->key < b->key;
}

void ledger_enqueue(struct ledger *ledger, struct ledger_job *job, struct bucket *bucket)
{
    /* Nearly always at the end: only a changed priority brings an older job into a bucket. */
    struct list *after = bucket->jobs.previous;
    while (after != &bucket->jobs && is_before(job, LIST_OWNER(after, struct ledger_job, queued)))
        after = after->previous;
    list_add(after->next, &job->queued);
    job->bucket = bucket;
    bucket->count++;
    ledger->queued++;
    ledger->queued_tenant[job->tenant]++;
}

void ledger_dequeue(struct ledger *ledger, struct ledger_job *job)
{
    list_remove(&job->queued);
    job->bucket->count--;
    job->bucket = NULL;
    ledger->queued--;
    ledger->queued_tenant[job->tenant]--;
}

void ledger_wait(struct ledger *ledger, const struct ledger_job *job, int by)
{
    ledger->waiting += by;
    ledger->waiting_tenant[job->tenant] += by;
}

void ledger_count(struct ledger *ledger, const struct ledger_job *job, int by)
{
    ledger->in_flight += (unsigned)by;
    ledger->in_flight_tenant[job->tenant] += (unsigned)by;
    ledger->in_flight_model[job->model] += (unsigned)by;
    ledger->in_flight_provider[job->provider] += (unsigned)by;
}
