#include "store/sqlite_schema.h"

#include "base/crypto.h"

#include <stdio.h>

/* "reel" in the file's header, so that nobody else's database is taken for ours. */
enum { APPLICATION_ID = 0x7265656C };

/* Names instead of numbers, for whoever looks in with sqlite3; a chain of comparisons instead of
 * IN, because SQLite builds a table for every IN of constants at every run of a statement. */
static const char *const version_1[] = {
    "CREATE TABLE meta ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  turn INTEGER NOT NULL CHECK (turn >= 0),"
    "  now INTEGER NOT NULL CHECK (now >= 0),"
    "  last_key INTEGER NOT NULL CHECK (last_key >= 0),"
    "  hooks_pending INTEGER NOT NULL CHECK (hooks_pending >= 0)"
    ") STRICT",
    "INSERT INTO meta VALUES (1, 0, 0, 0, 0)",

    "CREATE TABLE settings (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE TABLE jobs ("
    "  key INTEGER PRIMARY KEY CHECK (key > 0),"
    "  id TEXT NOT NULL CHECK (id <> ''),"
    "  tenant TEXT NOT NULL CHECK (tenant <> ''),"
    "  model TEXT NOT NULL CHECK (model <> ''),"
    "  fingerprint INTEGER NOT NULL,"
    "  created_at INTEGER NOT NULL CHECK (created_at >= 0),"
    "  retry_of INTEGER NOT NULL CHECK (retry_of >= 0),"
    "  provider TEXT NOT NULL,"
    "  state TEXT NOT NULL CHECK (state = 'queued' OR state = 'submitting' OR state = 'running'"
    "    OR state = 'storing' OR state = 'succeeded' OR state = 'failed' OR state = 'canceled'"
    "    OR state = 'waiting' OR state = 'uncertain' OR state = 'expired'),"
    "  priority INTEGER NOT NULL CHECK (priority BETWEEN -100 AND 100),"
    "  queued_at INTEGER NOT NULL CHECK (queued_at >= 0),"
    "  started_at INTEGER NOT NULL CHECK (started_at >= 0),"
    "  ended_at INTEGER NOT NULL CHECK (ended_at >= 0),"
    "  start_at INTEGER NOT NULL CHECK (start_at >= 0),"
    "  deadline INTEGER NOT NULL CHECK (deadline >= 0),"
    "  wake_at INTEGER NOT NULL CHECK (wake_at >= 0),"
    "  ticket INTEGER NOT NULL,"
    "  waits_for INTEGER NOT NULL CHECK (waits_for >= 0),"
    "  awaited INTEGER NOT NULL CHECK (awaited BETWEEN 0 AND 1),"
    "  cancel_asked INTEGER NOT NULL CHECK (cancel_asked BETWEEN 0 AND 1),"
    "  receipt TEXT NOT NULL CHECK (receipt = 'none' OR receipt = 'not_submitted'"
    "    OR receipt = 'stopped' OR receipt = 'too_late' OR receipt = 'unconfirmed'),"
    "  tries INTEGER NOT NULL CHECK (tries >= 0),"
    "  progress INTEGER NOT NULL CHECK (progress BETWEEN 0 AND 100),"
    "  stage TEXT NOT NULL,"
    "  error TEXT NOT NULL CHECK (error <> ''),"
    "  error_text TEXT NOT NULL,"
    "  retryable INTEGER NOT NULL CHECK (retryable BETWEEN 0 AND 1),"
    "  timeline INTEGER NOT NULL CHECK (timeline >= 0),"
    "  version INTEGER NOT NULL CHECK (version >= 0),"
    "  price_max INTEGER NOT NULL CHECK (price_max >= 0),"
    "  attempt INTEGER NOT NULL CHECK (attempt >= 0),"
    "  output_count INTEGER NOT NULL CHECK (output_count BETWEEN 0 AND 8),"
    "  hook_lane INTEGER NOT NULL,"
    "  hook_events INTEGER NOT NULL CHECK (hook_events >= 0),"
    "  hooks INTEGER NOT NULL CHECK (hooks >= 0),"
    "  following INTEGER NOT NULL CHECK (following BETWEEN 0 AND 1),"
    "  warnings TEXT,"
    "  reads INTEGER NOT NULL CHECK (reads BETWEEN 0 AND 1),"
    "  removed_at INTEGER NOT NULL CHECK (removed_at >= 0),"
    "  output_bytes INTEGER NOT NULL CHECK (output_bytes >= 0),"
    "  CHECK ((ended_at > 0) = (state = 'succeeded' OR state = 'failed' OR state = 'canceled'"
    "    OR state = 'expired')),"
    "  CHECK (wake_at = 0 OR state = 'queued' OR state = 'waiting'),"
    "  CHECK (queued_at > 0 OR state <> 'queued'),"
    "  CHECK (reads = 0 OR ended_at = 0),"
    "  CHECK (following = 0 OR ended_at > 0)"
    ") STRICT",
    /* Rows come to the end of each, but for moves between priorities. The fingerprint is there so
     * that twins are found without a look at the rows. */
    "CREATE INDEX jobs_queue ON jobs (tenant, model, priority, queued_at, key, fingerprint)"
    "  WHERE state = 'queued'",
    "CREATE INDEX jobs_flight ON jobs (key, fingerprint) WHERE state = 'submitting'"
    "  OR state = 'running' OR state = 'storing' OR state = 'uncertain'",
    "CREATE INDEX jobs_following ON jobs (key) WHERE following = 1",
    "CREATE INDEX jobs_waiting ON jobs (tenant, model, fingerprint) WHERE state = 'waiting'",
    "CREATE INDEX jobs_wake ON jobs (wake_at) WHERE wake_at > 0",
    "CREATE INDEX jobs_tenant ON jobs (tenant)",
    /* The jobs whose files are there, for retention; its rows come to the end. */
    "CREATE INDEX jobs_kept ON jobs (ended_at, key, output_bytes)"
    "  WHERE output_count > 0 AND removed_at = 0",

    /* What may be long and never changes: a change of a job does not write it again. */
    "CREATE TABLE inputs ("
    "  job INTEGER PRIMARY KEY,"
    "  input TEXT NOT NULL,"
    "  metadata TEXT,"
    "  options TEXT,"
    "  route TEXT,"
    "  flags INTEGER NOT NULL CHECK (flags >= 0)"
    ") STRICT",

    "CREATE TABLE outputs ("
    "  job INTEGER NOT NULL,"
    "  number INTEGER NOT NULL CHECK (number >= 0),"
    "  name TEXT NOT NULL CHECK (name <> ''),"
    "  thumbnail TEXT NOT NULL,"
    "  content_type TEXT NOT NULL,"
    "  sha256 TEXT NOT NULL,"
    "  size INTEGER NOT NULL CHECK (size >= 0),"
    "  duration INTEGER NOT NULL CHECK (duration >= 0),"
    "  width INTEGER NOT NULL CHECK (width >= 0),"
    "  height INTEGER NOT NULL CHECK (height >= 0),"
    "  fps_milli INTEGER NOT NULL CHECK (fps_milli >= 0),"
    "  words TEXT CHECK (number = 0 OR words IS NULL)," /* last: it may be long */
    "  PRIMARY KEY (job, number)"
    ") STRICT, WITHOUT ROWID",

    "CREATE TABLE attempts ("
    "  job INTEGER NOT NULL,"
    "  number INTEGER NOT NULL CHECK (number > 0),"
    "  state TEXT NOT NULL CHECK (state = 'intent' OR state = 'accepted' OR state = 'done'"
    "    OR state = 'failed' OR state = 'stopped' OR state = 'lost' OR state = 'uncertain'"
    "    OR state = 'refused' OR state = 'unknown'),"
    "  provider TEXT NOT NULL,"
    "  remote_id TEXT NOT NULL,"
    "  intent_at INTEGER NOT NULL CHECK (intent_at >= 0),"
    "  accepted_at INTEGER NOT NULL CHECK (accepted_at >= 0),"
    "  ended_at INTEGER NOT NULL CHECK (ended_at >= 0),"
    "  reserved INTEGER NOT NULL CHECK (reserved >= 0),"
    "  settled INTEGER NOT NULL CHECK (settled >= 0),"
    "  error TEXT NOT NULL CHECK (error <> ''),"
    "  offer INTEGER NOT NULL CHECK (offer >= 0),"
    "  sends INTEGER NOT NULL CHECK (sends >= 0),"
    "  handle TEXT NOT NULL,"
    "  PRIMARY KEY (job, number)"
    ") STRICT, WITHOUT ROWID",

    /* Random keys, and only attempts at providers have one: whose is it? */
    "CREATE INDEX attempts_remote ON attempts (remote_id) WHERE remote_id <> ''",

    "CREATE TABLE timeline ("
    "  job INTEGER NOT NULL,"
    "  number INTEGER NOT NULL CHECK (number > 0),"
    "  at INTEGER NOT NULL CHECK (at >= 0),"
    "  from_state TEXT NOT NULL,"
    "  to_state TEXT NOT NULL,"
    "  attempt INTEGER NOT NULL CHECK (attempt >= 0),"
    "  error TEXT NOT NULL,"
    "  note TEXT NOT NULL,"
    "  PRIMARY KEY (job, number)"
    ") STRICT, WITHOUT ROWID",

    /* The only table with random keys, and only requests with an idempotency key write it. */
    "CREATE TABLE keys ("
    "  tenant TEXT NOT NULL CHECK (tenant <> ''),"
    "  key_hash BLOB NOT NULL CHECK (length(key_hash) = 32),"
    "  body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),"
    "  job INTEGER NOT NULL CHECK (job > 0),"
    "  count INTEGER NOT NULL CHECK (count > 0),"
    "  expires_at INTEGER NOT NULL,"
    "  PRIMARY KEY (tenant, key_hash)"
    ") STRICT, WITHOUT ROWID",
    "CREATE INDEX keys_expiry ON keys (expires_at)",

    "CREATE TABLE dependencies ("
    "  on_job INTEGER NOT NULL,"
    "  job INTEGER NOT NULL,"
    "  PRIMARY KEY (on_job, job)"
    ") STRICT, WITHOUT ROWID",

    /* What jobs that have not ended read: outputs by the other job's key, uploads by minus theirs.
     */
    "CREATE TABLE uses ("
    "  source INTEGER NOT NULL CHECK (source <> 0),"
    "  job INTEGER NOT NULL CHECK (job > 0),"
    "  PRIMARY KEY (source, job)"
    ") STRICT, WITHOUT ROWID",
    "CREATE INDEX uses_job ON uses (job)",

    "CREATE TABLE uploads ("
    "  key INTEGER PRIMARY KEY CHECK (key > 0),"
    "  id TEXT NOT NULL CHECK (id <> ''),"
    "  tenant TEXT NOT NULL CHECK (tenant <> ''),"
    "  content_type TEXT NOT NULL CHECK (content_type <> ''),"
    "  sha256 TEXT NOT NULL,"
    "  size INTEGER NOT NULL CHECK (size >= 0),"
    "  created_at INTEGER NOT NULL CHECK (created_at >= 0),"
    "  expires_at INTEGER NOT NULL CHECK (expires_at >= 0)"
    ") STRICT",
    "CREATE INDEX uploads_tenant ON uploads (tenant, size)",
    "CREATE INDEX uploads_expiry ON uploads (expires_at)",

    "CREATE TABLE buckets ("
    "  tenant TEXT NOT NULL,"
    "  model TEXT NOT NULL,"
    "  priority INTEGER NOT NULL,"
    "  count INTEGER NOT NULL CHECK (count >= 0),"
    "  arrived INTEGER NOT NULL CHECK (arrived >= count),"
    "  PRIMARY KEY (tenant, model, priority)"
    ") STRICT, WITHOUT ROWID",

    /* Webhooks (core/notify.h): what is told, to whom next, and how it went. */
    "CREATE TABLE deliveries ("
    "  job INTEGER NOT NULL,"
    "  number INTEGER NOT NULL CHECK (number > 0),"
    "  lane INTEGER NOT NULL CHECK (lane <> 0),"
    "  event TEXT NOT NULL CHECK (event <> ''),"
    "  state TEXT NOT NULL CHECK (state = 'pending' OR state = 'delivered' OR state = 'failed'"
    "    OR state = 'gone'),"
    "  tries INTEGER NOT NULL CHECK (tries >= 0),"
    "  logged INTEGER NOT NULL CHECK (logged >= tries),"
    "  created_at INTEGER NOT NULL,"
    "  next_at INTEGER NOT NULL CHECK ((next_at > 0) = (state = 'pending')),"
    "  ended_at INTEGER NOT NULL CHECK ((ended_at > 0) = (state <> 'pending')),"
    "  PRIMARY KEY (job, number)"
    ") STRICT, WITHOUT ROWID",
    "CREATE INDEX deliveries_due ON deliveries (lane, next_at, job, number) WHERE next_at > 0",
    "CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at > 0",
    /* The bytes that are sent, never changed: apart, as inputs are. */
    "CREATE TABLE bodies ("
    "  job INTEGER NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  body TEXT NOT NULL CHECK (body <> ''),"
    "  PRIMARY KEY (job, number)"
    ") STRICT, WITHOUT ROWID",
    /* A ring: the newest tries of each delivery. */
    "CREATE TABLE tries ("
    "  job INTEGER NOT NULL,"
    "  delivery INTEGER NOT NULL,"
    "  slot INTEGER NOT NULL CHECK (slot >= 0),"
    "  number INTEGER NOT NULL CHECK (number > 0),"
    "  at INTEGER NOT NULL,"
    "  took INTEGER NOT NULL CHECK (took >= 0),"
    "  status INTEGER NOT NULL CHECK (status >= 0),"
    "  error TEXT NOT NULL,"
    "  PRIMARY KEY (job, delivery, slot)"
    ") STRICT, WITHOUT ROWID",
    "CREATE TABLE lanes ("
    "  key INTEGER PRIMARY KEY,"
    "  failing INTEGER NOT NULL CHECK (failing BETWEEN 0 AND 1),"
    "  next_at INTEGER NOT NULL CHECK (next_at > 0)"
    ") STRICT",
    "CREATE INDEX lanes_due ON lanes (failing, next_at, key)",
    "CREATE TABLE secrets ("
    "  tenant TEXT PRIMARY KEY CHECK (tenant <> ''),"
    "  text TEXT NOT NULL CHECK (text <> ''),"
    "  old TEXT NOT NULL,"
    "  old_until INTEGER NOT NULL CHECK (old_until >= 0),"
    "  made_at INTEGER NOT NULL CHECK (made_at >= 0)"
    ") STRICT, WITHOUT ROWID",

    "CREATE TABLE paces ("
    "  model TEXT PRIMARY KEY,"
    "  count INTEGER NOT NULL CHECK (count >= 0),"
    "  mean INTEGER NOT NULL CHECK (mean >= 0),"
    /* Of how many ends at a provider, and the logarithms of their seconds (core/poll.h). */
    "  seen INTEGER NOT NULL CHECK (seen >= 0),"
    "  log_mean REAL NOT NULL,"
    "  log_variance REAL NOT NULL CHECK (log_variance >= 0)"
    ") STRICT, WITHOUT ROWID",

    /* Those with which applications come; `keys` above are of requests. Ids sort by time. */
    "CREATE TABLE api_keys ("
    "  id TEXT PRIMARY KEY CHECK (id <> ''),"
    "  tenant TEXT NOT NULL CHECK (tenant <> ''),"
    "  name TEXT NOT NULL,"
    "  prefix TEXT NOT NULL,"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32),"
    "  scopes TEXT NOT NULL,"
    "  rate INTEGER NOT NULL CHECK (rate >= 0),"
    "  spend_limit INTEGER NOT NULL CHECK (spend_limit >= -1),"
    "  created_at INTEGER NOT NULL CHECK (created_at >= 0),"
    "  expires_at INTEGER NOT NULL CHECK (expires_at >= 0),"
    "  revoked_at INTEGER NOT NULL CHECK (revoked_at >= 0),"
    "  used_at INTEGER NOT NULL CHECK (used_at >= 0)"
    ") STRICT, WITHOUT ROWID",
    "CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash)",

    /* Limits of −1 are the configuration's. */
    "CREATE TABLE tenants ("
    "  tenant TEXT PRIMARY KEY CHECK (tenant <> ''),"
    "  tier TEXT NOT NULL,"
    "  in_flight INTEGER NOT NULL CHECK (in_flight >= -1),"
    "  queued INTEGER NOT NULL CHECK (queued >= -1),"
    "  rate INTEGER NOT NULL CHECK (rate >= -1),"
    "  budget INTEGER NOT NULL CHECK (budget >= -1),"
    "  period TEXT NOT NULL CHECK (period = 'day' OR period = 'month' OR period = 'total'),"
    "  updated_at INTEGER NOT NULL CHECK (updated_at >= 0)"
    ") STRICT, WITHOUT ROWID",

    /* Jobs that wait, counted in the transaction that moves them, as in buckets. */
    "CREATE TABLE waiting ("
    "  tenant TEXT PRIMARY KEY CHECK (tenant <> ''),"
    "  count INTEGER NOT NULL CHECK (count >= 0)"
    ") STRICT, WITHOUT ROWID",
    NULL,
};

