#include "store/sqlite_write.h"

#include "base/log.h"
#include "store/sqlite_hook.h"
#include "store/sqlite_keys.h"
#include "store/sqlite_row.h"
#include "store/sqlite_spend.h"
#include "store/sqlite_upload.h"

#include <assert.h>

enum { EXPIRED_MIN = 64 };

static sqlite3_stmt *statement_of(struct sqlite *sqlite, enum sqlite_statement statement)
{
    return sqlite->writer.statements[statement];
}

static enum store_result run(struct sqlite *sqlite, enum sqlite_statement statement)
{
    return sqlite_connection_do(&sqlite->writer, statement);
}

/* For statements that must find their row. */
static enum store_result run_on_one(struct sqlite *sqlite, enum sqlite_statement statement,
                                    int64_t job)
{
    enum store_result result = run(sqlite, statement);
    if (result != STORE_OK || sqlite3_changes(sqlite->writer.db) == 1)
        return result;
    log_error("a change found no row to change",
              log_text("statement", sqlite_statements[statement]), log_number("job", job));
    return STORE_BROKEN;
}

static enum store_result put_attempt(struct sqlite *sqlite, const struct job *job)
{
    sqlite_row_bind_attempt(statement_of(sqlite, STATEMENT_ATTEMPT_PUT), job->key, &job->attempt);
    return run(sqlite, STATEMENT_ATTEMPT_PUT);
}

static enum store_result put_outputs(struct sqlite *sqlite, const struct job *job)
{
    enum store_result result = STORE_OK;
    for (unsigned n = 0; n < job->output_count && result == STORE_OK; n++) {
        sqlite_row_bind_output(statement_of(sqlite, STATEMENT_OUTPUT_PUT), job, n);
        result = run(sqlite, STATEMENT_OUTPUT_PUT);
    }
    return result;
}

static enum store_result insert_job(struct sqlite *sqlite, const struct job *job)
{
    sqlite_row_bind_insert(statement_of(sqlite, STATEMENT_JOB_INSERT), job);
    enum store_result result = run(sqlite, STATEMENT_JOB_INSERT);
    if (result == STORE_OK) {
        sqlite_row_bind_inputs(statement_of(sqlite, STATEMENT_INPUTS_INSERT), job);
        result = run(sqlite, STATEMENT_INPUTS_INSERT);
    }
    if (result == STORE_OK && job->attempt.number)
        result = put_attempt(sqlite, job);
    if (result == STORE_OK)
        result = put_outputs(sqlite, job);
    if (job->key > sqlite->last_key)
        sqlite->last_key = job->key;
    return result;
}

static enum store_result update_progress(struct sqlite *sqlite, const struct job *job)
{
    sqlite_connection_number(&sqlite->writer, STATEMENT_JOB_PROGRESS, 1, job->key);
    sqlite_connection_number(&sqlite->writer, STATEMENT_JOB_PROGRESS, 2, job->progress);
    sqlite_connection_text(&sqlite->writer, STATEMENT_JOB_PROGRESS, 3, job->stage);
    sqlite_connection_number(&sqlite->writer, STATEMENT_JOB_PROGRESS, 4, job->version);
    return run_on_one(sqlite, STATEMENT_JOB_PROGRESS, job->key);
}

static enum store_result update_job(struct sqlite *sqlite, const struct job *job)
{
    if (job->progress_only)
        return update_progress(sqlite, job);
    sqlite_row_bind_update(statement_of(sqlite, STATEMENT_JOB_UPDATE), job);
    enum store_result result = run_on_one(sqlite, STATEMENT_JOB_UPDATE, job->key);
    if (result == STORE_OK && job->attempt_changed)
        result = put_attempt(sqlite, job);
    if (result == STORE_OK && job->outputs_changed)
        result = put_outputs(sqlite, job);
    return result;
}

