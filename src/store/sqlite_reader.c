#include "store/sqlite_reader.h"

#include "base/memory.h"
#include "store/reading.h"
#include "store/sqlite_keys.h"
#include "store/sqlite_reader_statement.h"
#include "store/sqlite_row.h"
#include "store/sqlite_spend.h"

struct sqlite_reader {
    struct reader reader;
    struct sqlite_connection connection;
    sqlite3_vfs *vfs;
    ms_t deadline; /* of the call, in the time of the vfs */
    const struct recent_marks *marks;
    bool holds, has_view; /* has_view: a transaction is open, begun when … */
    uint_fast64_t view;   /* … so many commits had been made */
    struct recent *recent;
};

static struct sqlite_reader *reader_of(struct reader *reader)
{
    return (struct sqlite_reader *)(void *)reader;
}

/* This room asks no clock of the system's; SQLite has one behind its own seam, and to give up a
 * read too early or too late after a jump of the wall clock does no harm. */
static ms_t clock_now(const struct sqlite_reader *reader)
{
    sqlite3_int64 now = 0;
    (void)reader->vfs->xCurrentTimeInt64(reader->vfs, &now);
    return now;
}

/* SQLite asks now and then whether it shall stop. */
static int is_late(void *context)
{
    const struct sqlite_reader *reader = context;
    return clock_now(reader) > reader->deadline;
}

static void limit_time(struct sqlite_reader *reader, ms_t limit)
{
    reader->deadline = clock_now(reader) + limit;
}

static void rest(struct reader *reader);

static void close_reader(struct reader *reader)
{
    rest(reader);
    recent_free(reader_of(reader)->recent);
    sqlite_connection_close(&reader_of(reader)->connection);
    memory_free(reader);
}

static void rest(struct reader *reader)
{
    struct sqlite_reader *own = reader_of(reader);
    if (own->has_view)
        (void)sqlite_connection_do(&own->connection, READ_END);
    own->has_view = false;
}

static void hold(struct reader *reader)
{
    reader_of(reader)->holds = true;
}

/* The count is read before the transaction takes its view, which is therefore at least as new. */
static void take_view(struct sqlite_reader *reader)
{
    uint_fast64_t commits = atomic_load(&reader->marks->commits);
    if (!reader->holds || (reader->has_view && reader->view == commits))
        return;
    rest(&reader->reader);
    reader->view = commits;
    reader->has_view = sqlite_connection_do(&reader->connection, READ_BEGIN) == STORE_OK;
}

static enum store_result read_place(struct sqlite_reader *reader, const struct job *job,
                                    struct job_place *ret_place)
{
    struct sqlite_connection *connection = &reader->connection;
    sqlite3_stmt *statement = connection->statements[READ_PLACE];
    enum store_result result = STORE_OK;
    int64_t above = 0, own = 1;
    ret_place->position = 0;
    if (job->state != STATE_QUEUED)
        return STORE_OK;
    if (recent_find_place(reader->recent, job->key, &ret_place->position))
        return STORE_OK;
    take_view(reader);
    sqlite_connection_text(connection, READ_PLACE, 1, job->tenant);
    sqlite_connection_text(connection, READ_PLACE, 2, job->model);
    sqlite_connection_number(connection, READ_PLACE, 3, job->priority);
    while ((result = sqlite_connection_step(connection, READ_PLACE)) == STORE_OK) {
        int64_t count = sqlite3_column_int64(statement, 1);
        if (sqlite3_column_int64(statement, 0) == job->priority)
            own = reading_place(count, sqlite3_column_int64(statement, 2), job->ticket);
        else
            above += count;
    }
    ret_place->position = above + own;
    if (result == STORE_NONE && reader->has_view)
        recent_keep_place(reader->recent, reader->view, job->key, ret_place->position);
    return result == STORE_NONE ? STORE_OK : result;
}

/* Reads the row with its newest attempt and its outputs. The first statement is reset last: as long
 * as it stands, all see the same moment. */
