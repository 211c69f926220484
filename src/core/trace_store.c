#include "core/trace_store.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

static char *copy_text(const char *text)
{
    return text ? memory_copy(span_of(text)) : NULL;
}

struct job *trace_store_copy(const struct job *job)
{
    struct job *copy = job_make();
    memcpy(copy, job, offsetof(struct job, timer));
    copy->input = copy_text(job->input);
    copy->metadata = copy_text(job->metadata);
    copy->options = copy_text(job->options);
    copy->warnings = copy_text(job->warnings);
    copy->words = copy_text(job->words);
    copy->route = copy_text(job->route);
    return copy;
}

void trace_store_init(struct trace_store *store)
{
    *store = (struct trace_store){0};
}

void trace_store_done(struct trace_store *store)
{
    for (size_t n = 0; n < store->job_count; n++)
        job_free(store->jobs[n]);
    trace_store_init(store);
}

static struct job **find_job(const struct trace_store *store, int64_t key)
{
    for (size_t n = 0; n < store->job_count; n++) {
        if (store->jobs[n]->key == key)
            return (struct job **)(uintptr_t)&store->jobs[n];
    }
    return NULL;
}

/* ---------------------------------------------------------------- loading */

static void load_key(const struct trace_store *store, struct core *core, const struct need *need)
{
    for (size_t n = 0; n < store->key_count; n++) {
        const struct key_row *row = &store->keys[n];
        if (span_is(span_of(row->tenant), need->tenant) &&
            span_equal(need->key_hash, span_make(row->key_hash, KEY_HASH_SIZE)))
            core_give_key(core, row);
    }
}

static void load_twin(const struct trace_store *store, struct core *core, const struct need *need)
{
    for (size_t n = store->job_count; n > 0; n--) {
        const struct job *job = store->jobs[n - 1];
        if (!state_is_terminal(job->state) && job->fingerprint == need->fingerprint &&
            span_is(span_of(job->tenant), need->tenant) &&
            span_is(span_of(job->model), need->model)) {
            core_give_twin(core, trace_store_copy(job));
            return;
        }
    }
}

static void load_user(const struct trace_store *store, struct core *core, int64_t source)
{
    for (size_t n = 0; n < store->use_count; n++) {
        struct job **user =
            store->uses[n].source == source ? find_job(store, store->uses[n].job) : NULL;
        if (user)
            core_give_user(core, source, (*user)->id);
    }
}

static void load_uploads(const struct trace_store *store, struct core *core,
                         const struct need *need)
{
    int64_t bytes = 0, count = 0;
    for (size_t n = 0; n < store->upload_count; n++) {
        const struct upload *upload = &store->uploads[n];
        if (need->kind == NEED_UPLOAD && upload->key == need->upload)
            core_give_upload(core, upload);
        if (need->kind == NEED_UPLOADS && strcmp(upload->tenant, need->tenant) == 0) {
            bytes += upload->size;
            count++;
        }
    }
    if (need->kind == NEED_UPLOADS)
        core_give_uploads(core, need->tenant, bytes, count);
}

static void load_hook(const struct trace_store *store, struct core *core, const struct need *need)
{
    for (size_t n = 0; need->kind == NEED_DELIVERY && n < store->delivery_count; n++) {
        const struct delivery *row = &store->deliveries[n];
        if (row->job == need->job && row->number == need->number)
            core_give_delivery(core, row);
    }
    for (size_t n = 0; need->kind == NEED_SECRET && n < store->secret_count; n++) {
        if (span_is(span_of(store->secrets[n].tenant), need->tenant))
            core_give_secret(core, &store->secrets[n]);
    }
}

