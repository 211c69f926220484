/* Ids: a prefix ("gen_") and 26 characters of Crockford's base 32 that sort by time. The first 13
 * characters hold a 63-bit key (48 bits of milliseconds, 15 of a counter), which is also the row's
 * primary key; the other 13 are random, so that an id can't be guessed. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/time.h"

enum { ID_PREFIX_SIZE = 4, ID_SIZE = 32 /* 4 + 26 and the terminator, rounded up */ };

/* `prefix` has four characters, as "gen_"; `key` > 0. */
void id_write(const char *prefix, int64_t key, uint64_t random, char target[static ID_SIZE]);
/* The key inside an id of that prefix; false when it is not the text of one. */
bool id_read(struct span id, const char *prefix, int64_t *ret_key);
/* The next key after `last` at time `now`: never equal, never smaller. */
int64_t id_next_key(int64_t last, ms_t now);
ms_t id_time(int64_t key);

#endif
