/* What the SQLite store's writing side reads: loads, wants, and the start. */
#ifndef STORE_SQLITE_READ_H
#define STORE_SQLITE_READ_H

#include "store/sqlite_write.h"

enum { SQLITE_TWIN_SCAN_MAX = 50000 };

enum store_result sqlite_read_job(struct sqlite *sqlite, int64_t key, struct job **ret_job);
enum store_result sqlite_read_key(struct sqlite *sqlite, const struct need *need,
                                  struct key_row *ret_row);
enum store_result sqlite_read_twin(struct sqlite *sqlite, const struct need *need,
                                   struct job **ret_job);
enum store_result sqlite_read_want(struct sqlite *sqlite, const struct want *want,
                                   struct got *ret_got);
/* Turn, last key and time as they are committed. */
enum store_result sqlite_read_meta(struct sqlite *sqlite, ms_t *ret_now);
enum store_result sqlite_read_start(struct sqlite *sqlite, const struct store_sink *sink);

#endif
