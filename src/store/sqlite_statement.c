#include "store/sqlite_statement.h"

#include "store/sqlite_keys.h"
#include "store/sqlite_row.h"

/* As the partial indexes say it, word for word: that is how SQLite knows that they may be used. */
#define IN_FLIGHT                                                                                  \
    "(state = 'submitting' OR state = 'running' OR state = 'storing' OR state = 'uncertain')"

const char *const sqlite_statements[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    /* No row changes when somebody else wrote a turn: there is one writer. */
    [STATEMENT_END_TURN] = "UPDATE meta SET turn = turn + 1, now = max(now, ?1),"
                           " last_key = max(last_key, ?2), hooks_pending = ?4"
                           " WHERE one = 1 AND turn = ?3",

    [STATEMENT_JOB_INSERT] = "INSERT INTO jobs (key, version" SQLITE_ROW_FIXED(SQLITE_ROW_NAME)
        SQLITE_ROW_CHANGING(SQLITE_ROW_NAME) ") VALUES (?1, ?2" SQLITE_ROW_FIXED(SQLITE_ROW_VALUE)
            SQLITE_ROW_CHANGING(SQLITE_ROW_VALUE) ")",
    [STATEMENT_INPUTS_INSERT] = "INSERT INTO inputs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    /* No row changes when there is none, when it ended in another state, or when it is newer. */
    [STATEMENT_JOB_UPDATE] = "UPDATE jobs SET version = ?2" SQLITE_ROW_CHANGING(
        SQLITE_ROW_SET) " WHERE key = ?1 AND version <= ?2 AND (ended_at = 0 OR state = ?10)",
    [STATEMENT_JOB_PROGRESS] = "UPDATE jobs SET progress = ?2, stage = ?3, version = ?4"
                               " WHERE key = ?1 AND version <= ?4",
    [STATEMENT_JOB_LOAD] =
        "SELECT " SQLITE_ROW_COLUMNS " FROM jobs" SQLITE_ROW_JOIN "WHERE key = ?1",

    [STATEMENT_ATTEMPT_PUT] =
        "INSERT INTO attempts"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
        " ON CONFLICT DO UPDATE SET state = ?3, provider = ?4, remote_id = ?5, intent_at = ?6,"
        " accepted_at = ?7, ended_at = ?8, reserved = ?9, settled = ?10, error = ?11, offer = ?12,"
        " sends = ?13, handle = ?14, expected = ?15",
    [STATEMENT_ATTEMPT_LOAD] =
        "SELECT " SQLITE_ROW_ATTEMPT_COLUMNS " FROM attempts WHERE job = ?1 AND number = ?2",
    [STATEMENT_OUTPUT_PUT] = "INSERT OR REPLACE INTO outputs"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [STATEMENT_OUTPUTS_LOAD] =
        "SELECT " SQLITE_ROW_OUTPUT_COLUMNS ", words FROM outputs WHERE job = ?1 ORDER BY number",
    [STATEMENT_TIMELINE_ADD] = "INSERT INTO timeline VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",

    /* An equal key is replaced only by one that expires later: within a turn it is a fault. */
    [STATEMENT_KEY_PUT] = "INSERT INTO keys VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                          " ON CONFLICT DO UPDATE SET body_hash = ?3, job = ?4, count = ?5,"
                          " expires_at = ?6 WHERE expires_at < ?6",
    [STATEMENT_KEY_LOAD] = "SELECT body_hash, job, count, expires_at FROM keys"
                           " WHERE tenant = ?1 AND key_hash = ?2",
    [STATEMENT_KEY_NEXT] = "SELECT expires_at FROM keys ORDER BY expires_at LIMIT 1",
    [STATEMENT_KEYS_EXPIRE] =
        "DELETE FROM keys WHERE (tenant, key_hash) IN (SELECT tenant, key_hash"
        " FROM keys WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",

    [STATEMENT_DEPENDENCY_ADD] = "INSERT INTO dependencies VALUES (?1, ?2)",
    [STATEMENT_DEPENDENCY_REMOVE] = "DELETE FROM dependencies WHERE on_job = ?1 AND job = ?2",
    [STATEMENT_BUCKET_CHANGE] = "UPDATE buckets SET count = count + ?4, arrived = arrived + ?5"
                                " WHERE tenant = ?1 AND model = ?2 AND priority = ?3",
    [STATEMENT_BUCKET_ADD] = "INSERT INTO buckets VALUES (?1, ?2, ?3, ?4, ?5)",
    [STATEMENT_BUCKETS_CLEAN] = "DELETE FROM buckets WHERE count = 0",
    [STATEMENT_PACE_PUT] = "INSERT OR REPLACE INTO paces VALUES (?1, ?2, ?3, ?4, ?5, ?6)",

    [STATEMENT_USE_ADD] = "INSERT INTO uses VALUES (?1, ?2)",
    [STATEMENT_USES_END] = "DELETE FROM uses WHERE job = ?1",
    [STATEMENT_USER_LOAD] = "SELECT jobs.id FROM uses CROSS JOIN jobs ON jobs.key = uses.job"
                            " WHERE uses.source = ?1 LIMIT 1",
    [STATEMENT_UPLOAD_ADD] = "INSERT INTO uploads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [STATEMENT_UPLOAD_REMOVE] = "DELETE FROM uploads WHERE key = ?1",
    [STATEMENT_UPLOAD_LOAD] = "SELECT " SQLITE_ROW_UPLOAD_COLUMNS " FROM uploads WHERE key = ?1",
    [STATEMENT_UPLOADS_LOAD] = "SELECT ifnull(sum(size), 0), count(*)"
                               " FROM uploads INDEXED BY uploads_tenant WHERE tenant = ?1",
    [STATEMENT_JOB_DELETE] = "DELETE FROM jobs WHERE key = ?1 AND ended_at > 0",
    [STATEMENT_INPUTS_DELETE] = "DELETE FROM inputs WHERE job = ?1",
    [STATEMENT_OUTPUTS_DELETE] = "DELETE FROM outputs WHERE job = ?1",
    [STATEMENT_ATTEMPTS_DELETE] = "DELETE FROM attempts WHERE job = ?1",
    [STATEMENT_TIMELINE_DELETE] = "DELETE FROM timeline WHERE job = ?1",
    /* Who waits still is told of the end first, in this very turn. */
    [STATEMENT_DEPENDENCIES_DELETE] =
        "DELETE FROM dependencies WHERE on_job = ?1 AND NOT EXISTS"
        " (SELECT 1 FROM jobs WHERE jobs.key = dependencies.job AND jobs.state = 'waiting')",

    [STATEMENT_CLAIM] =
        "SELECT " SQLITE_ROW_COLUMNS " FROM jobs INDEXED BY jobs_queue" SQLITE_ROW_JOIN
        "WHERE state = 'queued' AND tenant = ?1 AND model = ?2 AND priority = ?3"
        " ORDER BY queued_at, key LIMIT ?4",
    [STATEMENT_HEAD] = "SELECT queued_at FROM jobs INDEXED BY jobs_queue"
                       " WHERE state = 'queued' AND tenant = ?1 AND model = ?2 AND priority = ?3"
                       " ORDER BY queued_at, key LIMIT 1 OFFSET ?4",
    [STATEMENT_DEPENDENTS] = "SELECT " SQLITE_ROW_COLUMNS " FROM dependencies"
                             " CROSS JOIN jobs ON jobs.key = dependencies.job" SQLITE_ROW_JOIN
                             "WHERE dependencies.on_job = ?1 AND jobs.state = 'waiting'"
                             " ORDER BY dependencies.job LIMIT ?2",
    [STATEMENT_DUE] = "SELECT " SQLITE_ROW_COLUMNS " FROM jobs INDEXED BY jobs_wake" SQLITE_ROW_JOIN
                      "WHERE wake_at > 0 ORDER BY wake_at, key LIMIT ?1",
    [STATEMENT_TWIN_FLIGHT] = "SELECT key FROM jobs INDEXED BY jobs_flight WHERE " IN_FLIGHT
                              " AND tenant = ?1 AND model = ?2 AND fingerprint = ?3"
                              " ORDER BY key DESC LIMIT 1",
    [STATEMENT_TWIN_WAITING] =
        "SELECT key FROM jobs INDEXED BY jobs_waiting WHERE state = 'waiting'"
        " AND tenant = ?1 AND model = ?2 AND fingerprint = ?3"
        " ORDER BY key DESC LIMIT 1",
    /* The newest ?4 of the bucket, looked at in the index alone. */
    [STATEMENT_TWIN_QUEUED] =
        "SELECT key FROM (SELECT key, fingerprint FROM jobs INDEXED BY jobs_queue"
        " WHERE state = 'queued' AND tenant = ?1 AND model = ?2 AND priority = ?5"
        " ORDER BY queued_at DESC, key DESC LIMIT ?4) WHERE fingerprint = ?3 LIMIT 1",
    [STATEMENT_LINE_BUCKETS] = "SELECT priority, count FROM buckets"
                               " WHERE tenant = ?1 AND model = ?2 AND count > 0"
                               " ORDER BY priority DESC",

    [STATEMENT_META] = "SELECT turn, now, last_key, hooks_pending FROM meta WHERE one = 1",
    [STATEMENT_NEXT_DUE] = "SELECT wake_at FROM jobs INDEXED BY jobs_wake WHERE wake_at > 0"
                           " ORDER BY wake_at LIMIT 1",
    [STATEMENT_PACES] = "SELECT model, count, mean, seen, log_mean, log_variance FROM paces",
    [STATEMENT_BUCKETS] =
        "SELECT tenant, model, priority, count, arrived,"
        " (SELECT queued_at FROM jobs INDEXED BY jobs_queue WHERE state = 'queued'"
        "  AND tenant = buckets.tenant AND model = buckets.model AND priority = buckets.priority"
        "  ORDER BY queued_at, key LIMIT 1) FROM buckets WHERE count > 0",
    [STATEMENT_FLIGHT] =
        "SELECT " SQLITE_ROW_COLUMNS " FROM jobs INDEXED BY jobs_flight" SQLITE_ROW_JOIN
        "WHERE " IN_FLIGHT " ORDER BY key",
    [STATEMENT_FOLLOWING] =
        "SELECT " SQLITE_ROW_COLUMNS " FROM jobs INDEXED BY jobs_following" SQLITE_ROW_JOIN
        "WHERE following = 1 ORDER BY key",

    [STATEMENT_API_KEY_ADD] =
        "INSERT INTO api_keys (" SQLITE_KEYS_COLUMNS ")"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    [STATEMENT_API_KEY_REVOKE] =
        "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at = 0",
    [STATEMENT_API_KEY_USE] = "UPDATE api_keys SET used_at = max(used_at, ?2) WHERE id = ?1",
    [STATEMENT_API_KEY_CHARGE] =
        "UPDATE api_keys SET spent = spent + ?2, reserved = reserved + ?3 WHERE id = ?1",
    [STATEMENT_API_KEYS_LIMITED] =
        "SELECT " SQLITE_KEYS_COLUMNS " FROM api_keys WHERE spend_limit >= 0",
    [STATEMENT_TENANT_PUT] = "INSERT OR REPLACE INTO tenants (" SQLITE_KEYS_TENANT_COLUMNS ")"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [STATEMENT_TENANTS] = "SELECT " SQLITE_KEYS_TENANT_COLUMNS " FROM tenants",
    [STATEMENT_WAITING_CHANGE] = "UPDATE waiting SET count = count + ?2 WHERE tenant = ?1",
    [STATEMENT_WAITING_ADD] = "INSERT INTO waiting VALUES (?1, ?2)",
    [STATEMENT_WAITING] = "SELECT tenant, count FROM waiting WHERE count > 0",
    [STATEMENT_PAUSE_PUT] = "INSERT OR REPLACE INTO pauses VALUES (?1, ?2)",
    [STATEMENT_PAUSE_REMOVE] = "DELETE FROM pauses WHERE provider = ?1",
    [STATEMENT_PAUSES] = "SELECT provider, since FROM pauses",
    [STATEMENT_SPEND_CHANGE] =
        "UPDATE spend SET jobs = jobs + ?5, succeeded = succeeded + ?6, failed = failed + ?7,"
        " spent = spent + ?8, reserved = reserved + ?9"
        " WHERE day = ?1 AND tenant = ?2 AND model = ?3 AND provider = ?4",
    [STATEMENT_SPEND_ADD] = "INSERT INTO spend VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [STATEMENT_SPENDS] = "SELECT * FROM spend WHERE day = 0"
                         " UNION ALL SELECT * FROM spend WHERE day >= ?1",

    [STATEMENT_DELIVERY_INSERT] =
        "INSERT INTO deliveries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [STATEMENT_BODY_INSERT] = "INSERT INTO bodies VALUES (?1, ?2, ?3)",
    [STATEMENT_DELIVERY_UPDATE] = "UPDATE deliveries SET state = ?5, tries = ?6, logged = ?7,"
                                  " next_at = ?9, ended_at = ?10 WHERE job = ?1 AND number = ?2"
                                  " AND lane = ?3 AND event = ?4 AND created_at = ?8",
    [STATEMENT_DELIVERY_LOAD] =
        "SELECT " SQLITE_ROW_DELIVERY_COLUMNS " FROM deliveries WHERE job = ?1 AND number = ?2",
    [STATEMENT_DELIVERIES_DUE] =
        "SELECT " SQLITE_ROW_DELIVERY_COLUMNS " FROM deliveries INDEXED BY deliveries_due"
        " WHERE next_at > 0 AND lane = ?1 ORDER BY next_at, job, number LIMIT ?2",
    [STATEMENT_DELIVERY_ENDED] =
        "SELECT job, number, ended_at FROM deliveries INDEXED BY deliveries_ended"
        " WHERE ended_at > 0 ORDER BY ended_at LIMIT 1",
    [STATEMENT_DELIVERY_DELETE] = "DELETE FROM deliveries WHERE job = ?1 AND number = ?2",
    [STATEMENT_BODY_DELETE] = "DELETE FROM bodies WHERE job = ?1 AND number = ?2",
    [STATEMENT_TRIES_DELETE] = "DELETE FROM tries WHERE job = ?1 AND delivery = ?2",
    [STATEMENT_DELIVERIES_PENDING] =
        "SELECT count(*) FROM deliveries WHERE job = ?1 AND state = 'pending'",
    [STATEMENT_DELIVERIES_FORGET] = "DELETE FROM deliveries WHERE job = ?1",
    [STATEMENT_BODIES_FORGET] = "DELETE FROM bodies WHERE job = ?1",
    [STATEMENT_TRIES_FORGET] = "DELETE FROM tries WHERE job = ?1",
    [STATEMENT_TRY_PUT] = "INSERT OR REPLACE INTO tries SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"
                          " WHERE EXISTS"
                          " (SELECT 1 FROM deliveries WHERE job = ?1 AND number = ?2)",
    [STATEMENT_LANE_DUE] = "INSERT INTO lanes VALUES (?1, 0, ?2)"
                           " ON CONFLICT DO UPDATE SET next_at = min(next_at, ?2)",
    [STATEMENT_LANE_PUT] = "INSERT OR REPLACE INTO lanes VALUES (?1, ?2, ?3)",
    [STATEMENT_LANE_DELETE] = "DELETE FROM lanes WHERE key = ?1",
    [STATEMENT_LANES_DUE] = "SELECT key, next_at FROM lanes INDEXED BY lanes_due"
                            " WHERE failing = ?1 AND (next_at, key) > (?2, ?3)"
                            " ORDER BY next_at, key LIMIT ?4",
    [STATEMENT_SECRET_PUT] = "INSERT OR REPLACE INTO secrets VALUES (?1, ?2, ?3, ?4, ?5)",
    [STATEMENT_SECRET_LOAD] = "SELECT " SQLITE_ROW_SECRET_COLUMNS " FROM secrets WHERE tenant = ?1",
};