void trace_store_load(const struct trace_store *store, struct core *core, const struct event *event)
{
    struct needs needs;
    core_needs(core, event, &needs);
    for (unsigned n = 0; n < needs.count; n++) {
        const struct need *need = &needs.list[n];
        struct job **row = need->kind == NEED_JOB ? find_job(store, need->job) : NULL;
        if (row)
            core_give_job(core, trace_store_copy(*row));
        else if (need->kind == NEED_KEY)
            load_key(store, core, need);
        else if (need->kind == NEED_TWIN)
            load_twin(store, core, need);
        else if (need->kind == NEED_USER)
            load_user(store, core, need->source);
        else if (need->kind == NEED_UPLOAD || need->kind == NEED_UPLOADS)
            load_uploads(store, core, need);
        else if (need->kind == NEED_DELIVERY || need->kind == NEED_SECRET)
            load_hook(store, core, need);
    }
}

/* ---------------------------------------------------------------- changes */

static void put_attempt(struct trace_store *store, const struct job *job)
{
    size_t place = 0;
    while (place < store->attempt_count &&
           (store->attempts[place].job != job->key ||
            store->attempts[place].row.number != job->attempt.number))
        place++;
    assert(place < TRACE_STORE_MAX);
    store->attempts[place].job = job->key;
    store->attempts[place].row = job->attempt;
    store->attempt_count += place == store->attempt_count;
}

static void put_job(struct trace_store *store, const struct job *job, bool is_new)
{
    struct job **row = find_job(store, job->key);
    assert(is_new == !row);
    if (job->attempt_changed)
        put_attempt(store, job);
    if (is_new) {
        assert(store->job_count < TRACE_STORE_MAX);
        assert(store->job_count == 0 || store->jobs[store->job_count - 1]->key < job->key);
        store->jobs[store->job_count++] = trace_store_copy(job);
        return;
    }
    struct job *old = *row;
    assert(!state_is_terminal(old->state) || old->state == job->state);
    assert(job->version >= old->version); /* two changes of one flush show the same row */
    *row = trace_store_copy(job);
    /* A real store writes these only where the flags say so; what they forget must not matter. */
    if (!job->attempt_changed)
        assert(memcmp(&old->attempt, &job->attempt, sizeof old->attempt) == 0);
    if (!job->outputs_changed)
        assert(old->output_count == job->output_count);
    job_free(old);
}

static void put_key(struct trace_store *store, const struct key_row *row)
{
    size_t place = 0;
    while (place < store->key_count &&
           (memcmp(store->keys[place].key_hash, row->key_hash, KEY_HASH_SIZE) != 0 ||
            !span_is(span_of(store->keys[place].tenant), row->tenant)))
        place++;
    assert(place < TRACE_STORE_MAX);
    store->keys[place] = *row;
    store->key_count += place == store->key_count;
}

static void put_dependency(struct trace_store *store, const struct change *change)
{
    int64_t job = change->dependency.job, on = change->dependency.on;
    size_t place = 0;
    while (place < store->dependency_count &&
           (store->dependencies[place].job != job || store->dependencies[place].on != on))
        place++;
    assert(change->dependency.done == (place < store->dependency_count));
    assert(place < TRACE_STORE_MAX);
    if (change->dependency.done) {
        store->dependencies[place] = store->dependencies[--store->dependency_count];
        return;
    }
    store->dependencies[place].job = job;
    store->dependencies[place].on = on;
    store->dependency_count++;
}

static void put_bucket(struct trace_store *store, const struct bucket_change *change)
{
    size_t place = 0;
    while (place < store->bucket_count &&
           (store->buckets[place].priority != change->priority ||
            strcmp(store->buckets[place].tenant, change->tenant) != 0 ||
            strcmp(store->buckets[place].model, change->model) != 0))
        place++;
    assert(place < TRACE_STORE_MAX);
    if (place == store->bucket_count) {
        store->buckets[place] = *change;
        store->bucket_count++;
    } else {
        store->buckets[place].delta_count += change->delta_count;
        store->buckets[place].delta_arrived += change->delta_arrived;
    }
    assert(store->buckets[place].delta_count >= 0);
}

/* Where the row of that name is, or goes; a name is the first field of its row. */
static size_t place_of(const void *rows, size_t row_size, size_t *count, const char *name)
{
    size_t place = 0;
    while (place < *count && strcmp((const char *)rows + place * row_size, name) != 0)
        place++;
    assert(place < TRACE_STORE_MAX);
    *count += place == *count;
    return place;
}