/* Sums of what jobs came to: see core/spend.h. What the rows say so far is summed up, once. */
static const char *const version_2[] = {
    "CREATE TABLE spend ("
    "  day INTEGER NOT NULL CHECK (day >= 0),"
    "  tenant TEXT NOT NULL CHECK (tenant <> ''),"
    "  model TEXT NOT NULL,"
    "  provider TEXT NOT NULL,"
    "  jobs INTEGER NOT NULL CHECK (jobs >= 0),"
    "  succeeded INTEGER NOT NULL CHECK (succeeded >= 0),"
    "  failed INTEGER NOT NULL CHECK (failed >= 0),"
    "  spent INTEGER NOT NULL CHECK (spent >= 0),"
    "  reserved INTEGER NOT NULL CHECK (reserved >= 0),"
    "  CHECK (reserved = 0 OR day = 0),"
    "  PRIMARY KEY (day, tenant, model, provider)"
    ") STRICT, WITHOUT ROWID",
    "INSERT INTO spend SELECT ended_at / 86400000, tenant, model, provider, count(*),"
    "    sum(state = 'succeeded'), sum(state = 'failed' OR state = 'expired'), 0, 0"
    "  FROM jobs WHERE ended_at > 0 GROUP BY 1, 2, 3, 4",
    "INSERT INTO spend SELECT attempts.ended_at / 86400000, tenant, model, attempts.provider,"
    "    0, 0, 0, sum(settled), 0"
    "  FROM attempts JOIN jobs ON jobs.key = attempts.job"
    "  WHERE settled > 0 AND attempts.ended_at > 0 GROUP BY 1, 2, 3, 4"
    "  ON CONFLICT DO UPDATE SET spent = spent + excluded.spent",
    "INSERT INTO spend SELECT 0, tenant, model, provider, 0, 0, 0, sum(spent), 0"
    "  FROM spend WHERE spent > 0 GROUP BY 2, 3, 4",
    /* As core/money.c has it: the price of the job until it ends, and that of an attempt that is
     * open until that has ended. */
    "INSERT INTO spend SELECT 0, tenant, model, provider, 0, 0, 0, 0, sum(bound) FROM ("
    "    SELECT tenant, model, jobs.provider AS provider,"
    "      max(CASE WHEN jobs.ended_at = 0 THEN price_max ELSE 0 END,"
    "        coalesce(max(reserved, settled), 0)) AS bound"
    "    FROM jobs JOIN inputs ON inputs.job = jobs.key"
    "    LEFT JOIN attempts ON attempts.job = jobs.key AND attempts.number = jobs.attempt"
    "      AND (attempts.state = 'intent' OR attempts.state = 'accepted'"
    "        OR attempts.state = 'uncertain')"
    "    WHERE route IS NOT NULL AND (jobs.ended_at = 0 OR following = 1))"
    "  WHERE bound > 0 GROUP BY 2, 3, 4"
    "  ON CONFLICT DO UPDATE SET reserved = excluded.reserved",
    NULL,
};

