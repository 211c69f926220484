/* A home as a backup, and a backup as a home. A backup is a folder with the layout of a home (the
 * database at one moment, every file that its rows name, the key and the configuration, and
 * backup.json, which says what it is), or, where its name ends in ".tar", that folder as a tar
 * file. The folder is made and checked first then, and takes room beside it unless files can be
 * linked. It is made while a server runs or none does. Everything is read back and held against the
 * rows' sizes and SHA-256 before the folder gets its name. */
#ifndef APP_BACKUP_H
#define APP_BACKUP_H

#include "base/buffer.h"

enum { BACKUP_FAULT_SIZE = 500, BACKUP_DAMAGES_MAX = 64 * 1024 };

enum backup_result {
    BACKUP_DONE,
    BACKUP_DAMAGED,    /* files are missing or not what the rows say; nothing was made */
    BACKUP_FAILED,     /* nothing was made */
    BACKUP_INTERRUPTED /* nothing was made */
};

struct backup_order {
    const char *home, *place; /* place: the backup's folder or tar file */
    bool may_link;            /* hard links where they work, else copies */
    bool keeps_damaged;       /* goes on though files are missing or damaged */
    void (*progress)(void *context, int64_t done, int64_t files); /* may be NULL */
    void *context;
};

struct backup_report {
    int64_t jobs, files, damaged;
    uint64_t bytes;                /* of the files, without the database */
    struct buffer damages;         /* a line for each of the first of them */
    char fault[BACKUP_FAULT_SIZE]; /* FAILED: a sentence */
};

void backup_report_init(struct backup_report *report);
void backup_report_done(struct backup_report *report);

/* Home to place, which must not be there. A file that goes while the backup is made (its job was
 * removed) makes it begin again from the database as it is then, up to twice. */
enum backup_result backup_run(const struct backup_order *order, struct backup_report *report);
/* Place to home, which must be missing or empty (a reel.yaml may lie there, and stays), with no
 * server on it. The database comes last, so that what a crash leaves is no home: `reel serve`
 * refuses it, and restoring again begins anew. */
enum backup_result backup_restore(const struct backup_order *order, struct backup_report *report);
/* Whether a restore into this home did not come to its end. */
bool backup_half_restored(const char *home);

#endif
