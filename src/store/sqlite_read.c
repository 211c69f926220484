#include "store/sqlite_read.h"

#include "store/sqlite_hook.h"
#include "store/sqlite_keys.h"
#include "store/sqlite_row.h"
#include "store/sqlite_spend.h"

#include <string.h>

/* Like sqlite_connection_step, where it is no fault that there are no more rows. */
static enum store_result end_of_rows(enum store_result result)
{
    return result == STORE_NONE ? STORE_OK : result;
}

static int64_t column(struct sqlite *sqlite, enum sqlite_statement statement, int number)
{
    return sqlite3_column_int64(sqlite->writer.statements[statement], number);
}

/* The row that the statement stands on, whole. */
static enum store_result take_job(struct sqlite *sqlite, enum sqlite_statement statement,
                                  struct job **ret_job)
{
    struct job *job = job_make();
    sqlite_row_read(sqlite->writer.statements[statement], job);
    enum store_result result =
        sqlite_row_complete(&sqlite->writer, STATEMENT_ATTEMPT_LOAD, STATEMENT_OUTPUTS_LOAD, job);
    if (result != STORE_OK) {
        job_free(job);
        return result;
    }
    *ret_job = job;
    return STORE_OK;
}

enum store_result sqlite_read_job(struct sqlite *sqlite, int64_t key, struct job **ret_job)
{
    sqlite_connection_number(&sqlite->writer, STATEMENT_JOB_LOAD, 1, key);
    enum store_result result = sqlite_connection_step(&sqlite->writer, STATEMENT_JOB_LOAD);
    if (result != STORE_OK)
        return result;
    result = take_job(sqlite, STATEMENT_JOB_LOAD, ret_job);
    sqlite_connection_reset(&sqlite->writer, STATEMENT_JOB_LOAD);
    return result;
}

enum store_result sqlite_read_key(struct sqlite *sqlite, const struct need *need,
                                  struct key_row *ret_row)
{
    sqlite3_stmt *statement = sqlite->writer.statements[STATEMENT_KEY_LOAD];
    sqlite_connection_text(&sqlite->writer, STATEMENT_KEY_LOAD, 1, need->tenant);
    (void)sqlite3_bind_blob(statement, 2, need->key_hash.data, (int)need->key_hash.size,
                            SQLITE_STATIC);
    enum store_result result = sqlite_connection_step(&sqlite->writer, STATEMENT_KEY_LOAD);
    if (result != STORE_OK)
        return result;
    struct key_row row = {.job = sqlite3_column_int64(statement, 1),
                          .count = (unsigned)sqlite3_column_int64(statement, 2),
                          .expires_at = sqlite3_column_int64(statement, 3)};
    (void)span_copy(span_of(need->tenant), row.tenant, sizeof row.tenant);
    memcpy(row.key_hash, need->key_hash.data, sizeof row.key_hash);
    memcpy(row.body_hash, sqlite3_column_blob(statement, 0), sizeof row.body_hash);
    sqlite_connection_reset(&sqlite->writer, STATEMENT_KEY_LOAD);
    *ret_row = row;
    return STORE_OK;
}

/* ---------------------------------------------------------------- twins */

static void bind_line(struct sqlite *sqlite, enum sqlite_statement statement, const char *tenant,
                      const char *model)
{
    sqlite_connection_text(&sqlite->writer, statement, 1, tenant);
    sqlite_connection_text(&sqlite->writer, statement, 2, model);
}

/* Raises *key to the one that the statement finds. */
static enum store_result find_twin(struct sqlite *sqlite, enum sqlite_statement statement,
                                   const struct need *need, int64_t *key)
{
    bind_line(sqlite, statement, need->tenant, need->model);
    sqlite_connection_number(&sqlite->writer, statement, 3, (int64_t)need->fingerprint);
    enum store_result result = sqlite_connection_step(&sqlite->writer, statement);
    if (result != STORE_OK)
        return end_of_rows(result);
    int64_t found = column(sqlite, statement, 0);
    sqlite_connection_reset(&sqlite->writer, statement);
    if (found > *key)
        *key = found;
    return STORE_OK;
}

static enum store_result find_queued_twin(struct sqlite *sqlite, const struct need *need,
                                          int64_t *key)
{
    int64_t left = SQLITE_TWIN_SCAN_MAX;
    enum store_result result = STORE_OK;
    bind_line(sqlite, STATEMENT_LINE_BUCKETS, need->tenant, need->model);
    while (result == STORE_OK && left > 0) {
        result = sqlite_connection_step(&sqlite->writer, STATEMENT_LINE_BUCKETS);
        if (result != STORE_OK)
            return end_of_rows(result);
        sqlite_connection_number(&sqlite->writer, STATEMENT_TWIN_QUEUED, 4, left);
        sqlite_connection_number(&sqlite->writer, STATEMENT_TWIN_QUEUED, 5,
                                 column(sqlite, STATEMENT_LINE_BUCKETS, 0));
        left -= column(sqlite, STATEMENT_LINE_BUCKETS, 1);
        result = find_twin(sqlite, STATEMENT_TWIN_QUEUED, need, key);
    }
    sqlite_connection_reset(&sqlite->writer, STATEMENT_LINE_BUCKETS);
    return result;
}

