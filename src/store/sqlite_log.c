#include "store/sqlite_log.h"

#include "base/log.h"

#include <assert.h>

enum { FRAME_HEAD_SIZE = 24 };

/* SQLite calls this in the writer's thread after each commit. */
static int after_commit(void *context, sqlite3 *db, const char *name, int frames)
{
    struct sqlite_log *log = context;
    atomic_store(&log->size, frames * log->frame_size);
    return SQLITE_OK;
}

bool sqlite_log_open(struct sqlite_log *log, const char *path, sqlite3 *writer,
                     char ret_fault[static STORE_FAULT_SIZE])
{
    if (!sqlite_connection_open(&log->connection, path, SQLITE_OPEN_READWRITE, ret_fault))
        return false;
    /* A checkpoint goes straight from file to file and needs no cache. */
    if (!sqlite_connection_run(&log->connection,
                               "PRAGMA cache_size = -64; PRAGMA synchronous = FULL; "
                               "PRAGMA wal_autocheckpoint = 0; SELECT 1 FROM meta",
                               ret_fault)) {
        sqlite_connection_close(&log->connection);
        return false;
    }
    (void)sqlite3_busy_timeout(log->connection.db, SQLITE_LOG_READERS_MS);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->changed, NULL);
    log->frame_size = 4096 + FRAME_HEAD_SIZE;
    log->move_at = SQLITE_LOG_MOVE;
    log->restart_at = SQLITE_LOG_RESTART;
    log->max = SQLITE_LOG_MAX;
    (void)sqlite3_wal_hook(writer, after_commit, log);
    return true;
}

void sqlite_log_close(struct sqlite_log *log)
{
    if (!log->connection.db)
        return;
    assert(!log->writing && !log->moving);
    sqlite_connection_close(&log->connection);
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->changed);
}

void sqlite_log_enter(struct sqlite_log *log)
{
    if (atomic_load(&log->size) > log->max)
        (void)sqlite_log_move(log);
    pthread_mutex_lock(&log->lock);
    assert(!log->writing);
    while (log->wanted)
        pthread_cond_wait(&log->changed, &log->lock);
    log->writing = true;
    pthread_mutex_unlock(&log->lock);
}

void sqlite_log_leave(struct sqlite_log *log)
{
    pthread_mutex_lock(&log->lock);
    assert(log->writing);
    log->writing = false;
    if (log->wanted)
        pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
}

/* A mover that can't get on is no fault of anybody's turn: the log stays and another try follows.
 */
static void move(struct sqlite_log *log, int mode, int64_t *ret_size, int64_t *ret_moved)
{
    int frames = -1, moved = -1;
    int code = sqlite3_wal_checkpoint_v2(log->connection.db, "main", mode, &frames, &moved);
    if (code != SQLITE_OK && (code & 0xFF) != SQLITE_BUSY)
        log_warn("the database's log could not be moved",
                 log_text("error", sqlite3_errmsg(log->connection.db)), log_number("code", code));
    if (frames < 0 || moved < 0)
        return;
    *ret_size = frames * log->frame_size;
    *ret_moved = moved * log->frame_size;
}

/* With the writer held at its next begin: there is little left to move, then the log is as new. */
static void restart(struct sqlite_log *log, int64_t *ret_size, int64_t *ret_moved)
{
    pthread_mutex_lock(&log->lock);
    log->wanted = true;
    while (log->writing)
        pthread_cond_wait(&log->changed, &log->lock);
    pthread_mutex_unlock(&log->lock);
    move(log, SQLITE_CHECKPOINT_RESTART, ret_size, ret_moved);
    if (*ret_size == *ret_moved)
        *ret_size = *ret_moved = 0;
    atomic_store(&log->size, *ret_size);
    pthread_mutex_lock(&log->lock);
    log->wanted = false;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
}

static int64_t left(const struct sqlite_log *log)
{
    int64_t size = atomic_load(&log->size);
    return size > log->moved ? size - log->moved : 0;
}

/* Waits for another mover; false when there is too little to move. */
static bool begin_move(struct sqlite_log *log, int64_t *ret_left)
{
    pthread_mutex_lock(&log->lock);
    while (log->moving)
        pthread_cond_wait(&log->changed, &log->lock);
    /* The writer began the log anew by itself, for all of it had been moved. */
    if (atomic_load(&log->size) < log->moved)
        log->moved = 0;
    *ret_left = left(log);
    log->moving = *ret_left >= log->move_at || atomic_load(&log->size) >= log->restart_at;
    bool worth = log->moving;
    pthread_mutex_unlock(&log->lock);
    return worth;
}

static int64_t end_move(struct sqlite_log *log, int64_t moved)
{
    pthread_mutex_lock(&log->lock);
    log->moved = moved;
    log->moving = false;
    int64_t still = left(log);
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
    return still;
}

int64_t sqlite_log_move(struct sqlite_log *log)
{
    int64_t still = 0;
    if (!begin_move(log, &still))
        return still;
    int64_t size = atomic_load(&log->size), moved = size - still;
    move(log, SQLITE_CHECKPOINT_PASSIVE, &size, &moved);
    if (size >= log->restart_at)
        restart(log, &size, &moved);
    return end_move(log, moved);
}