static enum store_result read_row(struct sqlite_reader *reader, int64_t key, struct job *ret_job)
{
    struct sqlite_connection *connection = &reader->connection;
    take_view(reader);
    sqlite_connection_number(connection, READ_JOB, 1, key);
    enum store_result result = sqlite_connection_step(connection, READ_JOB);
    if (result != STORE_OK)
        return result;
    *ret_job = (struct job){0};
    list_init(&ret_job->link);
    list_init(&ret_job->dirty_link);
    sqlite_row_read(connection->statements[READ_JOB], ret_job);
    result = sqlite_row_complete(connection, READ_ATTEMPT, READ_OUTPUTS, ret_job);
    sqlite_connection_reset(connection, READ_JOB);
    if (result != STORE_OK)
        reader_job_done(ret_job);
    else if (reader->has_view)
        recent_keep(reader->recent, reader->view, ret_job);
    return result;
}

static enum store_result read_job(struct reader *reader, int64_t key, struct job *ret_job,
                                  struct job_place *ret_place)
{
    struct sqlite_reader *own = reader_of(reader);
    limit_time(own, SQLITE_READER_POINT_MS);
    if (!own->holds || !recent_find(own->recent, key, ret_job)) {
        enum store_result result = read_row(own, key, ret_job);
        if (result != STORE_OK)
            return result;
    }
    enum store_result result = ret_place ? read_place(own, ret_job, ret_place) : STORE_OK;
    if (result != STORE_OK)
        reader_job_done(ret_job);
    return result;
}

static const struct job *kept_job(struct reader *reader, int64_t key, struct job_place *ret_place)
{
    const struct sqlite_reader *own = reader_of(reader);
    const struct job *job = own->holds ? recent_look(own->recent, key) : NULL;
    ret_place->position = 0;
    if (!job ||
        (job->state == STATE_QUEUED && !recent_find_place(own->recent, key, &ret_place->position)))
        return NULL;
    return job;
}

/* ---------------------------------------------------------------- lists */

/* One row of the scan: only what filters look at. */
static void read_scanned(sqlite3_stmt *statement, struct job *job)
{
    job->key = sqlite3_column_int64(statement, 0);
    (void)sqlite_row_text(statement, 1, job->tenant, sizeof job->tenant);
    (void)sqlite_row_text(statement, 2, job->model, sizeof job->model);
    (void)sqlite_row_text(statement, 3, job->provider, sizeof job->provider);
    job->state = sqlite_row_state(statement, 4);
    job->created_at = sqlite3_column_int64(statement, 5);
}

/* Reads the whole job when it passes; *ret_job is NULL when it does not. */
static enum store_result read_match(struct sqlite_connection *connection,
                                    const struct reader_filter *filter, int64_t key,
                                    struct job **ret_job)
{
    *ret_job = NULL;
    sqlite_connection_number(connection, READ_JOB, 1, key);
    enum store_result result = sqlite_connection_step(connection, READ_JOB);
    if (result != STORE_OK)
        return result;
    struct job *job = job_make();
    sqlite_row_read(connection->statements[READ_JOB], job);
    bool matches = reading_matches(filter, job);
    if (matches)
        result = sqlite_row_complete(connection, READ_ATTEMPT, READ_OUTPUTS_LISTED, job);
    sqlite_connection_reset(connection, READ_JOB);
    if (matches && result == STORE_OK)
        *ret_job = job;
    else
        job_free(job);
    return result;
}

struct scan {
    const struct reader_filter *filter;
    struct reader_filter cheap; /* without what needs the whole row */
    struct job **jobs;
    unsigned count, scanned;
    int64_t last; /* the key that was looked at last */
    bool ended;   /* nothing older can match */
};

static enum store_result scan_row(struct sqlite_reader *reader,
                                  enum sqlite_reader_statement statement, struct scan *scan)
{
    struct job row = {.key = 0}, *job = NULL;
    read_scanned(reader->connection.statements[statement], &row);
    scan->last = row.key;
    scan->scanned++;
    /* Keys and times of creation grow together. */
    if (row.created_at < scan->filter->since) {
        scan->ended = true;
        return STORE_OK;
    }
    if (!reading_matches(&scan->cheap, &row))
        return STORE_OK;
    /* Many rows that only their metadata can tell apart take long without SQLite's asking. */
    if (is_late(reader))
        return STORE_BUSY;
    enum store_result result = read_match(&reader->connection, scan->filter, row.key, &job);
    if (job)
        scan->jobs[scan->count++] = job;
    return result;
}

