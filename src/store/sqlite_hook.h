/* The SQLite store's rows of webhooks (core/notify.h), for its writing side. */
#ifndef STORE_SQLITE_HOOK_H
#define STORE_SQLITE_HOOK_H

#include "store/sqlite_write.h"

enum store_result sqlite_hook_apply(struct sqlite *sqlite, const struct hook_change *change);
enum store_result sqlite_hook_load(struct sqlite *sqlite, const struct need *need,
                                   struct delivery *ret_row);
enum store_result sqlite_hook_load_secret(struct sqlite *sqlite, const struct need *need,
                                          struct hook_secret *ret_row);
enum store_result sqlite_hook_want(struct sqlite *sqlite, const struct want *want,
                                   struct got *ret_got);
/* A bounded few of the deliveries that ended long ago. */
enum store_result sqlite_hook_expire(struct sqlite *sqlite, ms_t now);

#endif
