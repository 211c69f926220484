#include "store/sqlite_reader_statement.h"

#include "store/sqlite_keys.h"
#include "store/sqlite_row.h"

#define LIST_COLUMNS "SELECT key, tenant, model, provider, state, created_at FROM jobs "

#define USAGE_COLUMNS                                                                              \
    "SELECT CASE ?3 WHEN 0 THEN tenant WHEN 1 THEN model WHEN 2 THEN provider ELSE day END"        \
    " AS name, sum(jobs), sum(succeeded), sum(failed), sum(spent), sum(reserved) FROM ("
#define USAGE_NOW                                                                                  \
    " UNION ALL SELECT 0, tenant, model, provider, 0, 0, 0, 0, reserved FROM spend"                \
    " WHERE day = 0 AND reserved > 0"
#define USAGE_ORDER ") GROUP BY name ORDER BY name"

const char *const sqlite_reader_statements[READ_COUNT] = {
    [READ_JOB] = "SELECT " SQLITE_ROW_COLUMNS " FROM jobs" SQLITE_ROW_JOIN "WHERE key = ?1",
    [READ_ATTEMPT] =
        "SELECT " SQLITE_ROW_ATTEMPT_COLUMNS " FROM attempts WHERE job = ?1 AND number = ?2",
    [READ_OUTPUTS] =
        "SELECT " SQLITE_ROW_OUTPUT_COLUMNS ", words FROM outputs WHERE job = ?1 ORDER BY number",
    [READ_OUTPUTS_LISTED] =
        "SELECT " SQLITE_ROW_OUTPUT_COLUMNS ", NULL FROM outputs WHERE job = ?1 ORDER BY number",
    [READ_PLACE] = "SELECT priority, count, arrived FROM buckets"
                   " WHERE tenant = ?1 AND model = ?2 AND priority >= ?3",
    [READ_LIST] = LIST_COLUMNS "WHERE key < ?1 ORDER BY key DESC LIMIT ?2",
    [READ_LIST_TENANT] = LIST_COLUMNS
    "INDEXED BY jobs_tenant WHERE key < ?1 AND tenant = ?3 ORDER BY key DESC LIMIT ?2",
    [READ_TIMELINE] = "SELECT number, at, from_state, to_state, attempt, error, note FROM timeline"
                      " WHERE job = ?1 ORDER BY number LIMIT ?2",
    [READ_ATTEMPTS] = "SELECT " SQLITE_ROW_ATTEMPT_COLUMNS
                      " FROM attempts WHERE job = ?1 ORDER BY number LIMIT ?2",
    [READ_SETTING] = "SELECT text FROM settings WHERE name = ?1",
    [READ_TENANTS] = "SELECT " SQLITE_KEYS_TENANT_COLUMNS " FROM tenants",
    [READ_API_KEYS] = "SELECT " SQLITE_KEYS_COLUMNS " FROM api_keys ORDER BY id",
    [READ_USAGE] =
        USAGE_COLUMNS "SELECT * FROM spend WHERE day BETWEEN ?1 AND ?2" USAGE_NOW USAGE_ORDER,
    /* A seek for each day, for the rows of all tenants lie between. */
    [READ_USAGE_TENANT] =
        "WITH RECURSIVE days(at) AS (SELECT ?1 UNION ALL SELECT at + 1 FROM days WHERE at < "
        "?2) " USAGE_COLUMNS "SELECT spend.* FROM days CROSS JOIN spend"
        " ON spend.day = days.at AND spend.tenant = ?4" USAGE_NOW " AND tenant = ?4" USAGE_ORDER,
    [READ_UPLOAD] = "SELECT " SQLITE_ROW_UPLOAD_COLUMNS " FROM uploads WHERE key = ?1",
    [READ_EXPIRED] =
        "SELECT key, size FROM uploads WHERE expires_at <= ?1 AND NOT EXISTS"
        " (SELECT 1 FROM uses WHERE source = -uploads.key) ORDER BY expires_at LIMIT ?2",
    [READ_KEPT] = "SELECT key, output_bytes FROM jobs INDEXED BY jobs_kept WHERE output_count > 0"
                  " AND removed_at = 0 AND ended_at <= ?1 AND NOT EXISTS"
                  " (SELECT 1 FROM uses WHERE source = jobs.key) ORDER BY ended_at, key LIMIT ?2",
    [READ_KEPT_BYTES] = "SELECT ifnull(sum(output_bytes), 0) FROM jobs INDEXED BY jobs_kept"
                        " WHERE output_count > 0 AND removed_at = 0",
    [READ_DELIVERY] =
        "SELECT " SQLITE_ROW_DELIVERY_COLUMNS " FROM deliveries WHERE job = ?1 AND number = ?2",
    [READ_BODY] = "SELECT body FROM bodies WHERE job = ?1 AND number = ?2",
    [READ_DELIVERIES] = "SELECT " SQLITE_ROW_DELIVERY_COLUMNS
                        " FROM deliveries WHERE job = ?1 ORDER BY number DESC LIMIT ?2",
    [READ_TRIES] = "SELECT number, at, took, status, error FROM tries"
                   " WHERE job = ?1 AND delivery = ?2 ORDER BY number",
    [READ_REMOTE_ID] = "SELECT job FROM attempts INDEXED BY attempts_remote"
                       " WHERE remote_id = ?1 AND remote_id <> '' LIMIT 1",
    [READ_SECRET] = "SELECT " SQLITE_ROW_SECRET_COLUMNS " FROM secrets WHERE tenant = ?1",
    [READ_BEGIN] = "BEGIN",
    [READ_END] = "COMMIT",
};
