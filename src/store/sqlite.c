#include "store/sqlite.h"

#include "base/memory.h"
#include "store/sqlite_hook.h"
#include "store/sqlite_log.h"
#include "store/sqlite_read.h"
#include "store/sqlite_reader.h"
#include "store/sqlite_schema.h"
#include "store/sqlite_upload.h"
#include "store/sqlite_write.h"

#include <assert.h>
#include <stdio.h>

/* Ends the transaction; SQLite may have rolled it back by itself already. */
static void rollback(struct sqlite *sqlite)
{
    if (!sqlite->open)
        return;
    if (!sqlite3_get_autocommit(sqlite->writer.db))
        (void)sqlite_connection_do(&sqlite->writer, STATEMENT_ROLLBACK);
    sqlite->open = false;
    sqlite->keys_made = 0;
    sqlite->hooks_added = 0;
    sqlite_log_leave(&sqlite->log);
}

/* What failed within a transaction takes the transaction with it. */
static enum store_result ended(struct sqlite *sqlite, enum store_result result)
{
    if (result != STORE_OK && result != STORE_NONE)
        rollback(sqlite);
    return result;
}

static enum store_result begin(struct store *store)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(!sqlite->open);
    sqlite_log_enter(&sqlite->log);
    sqlite->open = true;
    return ended(sqlite, sqlite_connection_do(&sqlite->writer, STATEMENT_BEGIN));
}

static enum store_result load_job(struct store *store, int64_t key, struct job **ret_job)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    return ended(sqlite, sqlite_read_job(sqlite, key, ret_job));
}

static enum store_result load_key(struct store *store, const struct need *need,
                                  struct key_row *ret_row)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    return ended(sqlite, sqlite_read_key(sqlite, need, ret_row));
}

static enum store_result load_twin(struct store *store, const struct need *need,
                                   struct job **ret_job)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    return ended(sqlite, sqlite_read_twin(sqlite, need, ret_job));
}

static enum store_result load_upload(struct store *store, int64_t key, struct upload *ret_upload)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    return ended(sqlite, sqlite_upload_load(sqlite, key, ret_upload));
}

static enum store_result load_uploads(struct store *store, const char *tenant, int64_t *ret_bytes,
                                      int64_t *ret_count)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    return ended(sqlite, sqlite_upload_total(sqlite, tenant, ret_bytes, ret_count));
}

static enum store_result load_user(struct store *store, int64_t source, char ret_id[static ID_SIZE])
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    return ended(sqlite, sqlite_upload_user(sqlite, source, ret_id));
}

static enum store_result load_delivery(struct store *store, const struct need *need,
                                       struct delivery *ret_row)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    return ended(sqlite, sqlite_hook_load(sqlite, need, ret_row));
}

static enum store_result load_secret(struct store *store, const struct need *need,
                                     struct hook_secret *ret_row)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    return ended(sqlite, sqlite_hook_load_secret(sqlite, need, ret_row));
}

static enum store_result apply(struct store *store, const struct changes *changes)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    return ended(sqlite, sqlite_write_apply(sqlite, changes));
}

static enum store_result get(struct store *store, const struct want *want, struct got *ret_got)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    return ended(sqlite, sqlite_read_want(sqlite, want, ret_got));
}

static enum store_result commit(struct store *store, ms_t now)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(sqlite->open);
    enum store_result result = sqlite_write_expire(sqlite, now);
    if (result == STORE_OK)
        result = sqlite_hook_expire(sqlite, now);
    if (result == STORE_OK)
        result = sqlite_write_turn(sqlite, now);
    if (result == STORE_OK)
        result = sqlite_connection_do(&sqlite->writer, STATEMENT_COMMIT);
    if (result != STORE_OK)
        return ended(sqlite, result);
    assert(sqlite3_get_autocommit(sqlite->writer.db));
    sqlite->turn++;
    atomic_fetch_add(&sqlite->marks.commits, 1);
    sqlite->open = false;
    sqlite->keys_made = 0;
    sqlite->hooks_pending += sqlite->hooks_added;
    sqlite->hooks_added = 0;
    sqlite_log_leave(&sqlite->log);
    return STORE_OK;
}

static void rollback_store(struct store *store)
{
    rollback(sqlite_of(store));
}

