#include "store/sqlite_backup.h"

#include "store/sqlite_schema.h"

#include <stdio.h>
#include <string.h>

enum { BUSY_MS = 5000, CODE_TRIES = 20, PAUSE_MS = 100 };

/* Where rows name files: the folder, and a question that gives owner, name, size and SHA-256 (the
 * last two may be NULL). Files that retention removed are named still, as facts. */
#define FROM_OUTPUTS "FROM outputs o JOIN jobs j ON j.key = o.job WHERE j.removed_at = 0 "

static const struct source {
    const char *folder, *question;
} sources[] = {
    {"outputs", "SELECT j.id, o.name, o.size, o.sha256 " FROM_OUTPUTS
                "UNION ALL SELECT j.id, o.thumbnail, NULL, NULL " FROM_OUTPUTS
                "AND o.thumbnail <> '' ORDER BY 1"},
    {"uploads", "SELECT '', id, size, sha256 FROM uploads"},
};
enum { SOURCES = sizeof sources / sizeof sources[0] };

static bool fail(struct sqlite_connection *connection, const char *path, int code,
                 char fault[static STORE_FAULT_SIZE])
{
    sqlite_connection_fault(connection, path, code, fault);
    return false;
}

/* ---------------------------------------------------------------- copying */

/* One step, so that it is one moment: in several, every commit of the server would start the copy
 * over. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup)
        return sqlite3_errcode(to);
    int code = sqlite3_backup_step(backup, -1);
    for (int tries = 0; tries < CODE_TRIES && (code == SQLITE_BUSY || code == SQLITE_LOCKED);
         tries++) {
        (void)sqlite3_sleep(PAUSE_MS);
        code = sqlite3_backup_step(backup, -1);
    }
    int end = sqlite3_backup_finish(backup);
    return code == SQLITE_DONE ? end : code;
}

bool sqlite_backup_copy(const char *from, const char *to, char ret_fault[static STORE_FAULT_SIZE])
{
    struct sqlite_connection source, target;
    if (!sqlite_connection_open(&source, from, SQLITE_OPEN_READONLY, ret_fault))
        return false;
    (void)sqlite3_busy_timeout(source.db, BUSY_MS);
    if (!sqlite_connection_open(&target, to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                ret_fault)) {
        sqlite_connection_close(&source);
        return false;
    }
    /* The caller syncs, and removes what a crash left. */
    bool good = sqlite_connection_run(
        &target, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", ret_fault);
    int code = good ? copy_pages(source.db, target.db) : SQLITE_OK;
    if (code != SQLITE_OK)
        good = fail(code == SQLITE_FULL ? &target : &source, from, code, ret_fault);
    /* The copied header says that there is a log; a copy is better without. */
    if (good)
        good = sqlite_connection_run(&target, "PRAGMA journal_mode = DELETE", ret_fault);
    sqlite_connection_close(&target);
    sqlite_connection_close(&source);
    return good;
}

/* ---------------------------------------------------------------- checking */

static bool check_pages(struct sqlite_connection *copy, const char *path,
                        char fault[static STORE_FAULT_SIZE])
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(copy->db, "PRAGMA integrity_check(1)", -1, &statement, NULL);
    code = code == SQLITE_OK ? sqlite3_step(statement) : code;
    bool good = false;
    if (code != SQLITE_ROW) {
        (void)fail(copy, path, code, fault);
    } else {
        const char *word = (const char *)sqlite3_column_text(statement, 0);
        good = word && strcmp(word, "ok") == 0;
        if (!good)
            (void)snprintf(fault, STORE_FAULT_SIZE, "%.150s: it is damaged (%.100s).", path,
                           word ? word : "?");
    }
    (void)sqlite3_finalize(statement);
    return good;
}

static bool count(struct sqlite_connection *copy, const char *path, const char *question,
                  int64_t *sum, char fault[static STORE_FAULT_SIZE])
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(copy->db, question, -1, &statement, NULL);
    code = code == SQLITE_OK ? sqlite3_step(statement) : code;
    if (code == SQLITE_ROW)
        *sum += sqlite3_column_int64(statement, 0);
    else
        (void)fail(copy, path, code, fault);
    (void)sqlite3_finalize(statement);
    return code == SQLITE_ROW;
}

static bool take_facts(struct sqlite_connection *copy, const char *path,
                       struct sqlite_backup_facts *facts, char fault[static STORE_FAULT_SIZE])
{
    if (!count(copy, path, "SELECT count(*) FROM jobs", &facts->jobs, fault))
        return false;
    for (size_t n = 0; n < SOURCES; n++) {
        char question[600];
        (void)snprintf(question, sizeof question, "SELECT count(*) FROM (%s)", sources[n].question);
        if (!count(copy, path, question, &facts->files, fault))
            return false;
    }
    return true;
}

bool sqlite_backup_check(const char *path, struct sqlite_backup_facts *ret_facts,
                         char ret_fault[static STORE_FAULT_SIZE])
{
    struct sqlite_connection copy;
    struct sqlite_backup_facts facts = {0};
    int64_t version = 0;
    if (!sqlite_connection_open(&copy, path, SQLITE_OPEN_READONLY, ret_fault))
        return false;
    bool good = sqlite_schema_check(&copy, &version, ret_fault);
    if (good && version == 0) {
        (void)snprintf(ret_fault, STORE_FAULT_SIZE, "%.200s: it is empty.", path);
        good = false;
    }
    good =
        good && check_pages(&copy, path, ret_fault) && take_facts(&copy, path, &facts, ret_fault);
    sqlite_connection_close(&copy);
    if (good)
        *ret_facts = facts;
    return good;
}

/* ---------------------------------------------------------------- files */

static const char *text_at(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

struct telling {
    bool (*each)(void *context, const struct sqlite_backup_file *file);
    void *context;
    bool more;
};

static bool tell_files(struct sqlite_connection *copy, const char *path,
                       const struct source *source, struct telling *telling,
                       char fault[static STORE_FAULT_SIZE])
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(copy->db, source->question, -1, &statement, NULL);
    code = code == SQLITE_OK ? sqlite3_step(statement) : code;
    while (code == SQLITE_ROW && telling->more) {
        const char *owner = text_at(statement, 0), *name = text_at(statement, 1);
        const char *digest = text_at(statement, 3);
        bool sized = sqlite3_column_type(statement, 2) == SQLITE_INTEGER;
        const struct sqlite_backup_file file = {
            .folder = source->folder,
            .owner = owner ? owner : "",
            .name = name ? name : "",
            .size = sized ? sqlite3_column_int64(statement, 2) : -1,
            .sha256 = digest && digest[0] ? digest : NULL,
        };
        telling->more = telling->each(telling->context, &file);
        if (telling->more)
            code = sqlite3_step(statement);
    }
    bool good = code == SQLITE_DONE || code == SQLITE_ROW || fail(copy, path, code, fault);
    (void)sqlite3_finalize(statement);
    return good;
}

bool sqlite_backup_files(const char *path,
                         bool (*each)(void *context, const struct sqlite_backup_file *file),
                         void *context, char ret_fault[static STORE_FAULT_SIZE])
{
    struct sqlite_connection copy;
    struct telling telling = {each, context, true};
    bool good = true;
    if (!sqlite_connection_open(&copy, path, SQLITE_OPEN_READONLY, ret_fault))
        return false;
    for (size_t n = 0; n < SOURCES && good && telling.more; n++)
        good = tell_files(&copy, path, &sources[n], &telling, ret_fault);
    sqlite_connection_close(&copy);
    return good;
}
