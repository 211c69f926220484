#include "store/sqlite_upload.h"

#include "base/log.h"
#include "store/sqlite_row.h"

enum store_result sqlite_upload_load(struct sqlite *sqlite, int64_t key, struct upload *ret_upload)
{
    struct sqlite_connection *writer = &sqlite->writer;
    sqlite_connection_number(writer, STATEMENT_UPLOAD_LOAD, 1, key);
    enum store_result result = sqlite_connection_step(writer, STATEMENT_UPLOAD_LOAD);
    if (result != STORE_OK)
        return result;
    sqlite_row_read_upload(writer->statements[STATEMENT_UPLOAD_LOAD], ret_upload);
    sqlite_connection_reset(writer, STATEMENT_UPLOAD_LOAD);
    return STORE_OK;
}

enum store_result sqlite_upload_total(struct sqlite *sqlite, const char *tenant, int64_t *ret_bytes,
                                      int64_t *ret_count)
{
    struct sqlite_connection *writer = &sqlite->writer;
    sqlite_connection_text(writer, STATEMENT_UPLOADS_LOAD, 1, tenant);
    enum store_result result = sqlite_connection_step(writer, STATEMENT_UPLOADS_LOAD);
    if (result != STORE_OK)
        return result == STORE_NONE ? STORE_BROKEN : result;
    *ret_bytes = sqlite3_column_int64(writer->statements[STATEMENT_UPLOADS_LOAD], 0);
    *ret_count = sqlite3_column_int64(writer->statements[STATEMENT_UPLOADS_LOAD], 1);
    sqlite_connection_reset(writer, STATEMENT_UPLOADS_LOAD);
    return STORE_OK;
}

enum store_result sqlite_upload_user(struct sqlite *sqlite, int64_t source,
                                     char ret_id[static ID_SIZE])
{
    struct sqlite_connection *writer = &sqlite->writer;
    sqlite_connection_number(writer, STATEMENT_USER_LOAD, 1, source);
    enum store_result result = sqlite_connection_step(writer, STATEMENT_USER_LOAD);
    if (result != STORE_OK)
        return result;
    (void)sqlite_row_text(writer->statements[STATEMENT_USER_LOAD], 0, ret_id, ID_SIZE);
    sqlite_connection_reset(writer, STATEMENT_USER_LOAD);
    return STORE_OK;
}

/* ---------------------------------------------------------------- changes */

static enum store_result add(struct sqlite *sqlite, const struct upload *upload)
{
    struct sqlite_connection *writer = &sqlite->writer;
    sqlite_connection_number(writer, STATEMENT_UPLOAD_ADD, 1, upload->key);
    sqlite_connection_text(writer, STATEMENT_UPLOAD_ADD, 2, upload->id);
    sqlite_connection_text(writer, STATEMENT_UPLOAD_ADD, 3, upload->tenant);
    sqlite_connection_text(writer, STATEMENT_UPLOAD_ADD, 4, upload->content_type);
    sqlite_connection_text(writer, STATEMENT_UPLOAD_ADD, 5, upload->sha256);
    sqlite_connection_number(writer, STATEMENT_UPLOAD_ADD, 6, upload->size);
    sqlite_connection_number(writer, STATEMENT_UPLOAD_ADD, 7, upload->created_at);
    sqlite_connection_number(writer, STATEMENT_UPLOAD_ADD, 8, upload->expires_at);
    return sqlite_connection_do(writer, STATEMENT_UPLOAD_ADD);
}

/* `one`: exactly one row must go. */
static enum store_result take(struct sqlite *sqlite, enum sqlite_statement statement, int64_t key,
                              bool one)
{
    sqlite_connection_number(&sqlite->writer, statement, 1, key);
    enum store_result result = sqlite_connection_do(&sqlite->writer, statement);
    if (result != STORE_OK || !one || sqlite3_changes(sqlite->writer.db) == 1)
        return result;
    log_error("a change found no row to remove",
              log_text("statement", sqlite_statements[statement]), log_number("key", key));
    return STORE_BROKEN;
}

static enum store_result delete_job(struct sqlite *sqlite, int64_t job)
{
    static const enum sqlite_statement rest[] = {
        STATEMENT_INPUTS_DELETE,   STATEMENT_OUTPUTS_DELETE,      STATEMENT_ATTEMPTS_DELETE,
        STATEMENT_TIMELINE_DELETE, STATEMENT_DEPENDENCIES_DELETE,
    };
    enum store_result result = take(sqlite, STATEMENT_JOB_DELETE, job, true);
    for (size_t n = 0; n < sizeof rest / sizeof rest[0] && result == STORE_OK; n++)
        result = take(sqlite, rest[n], job, false);
    return result;
}

enum store_result sqlite_upload_apply(struct sqlite *sqlite, const struct change *change)
{
    if (change->kind == CHANGE_UPLOAD_ADD)
        return add(sqlite, &change->upload);
    if (change->kind == CHANGE_UPLOAD_REMOVE)
        return take(sqlite, STATEMENT_UPLOAD_REMOVE, change->upload.key, true);
    if (change->kind == CHANGE_JOB_DELETE)
        return delete_job(sqlite, change->job->key);
    if (change->use.done)
        return take(sqlite, STATEMENT_USES_END, change->use.job, false);
    sqlite_connection_number(&sqlite->writer, STATEMENT_USE_ADD, 1, change->use.source);
    sqlite_connection_number(&sqlite->writer, STATEMENT_USE_ADD, 2, change->use.job);
    return sqlite_connection_do(&sqlite->writer, STATEMENT_USE_ADD);
}