/* Empty buckets are not told, so the core counts their arrivals from nothing; so must the table.
 * Without room for that on the disk, places in the queue are a little off and nothing else. */
static enum store_result clean_buckets(struct sqlite *sqlite)
{
    enum store_result result = begin(&sqlite->store);
    if (result == STORE_OK)
        result = ended(sqlite, sqlite_connection_do(&sqlite->writer, STATEMENT_BUCKETS_CLEAN));
    if (result == STORE_OK)
        result = ended(sqlite, sqlite_connection_do(&sqlite->writer, STATEMENT_COMMIT));
    if (result == STORE_OK) {
        sqlite->open = false;
        sqlite_log_leave(&sqlite->log);
    }
    return result == STORE_FULL ? STORE_OK : result;
}

static enum store_result start(struct store *store, const struct store_sink *sink)
{
    struct sqlite *sqlite = sqlite_of(store);
    assert(!sqlite->open);
    enum store_result result = clean_buckets(sqlite);
    return result == STORE_OK ? sqlite_read_start(sqlite, sink) : result;
}

static int64_t hooks_pending(struct store *store)
{
    return sqlite_of(store)->hooks_pending;
}

static struct reader *open_reader(struct store *store, char ret_fault[static STORE_FAULT_SIZE])
{
    return sqlite_reader_open(sqlite_of(store)->path, &sqlite_of(store)->marks, ret_fault);
}

static void close_store(struct store *store)
{
    struct sqlite *sqlite = sqlite_of(store);
    rollback(sqlite);
    sqlite_log_close(&sqlite->log);
    sqlite_connection_close(&sqlite->writer);
    memory_free(sqlite);
}

static const struct store_type sqlite_type = {
    .name = "sqlite",
    .close = close_store,
    .begin = begin,
    .load_job = load_job,
    .load_key = load_key,
    .load_twin = load_twin,
    .load_upload = load_upload,
    .load_uploads = load_uploads,
    .load_user = load_user,
    .load_delivery = load_delivery,
    .load_secret = load_secret,
    .apply = apply,
    .get = get,
    .commit = commit,
    .rollback = rollback_store,
    .start = start,
    .hooks_pending = hooks_pending,
    .open_reader = open_reader,
};

/* page_size and auto_vacuum matter only to a file that is being made. */
static const char settings[] = "PRAGMA page_size = 4096;"
                               "PRAGMA auto_vacuum = NONE;"
                               "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA locking_mode = NORMAL;"
                               "PRAGMA mmap_size = 0;"
                               "PRAGMA foreign_keys = OFF;"
                               "PRAGMA secure_delete = FAST;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA journal_size_limit = 67108864;"
                               "PRAGMA wal_autocheckpoint = 0;"
                               "PRAGMA cache_size = -16384;";

static bool open_writer(struct sqlite *sqlite, char ret_fault[static STORE_FAULT_SIZE])
{
    struct sqlite_connection *writer = &sqlite->writer;
    if (!sqlite_connection_open(writer, sqlite->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                ret_fault))
        return false;
    if (sqlite3_db_readonly(writer->db, "main") == 1) {
        (void)snprintf(ret_fault, STORE_FAULT_SIZE, "%.200s: it cannot be written.", sqlite->path);
        return false;
    }
    ms_t now = 0;
    if (!sqlite_connection_run(writer, settings, ret_fault) ||
        !sqlite_schema_upgrade(writer, ret_fault) ||
        !sqlite_connection_prepare(writer, sqlite_statements, STATEMENT_COUNT, ret_fault) ||
        !sqlite_log_open(&sqlite->log, sqlite->path, writer->db, ret_fault))
        return false;
    enum store_result result = sqlite_read_meta(sqlite, &now);
    if (result != STORE_OK)
        sqlite_connection_fault(writer, sqlite->path, SQLITE_CORRUPT, ret_fault);
    return result == STORE_OK;
}

struct store *sqlite_open(const char *path, char ret_fault[static STORE_FAULT_SIZE])
{
    struct sqlite *sqlite = memory_new(struct sqlite);
    sqlite->store.type = &sqlite_type;
    sqlite->path = path;
    if (open_writer(sqlite, ret_fault))
        return &sqlite->store;
    close_store(&sqlite->store);
    return NULL;
}

int64_t sqlite_checkpoint(struct store *store)
{
    return sqlite_log_move(&sqlite_of(store)->log);
}
