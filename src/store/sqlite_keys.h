/* API keys, tenants, the counts of waiting jobs and providers' pauses, as rows of the SQLite store.
 */
#ifndef STORE_SQLITE_KEYS_H
#define STORE_SQLITE_KEYS_H

#include "store/sqlite_connection.h"

struct sqlite;

#define SQLITE_KEYS_COLUMNS                                                                        \
    "id, tenant, name, prefix, hash, scopes, rate, spend_limit, created_at, expires_at, "          \
    "revoked_at, used_at, spent, reserved"
#define SQLITE_KEYS_TENANT_COLUMNS                                                                 \
    "tenant, tier, in_flight, queued, rate, budget, period, updated_at"

/* As parts of sqlite_write_apply. */
enum store_result sqlite_keys_change(struct sqlite *sqlite, const struct api_key_change *change);
enum store_result sqlite_keys_put_tenant(struct sqlite *sqlite, const struct tenant_row *row);
enum store_result sqlite_keys_change_waiting(struct sqlite *sqlite,
                                             const struct waiting_change *change);
enum store_result sqlite_keys_change_pause(struct sqlite *sqlite, const struct pause_row *row);
/* As a part of sqlite_read_start: what is told of them. */
enum store_result sqlite_keys_start(struct sqlite *sqlite, const struct store_sink *sink);

/* The row that a statement with those columns stands on. */
void sqlite_keys_read(sqlite3_stmt *statement, struct api_key_row *ret_row);
void sqlite_keys_read_tenant(sqlite3_stmt *statement, struct tenant_row *ret_row);

#endif
