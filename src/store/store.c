#include "store/store.h"

#include "base/memory.h"

#include <assert.h>

void store_close(struct store *store)
{
    if (store)
        store->type->close(store);
}

enum store_result store_begin(struct store *store)
{
    return store->type->begin(store);
}

enum store_result store_load_job(struct store *store, int64_t key, struct job **ret_job)
{
    assert(key > 0);
    return store->type->load_job(store, key, ret_job);
}

enum store_result store_load_key(struct store *store, const struct need *need,
                                 struct key_row *ret_row)
{
    assert(need->kind == NEED_KEY);
    assert(need->key_hash.size == KEY_HASH_SIZE);
    return store->type->load_key(store, need, ret_row);
}

enum store_result store_load_twin(struct store *store, const struct need *need,
                                  struct job **ret_job)
{
    assert(need->kind == NEED_TWIN);
    return store->type->load_twin(store, need, ret_job);
}

enum store_result store_load_upload(struct store *store, int64_t key, struct upload *ret_upload)
{
    return store->type->load_upload(store, key, ret_upload);
}

enum store_result store_load_uploads(struct store *store, const char *tenant, int64_t *ret_bytes,
                                     int64_t *ret_count)
{
    return store->type->load_uploads(store, tenant, ret_bytes, ret_count);
}

enum store_result store_load_user(struct store *store, int64_t source, char ret_id[static ID_SIZE])
{
    assert(source != 0);
    return store->type->load_user(store, source, ret_id);
}

enum store_result store_load_delivery(struct store *store, const struct need *need,
                                      struct delivery *ret_row)
{
    assert(need->kind == NEED_DELIVERY);
    return store->type->load_delivery(store, need, ret_row);
}

enum store_result store_load_secret(struct store *store, const struct need *need,
                                    struct hook_secret *ret_row)
{
    assert(need->kind == NEED_SECRET);
    return store->type->load_secret(store, need, ret_row);
}

enum store_result store_apply(struct store *store, const struct changes *changes)
{
    return changes->count ? store->type->apply(store, changes) : STORE_OK;
}

enum store_result store_get(struct store *store, const struct want *want, struct got *ret_got)
{
    assert(want->limit <= WANT_ROWS_MAX);
    *ret_got = (struct got){.want = *want, .head_at = MS_NEVER, .next_due = MS_NEVER};
    enum store_result result = store->type->get(store, want, ret_got);
    if (result != STORE_OK) {
        for (unsigned n = 0; n < ret_got->row_count; n++)
            job_free(ret_got->rows[n]);
        ret_got->row_count = 0;
    }
    return result;
}

enum store_result store_commit(struct store *store, ms_t now)
{
    assert(now >= 0);
    return store->type->commit(store, now);
}

void store_rollback(struct store *store)
{
    store->type->rollback(store);
}

enum store_result store_start(struct store *store, const struct store_sink *sink)
{
    assert(sink->meta && sink->pace && sink->bucket && sink->job);
    return store->type->start(store, sink);
}

int64_t store_hooks_pending(struct store *store)
{
    return store->type->hooks_pending(store);
}

struct reader *store_open_reader(struct store *store, char ret_fault[static STORE_FAULT_SIZE])
{
    return store->type->open_reader(store, ret_fault);
}

void reader_hold(struct reader *reader)
{
    if (reader->type->hold)
        reader->type->hold(reader);
}

void reader_rest(struct reader *reader)
{
    if (reader->type->rest)
        reader->type->rest(reader);
}

void reader_close(struct reader *reader)
{
    if (reader)
        reader->type->close(reader);
}

enum store_result reader_job(struct reader *reader, int64_t key, struct job *ret_job,
                             struct job_place *ret_place)
{
    if (key <= 0)
        return STORE_NONE;
    return reader->type->job(reader, key, ret_job, ret_place);
}

