#include "store/ram.h"

#include "base/crypto.h"
#include "base/memory.h"
#include "store/ram_change.h"
#include "store/ram_hook.h"
#include "store/ram_keys.h"
#include "store/ram_reader.h"
#include "store/ram_spend.h"
#include "store/ram_table.h"
#include "store/ram_upload.h"

#include <assert.h>
#include <string.h>

static void rollback(struct ram *ram)
{
    ram_change_undo(ram);
    ram->open = false;
}

/* An ordered fault strikes here; a transaction does not survive it. */
static enum store_result strike(struct ram *ram, enum ram_call call)
{
    enum store_result result = ram->faults[call];
    ram->faults[call] = STORE_OK;
    if (result != STORE_OK)
        rollback(ram);
    return result;
}

static void close_store(struct store *store)
{
    struct ram *ram = ram_of(store);
    rollback(ram);
    ram_table_free(ram);
    pthread_mutex_destroy(&ram->lock);
    memory_free(ram);
}

static enum store_result begin_locked(struct ram *ram)
{
    assert(!ram->open);
    enum store_result result = strike(ram, RAM_BEGIN);
    ram->open = result == STORE_OK;
    return result;
}

static enum store_result begin(struct store *store)
{
    struct ram *ram = ram_of(store);
    pthread_mutex_lock(&ram->lock);
    enum store_result result = begin_locked(ram);
    pthread_mutex_unlock(&ram->lock);
    return result;
}

static enum store_result load_job(struct store *store, int64_t key, struct job **ret_job)
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    enum store_result result = strike(ram, RAM_LOAD);
    if (result != STORE_OK)
        return result;
    const struct ram_row *row = ram_table_find_live(ram, key);
    if (!row)
        return STORE_NONE;
    *ret_job = ram_table_make(&row->job);
    return STORE_OK;
}

static enum store_result load_key(struct store *store, const struct need *need,
                                  struct key_row *ret_row)
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    enum store_result result = strike(ram, RAM_LOAD);
    if (result != STORE_OK)
        return result;
    const struct ram_key *key = ram_table_find_key(ram, need->tenant, need->key_hash);
    if (!key)
        return STORE_NONE;
    *ret_row = key->row;
    return STORE_OK;
}

static enum store_result load_twin(struct store *store, const struct need *need,
                                   struct job **ret_job)
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    enum store_result result = strike(ram, RAM_LOAD);
    if (result != STORE_OK)
        return result;
    struct ram_line *line = ram_table_find_line(ram, need->tenant, need->model);
    if (!line)
        return STORE_NONE;
    int64_t twin = ram_table_twin(line, need->fingerprint);
    struct ram_node *node = ram_tree_before(&ram->twins, twin, INT64_MAX);
    while (node && node->major == twin) {
        const struct ram_row *row = RAM_OWNER(node, struct ram_row, twin);
        if (row->line == line && row->job.fingerprint == need->fingerprint) {
            *ret_job = ram_table_make(&row->job);
            return STORE_OK;
        }
        node = ram_tree_before(&ram->twins, twin, node->minor);
    }
    return STORE_NONE;
}

static enum store_result load_upload(struct store *store, int64_t key, struct upload *ret_upload)
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    enum store_result result = strike(ram, RAM_LOAD);
    return result == STORE_OK ? ram_upload_load(ram, key, ret_upload) : result;
}

static enum store_result load_uploads(struct store *store, const char *tenant, int64_t *ret_bytes,
                                      int64_t *ret_count)
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    enum store_result result = strike(ram, RAM_LOAD);
    if (result == STORE_OK)
        ram_upload_total(ram, tenant, ret_bytes, ret_count);
    return result;
}

static enum store_result load_user(struct store *store, int64_t source, char ret_id[static ID_SIZE])
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    enum store_result result = strike(ram, RAM_LOAD);
    return result == STORE_OK ? ram_upload_user(ram, source, ret_id) : result;
}