static void put_pace(struct trace_store *store, const struct pace *pace)
{
    store->paces[place_of(store->paces, sizeof *pace, &store->pace_count, pace->model)] = *pace;
}

static void put_tenant(struct trace_store *store, const struct tenant_row *row)
{
    store->tenants[place_of(store->tenants, sizeof *row, &store->tenant_count, row->tenant)] = *row;
}

static void put_pause(struct trace_store *store, const struct pause_row *row)
{
    store->pauses[place_of(store->pauses, sizeof *row, &store->pause_count, row->provider)] = *row;
}

static void put_waiting(struct trace_store *store, const struct waiting_change *change)
{
    struct waiting_change *row = &store->waiting[place_of(store->waiting, sizeof *row,
                                                          &store->waiting_count, change->tenant)];
    memcpy(row->tenant, change->tenant, sizeof row->tenant);
    row->delta += change->delta;
    assert(row->delta >= 0);
}

static void put_api_key(struct trace_store *store, const struct api_key_change *change)
{
    const struct api_key_row *word = &change->row;
    size_t count = store->api_key_count;
    struct api_key_row *row =
        &store->api_keys[place_of(store->api_keys, sizeof *row, &store->api_key_count, word->id)];
    assert((change->act == API_KEY_MADE) == (count < store->api_key_count));
    if (change->act == API_KEY_MADE)
        *row = *word;
    row->used_at = change->act == API_KEY_USED ? word->used_at : row->used_at;
    row->revoked_at = row->revoked_at ? row->revoked_at : word->revoked_at;
    row->spent += change->act == API_KEY_CHARGED ? word->spent : 0;
    row->reserved += change->act == API_KEY_CHARGED ? word->reserved : 0;
}

static void put_use(struct trace_store *store, const struct change *change)
{
    if (!change->use.done) {
        assert(store->use_count < TRACE_STORE_MAX);
        store->uses[store->use_count].job = change->use.job;
        store->uses[store->use_count++].source = change->use.source;
        return;
    }
    for (size_t n = store->use_count; n > 0; n--) {
        if (store->uses[n - 1].job == change->use.job)
            store->uses[n - 1] = store->uses[--store->use_count];
    }
}

static void put_upload(struct trace_store *store, const struct change *change)
{
    size_t place = 0;
    while (place < store->upload_count && store->uploads[place].key != change->upload.key)
        place++;
    assert((change->kind == CHANGE_UPLOAD_ADD) == (place == store->upload_count));
    if (change->kind == CHANGE_UPLOAD_REMOVE) {
        store->uploads[place] = store->uploads[--store->upload_count];
        return;
    }
    assert(place < TRACE_STORE_MAX);
    store->uploads[store->upload_count++] = change->upload;
}

static void delete_job(struct trace_store *store, int64_t key)
{
    struct job **row = find_job(store, key);
    assert(row && state_is_terminal((*row)->state));
    job_free(*row);
    size_t place = (size_t)(row - store->jobs);
    memmove(row, row + 1, (--store->job_count - place) * sizeof(struct job *));
}

static struct delivery *find_delivery(struct trace_store *store, const struct delivery *row)
{
    for (size_t n = 0; n < store->delivery_count; n++) {
        if (store->deliveries[n].job == row->job && store->deliveries[n].number == row->number)
            return &store->deliveries[n];
    }
    return NULL;
}

static void put_lane(struct trace_store *store, const struct hook_lane *lane, bool is_due)
{
    size_t place = 0;
    while (place < store->lane_count && store->lanes[place].key != lane->key)
        place++;
    assert(place < TRACE_STORE_MAX);
    if (place == store->lane_count) {
        assert(lane->next_at != MS_NEVER || !is_due);
        store->lanes[store->lane_count++] = *lane;
    } else if (!is_due) {
        store->lanes[place] = *lane;
    } else if (lane->next_at < store->lanes[place].next_at) {
        store->lanes[place].next_at = lane->next_at;
    }
    if (store->lanes[place].next_at == MS_NEVER)
        store->lanes[place] = store->lanes[--store->lane_count];
}

