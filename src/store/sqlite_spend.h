/* The sums of what jobs came to, in SQLite. */
#ifndef STORE_SQLITE_SPEND_H
#define STORE_SQLITE_SPEND_H

#include "store/sqlite_write.h"

enum store_result sqlite_spend_change(struct sqlite *sqlite, const struct spend_row *delta);
/* Tells a start the rows that it needs at the time `now`. */
enum store_result sqlite_spend_start(struct sqlite *sqlite, const struct store_sink *sink,
                                     ms_t now);
/* See reader_usage. */
enum store_result sqlite_spend_read(struct sqlite_connection *connection,
                                    const struct reader_usage_filter *filter,
                                    struct reader_usage *ret_usage);

#endif