static enum store_result load_delivery(struct store *store, const struct need *need,
                                       struct delivery *ret_row)
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    enum store_result result = strike(ram, RAM_LOAD);
    const struct ram_delivery *delivery = ram_hook_find(ram, need->job, need->number);
    if (result != STORE_OK || !delivery)
        return result != STORE_OK ? result : STORE_NONE;
    *ret_row = delivery->row;
    return STORE_OK;
}

static enum store_result load_secret(struct store *store, const struct need *need,
                                     struct hook_secret *ret_row)
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    enum store_result result = strike(ram, RAM_LOAD);
    const struct hook_secret *secret = map_get(&ram->secrets, span_of(need->tenant));
    if (result != STORE_OK || !secret)
        return result != STORE_OK ? result : STORE_NONE;
    *ret_row = *secret;
    return STORE_OK;
}

static enum store_result apply(struct store *store, const struct changes *changes)
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    pthread_mutex_lock(&ram->lock);
    enum store_result result = strike(ram, RAM_APPLY);
    if (result == STORE_OK) {
        result = ram_change_apply(ram, changes);
        if (result != STORE_OK)
            rollback(ram);
    }
    pthread_mutex_unlock(&ram->lock);
    return result;
}

static void get_claim(struct ram *ram, const struct want *want, struct got *ret_got)
{
    struct ram_line *line = ram_table_find_line(ram, want->tenant, want->model);
    if (!line)
        return;
    const struct ram_tree *queue = &ram_table_bucket(line, want->priority)->queue;
    struct ram_node *node = ram_tree_from(queue, INT64_MIN, INT64_MIN);
    while (node && ret_got->row_count < want->limit) {
        ret_got->rows[ret_got->row_count++] =
            ram_table_make(&RAM_OWNER(node, struct ram_row, queue)->job);
        node = ram_tree_after(queue, node);
    }
    if (node)
        ret_got->head_at = node->major;
}

static void get_dependents(const struct ram *ram, const struct want *want, struct got *ret_got)
{
    struct ram_node *node = ram_tree_from(&ram->dependencies, want->job, INT64_MIN);
    for (; node && node->major == want->job && ret_got->row_count < want->limit;
         node = ram_tree_after(&ram->dependencies, node)) {
        const struct ram_row *row = ram_table_find_live(ram, node->minor);
        if (row && row->job.state == STATE_WAITING)
            ret_got->rows[ret_got->row_count++] = ram_table_make(&row->job);
    }
}

static void get_due(const struct ram *ram, const struct want *want, struct got *ret_got)
{
    struct ram_node *node = ram_tree_from(&ram->wake, INT64_MIN, INT64_MIN);
    while (node && node->major <= want->before && ret_got->row_count < want->limit) {
        ret_got->rows[ret_got->row_count++] =
            ram_table_make(&RAM_OWNER(node, struct ram_row, wake)->job);
        node = ram_tree_after(&ram->wake, node);
    }
    if (node)
        ret_got->next_due = node->major;
}

static void get_attempt(const struct ram *ram, const struct want *want, struct got *ret_got)
{
    const struct ram_row *row = ram_table_find_live(ram, want->job);
    for (unsigned n = 0; row && n < row->attempt_count; n++) {
        if (row->attempts[n].number != want->number)
            continue;
        ret_got->attempt = row->attempts[n];
        ret_got->item_count = 1;
    }
}

static void answer(struct ram *ram, const struct want *want, struct got *ret_got)
{
    switch (want->kind) {
    case WANT_CLAIM:
        get_claim(ram, want, ret_got);
        break;
    case WANT_DEPENDENTS:
        get_dependents(ram, want, ret_got);
        break;
    case WANT_DUE:
        get_due(ram, want, ret_got);
        break;
    case WANT_LANES:
    case WANT_DELIVERIES:
        ram_hook_want(ram, want, ret_got);
        break;
    case WANT_ATTEMPT:
        get_attempt(ram, want, ret_got);
        break;
    }
}

