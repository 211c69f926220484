/* The embedded store: one SQLite file in WAL mode, synchronous FULL, one writer. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/store.h"

/* Opens or makes the file, brings its schema to this version, refuses a newer one. NULL with a
 * sentence on a fault. `path` is borrowed until the store is closed. */
struct store *sqlite_open(const char *path, char ret_fault[static STORE_FAULT_SIZE]);
/* Moves the log into the file, off the core's thread: call it from a thread of its own, again and
 * again. Returns the bytes that are still in the log. */
int64_t sqlite_checkpoint(struct store *store);

#endif
