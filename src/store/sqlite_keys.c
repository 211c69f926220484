#include "store/sqlite_keys.h"

#include "base/buffer.h"
#include "base/scope.h"
#include "store/sqlite_row.h"
#include "store/sqlite_write.h"

#include <string.h>

enum { SCOPES_TEXT_MAX = 256 };

/* Names instead of bits, as everywhere in the file: "generate,read". */
static void write_scopes(unsigned scopes, struct buffer *target)
{
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        if (!(scopes & SCOPE_BIT(scope)))
            continue;
        buffer_add_text(target, target->size ? "," : "");
        buffer_add_text(target, scope_name((enum scope)scope));
    }
}

/* A scope that this program does not know gives nothing. */
static unsigned read_scopes(struct span text)
{
    unsigned scopes = 0;
    struct span name;
    while (span_take(&text, ',', &name)) {
        enum scope scope;
        if (scope_find(name, &scope))
            scopes |= SCOPE_BIT(scope);
    }
    return scopes;
}

static enum store_result add(struct sqlite *sqlite, const struct api_key_row *row)
{
    enum { STATEMENT = STATEMENT_API_KEY_ADD };
    struct sqlite_connection *writer = &sqlite->writer;
    const int64_t numbers[] = {row->rate,       row->spend_limit, row->created_at, row->expires_at,
                               row->revoked_at, row->used_at,     row->spent,      row->reserved};
    struct buffer scopes;
    buffer_init(&scopes, SCOPES_TEXT_MAX);
    write_scopes(row->scopes, &scopes);
    sqlite_connection_text(writer, STATEMENT, 1, row->id);
    sqlite_connection_text(writer, STATEMENT, 2, row->tenant);
    sqlite_connection_text(writer, STATEMENT, 3, row->name);
    sqlite_connection_text(writer, STATEMENT, 4, row->prefix);
    (void)sqlite3_bind_blob(writer->statements[STATEMENT], 5, row->hash, API_KEY_HASH_SIZE,
                            SQLITE_STATIC);
    sqlite_connection_text(writer, STATEMENT, 6, scopes.size ? scopes.data : "");
    for (int n = 0; n < 8; n++)
        sqlite_connection_number(writer, STATEMENT, 7 + n, numbers[n]);
    enum store_result result = sqlite_connection_do(writer, STATEMENT);
    buffer_done(&scopes);
    return result;
}

static enum store_result stamp(struct sqlite *sqlite, enum sqlite_statement statement,
                               const char *id, int64_t number)
{
    sqlite_connection_text(&sqlite->writer, statement, 1, id);
    sqlite_connection_number(&sqlite->writer, statement, 2, number);
    return sqlite_connection_do(&sqlite->writer, statement);
}

static enum store_result charge(struct sqlite *sqlite, const struct api_key_row *more)
{
    sqlite_connection_number(&sqlite->writer, STATEMENT_API_KEY_CHARGE, 3, more->reserved);
    return stamp(sqlite, STATEMENT_API_KEY_CHARGE, more->id, more->spent);
}

enum store_result sqlite_keys_change(struct sqlite *sqlite, const struct api_key_change *change)
{
    const struct api_key_row *row = &change->row;
    switch (change->act) {
    case API_KEY_MADE:
        return add(sqlite, row);
    case API_KEY_REVOKED:
        return stamp(sqlite, STATEMENT_API_KEY_REVOKE, row->id, row->revoked_at);
    case API_KEY_CHARGED:
        return charge(sqlite, row);
    case API_KEY_USED:
        return stamp(sqlite, STATEMENT_API_KEY_USE, row->id, row->used_at);
    }
    return STORE_BROKEN;
}

enum store_result sqlite_keys_put_tenant(struct sqlite *sqlite, const struct tenant_row *row)
{
    struct sqlite_connection *writer = &sqlite->writer;
    const int64_t numbers[] = {row->in_flight, row->queued, row->rate, row->budget};
    sqlite_connection_text(writer, STATEMENT_TENANT_PUT, 1, row->tenant);
    sqlite_connection_text(writer, STATEMENT_TENANT_PUT, 2, row->tier);
    for (int n = 0; n < 4; n++)
        sqlite_connection_number(writer, STATEMENT_TENANT_PUT, 3 + n, numbers[n]);
    sqlite_connection_text(writer, STATEMENT_TENANT_PUT, 7, tenant_period_name(row->period));
    sqlite_connection_number(writer, STATEMENT_TENANT_PUT, 8, row->updated_at);
    return sqlite_connection_do(writer, STATEMENT_TENANT_PUT);
}

static enum store_result change_count(struct sqlite *sqlite, enum sqlite_statement statement,
                                      const struct waiting_change *change)
{
    sqlite_connection_text(&sqlite->writer, statement, 1, change->tenant);
    sqlite_connection_number(&sqlite->writer, statement, 2, change->delta);
    return sqlite_connection_do(&sqlite->writer, statement);
}

/* Nearly always the row is there. */
enum store_result sqlite_keys_change_waiting(struct sqlite *sqlite,
                                             const struct waiting_change *change)
{
    enum store_result result = change_count(sqlite, STATEMENT_WAITING_CHANGE, change);
    if (result != STORE_OK || sqlite3_changes(sqlite->writer.db) == 1)
        return result;
    return change_count(sqlite, STATEMENT_WAITING_ADD, change);
}