static const char *const version_3[] = {
    "CREATE TABLE pauses ("
    "  provider TEXT PRIMARY KEY CHECK (provider <> ''),"
    "  since INTEGER NOT NULL CHECK (since > 0)"
    ") STRICT, WITHOUT ROWID",
    /* Of keys with a limit, and whose job it is. */
    "ALTER TABLE api_keys ADD COLUMN spent INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0)",
    "ALTER TABLE api_keys ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0)",
    "ALTER TABLE inputs ADD COLUMN api_key TEXT NOT NULL DEFAULT ''",
    NULL,
};

static const char *const version_4[] = {
    "ALTER TABLE attempts ADD COLUMN expected INTEGER NOT NULL DEFAULT 0 CHECK (expected >= 0)",
    NULL,
};

/* Older attempts that are taken up again (core/late.c), and whom call backs named. What late
 * attempts made was known by the job's state so far. */
static const char *const version_5[] = {
    "ALTER TABLE jobs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0)",
    "ALTER TABLE jobs ADD COLUMN paid INTEGER NOT NULL DEFAULT 0 CHECK (paid >= 0)",
    "ALTER TABLE jobs ADD COLUMN was_resent INTEGER NOT NULL DEFAULT 0"
    "  CHECK (was_resent BETWEEN 0 AND 1)",
    "ALTER TABLE jobs ADD COLUMN late INTEGER NOT NULL DEFAULT 0 CHECK (late >= 0)",
    "ALTER TABLE jobs ADD COLUMN late_id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE jobs ADD COLUMN hint TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE outputs ADD COLUMN late INTEGER NOT NULL DEFAULT 0 CHECK (late BETWEEN 0 AND 1)",
    "UPDATE jobs SET attempts = attempt WHERE attempt > 0",
    "UPDATE jobs SET paid = others.sum, was_resent = others.unknown"
    "  FROM (SELECT job, sum(settled) AS sum, max(attempts.state = 'unknown') AS unknown"
    "    FROM attempts JOIN jobs ON jobs.key = attempts.job WHERE number <> jobs.attempt"
    "    GROUP BY job) AS others"
    "  WHERE others.job = jobs.key",
    "UPDATE outputs SET late = 1"
    "  WHERE EXISTS (SELECT 1 FROM jobs WHERE key = job AND state <> 'succeeded')",
    NULL,
};

