/* A connection to the database file with its prepared statements, and what its results mean. */
#ifndef STORE_SQLITE_CONNECTION_H
#define STORE_SQLITE_CONNECTION_H

#include "base/time.h"
#include "store/store.h"

#include <sqlite3.h>

enum {
    SQLITE_BUSY_MS = 250,       /* the writer's wait for a lock that somebody else holds */
    SQLITE_READER_BUSY_MS = 50, /* a reader's */
    SQLITE_STATEMENTS_MAX = 160
};

struct sqlite_connection {
    sqlite3 *db;
    sqlite3_stmt *statements[SQLITE_STATEMENTS_MAX];
    unsigned count;
};

/* Opens the file (made when `flags` allow it) and prepares nothing yet. False with a sentence on a
 * fault; the connection is closed then. */
bool sqlite_connection_open(struct sqlite_connection *connection, const char *path, int flags,
                            char ret_fault[static STORE_FAULT_SIZE]);
/* Prepares the whole table of statements. */
bool sqlite_connection_prepare(struct sqlite_connection *connection, const char *const *texts,
                               unsigned count, char ret_fault[static STORE_FAULT_SIZE]);
/* Accepts one that was never opened. */
void sqlite_connection_close(struct sqlite_connection *connection);
/* Runs statements that give no rows. */
bool sqlite_connection_run(struct sqlite_connection *connection, const char *text,
                           char ret_fault[static STORE_FAULT_SIZE]);
/* The sentence for what went wrong with this connection last. */
void sqlite_connection_fault(struct sqlite_connection *connection, const char *doing, int code,
                             char ret_fault[static STORE_FAULT_SIZE]);

/* What a result code of SQLite means to our callers. What is STORE_BROKEN is logged. */
enum store_result sqlite_connection_result(struct sqlite_connection *connection,
                                           sqlite3_stmt *statement, int code);
/* Steps a statement that gives no rows, and resets it. */
enum store_result sqlite_connection_do(struct sqlite_connection *connection, unsigned statement);
/* Steps once. STORE_NONE: there is no row (any more), and the statement was reset. STORE_OK: there
 * is one; the caller resets when it has enough. */
enum store_result sqlite_connection_step(struct sqlite_connection *connection, unsigned statement);

static inline void sqlite_connection_reset(struct sqlite_connection *connection, unsigned statement)
{
    (void)sqlite3_reset(connection->statements[statement]);
}

/* Texts are borrowed until the statement is bound anew. NULL is bound as NULL. */
static inline void sqlite_connection_text(struct sqlite_connection *connection, unsigned statement,
                                          int place, const char *text)
{
    (void)sqlite3_bind_text(connection->statements[statement], place, text, -1, SQLITE_STATIC);
}

static inline void sqlite_connection_number(struct sqlite_connection *connection,
                                            unsigned statement, int place, int64_t number)
{
    (void)sqlite3_bind_int64(connection->statements[statement], place, number);
}

#endif