const struct job *reader_kept_job(struct reader *reader, int64_t key, struct job_place *ret_place)
{
    if (key <= 0 || !reader->type->kept_job)
        return NULL;
    return reader->type->kept_job(reader, key, ret_place);
}

void reader_job_done(struct job *job)
{
    memory_free(job->input);
    memory_free(job->metadata);
    memory_free(job->options);
    memory_free(job->warnings);
    memory_free(job->words);
    memory_free(job->route);
    job->input = job->metadata = job->options = job->warnings = job->words = job->route = NULL;
}

enum store_result reader_list(struct reader *reader, const struct reader_filter *filter,
                              struct job **ret_jobs, unsigned *ret_count, int64_t *ret_next)
{
    assert(filter->limit > 0 && filter->limit <= READER_LIMIT_MAX);
    return reader->type->list(reader, filter, ret_jobs, ret_count, ret_next);
}

enum store_result reader_timeline(struct reader *reader, int64_t key,
                                  struct timeline_entry *ret_entries, unsigned *ret_count)
{
    return reader->type->timeline(reader, key, ret_entries, ret_count);
}

enum store_result reader_attempts(struct reader *reader, int64_t key, struct attempt *ret_attempts,
                                  unsigned *ret_count)
{
    return reader->type->attempts(reader, key, ret_attempts, ret_count);
}

enum store_result reader_upload(struct reader *reader, int64_t key, struct upload *ret_upload)
{
    return key > 0 ? reader->type->upload(reader, key, ret_upload) : STORE_NONE;
}

enum store_result reader_usage(struct reader *reader, const struct reader_usage_filter *filter,
                               struct reader_usage *ret_usage)
{
    assert(filter->from > 0 && filter->to - filter->from < SPEND_DAYS_MAX);
    ret_usage->count = 0;
    ret_usage->more = false;
    ret_usage->total = (struct spend_row){.day = 0};
    return reader->type->usage(reader, filter, ret_usage);
}

enum store_result reader_expired(struct reader *reader, ms_t now, struct reader_sweep *ret_list,
                                 unsigned *ret_count)
{
    return reader->type->expired(reader, now, ret_list, ret_count);
}

enum store_result reader_kept(struct reader *reader, ms_t until, struct reader_sweep *ret_list,
                              unsigned *ret_count)
{
    return reader->type->kept(reader, until, ret_list, ret_count);
}

enum store_result reader_kept_bytes(struct reader *reader, int64_t *ret_bytes)
{
    return reader->type->kept_bytes(reader, ret_bytes);
}

enum store_result reader_setting(struct reader *reader, const char *name, char *ret_text,
                                 size_t capacity)
{
    assert(capacity > 0);
    return reader->type->setting(reader, name, ret_text, capacity);
}

enum store_result reader_api_keys(struct reader *reader, const struct reader_keys_sink *sink)
{
    assert(sink->tenant && sink->api_key);
    return reader->type->api_keys(reader, sink);
}

enum store_result reader_delivery(struct reader *reader, int64_t job, unsigned number,
                                  struct delivery *ret_row, char **ret_body)
{
    return reader->type->delivery(reader, job, number, ret_row, ret_body);
}

enum store_result reader_deliveries(struct reader *reader, int64_t job, struct delivery *ret_rows,
                                    unsigned *ret_count)
{
    return reader->type->deliveries(reader, job, ret_rows, ret_count);
}

enum store_result reader_tries(struct reader *reader, int64_t job, unsigned delivery,
                               struct delivery_try *ret_tries, unsigned *ret_count)
{
    return reader->type->tries(reader, job, delivery, ret_tries, ret_count);
}

enum store_result reader_secret(struct reader *reader, const char *tenant,
                                struct hook_secret *ret_row)
{
    return reader->type->secret(reader, tenant, ret_row);
}

enum store_result reader_remote_id(struct reader *reader, const char *id, int64_t *ret_job)
{
    return *id ? reader->type->remote_id(reader, id, ret_job) : STORE_NONE;
}
