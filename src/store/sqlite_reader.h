/* The SQLite store's reading side: a connection of its own for each thread. */
#ifndef STORE_SQLITE_READER_H
#define STORE_SQLITE_READER_H

#include "store/recent.h"
#include "store/store.h"

enum {
    SQLITE_READER_POINT_MS = 50,
    SQLITE_READER_LIST_MS = 500,
    SQLITE_READER_USAGE_MS = 2000,
    SQLITE_READER_SWEEP_MS = 10000
};

/* The writer's marks are borrowed. */
struct reader *sqlite_reader_open(const char *path, const struct recent_marks *marks,
                                  char ret_fault[static STORE_FAULT_SIZE]);

#endif
