/* For backups: a copy of the database while a server uses it, whether a copy is sound, and which
 * files of the home its rows name. Nothing here writes into the original. Calls block on the disk
 * and may come from any thread or process. */
#ifndef STORE_SQLITE_BACKUP_H
#define STORE_SQLITE_BACKUP_H

#include "store/store.h"

/* Copies `from` as it is at one moment to the new file `to`, a single file without a log beside it,
 * not yet synced. The server goes on meanwhile; its log can't be begun anew until the copy is
 * made. False with a sentence; then `to` may be there in part. */
bool sqlite_backup_copy(const char *from, const char *to, char ret_fault[static STORE_FAULT_SIZE]);

struct sqlite_backup_facts {
    int64_t jobs, files;
};

/* Whether a copy is one of reel's, no newer than this program, and passes SQLite's integrity_check.
 * False with a sentence. */
bool sqlite_backup_check(const char *path, struct sqlite_backup_facts *ret_facts,
                         char ret_fault[static STORE_FAULT_SIZE]);

/* A file that a row names, under the home: folder/owner/name, or without owner folder/name. Texts
 * are borrowed for the call. */
struct sqlite_backup_file {
    const char *folder; /* "outputs" */
    const char *owner;  /* "gen_…", or "" */
    const char *name;   /* "output.mp4" */
    int64_t size;       /* -1: the row does not say */
    const char *sha256; /* NULL: the row does not say */
};

/* Calls `each` for every such file, those of one owner after each other, until it gives false. True
 * when all were told or `each` had enough; false with a sentence when the rows can't be read. */
bool sqlite_backup_files(const char *path,
                         bool (*each)(void *context, const struct sqlite_backup_file *file),
                         void *context, char ret_fault[static STORE_FAULT_SIZE]);

#endif