static enum store_result scan_rows(struct sqlite_reader *reader, struct scan *scan)
{
    struct sqlite_connection *connection = &reader->connection;
    enum sqlite_reader_statement statement = scan->filter->tenant ? READ_LIST_TENANT : READ_LIST;
    int64_t before = scan->filter->before > 0 ? scan->filter->before : INT64_MAX;
    enum store_result result = STORE_OK;
    sqlite_connection_number(connection, statement, 1, before);
    sqlite_connection_number(connection, statement, 2, READER_SCAN_MAX);
    if (scan->filter->tenant)
        sqlite_connection_text(connection, statement, 3, scan->filter->tenant);
    while (result == STORE_OK && scan->count < scan->filter->limit && !scan->ended) {
        result = sqlite_connection_step(connection, statement);
        if (result == STORE_NONE) {
            scan->ended = scan->scanned < READER_SCAN_MAX;
            return STORE_OK;
        }
        if (result == STORE_OK)
            result = scan_row(reader, statement, scan);
    }
    sqlite_connection_reset(connection, statement);
    return result;
}

static enum store_result read_list(struct reader *reader, const struct reader_filter *filter,
                                   struct job **ret_jobs, unsigned *ret_count, int64_t *ret_next)
{
    struct scan scan = {.filter = filter, .cheap = *filter, .jobs = ret_jobs};
    scan.cheap.metadata_key = (struct span){"", 0};
    limit_time(reader_of(reader), SQLITE_READER_LIST_MS);
    enum store_result result = scan_rows(reader_of(reader), &scan);
    if (result != STORE_OK) {
        while (scan.count > 0)
            job_free(ret_jobs[--scan.count]);
        return result;
    }
    *ret_count = scan.count;
    *ret_next = scan.ended ? 0 : scan.last;
    return STORE_OK;
}

/* ---------------------------------------------------------------- what belongs to a job */

static enum store_result find_job(struct sqlite_reader *reader, int64_t key)
{
    limit_time(reader, SQLITE_READER_POINT_MS);
    take_view(reader);
    sqlite_connection_number(&reader->connection, READ_JOB, 1, key);
    enum store_result result = sqlite_connection_step(&reader->connection, READ_JOB);
    if (result == STORE_OK)
        sqlite_connection_reset(&reader->connection, READ_JOB);
    return result;
}

static enum store_result read_timeline(struct reader *reader, int64_t key,
                                       struct timeline_entry *ret_entries, unsigned *ret_count)
{
    struct sqlite_connection *connection = &reader_of(reader)->connection;
    sqlite3_stmt *statement = connection->statements[READ_TIMELINE];
    unsigned count = 0;
    enum store_result result = find_job(reader_of(reader), key);
    sqlite_connection_number(connection, READ_TIMELINE, 1, key);
    sqlite_connection_number(connection, READ_TIMELINE, 2, READER_TIMELINE_MAX);
    while (result == STORE_OK) {
        result = sqlite_connection_step(connection, READ_TIMELINE);
        if (result == STORE_NONE) {
            *ret_count = count;
            return STORE_OK;
        }
        if (result != STORE_OK)
            break;
        struct timeline_entry *entry = &ret_entries[count++];
        *entry = (struct timeline_entry){.job = key,
                                         .number = (unsigned)sqlite3_column_int64(statement, 0),
                                         .at = sqlite3_column_int64(statement, 1),
                                         .from = sqlite_row_state(statement, 2),
                                         .to = sqlite_row_state(statement, 3),
                                         .attempt = (unsigned)sqlite3_column_int64(statement, 4),
                                         .error = sqlite_row_error(statement, 5)};
        (void)sqlite_row_text(statement, 6, entry->note, sizeof entry->note);
    }
    return result;
}