enum store_result sqlite_keys_change_pause(struct sqlite *sqlite, const struct pause_row *row)
{
    enum sqlite_statement statement = row->since ? STATEMENT_PAUSE_PUT : STATEMENT_PAUSE_REMOVE;
    sqlite_connection_text(&sqlite->writer, statement, 1, row->provider);
    if (row->since)
        sqlite_connection_number(&sqlite->writer, statement, 2, row->since);
    return sqlite_connection_do(&sqlite->writer, statement);
}

static enum store_result start_keys(struct sqlite *sqlite, const struct store_sink *sink)
{
    struct sqlite_connection *writer = &sqlite->writer;
    enum store_result result = STORE_OK;
    while ((result = sqlite_connection_step(writer, STATEMENT_API_KEYS_LIMITED)) == STORE_OK) {
        struct api_key_row row;
        sqlite_keys_read(writer->statements[STATEMENT_API_KEYS_LIMITED], &row);
        if (sink->key)
            sink->key(sink->context, &row);
    }
    return result == STORE_NONE ? STORE_OK : result;
}

static enum store_result start_pauses(struct sqlite *sqlite, const struct store_sink *sink)
{
    struct sqlite_connection *writer = &sqlite->writer;
    enum store_result result = STORE_OK;
    while ((result = sqlite_connection_step(writer, STATEMENT_PAUSES)) == STORE_OK) {
        sqlite3_stmt *statement = writer->statements[STATEMENT_PAUSES];
        struct pause_row row = {.since = sqlite3_column_int64(statement, 1)};
        if (sqlite_row_text(statement, 0, row.provider, sizeof row.provider) && sink->pause)
            sink->pause(sink->context, &row);
    }
    return result == STORE_NONE ? STORE_OK : result;
}

enum store_result sqlite_keys_start(struct sqlite *sqlite, const struct store_sink *sink)
{
    struct sqlite_connection *writer = &sqlite->writer;
    enum store_result result = STORE_OK;
    while ((result = sqlite_connection_step(writer, STATEMENT_TENANTS)) == STORE_OK) {
        struct tenant_row row;
        sqlite_keys_read_tenant(writer->statements[STATEMENT_TENANTS], &row);
        if (sink->tenant)
            sink->tenant(sink->context, &row);
    }
    if (result != STORE_NONE)
        return result;
    while ((result = sqlite_connection_step(writer, STATEMENT_WAITING)) == STORE_OK) {
        char tenant[JOB_TENANT_SIZE];
        sqlite3_stmt *statement = writer->statements[STATEMENT_WAITING];
        if (sqlite_row_text(statement, 0, tenant, sizeof tenant) && sink->waiting)
            sink->waiting(sink->context, tenant, sqlite3_column_int64(statement, 1));
    }
    if (result == STORE_NONE)
        result = start_keys(sqlite, sink);
    return result == STORE_OK ? start_pauses(sqlite, sink) : result;
}

void sqlite_keys_read(sqlite3_stmt *statement, struct api_key_row *ret_row)
{
    char scopes[SCOPES_TEXT_MAX];
    struct api_key_row row = {
        .rate = sqlite3_column_int64(statement, 6),
        .spend_limit = sqlite3_column_int64(statement, 7),
        .created_at = sqlite3_column_int64(statement, 8),
        .expires_at = sqlite3_column_int64(statement, 9),
        .revoked_at = sqlite3_column_int64(statement, 10),
        .used_at = sqlite3_column_int64(statement, 11),
        .spent = sqlite3_column_int64(statement, 12),
        .reserved = sqlite3_column_int64(statement, 13),
    };
    (void)sqlite_row_text(statement, 0, row.id, sizeof row.id);
    (void)sqlite_row_text(statement, 1, row.tenant, sizeof row.tenant);
    (void)sqlite_row_text(statement, 2, row.name, sizeof row.name);
    (void)sqlite_row_text(statement, 3, row.prefix, sizeof row.prefix);
    memcpy(row.hash, sqlite3_column_blob(statement, 4), sizeof row.hash);
    if (sqlite_row_text(statement, 5, scopes, sizeof scopes))
        row.scopes = read_scopes(span_of(scopes));
    *ret_row = row;
}

void sqlite_keys_read_tenant(sqlite3_stmt *statement, struct tenant_row *ret_row)
{
    char period[16];
    struct tenant_row row = {
        .in_flight = sqlite3_column_int64(statement, 2),
        .queued = sqlite3_column_int64(statement, 3),
        .rate = sqlite3_column_int64(statement, 4),
        .budget = sqlite3_column_int64(statement, 5),
        .updated_at = sqlite3_column_int64(statement, 7),
    };
    (void)sqlite_row_text(statement, 0, row.tenant, sizeof row.tenant);
    (void)sqlite_row_text(statement, 1, row.tier, sizeof row.tier);
    if (sqlite_row_text(statement, 6, period, sizeof period))
        (void)tenant_period_find(span_of(period), &row.period);
    *ret_row = row;
}