static const char *const *const migrations[] = {version_1, version_2, version_3, version_4,
                                                version_5};

int sqlite_schema_version(void)
{
    return (int)(sizeof migrations / sizeof migrations[0]);
}

static bool read_number(struct sqlite_connection *connection, const char *text, int64_t *ret_number,
                        char ret_fault[static STORE_FAULT_SIZE])
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(connection->db, text, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    bool found = code == SQLITE_ROW;
    if (found)
        *ret_number = sqlite3_column_int64(statement, 0);
    else
        sqlite_connection_fault(connection, sqlite3_db_filename(connection->db, "main"), code,
                                ret_fault);
    (void)sqlite3_finalize(statement);
    return found;
}

/* The secret that signs the URLs of outputs. */
static bool make_settings(struct sqlite_connection *connection,
                          char ret_fault[static STORE_FAULT_SIZE])
{
    unsigned char secret[32];
    char hex[2 * sizeof secret + 1], text[160];
    crypto_random(secret, sizeof secret);
    crypto_hex(secret, sizeof secret, hex);
    (void)snprintf(text, sizeof text, "INSERT INTO settings VALUES ('url_secret', '%s')", hex);
    return sqlite_connection_run(connection, text, ret_fault);
}

static bool migrate(struct sqlite_connection *connection, int64_t version,
                    char ret_fault[static STORE_FAULT_SIZE])
{
    for (int next = (int)version; next < sqlite_schema_version(); next++) {
        for (const char *const *text = migrations[next]; *text; text++) {
            if (!sqlite_connection_run(connection, *text, ret_fault))
                return false;
        }
        if (next == 0 && !make_settings(connection, ret_fault))
            return false;
    }
    char text[100];
    (void)snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   APPLICATION_ID, sqlite_schema_version());
    return sqlite_connection_run(connection, text, ret_fault);
}