static void put_secret(struct trace_store *store, const struct hook_secret *secret)
{
    size_t place = 0;
    while (place < store->secret_count && strcmp(store->secrets[place].tenant, secret->tenant) != 0)
        place++;
    assert(place < TRACE_STORE_MAX);
    store->secrets[place] = *secret;
    store->secret_count += place == store->secret_count;
}

static void forget(struct trace_store *store, int64_t job)
{
    size_t kept = 0;
    for (size_t n = 0; n < store->delivery_count; n++) {
        if (store->deliveries[n].job != job)
            store->deliveries[kept++] = store->deliveries[n];
    }
    store->delivery_count = kept;
}

static void put_spend(struct trace_store *store, const struct spend_row *delta)
{
    struct spend_row *row = store->spends;
    const struct spend_row *end = store->spends + store->spend_count;
    while (row < end &&
           (row->day != delta->day || strcmp(row->tenant, delta->tenant) != 0 ||
            strcmp(row->model, delta->model) != 0 || strcmp(row->provider, delta->provider) != 0))
        row++;
    assert(store->spend_count < TRACE_STORE_MAX);
    if (row == end) {
        store->spend_count++;
        *row = *delta;
    } else {
        row->jobs += delta->jobs;
        row->spent += delta->spent;
        row->reserved += delta->reserved;
    }
    assert(row->jobs >= 0 && row->spent >= 0 && row->reserved >= 0);
}

static void apply_hook(struct trace_store *store, const struct hook_change *change)
{
    struct delivery *row;
    switch (change->kind) {
    case HOOK_INSERT:
        assert(store->delivery_count < TRACE_STORE_MAX);
        assert(!find_delivery(store, &change->insert.row));
        store->deliveries[store->delivery_count++] = change->insert.row;
        break;
    case HOOK_UPDATE:
        row = find_delivery(store, &change->delivery);
        if (row) /* else it was forgotten meanwhile */
            *row = change->delivery;
        break;
    case HOOK_FORGET:
        forget(store, change->job);
        break;
    case HOOK_SECRET:
        put_secret(store, &change->secret);
        break;
    case HOOK_TRY:
        break;
    case HOOK_LANE_DUE:
    case HOOK_LANE_PUT:
        put_lane(store, &change->lane, change->kind == HOOK_LANE_DUE);
        break;
    }
}

void trace_store_apply(struct trace_store *store, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_JOB_INSERT:
    case CHANGE_JOB_UPDATE:
        put_job(store, change->job, change->kind == CHANGE_JOB_INSERT);
        break;
    case CHANGE_TIMELINE:
        assert(find_job(store, change->timeline.job));
        break;
    case CHANGE_KEY:
        put_key(store, &change->key);
        break;
    case CHANGE_DEPENDENCY:
        put_dependency(store, change);
        break;
    case CHANGE_BUCKET:
        put_bucket(store, &change->bucket);
        break;
    case CHANGE_PACE:
        put_pace(store, &change->pace);
        break;
    case CHANGE_API_KEY:
        put_api_key(store, &change->api_key);
        break;
    case CHANGE_TENANT:
        put_tenant(store, &change->tenant);
        break;
    case CHANGE_WAITING:
        put_waiting(store, &change->waiting);
        break;
    case CHANGE_PAUSE:
        put_pause(store, &change->pause);
        break;
    case CHANGE_USE:
        put_use(store, change);
        break;
    case CHANGE_JOB_DELETE:
        delete_job(store, change->job->key);
        break;
    case CHANGE_UPLOAD_ADD:
    case CHANGE_UPLOAD_REMOVE:
        put_upload(store, change);
        break;
    case CHANGE_HOOK:
        apply_hook(store, &change->hook);
        break;
    case CHANGE_SPEND:
        put_spend(store, &change->spend);
        break;
    }
}
