#include "store/sqlite_connection.h"

#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Counting allocations takes a lock that all threads share; nobody reads the counts. */
static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* SQLite makes files that all may read; prompts are nobody's business. Gives an errno. */
static int make_private(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return errno == EEXIST ? 0 : errno;
    (void)close(file);
    return 0;
}

static const char *explain(int code)
{
    switch (code & 0xFF) {
    case SQLITE_NOTADB:
        return "it is not a database";
    case SQLITE_CORRUPT:
        return "it is damaged";
    case SQLITE_CANTOPEN:
        return "it cannot be opened or made there";
    case SQLITE_READONLY:
        return "it cannot be written";
    case SQLITE_FULL:
        return "the disk is full";
    case SQLITE_BUSY:
        return "another process holds its lock";
    default:
        return "the database failed";
    }
}

void sqlite_connection_fault(struct sqlite_connection *connection, const char *doing, int code,
                             char ret_fault[static STORE_FAULT_SIZE])
{
    const char *message = connection->db ? sqlite3_errmsg(connection->db) : "out of memory";
    int number = connection->db ? sqlite3_system_errno(connection->db) : 0;
    char why[80] = "";
    if (number)
        (void)snprintf(why, sizeof why, ", %s", strerrordesc_np(number));
    (void)snprintf(ret_fault, STORE_FAULT_SIZE, "%.120s: %s (%.80s%.40s).", doing, explain(code),
                   message, why);
}

bool sqlite_connection_open(struct sqlite_connection *connection, const char *path, int flags,
                            char ret_fault[static STORE_FAULT_SIZE])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, configure);
    *connection = (struct sqlite_connection){0};
    int number = flags & SQLITE_OPEN_CREATE ? make_private(path) : 0;
    if (number) {
        (void)snprintf(ret_fault, STORE_FAULT_SIZE, "%.150s: %s (%s).", path,
                       explain(SQLITE_CANTOPEN), strerrordesc_np(number));
        return false;
    }
    int code = sqlite3_open_v2(path, &connection->db,
                               flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK) {
        sqlite_connection_fault(connection, path, code, ret_fault);
        sqlite_connection_close(connection);
        return false;
    }
    (void)sqlite3_busy_timeout(connection->db, flags & SQLITE_OPEN_READONLY ? SQLITE_READER_BUSY_MS
                                                                            : SQLITE_BUSY_MS);
    return true;
}

bool sqlite_connection_prepare(struct sqlite_connection *connection, const char *const *texts,
                               unsigned count, char ret_fault[static STORE_FAULT_SIZE])
{
    assert(count <= SQLITE_STATEMENTS_MAX);
    connection->count = count;
    for (unsigned n = 0; n < count; n++) {
        int code = sqlite3_prepare_v3(connection->db, texts[n], -1, SQLITE_PREPARE_PERSISTENT,
                                      &connection->statements[n], NULL);
        if (code == SQLITE_OK)
            continue;
        sqlite_connection_fault(connection, texts[n], code, ret_fault);
        return false;
    }
    return true;
}

void sqlite_connection_close(struct sqlite_connection *connection)
{
    for (unsigned n = 0; n < connection->count; n++)
        (void)sqlite3_finalize(connection->statements[n]);
    int code = sqlite3_close(connection->db);
    assert(code == SQLITE_OK);
    *connection = (struct sqlite_connection){0};
}

bool sqlite_connection_run(struct sqlite_connection *connection, const char *text,
                           char ret_fault[static STORE_FAULT_SIZE])
{
    int code = sqlite3_exec(connection->db, text, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        return true;
    sqlite_connection_fault(connection, sqlite3_db_filename(connection->db, "main"), code,
                            ret_fault);
    return false;
}

static bool disk_is_full(sqlite3 *db, int code)
{
    int number = sqlite3_system_errno(db);
    if ((code & 0xFF) == SQLITE_FULL)
        return true;
    /* A failed fsync is never harmless: nobody knows what reached the disk. */
    return (code & 0xFF) == SQLITE_IOERR && code != SQLITE_IOERR_FSYNC &&
           code != SQLITE_IOERR_DIR_FSYNC && (number == ENOSPC || number == EDQUOT);
}

enum store_result sqlite_connection_result(struct sqlite_connection *connection,
                                           sqlite3_stmt *statement, int code)
{
    int kind = code & 0xFF;
    if (kind == SQLITE_OK || kind == SQLITE_DONE || kind == SQLITE_ROW)
        return STORE_OK;
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED || kind == SQLITE_INTERRUPT)
        return STORE_BUSY;
    if (disk_is_full(connection->db, code))
        return STORE_FULL;
    log_error("the database failed", log_text("error", sqlite3_errmsg(connection->db)),
              log_number("code", code), log_text("statement", sqlite3_sql(statement)));
    return STORE_BROKEN;
}

enum store_result sqlite_connection_step(struct sqlite_connection *connection, unsigned statement)
{
    sqlite3_stmt *prepared = connection->statements[statement];
    int code = sqlite3_step(prepared);
    if (code == SQLITE_ROW)
        return STORE_OK;
    enum store_result result = sqlite_connection_result(connection, prepared, code);
    (void)sqlite3_reset(prepared);
    return result == STORE_OK ? STORE_NONE : result;
}

enum store_result sqlite_connection_do(struct sqlite_connection *connection, unsigned statement)
{
    enum store_result result = sqlite_connection_step(connection, statement);
    assert(result != STORE_OK);
    return result == STORE_NONE ? STORE_OK : result;
}
