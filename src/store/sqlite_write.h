/* The SQLite store's struct, and how changes become rows. */
#ifndef STORE_SQLITE_WRITE_H
#define STORE_SQLITE_WRITE_H

#include "store/recent.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_log.h"
#include "store/sqlite_statement.h"

struct sqlite {
    struct store store;
    const char *path; /* borrowed */
    struct sqlite_connection writer;
    struct sqlite_log log;
    bool open;                 /* inside a transaction */
    int64_t turn, last_key;    /* committed turns; the largest key ever inserted */
    ms_t next_expiry;          /* no key expires before */
    unsigned keys_made;        /* by the open transaction */
    int64_t hooks_pending;     /* deliveries, committed … */
    int64_t hooks_added;       /* … and by the open transaction */
    ms_t next_hook_expiry;     /* no delivery ended so long ago before; 0: not known */
    struct recent_marks marks; /* of this process; readers look at them */
};

static inline struct sqlite *sqlite_of(struct store *store)
{
    return (struct sqlite *)(void *)store;
}

/* In order; stops at the first that fails. */
enum store_result sqlite_write_apply(struct sqlite *sqlite, const struct changes *changes);
/* A bounded few of the keys that have expired. */
enum store_result sqlite_write_expire(struct sqlite *sqlite, ms_t now);
/* The turn's number and its time. */
enum store_result sqlite_write_turn(struct sqlite *sqlite, ms_t now);

#endif