static enum store_result get(struct store *store, const struct want *want, struct got *ret_got)
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    pthread_mutex_lock(&ram->lock);
    enum store_result result = strike(ram, RAM_GET);
    if (result == STORE_OK)
        answer(ram, want, ret_got);
    pthread_mutex_unlock(&ram->lock);
    return result;
}
/* At least as many go as came, so that they do not heap up. */
static void drop_expired_keys(struct ram *ram, ms_t now, unsigned left)
{
    struct ram_node *node = ram_tree_from(&ram->expiry, INT64_MIN, INT64_MIN);
    while (node && node->major <= now && left-- > 0) {
        ram_table_remove_key(ram, RAM_OWNER(node, struct ram_key, expiry));
        node = ram_tree_from(&ram->expiry, INT64_MIN, INT64_MIN);
    }
}

static enum store_result commit_locked(struct ram *ram, ms_t now)
{
    enum store_result result = strike(ram, RAM_COMMIT);
    if (result != STORE_OK)
        return result;
    unsigned expired_max = RAM_EXPIRED_MIN + 2 * ram->keys_made;
    ram_change_keep(ram);
    ram->open = false;
    ram->turn++;
    if (now > ram->now)
        ram->now = now;
    drop_expired_keys(ram, ram->now, expired_max);
    ram_hook_expire(ram, ram->now);
    return strike(ram, RAM_COMMIT_KEPT);
}

static enum store_result commit(struct store *store, ms_t now)
{
    struct ram *ram = ram_of(store);
    assert(ram->open);
    pthread_mutex_lock(&ram->lock);
    enum store_result result = commit_locked(ram, now);
    pthread_mutex_unlock(&ram->lock);
    return result;
}

static void rollback_store(struct store *store)
{
    struct ram *ram = ram_of(store);
    pthread_mutex_lock(&ram->lock);
    rollback(ram);
    pthread_mutex_unlock(&ram->lock);
}

/* The core forgets what an empty bucket ever counted when it starts, so the store does too. */
static void tell_bucket(struct ram_bucket *bucket, const struct store_sink *sink)
{
    if (bucket->count == 0) {
        bucket->arrived = 0;
        return;
    }
    struct bucket_change totals = {.priority = (int)bucket->node.major,
                                   .delta_count = bucket->count,
                                   .delta_arrived = bucket->arrived};
    const struct ram_line *line = bucket->line;
    (void)span_copy(span_of(line->name), totals.tenant, sizeof totals.tenant);
    struct span model =
        span_make(line->name + line->tenant_size + 1, line->name_size - line->tenant_size - 1);
    (void)span_copy(model, totals.model, sizeof totals.model);
    const struct ram_node *head = ram_tree_from(&bucket->queue, INT64_MIN, INT64_MIN);
    sink->bucket(sink->context, &totals, head ? head->major : MS_NEVER);
}

static enum store_result start(struct store *store, const struct store_sink *sink)
{
    struct ram *ram = ram_of(store);
    assert(!ram->open);
    const struct ram_node *wake = ram_tree_from(&ram->wake, INT64_MIN, INT64_MIN);
    sink->meta(sink->context, ram->turn, ram->now, ram->last_key, wake ? wake->major : MS_NEVER);
    size_t cursor = 0;
    for (struct pace *pace; (pace = map_next(&ram->paces, &cursor));)
        sink->pace(sink->context, pace);
    cursor = 0;
    for (struct ram_line *line; (line = map_next(&ram->lines, &cursor));) {
        for (struct ram_node *node = ram_tree_from(&line->buckets, INT64_MIN, INT64_MIN); node;
             node = ram_tree_after(&line->buckets, node))
            tell_bucket(RAM_OWNER(node, struct ram_bucket, node), sink);
    }
    ram_keys_start(ram, sink);
    ram_spend_start(ram, sink);
    for (struct ram_node *node = ram_tree_from(&ram->flight, INT64_MIN, INT64_MIN); node;
         node = ram_tree_after(&ram->flight, node))
        sink->job(sink->context, ram_table_make(&RAM_OWNER(node, struct ram_row, flight)->job));
    return STORE_OK;
}

static int64_t hooks_pending(struct store *store)
{
    return ram_of(store)->hooks_pending;
}