static enum store_result add_timeline(struct sqlite *sqlite, const struct timeline_entry *entry)
{
    struct sqlite_connection *writer = &sqlite->writer;
    sqlite_connection_number(writer, STATEMENT_TIMELINE_ADD, 1, entry->job);
    sqlite_connection_number(writer, STATEMENT_TIMELINE_ADD, 2, entry->number);
    sqlite_connection_number(writer, STATEMENT_TIMELINE_ADD, 3, entry->at);
    sqlite_connection_text(writer, STATEMENT_TIMELINE_ADD, 4, state_name(entry->from));
    sqlite_connection_text(writer, STATEMENT_TIMELINE_ADD, 5, state_name(entry->to));
    sqlite_connection_number(writer, STATEMENT_TIMELINE_ADD, 6, entry->attempt);
    sqlite_connection_text(writer, STATEMENT_TIMELINE_ADD, 7, error_name(entry->error));
    sqlite_connection_text(writer, STATEMENT_TIMELINE_ADD, 8, entry->note);
    return run(sqlite, STATEMENT_TIMELINE_ADD);
}

static enum store_result put_key(struct sqlite *sqlite, const struct key_row *row)
{
    struct sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *statement = statement_of(sqlite, STATEMENT_KEY_PUT);
    sqlite_connection_text(writer, STATEMENT_KEY_PUT, 1, row->tenant);
    (void)sqlite3_bind_blob(statement, 2, row->key_hash, KEY_HASH_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_blob(statement, 3, row->body_hash, KEY_HASH_SIZE, SQLITE_STATIC);
    sqlite_connection_number(writer, STATEMENT_KEY_PUT, 4, row->job);
    sqlite_connection_number(writer, STATEMENT_KEY_PUT, 5, row->count);
    sqlite_connection_number(writer, STATEMENT_KEY_PUT, 6, row->expires_at);
    if (row->expires_at < sqlite->next_expiry)
        sqlite->next_expiry = row->expires_at;
    sqlite->keys_made++;
    return run_on_one(sqlite, STATEMENT_KEY_PUT, row->job);
}

/* Taking away what is not there is no fault: the row may have gone with an earlier turn. */
static enum store_result change_dependency(struct sqlite *sqlite, const struct change *change)
{
    enum sqlite_statement statement =
        change->dependency.done ? STATEMENT_DEPENDENCY_REMOVE : STATEMENT_DEPENDENCY_ADD;
    sqlite_connection_number(&sqlite->writer, statement, 1, change->dependency.on);
    sqlite_connection_number(&sqlite->writer, statement, 2, change->dependency.job);
    return run(sqlite, statement);
}

static enum store_result put_bucket(struct sqlite *sqlite, enum sqlite_statement statement,
                                    const struct bucket_change *bucket)
{
    struct sqlite_connection *writer = &sqlite->writer;
    sqlite_connection_text(writer, statement, 1, bucket->tenant);
    sqlite_connection_text(writer, statement, 2, bucket->model);
    sqlite_connection_number(writer, statement, 3, bucket->priority);
    sqlite_connection_number(writer, statement, 4, bucket->delta_count);
    sqlite_connection_number(writer, statement, 5, bucket->delta_arrived);
    return run(sqlite, statement);
}

/* Nearly always the bucket is there. */
static enum store_result change_bucket(struct sqlite *sqlite, const struct bucket_change *bucket)
{
    enum store_result result = put_bucket(sqlite, STATEMENT_BUCKET_CHANGE, bucket);
    if (result != STORE_OK || sqlite3_changes(sqlite->writer.db) == 1)
        return result;
    return put_bucket(sqlite, STATEMENT_BUCKET_ADD, bucket);
}

static enum store_result put_pace(struct sqlite *sqlite, const struct pace *pace)
{
    sqlite_connection_text(&sqlite->writer, STATEMENT_PACE_PUT, 1, pace->model);
    sqlite_connection_number(&sqlite->writer, STATEMENT_PACE_PUT, 2, pace->count);
    sqlite_connection_number(&sqlite->writer, STATEMENT_PACE_PUT, 3, pace->mean);
    sqlite_connection_number(&sqlite->writer, STATEMENT_PACE_PUT, 4, pace->history.count);
    sqlite3_stmt *statement = sqlite->writer.statements[STATEMENT_PACE_PUT];
    (void)sqlite3_bind_double(statement, 5, pace->history.mean);
    (void)sqlite3_bind_double(statement, 6, pace->history.variance);
    return run(sqlite, STATEMENT_PACE_PUT);
}

static enum store_result apply_one(struct sqlite *sqlite, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_JOB_INSERT:
        recent_mark(&sqlite->marks, change->job->key);
        return insert_job(sqlite, change->job);
    case CHANGE_JOB_UPDATE:
        recent_mark(&sqlite->marks, change->job->key);
        return update_job(sqlite, change->job);
    case CHANGE_TIMELINE:
        return add_timeline(sqlite, &change->timeline);
    case CHANGE_KEY:
        return put_key(sqlite, &change->key);
    case CHANGE_DEPENDENCY:
        return change_dependency(sqlite, change);
    case CHANGE_BUCKET:
        return change_bucket(sqlite, &change->bucket);
    case CHANGE_PACE:
        return put_pace(sqlite, &change->pace);
    case CHANGE_API_KEY:
        return sqlite_keys_change(sqlite, &change->api_key);
    case CHANGE_TENANT:
        return sqlite_keys_put_tenant(sqlite, &change->tenant);
    case CHANGE_PAUSE:
        return sqlite_keys_change_pause(sqlite, &change->pause);
    case CHANGE_WAITING:
        return sqlite_keys_change_waiting(sqlite, &change->waiting);
    case CHANGE_JOB_DELETE:
        recent_mark(&sqlite->marks, change->job->key);
        return sqlite_upload_apply(sqlite, change);
    case CHANGE_USE:
    case CHANGE_UPLOAD_ADD:
    case CHANGE_UPLOAD_REMOVE:
        return sqlite_upload_apply(sqlite, change);
    case CHANGE_HOOK:
        return sqlite_hook_apply(sqlite, &change->hook);
    case CHANGE_SPEND:
        return sqlite_spend_change(sqlite, &change->spend);
    }
    return STORE_BROKEN;
}