enum store_result sqlite_read_twin(struct sqlite *sqlite, const struct need *need,
                                   struct job **ret_job)
{
    int64_t key = 0;
    enum store_result result = find_twin(sqlite, STATEMENT_TWIN_FLIGHT, need, &key);
    if (result == STORE_OK)
        result = find_twin(sqlite, STATEMENT_TWIN_WAITING, need, &key);
    if (result == STORE_OK)
        result = find_queued_twin(sqlite, need, &key);
    if (result != STORE_OK)
        return result;
    return key ? sqlite_read_job(sqlite, key, ret_job) : STORE_NONE;
}

/* ---------------------------------------------------------------- wants */

/* Takes up to `limit` rows of a statement that was bound. */
static enum store_result take_jobs(struct sqlite *sqlite, enum sqlite_statement statement,
                                   struct got *ret_got)
{
    enum store_result result = STORE_OK;
    while (ret_got->row_count < ret_got->want.limit) {
        result = sqlite_connection_step(&sqlite->writer, statement);
        if (result != STORE_OK)
            return end_of_rows(result);
        result = take_job(sqlite, statement, &ret_got->rows[ret_got->row_count]);
        if (result != STORE_OK)
            break;
        ret_got->row_count++;
    }
    sqlite_connection_reset(&sqlite->writer, statement);
    return result;
}

static void bind_bucket(struct sqlite *sqlite, enum sqlite_statement statement,
                        const struct want *want, int64_t number)
{
    bind_line(sqlite, statement, want->tenant, want->model);
    sqlite_connection_number(&sqlite->writer, statement, 3, want->priority);
    sqlite_connection_number(&sqlite->writer, statement, 4, number);
}

static enum store_result get_claim(struct sqlite *sqlite, const struct want *want,
                                   struct got *ret_got)
{
    bind_bucket(sqlite, STATEMENT_CLAIM, want, want->limit);
    enum store_result result = take_jobs(sqlite, STATEMENT_CLAIM, ret_got);
    if (result != STORE_OK || ret_got->row_count < want->limit)
        return result;
    bind_bucket(sqlite, STATEMENT_HEAD, want, want->limit);
    result = sqlite_connection_step(&sqlite->writer, STATEMENT_HEAD);
    if (result != STORE_OK)
        return end_of_rows(result);
    ret_got->head_at = column(sqlite, STATEMENT_HEAD, 0);
    sqlite_connection_reset(&sqlite->writer, STATEMENT_HEAD);
    return STORE_OK;
}

static enum store_result get_dependents(struct sqlite *sqlite, const struct want *want,
                                        struct got *ret_got)
{
    sqlite_connection_number(&sqlite->writer, STATEMENT_DEPENDENTS, 1, want->job);
    sqlite_connection_number(&sqlite->writer, STATEMENT_DEPENDENTS, 2, want->limit);
    return take_jobs(sqlite, STATEMENT_DEPENDENTS, ret_got);
}

static enum store_result get_due(struct sqlite *sqlite, const struct want *want,
                                 struct got *ret_got)
{
    enum store_result result = STORE_OK;
    sqlite_connection_number(&sqlite->writer, STATEMENT_DUE, 1, (int64_t)want->limit + 1);
    for (;;) {
        result = sqlite_connection_step(&sqlite->writer, STATEMENT_DUE);
        if (result != STORE_OK)
            return end_of_rows(result);
        ms_t at = column(sqlite, STATEMENT_DUE, SQLITE_ROW_WAKE_AT - 1);
        if (at > want->before || ret_got->row_count == want->limit) {
            ret_got->next_due = at;
            break;
        }
        result = take_job(sqlite, STATEMENT_DUE, &ret_got->rows[ret_got->row_count]);
        if (result != STORE_OK)
            break;
        ret_got->row_count++;
    }
    sqlite_connection_reset(&sqlite->writer, STATEMENT_DUE);
    return result;
}

static enum store_result get_attempt(struct sqlite *sqlite, const struct want *want,
                                     struct got *ret_got)
{
    sqlite_connection_number(&sqlite->writer, STATEMENT_ATTEMPT_LOAD, 1, want->job);
    sqlite_connection_number(&sqlite->writer, STATEMENT_ATTEMPT_LOAD, 2, want->number);
    enum store_result result = sqlite_connection_step(&sqlite->writer, STATEMENT_ATTEMPT_LOAD);
    if (result != STORE_OK)
        return end_of_rows(result);
    sqlite_row_read_attempt(sqlite->writer.statements[STATEMENT_ATTEMPT_LOAD], &ret_got->attempt);
    ret_got->item_count = 1;
    sqlite_connection_reset(&sqlite->writer, STATEMENT_ATTEMPT_LOAD);
    return STORE_OK;
}

