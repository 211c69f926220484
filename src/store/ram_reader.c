#include "store/ram_reader.h"

#include "base/memory.h"
#include "store/ram_hook.h"
#include "store/ram_keys.h"
#include "store/ram_spend.h"
#include "store/ram_upload.h"
#include "store/reading.h"

#include <string.h>

struct ram_reader {
    struct reader reader;
    struct ram *ram; /* borrowed */
};

static struct ram *ram_behind(struct reader *reader)
{
    return ((struct ram_reader *)(void *)reader)->ram;
}

static void close_reader(struct reader *reader)
{
    memory_free(reader);
}

static int64_t committed_count(const struct ram_bucket *bucket)
{
    return bucket->touched ? bucket->count_before : bucket->count;
}

static int64_t position(const struct ram_row *row, const struct job *job)
{
    int64_t above = 0, own = 1;
    for (struct ram_node *node = ram_tree_from(&row->line->buckets, job->priority, 0); node;
         node = ram_tree_after(&row->line->buckets, node)) {
        const struct ram_bucket *bucket = RAM_OWNER(node, struct ram_bucket, node);
        int64_t arrived = bucket->touched ? bucket->arrived_before : bucket->arrived;
        if (node->major == job->priority)
            own = reading_place(committed_count(bucket), arrived, job->ticket);
        else
            above += committed_count(bucket);
    }
    return above + own;
}

static enum store_result read_job(struct reader *reader, int64_t key, struct job *ret_job,
                                  struct job_place *ret_place)
{
    struct ram *ram = ram_behind(reader);
    pthread_mutex_lock(&ram->lock);
    const struct ram_row *row = ram_table_find(ram, key);
    const struct job *job = row ? ram_table_committed(row) : NULL;
    if (job) {
        ram_table_read(ret_job, job);
        if (ret_place)
            ret_place->position = job->state == STATE_QUEUED ? position(row, job) : 0;
    }
    pthread_mutex_unlock(&ram->lock);
    return job ? STORE_OK : STORE_NONE;
}