enum store_result sqlite_write_apply(struct sqlite *sqlite, const struct changes *changes)
{
    enum store_result result = STORE_OK;
    for (size_t n = 0; n < changes->count && result == STORE_OK; n++)
        result = apply_one(sqlite, &changes->list[n]);
    return result;
}

/* At least as many go as came, so that they do not heap up. */
enum store_result sqlite_write_expire(struct sqlite *sqlite, ms_t now)
{
    struct sqlite_connection *writer = &sqlite->writer;
    if (now < sqlite->next_expiry)
        return STORE_OK;
    sqlite_connection_number(writer, STATEMENT_KEYS_EXPIRE, 1, now);
    sqlite_connection_number(writer, STATEMENT_KEYS_EXPIRE, 2, EXPIRED_MIN + 2 * sqlite->keys_made);
    enum store_result result = run(sqlite, STATEMENT_KEYS_EXPIRE);
    if (result != STORE_OK)
        return result;
    result = sqlite_connection_step(writer, STATEMENT_KEY_NEXT);
    if (result == STORE_OK) {
        sqlite->next_expiry = sqlite3_column_int64(statement_of(sqlite, STATEMENT_KEY_NEXT), 0);
        sqlite_connection_reset(writer, STATEMENT_KEY_NEXT);
    } else if (result == STORE_NONE) {
        sqlite->next_expiry = MS_NEVER;
        result = STORE_OK;
    }
    return result;
}

enum store_result sqlite_write_turn(struct sqlite *sqlite, ms_t now)
{
    sqlite_connection_number(&sqlite->writer, STATEMENT_END_TURN, 1, now);
    sqlite_connection_number(&sqlite->writer, STATEMENT_END_TURN, 2, sqlite->last_key);
    sqlite_connection_number(&sqlite->writer, STATEMENT_END_TURN, 3, sqlite->turn);
    sqlite_connection_number(&sqlite->writer, STATEMENT_END_TURN, 4,
                             sqlite->hooks_pending + sqlite->hooks_added);
    return run_on_one(sqlite, STATEMENT_END_TURN, 0);
}