bool sqlite_schema_check(struct sqlite_connection *connection, int64_t *ret_version,
                         char ret_fault[static STORE_FAULT_SIZE])
{
    int64_t version = 0, tables = 0, owner = 0;
    const char *path = sqlite3_db_filename(connection->db, "main");
    if (!read_number(connection, "PRAGMA user_version", &version, ret_fault) ||
        !read_number(connection, "PRAGMA application_id", &owner, ret_fault) ||
        !read_number(connection, "SELECT count(*) FROM sqlite_schema", &tables, ret_fault))
        return false;
    if (tables > 0 && owner != APPLICATION_ID) {
        (void)snprintf(ret_fault, STORE_FAULT_SIZE, "%.200s: it is not a database of reel.", path);
        return false;
    }
    if (version > sqlite_schema_version()) {
        (void)snprintf(ret_fault, STORE_FAULT_SIZE,
                       "%.150s: it was written by a newer reel (schema %lld, this one knows %d).",
                       path, (long long)version, sqlite_schema_version());
        return false;
    }
    *ret_version = version;
    return true;
}

/* Looks first without a lock: a file that is as it should be is left alone. */
bool sqlite_schema_upgrade(struct sqlite_connection *connection,
                           char ret_fault[static STORE_FAULT_SIZE])
{
    int64_t version = 0;
    if (!sqlite_schema_check(connection, &version, ret_fault))
        return false;
    if (version == sqlite_schema_version())
        return true;
    if (!sqlite_connection_run(connection, "BEGIN IMMEDIATE", ret_fault))
        return false;
    if (sqlite_schema_check(connection, &version, ret_fault) &&
        migrate(connection, version, ret_fault) &&
        sqlite_connection_run(connection, "COMMIT", ret_fault))
        return true;
    char ignored[STORE_FAULT_SIZE];
    if (!sqlite3_get_autocommit(connection->db))
        (void)sqlite_connection_run(connection, "ROLLBACK", ignored);
    return false;
}