/* The first row whose key is smaller than `before` is the one before the place that is given. */
static size_t place_before(const struct ram_rows *rows, int64_t before)
{
    size_t low = 0, high = rows->count;
    while (before > 0 && low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->list[middle]->job.key < before)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

static struct job *make_listed(const struct job *source)
{
    struct job *job = ram_table_make(source);
    memory_free(job->words);
    job->words = NULL;
    return job;
}

static enum store_result read_list(struct reader *reader, const struct reader_filter *filter,
                                   struct job **ret_jobs, unsigned *ret_count, int64_t *ret_next)
{
    struct ram *ram = ram_behind(reader);
    unsigned count = 0, scanned = 0;
    int64_t last = 0;
    pthread_mutex_lock(&ram->lock);
    size_t place = place_before(&ram->rows, filter->before);
    while (place > 0 && count < filter->limit && scanned < READER_SCAN_MAX) {
        const struct job *job = ram_table_committed(ram->rows.list[--place]);
        if (!job || (filter->tenant && strcmp(filter->tenant, job->tenant) != 0))
            continue;
        if (job->created_at < filter->since) {
            place = 0;
            break;
        }
        scanned++;
        last = job->key;
        if (reading_matches(filter, job))
            ret_jobs[count++] = make_listed(job);
    }
    pthread_mutex_unlock(&ram->lock);
    *ret_count = count;
    *ret_next = place > 0 ? last : 0;
    return STORE_OK;
}

static enum store_result read_timeline(struct reader *reader, int64_t key,
                                       struct timeline_entry *ret_entries, unsigned *ret_count)
{
    struct ram *ram = ram_behind(reader);
    pthread_mutex_lock(&ram->lock);
    const struct ram_row *row = ram_table_find(ram, key);
    bool found = row && ram_table_committed(row);
    unsigned count = !found ? 0 : row->before ? row->before->timeline_count : row->timeline_count;
    if (count > READER_TIMELINE_MAX)
        count = READER_TIMELINE_MAX;
    for (unsigned n = 0; n < count; n++) {
        const struct ram_entry *entry = &row->timeline[n];
        ret_entries[n] = (struct timeline_entry){.job = key,
                                                 .number = entry->number,
                                                 .at = entry->at,
                                                 .from = entry->from,
                                                 .to = entry->to,
                                                 .attempt = entry->attempt,
                                                 .error = entry->error};
        (void)span_copy(span_of(entry->note), ret_entries[n].note, sizeof ret_entries[n].note);
    }
    pthread_mutex_unlock(&ram->lock);
    if (found)
        *ret_count = count;
    return found ? STORE_OK : STORE_NONE;
}

static enum store_result read_attempts(struct reader *reader, int64_t key,
                                       struct attempt *ret_attempts, unsigned *ret_count)
{
    struct ram *ram = ram_behind(reader);
    pthread_mutex_lock(&ram->lock);
    const struct ram_row *row = ram_table_find(ram, key);
    bool found = row && ram_table_committed(row);
    unsigned count = !found ? 0 : row->before ? row->before->attempt_count : row->attempt_count;
    if (count > READER_TIMELINE_MAX)
        count = READER_TIMELINE_MAX;
    if (count)
        memcpy(ret_attempts, row->before ? row->before->attempts : row->attempts,
               count * sizeof *ret_attempts);
    pthread_mutex_unlock(&ram->lock);
    if (found)
        *ret_count = count;
    return found ? STORE_OK : STORE_NONE;
}

static enum store_result read_remote_id(struct reader *reader, const char *id, int64_t *ret_job)
{
    struct ram *ram = ram_behind(reader);
    enum store_result result = STORE_NONE;
    pthread_mutex_lock(&ram->lock);
    for (size_t place = 0; place < ram->rows.count && result == STORE_NONE; place++) {
        const struct ram_row *row = ram->rows.list[place];
        const struct attempt *list = row->before ? row->before->attempts : row->attempts;
        unsigned count = row->before ? row->before->attempt_count : row->attempt_count;
        for (unsigned n = 0; n < count && ram_table_committed(row); n++) {
            if (strcmp(list[n].remote_id, id) != 0)
                continue;
            *ret_job = row->job.key;
            result = STORE_OK;
        }
    }
    pthread_mutex_unlock(&ram->lock);
    return result;
}

static enum store_result read_setting(struct reader *reader, const char *name, char *ret_text,
                                      size_t capacity)
{
    const struct ram *ram = ram_behind(reader);
    if (strcmp(name, "url_secret") != 0)
        return STORE_NONE;
    return span_copy(span_of(ram->url_secret), ret_text, capacity) ? STORE_OK : STORE_NONE;
}

static enum store_result read_api_keys(struct reader *reader, const struct reader_keys_sink *sink)
{
    struct ram *ram = ram_behind(reader);
    pthread_mutex_lock(&ram->lock);
    ram_keys_tell(ram, sink);
    pthread_mutex_unlock(&ram->lock);
    return STORE_OK;
}

/* ---------------------------------------------------------------- uploads and the sweeper
 *
 * What an open transaction lets jobs read counts already: the sweeper asks the core anyway. */

static enum store_result read_upload(struct reader *reader, int64_t key, struct upload *ret_upload)
{
    struct ram *ram = ram_behind(reader);
    pthread_mutex_lock(&ram->lock);
    const struct ram_upload *upload = map_get(&ram->uploads, span_make(&key, sizeof key));
    bool found = upload && !upload->is_new;
    if (found)
        *ret_upload = upload->upload;
    pthread_mutex_unlock(&ram->lock);
    return found ? STORE_OK : STORE_NONE;
}

static enum store_result read_expired(struct reader *reader, ms_t now,
                                      struct reader_sweep *ret_list, unsigned *ret_count)
{
    struct ram *ram = ram_behind(reader);
    unsigned count = 0;
    pthread_mutex_lock(&ram->lock);
    struct ram_node *node = ram_tree_from(&ram->upload_expiry, INT64_MIN, INT64_MIN);
    for (; node && node->major <= now && count < READER_SWEEP_MAX;
         node = ram_tree_after(&ram->upload_expiry, node)) {
        const struct ram_upload *upload = RAM_OWNER(node, struct ram_upload, expiry);
        if (!upload->is_new && !ram_upload_is_used(ram, upload_source(upload->upload.key)))
            ret_list[count++] =
                (struct reader_sweep){.key = upload->upload.key, .size = upload->upload.size};
    }
    pthread_mutex_unlock(&ram->lock);
    *ret_count = count;
    return STORE_OK;
}

static int64_t bytes_of(const struct job *job)
{
    int64_t bytes = 0;
    for (unsigned n = 0; n < job->output_count; n++)
        bytes += job->outputs[n].size;
    return bytes;
}

/* The job with files that ended first, after `last`. */
static const struct job *next_kept(const struct ram *ram, const struct job *last)
{
    const struct job *next = NULL;
    for (size_t n = 0; n < ram->rows.count; n++) {
        const struct job *job = ram_table_committed(ram->rows.list[n]);
        if (!job || job->output_count == 0 || job->removed_at)
            continue;
        bool is_later = !last || job->ended_at > last->ended_at ||
                        (job->ended_at == last->ended_at && job->key > last->key);
        if (is_later && (!next || job->ended_at < next->ended_at))
            next = job;
    }
    return next;
}

static enum store_result read_kept(struct reader *reader, ms_t until, struct reader_sweep *ret_list,
                                   unsigned *ret_count)
{
    struct ram *ram = ram_behind(reader);
    unsigned count = 0;
    pthread_mutex_lock(&ram->lock);
    for (const struct job *job = next_kept(ram, NULL);
         job && job->ended_at <= until && count < READER_SWEEP_MAX; job = next_kept(ram, job)) {
        if (!ram_upload_is_used(ram, job->key))
            ret_list[count++] = (struct reader_sweep){.key = job->key, .size = bytes_of(job)};
    }
    pthread_mutex_unlock(&ram->lock);
    *ret_count = count;
    return STORE_OK;
}

static enum store_result read_kept_bytes(struct reader *reader, int64_t *ret_bytes)
{
    struct ram *ram = ram_behind(reader);
    int64_t bytes = 0;
    pthread_mutex_lock(&ram->lock);
    for (size_t n = 0; n < ram->rows.count; n++) {
        const struct job *job = ram_table_committed(ram->rows.list[n]);
        bytes += job && !job->removed_at ? bytes_of(job) : 0;
    }
    pthread_mutex_unlock(&ram->lock);
    *ret_bytes = bytes;
    return STORE_OK;
}

/* ---------------------------------------------------------------- webhooks
 *
 * Rows of the open transaction are seen too: nobody reads a memory store of another thread's. */

static enum store_result read_delivery(struct reader *reader, int64_t job, unsigned number,
                                       struct delivery *ret_row, char **ret_body)
{
    struct ram *ram = ram_behind(reader);
    pthread_mutex_lock(&ram->lock);
    const struct ram_delivery *delivery = ram_hook_find(ram, job, number);
    if (delivery) {
        *ret_row = delivery->row;
        *ret_body = memory_copy(span_of(delivery->body));
    }
    pthread_mutex_unlock(&ram->lock);
    return delivery ? STORE_OK : STORE_NONE;
}

static enum store_result read_deliveries(struct reader *reader, int64_t job,
                                         struct delivery *ret_rows, unsigned *ret_count)
{
    struct ram *ram = ram_behind(reader);
    unsigned count = 0;
    pthread_mutex_lock(&ram->lock);
    struct ram_node *node = ram_tree_before(&ram->deliveries, job, INT64_MAX);
    while (node && node->major == job && count < READER_DELIVERIES_MAX) {
        ret_rows[count++] = RAM_OWNER(node, struct ram_delivery, place)->row;
        node = ram_tree_before(&ram->deliveries, job, node->minor);
    }
    pthread_mutex_unlock(&ram->lock);
    *ret_count = count;
    return STORE_OK;
}

static enum store_result read_tries(struct reader *reader, int64_t job, unsigned number,
                                    struct delivery_try *ret_tries, unsigned *ret_count)
{
    struct ram *ram = ram_behind(reader);
    unsigned count = 0;
    pthread_mutex_lock(&ram->lock);
    const struct ram_delivery *delivery = ram_hook_find(ram, job, number);
    for (; delivery && count < delivery->log_count; count++)
        ret_tries[count] = delivery->log[count];
    pthread_mutex_unlock(&ram->lock);
    *ret_count = count;
    return STORE_OK;
}

static enum store_result read_secret(struct reader *reader, const char *tenant,
                                     struct hook_secret *ret_row)
{
    struct ram *ram = ram_behind(reader);
    pthread_mutex_lock(&ram->lock);
    const struct hook_secret *secret = map_get(&ram->secrets, span_of(tenant));
    if (secret)
        *ret_row = *secret;
    pthread_mutex_unlock(&ram->lock);
    return secret ? STORE_OK : STORE_NONE;
}

static enum store_result read_usage(struct reader *reader, const struct reader_usage_filter *filter,
                                    struct reader_usage *ret_usage)
{
    struct ram *ram = ram_behind(reader);
    pthread_mutex_lock(&ram->lock);
    ram_spend_read(ram, filter, ret_usage);
    pthread_mutex_unlock(&ram->lock);
    return STORE_OK;
}

static const struct reader_type ram_reader_type = {
    .close = close_reader,
    .job = read_job,
    .list = read_list,
    .timeline = read_timeline,
    .attempts = read_attempts,
    .remote_id = read_remote_id,
    .setting = read_setting,
    .api_keys = read_api_keys,
    .upload = read_upload,
    .expired = read_expired,
    .kept = read_kept,
    .kept_bytes = read_kept_bytes,
    .delivery = read_delivery,
    .deliveries = read_deliveries,
    .tries = read_tries,
    .secret = read_secret,
    .usage = read_usage,
};

struct reader *ram_reader_open(struct ram *ram)
{
    struct ram_reader *reader = memory_new(struct ram_reader);
    reader->reader.type = &ram_reader_type;
    reader->ram = ram;
    return &reader->reader;
}