static enum store_result read_attempts(struct reader *reader, int64_t key,
                                       struct attempt *ret_attempts, unsigned *ret_count)
{
    struct sqlite_connection *connection = &reader_of(reader)->connection;
    unsigned count = 0;
    enum store_result result = find_job(reader_of(reader), key);
    sqlite_connection_number(connection, READ_ATTEMPTS, 1, key);
    sqlite_connection_number(connection, READ_ATTEMPTS, 2, READER_TIMELINE_MAX);
    while (result == STORE_OK) {
        result = sqlite_connection_step(connection, READ_ATTEMPTS);
        if (result == STORE_NONE) {
            *ret_count = count;
            return STORE_OK;
        }
        if (result == STORE_OK)
            sqlite_row_read_attempt(connection->statements[READ_ATTEMPTS], &ret_attempts[count++]);
    }
    return result;
}

static enum store_result read_setting(struct reader *reader, const char *name, char *ret_text,
                                      size_t capacity)
{
    struct sqlite_connection *connection = &reader_of(reader)->connection;
    limit_time(reader_of(reader), SQLITE_READER_POINT_MS);
    sqlite_connection_text(connection, READ_SETTING, 1, name);
    enum store_result result = sqlite_connection_step(connection, READ_SETTING);
    if (result != STORE_OK)
        return result;
    bool fits = sqlite_row_text(connection->statements[READ_SETTING], 0, ret_text, capacity);
    sqlite_connection_reset(connection, READ_SETTING);
    return fits ? STORE_OK : STORE_NONE;
}

static enum store_result read_keys_rows(struct sqlite_reader *reader,
                                        const struct reader_keys_sink *sink)
{
    struct sqlite_connection *connection = &reader->connection;
    enum store_result result = STORE_OK;
    while ((result = sqlite_connection_step(connection, READ_TENANTS)) == STORE_OK) {
        struct tenant_row row;
        sqlite_keys_read_tenant(connection->statements[READ_TENANTS], &row);
        sink->tenant(sink->context, &row);
    }
    if (result != STORE_NONE)
        return result;
    while ((result = sqlite_connection_step(connection, READ_API_KEYS)) == STORE_OK) {
        struct api_key_row row;
        sqlite_keys_read(connection->statements[READ_API_KEYS], &row);
        sink->api_key(sink->context, &row);
    }
    return result == STORE_NONE ? STORE_OK : result;
}

/* Both tables in one view, of its own: it is let go at once. */
static enum store_result read_api_keys(struct reader *reader, const struct reader_keys_sink *sink)
{
    struct sqlite_reader *own = reader_of(reader);
    rest(reader);
    own->deadline = MS_NEVER;
    own->has_view = sqlite_connection_do(&own->connection, READ_BEGIN) == STORE_OK;
    enum store_result result = read_keys_rows(own, sink);
    rest(reader);
    return result;
}

/* ---------------------------------------------------------------- uploads and the sweeper */

static enum store_result read_upload(struct reader *reader, int64_t key, struct upload *ret_upload)
{
    struct sqlite_connection *connection = &reader_of(reader)->connection;
    limit_time(reader_of(reader), SQLITE_READER_POINT_MS);
    take_view(reader_of(reader));
    sqlite_connection_number(connection, READ_UPLOAD, 1, key);
    enum store_result result = sqlite_connection_step(connection, READ_UPLOAD);
    if (result != STORE_OK)
        return result;
    sqlite_row_read_upload(connection->statements[READ_UPLOAD], ret_upload);
    sqlite_connection_reset(connection, READ_UPLOAD);
    return STORE_OK;
}

static enum store_result read_sweep(struct sqlite_reader *reader,
                                    enum sqlite_reader_statement statement, ms_t until,
                                    struct reader_sweep *ret_list, unsigned *ret_count)
{
    struct sqlite_connection *connection = &reader->connection;
    enum store_result result = STORE_OK;
    unsigned count = 0;
    limit_time(reader, SQLITE_READER_SWEEP_MS);
    sqlite_connection_number(connection, statement, 1, until);
    sqlite_connection_number(connection, statement, 2, READER_SWEEP_MAX);
    while ((result = sqlite_connection_step(connection, statement)) == STORE_OK) {
        sqlite3_stmt *row = connection->statements[statement];
        ret_list[count++] = (struct reader_sweep){.key = sqlite3_column_int64(row, 0),
                                                  .size = sqlite3_column_int64(row, 1)};
    }
    if (result != STORE_NONE)
        return result;
    *ret_count = count;
    return STORE_OK;
}