static struct reader *open_reader(struct store *store, char ret_fault[static STORE_FAULT_SIZE])
{
    ret_fault[0] = '\0';
    return ram_reader_open(ram_of(store));
}

static const struct store_type ram_type = {
    .name = "ram",
    .close = close_store,
    .begin = begin,
    .load_job = load_job,
    .load_key = load_key,
    .load_twin = load_twin,
    .load_upload = load_upload,
    .load_uploads = load_uploads,
    .load_user = load_user,
    .load_delivery = load_delivery,
    .load_secret = load_secret,
    .apply = apply,
    .get = get,
    .commit = commit,
    .rollback = rollback_store,
    .start = start,
    .hooks_pending = hooks_pending,
    .open_reader = open_reader,
};

struct store *ram_open(void)
{
    struct ram *ram = memory_new(struct ram);
    ram->store.type = &ram_type;
    pthread_mutex_init(&ram->lock, NULL);
    unsigned char secret[32];
    crypto_random(secret, sizeof secret);
    crypto_hex(secret, sizeof secret, ram->url_secret);
    return &ram->store;
}

struct store *ram_copy(struct store *store)
{
    const struct ram *from = ram_of(store);
    assert(!from->open);
    struct store *copy = ram_open();
    ram_table_clone(ram_of(copy), from);
    return copy;
}

void ram_crash(struct store *store)
{
    struct ram *ram = ram_of(store);
    rollback_store(store);
    memset(ram->faults, 0, sizeof ram->faults);
}

void ram_fail_next(struct store *store, enum ram_call call, enum store_result result)
{
    assert(call < RAM_CALL_COUNT && result != STORE_NONE);
    ram_of(store)->faults[call] = result;
}

const struct job *ram_next_job(const struct store *store, size_t *cursor)
{
    const struct ram *ram = ram_of(store);
    while (*cursor < ram->rows.count) {
        const struct job *job = ram_table_committed(ram->rows.list[(*cursor)++]);
        if (job)
            return job;
    }
    return NULL;
}

const struct job *ram_find_job(const struct store *store, int64_t key)
{
    const struct ram_row *row = ram_table_find(ram_of(store), key);
    return row ? ram_table_committed(row) : NULL;
}

const struct spend_row *ram_next_spend(const struct store *store, size_t *cursor)
{
    const struct ram_spend *spend = map_next(&ram_of(store)->spends, cursor);
    return spend ? &spend->before : NULL;
}

const struct api_key_row *ram_next_api_key(const struct store *store, size_t *cursor)
{
    const struct ram_api_key *key = map_next(&ram_of(store)->api_keys, cursor);
    return key ? &key->before : NULL;
}

const struct upload *ram_next_upload(const struct store *store, size_t *cursor)
{
    const struct ram_upload *upload = map_next(&ram_of(store)->uploads, cursor);
    return upload ? &upload->upload : NULL;
}

int64_t ram_turn(const struct store *store)
{
    return ram_of(store)->turn;
}

const struct delivery *ram_next_delivery(const struct store *store, const struct delivery *after,
                                         const char **ret_body)
{
    const struct ram *ram = ram_of(store);
    struct ram_node *node = ram_tree_from(&ram->deliveries, after ? after->job : INT64_MIN,
                                          after ? (int64_t)after->number + 1 : INT64_MIN);
    if (!node)
        return NULL;
    const struct ram_delivery *delivery = RAM_OWNER(node, struct ram_delivery, place);
    *ret_body = delivery->body;
    return &delivery->row;
}

const struct delivery *ram_find_delivery(const struct store *store, int64_t job, unsigned number,
                                         const char **ret_body)
{
    const struct ram_delivery *delivery = ram_hook_find(ram_of(store), job, number);
    if (!delivery)
        return NULL;
    *ret_body = delivery->body;
    return &delivery->row;
}

ms_t ram_lane_next(const struct store *store, int64_t lane)
{
    const struct ram_hook_lane *found =
        map_get(&ram_of(store)->lanes, span_make(&lane, sizeof lane));
    return found ? found->row.next_at : MS_NEVER;
}
