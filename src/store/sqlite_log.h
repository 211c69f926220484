/* The write-ahead log and who may stand in its way. Commits append to the log; a thread of its own
 * moves it into the database file. Moving needs nobody's leave, but the log can be begun anew only
 * while nobody writes: so when it has passed SQLITE_LOG_RESTART, the writer waits at its next begin
 * until the little that came in meanwhile is moved as well. The writer never waits otherwise,
 * unless the disk is so slow that the log passes SQLITE_LOG_MAX: then it waits for a whole move. */
#ifndef STORE_SQLITE_LOG_H
#define STORE_SQLITE_LOG_H

#include "store/sqlite_connection.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    SQLITE_LOG_MOVE = 4 << 20,     /* bytes not yet moved that are worth a move */
    SQLITE_LOG_RESTART = 64 << 20, /* of the log, moved or not */
    SQLITE_LOG_MAX = 256 << 20,
    SQLITE_LOG_READERS_MS = 100 /* how long a restart waits for readers of the old log */
};

struct sqlite_log {
    struct sqlite_connection connection; /* the mover's own */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool writing; /* the writer is inside a transaction */
    bool wanted;  /* the mover wants it to pause */
    bool moving;
    _Atomic int64_t size; /* bytes in the log, after the last commit */
    int64_t moved;        /* bytes of them that are in the file too */
    int64_t frame_size;
    int64_t move_at, restart_at, max; /* the three sizes above; tests make them small */
};

bool sqlite_log_open(struct sqlite_log *log, const char *path, sqlite3 *writer,
                     char ret_fault[static STORE_FAULT_SIZE]);
void sqlite_log_close(struct sqlite_log *log);
/* Around each transaction of the writer. */
void sqlite_log_enter(struct sqlite_log *log);
void sqlite_log_leave(struct sqlite_log *log);
/* Moves what is worth it; gives the bytes that are only in the log. */
int64_t sqlite_log_move(struct sqlite_log *log);

#endif