static enum store_result read_expired(struct reader *reader, ms_t now,
                                      struct reader_sweep *ret_list, unsigned *ret_count)
{
    return read_sweep(reader_of(reader), READ_EXPIRED, now, ret_list, ret_count);
}

static enum store_result read_kept(struct reader *reader, ms_t until, struct reader_sweep *ret_list,
                                   unsigned *ret_count)
{
    return read_sweep(reader_of(reader), READ_KEPT, until, ret_list, ret_count);
}

static enum store_result read_kept_bytes(struct reader *reader, int64_t *ret_bytes)
{
    struct sqlite_connection *connection = &reader_of(reader)->connection;
    limit_time(reader_of(reader), SQLITE_READER_SWEEP_MS);
    enum store_result result = sqlite_connection_step(connection, READ_KEPT_BYTES);
    if (result != STORE_OK)
        return result == STORE_NONE ? STORE_BROKEN : result;
    *ret_bytes = sqlite3_column_int64(connection->statements[READ_KEPT_BYTES], 0);
    sqlite_connection_reset(connection, READ_KEPT_BYTES);
    return STORE_OK;
}

/* ---------------------------------------------------------------- webhooks */

static enum store_result read_body(struct sqlite_connection *connection, int64_t job,
                                   unsigned number, char **ret_body)
{
    sqlite3_stmt *statement = connection->statements[READ_BODY];
    sqlite_connection_number(connection, READ_BODY, 1, job);
    sqlite_connection_number(connection, READ_BODY, 2, number);
    enum store_result result = sqlite_connection_step(connection, READ_BODY);
    if (result != STORE_OK)
        return result;
    *ret_body = memory_copy(
        span_make(sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)));
    sqlite_connection_reset(connection, READ_BODY);
    return STORE_OK;
}

static enum store_result read_delivery(struct reader *reader, int64_t job, unsigned number,
                                       struct delivery *ret_row, char **ret_body)
{
    struct sqlite_connection *connection = &reader_of(reader)->connection;
    limit_time(reader_of(reader), SQLITE_READER_POINT_MS);
    take_view(reader_of(reader));
    sqlite_connection_number(connection, READ_DELIVERY, 1, job);
    sqlite_connection_number(connection, READ_DELIVERY, 2, number);
    enum store_result result = sqlite_connection_step(connection, READ_DELIVERY);
    if (result != STORE_OK)
        return result;
    sqlite_row_read_delivery(connection->statements[READ_DELIVERY], ret_row);
    result = read_body(connection, job, number, ret_body);
    sqlite_connection_reset(connection, READ_DELIVERY);
    return result;
}

static enum store_result read_deliveries(struct reader *reader, int64_t job,
                                         struct delivery *ret_rows, unsigned *ret_count)
{
    struct sqlite_connection *connection = &reader_of(reader)->connection;
    enum store_result result;
    unsigned count = 0;
    limit_time(reader_of(reader), SQLITE_READER_POINT_MS);
    take_view(reader_of(reader));
    sqlite_connection_number(connection, READ_DELIVERIES, 1, job);
    sqlite_connection_number(connection, READ_DELIVERIES, 2, READER_DELIVERIES_MAX);
    while ((result = sqlite_connection_step(connection, READ_DELIVERIES)) == STORE_OK)
        sqlite_row_read_delivery(connection->statements[READ_DELIVERIES], &ret_rows[count++]);
    *ret_count = count;
    return result == STORE_NONE ? STORE_OK : result;
}