enum store_result sqlite_read_want(struct sqlite *sqlite, const struct want *want,
                                   struct got *ret_got)
{
    switch (want->kind) {
    case WANT_CLAIM:
        return get_claim(sqlite, want, ret_got);
    case WANT_DEPENDENTS:
        return get_dependents(sqlite, want, ret_got);
    case WANT_DUE:
        return get_due(sqlite, want, ret_got);
    case WANT_LANES:
    case WANT_DELIVERIES:
        return sqlite_hook_want(sqlite, want, ret_got);
    case WANT_ATTEMPT:
        return get_attempt(sqlite, want, ret_got);
    }
    return STORE_BROKEN;
}

/* ---------------------------------------------------------------- the start */

enum store_result sqlite_read_meta(struct sqlite *sqlite, ms_t *ret_now)
{
    enum store_result result = sqlite_connection_step(&sqlite->writer, STATEMENT_META);
    if (result != STORE_OK)
        return result == STORE_NONE ? STORE_BROKEN : result;
    sqlite->turn = column(sqlite, STATEMENT_META, 0);
    *ret_now = column(sqlite, STATEMENT_META, 1);
    sqlite->last_key = column(sqlite, STATEMENT_META, 2);
    sqlite->hooks_pending = column(sqlite, STATEMENT_META, 3);
    sqlite_connection_reset(&sqlite->writer, STATEMENT_META);
    return STORE_OK;
}

static enum store_result start_meta(struct sqlite *sqlite, const struct store_sink *sink,
                                    ms_t *ret_now)
{
    ms_t now = 0, next_due = MS_NEVER;
    enum store_result result = sqlite_read_meta(sqlite, &now);
    if (result != STORE_OK)
        return result;
    result = sqlite_connection_step(&sqlite->writer, STATEMENT_NEXT_DUE);
    if (result == STORE_OK) {
        next_due = column(sqlite, STATEMENT_NEXT_DUE, 0);
        sqlite_connection_reset(&sqlite->writer, STATEMENT_NEXT_DUE);
    }
    sink->meta(sink->context, sqlite->turn, now, sqlite->last_key, next_due);
    *ret_now = now;
    return end_of_rows(result);
}

static enum store_result start_paces(struct sqlite *sqlite, const struct store_sink *sink)
{
    enum store_result result = STORE_OK;
    while ((result = sqlite_connection_step(&sqlite->writer, STATEMENT_PACES)) == STORE_OK) {
        struct pace pace = {.count = column(sqlite, STATEMENT_PACES, 1),
                            .mean = column(sqlite, STATEMENT_PACES, 2)};
        sqlite3_stmt *statement = sqlite->writer.statements[STATEMENT_PACES];
        pace.history = (struct poll_history){column(sqlite, STATEMENT_PACES, 3),
                                             sqlite3_column_double(statement, 4),
                                             sqlite3_column_double(statement, 5)};
        (void)sqlite_row_text(sqlite->writer.statements[STATEMENT_PACES], 0, pace.model,
                              sizeof pace.model);
        sink->pace(sink->context, &pace);
    }
    return end_of_rows(result);
}

static enum store_result start_buckets(struct sqlite *sqlite, const struct store_sink *sink)
{
    sqlite3_stmt *statement = sqlite->writer.statements[STATEMENT_BUCKETS];
    enum store_result result = STORE_OK;
    while ((result = sqlite_connection_step(&sqlite->writer, STATEMENT_BUCKETS)) == STORE_OK) {
        struct bucket_change totals = {.priority = (int)sqlite3_column_int64(statement, 2),
                                       .delta_count = sqlite3_column_int64(statement, 3),
                                       .delta_arrived = sqlite3_column_int64(statement, 4)};
        (void)sqlite_row_text(statement, 0, totals.tenant, sizeof totals.tenant);
        (void)sqlite_row_text(statement, 1, totals.model, sizeof totals.model);
        bool empty = sqlite3_column_type(statement, 5) == SQLITE_NULL;
        sink->bucket(sink->context, &totals, empty ? MS_NEVER : sqlite3_column_int64(statement, 5));
    }
    return end_of_rows(result);
}

static enum store_result start_jobs(struct sqlite *sqlite, const struct store_sink *sink,
                                    enum sqlite_statement which)
{
    enum store_result result = STORE_OK;
    while ((result = sqlite_connection_step(&sqlite->writer, which)) == STORE_OK) {
        struct job *job = NULL;
        result = take_job(sqlite, which, &job);
        if (result != STORE_OK) {
            sqlite_connection_reset(&sqlite->writer, which);
            return result;
        }
        sink->job(sink->context, job);
    }
    return end_of_rows(result);
}

enum store_result sqlite_read_start(struct sqlite *sqlite, const struct store_sink *sink)
{
    ms_t now = 0;
    enum store_result result = start_meta(sqlite, sink, &now);
    if (result == STORE_OK)
        result = start_paces(sqlite, sink);
    if (result == STORE_OK)
        result = start_buckets(sqlite, sink);
    if (result == STORE_OK)
        result = sqlite_keys_start(sqlite, sink);
    if (result == STORE_OK)
        result = sqlite_spend_start(sqlite, sink, now);
    if (result == STORE_OK)
        result = start_jobs(sqlite, sink, STATEMENT_FLIGHT);
    if (result == STORE_OK)
        result = start_jobs(sqlite, sink, STATEMENT_FOLLOWING);
    return result;
}