static enum store_result read_tries(struct reader *reader, int64_t job, unsigned delivery,
                                    struct delivery_try *ret_tries, unsigned *ret_count)
{
    struct sqlite_connection *connection = &reader_of(reader)->connection;
    sqlite3_stmt *statement = connection->statements[READ_TRIES];
    enum store_result result;
    unsigned count = 0;
    limit_time(reader_of(reader), SQLITE_READER_POINT_MS);
    take_view(reader_of(reader));
    sqlite_connection_number(connection, READ_TRIES, 1, job);
    sqlite_connection_number(connection, READ_TRIES, 2, delivery);
    while ((result = sqlite_connection_step(connection, READ_TRIES)) == STORE_OK &&
           count < NOTIFY_LOG_MAX) {
        struct delivery_try *line = &ret_tries[count++];
        *line = (struct delivery_try){.job = job,
                                      .delivery = delivery,
                                      .number = (unsigned)sqlite3_column_int64(statement, 0),
                                      .at = sqlite3_column_int64(statement, 1),
                                      .took = sqlite3_column_int64(statement, 2),
                                      .status = sqlite3_column_int(statement, 3)};
        (void)sqlite_row_text(statement, 4, line->error, sizeof line->error);
    }
    sqlite_connection_reset(connection, READ_TRIES);
    *ret_count = count;
    return result == STORE_NONE ? STORE_OK : result;
}

static enum store_result read_secret(struct reader *reader, const char *tenant,
                                     struct hook_secret *ret_row)
{
    struct sqlite_connection *connection = &reader_of(reader)->connection;
    limit_time(reader_of(reader), SQLITE_READER_POINT_MS);
    take_view(reader_of(reader));
    sqlite_connection_text(connection, READ_SECRET, 1, tenant);
    enum store_result result = sqlite_connection_step(connection, READ_SECRET);
    if (result != STORE_OK)
        return result;
    sqlite_row_read_secret(connection->statements[READ_SECRET], ret_row);
    sqlite_connection_reset(connection, READ_SECRET);
    return STORE_OK;
}

static enum store_result read_remote_id(struct reader *reader, const char *id, int64_t *ret_job)
{
    struct sqlite_connection *connection = &reader_of(reader)->connection;
    limit_time(reader_of(reader), SQLITE_READER_POINT_MS);
    take_view(reader_of(reader));
    sqlite_connection_text(connection, READ_REMOTE_ID, 1, id);
    enum store_result result = sqlite_connection_step(connection, READ_REMOTE_ID);
    if (result != STORE_OK)
        return result;
    *ret_job = sqlite3_column_int64(connection->statements[READ_REMOTE_ID], 0);
    sqlite_connection_reset(connection, READ_REMOTE_ID);
    return STORE_OK;
}

static enum store_result read_usage(struct reader *reader, const struct reader_usage_filter *filter,
                                    struct reader_usage *ret_usage)
{
    limit_time(reader_of(reader), SQLITE_READER_USAGE_MS);
    return sqlite_spend_read(&reader_of(reader)->connection, filter, ret_usage);
}

static const struct reader_type sqlite_reader_type = {
    .remote_id = read_remote_id,
    .close = close_reader,
    .job = read_job,
    .kept_job = kept_job,
    .list = read_list,
    .timeline = read_timeline,
    .attempts = read_attempts,
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
    .hold = hold,
    .rest = rest,
};

struct reader *sqlite_reader_open(const char *path, const struct recent_marks *marks,
                                  char ret_fault[static STORE_FAULT_SIZE])
{
    enum { OPERATIONS = 1000 };
    struct sqlite_reader *reader = memory_new(struct sqlite_reader);
    reader->reader.type = &sqlite_reader_type;
    reader->marks = marks;
    reader->recent = recent_make(marks);
    if (sqlite_connection_open(&reader->connection, path, SQLITE_OPEN_READONLY, ret_fault) &&
        sqlite_connection_run(&reader->connection,
                              "PRAGMA query_only = ON; PRAGMA mmap_size = 0; "
                              "PRAGMA cache_size = -2048",
                              ret_fault) &&
        sqlite_connection_prepare(&reader->connection, sqlite_reader_statements, READ_COUNT,
                                  ret_fault)) {
        (void)sqlite3_file_control(reader->connection.db, "main", SQLITE_FCNTL_VFS_POINTER,
                                   &reader->vfs);
        sqlite3_progress_handler(reader->connection.db, OPERATIONS, is_late, reader);
        return &reader->reader;
    }
    close_reader(&reader->reader);
    return NULL;
}
