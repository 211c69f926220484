/* How many requests a minute: a token bucket in one number, which any number of threads share
 * without a lock. It holds `limit` tokens and fills evenly within a minute, so after a pause
 * `limit` requests may come at once, and in no minute more than twice as many. Exact within this
 * process; nothing of it outlives it. */
#ifndef APP_RATE_H
#define APP_RATE_H

#include "base/time.h"

#include <stdatomic.h>

enum { RATE_WINDOW_SECONDS = 60, RATE_MAX = 1000000 /* requests a minute */ };

/* All zero is a full bucket. */
struct rate {
    atomic_int_fast64_t full_at; /* in ns of the monotonic clock */
};

struct rate_state {
    int64_t limit, remaining;
    ms_t reset; /* until the bucket is full again */
    ms_t retry; /* until the next may come; 0: now */
};

/* Takes a token; false when there is none. `limit` is from 1 to RATE_MAX and may change from call
 * to call; `now` is monotonic. */
bool rate_take(struct rate *rate, int64_t limit, ms_t now, struct rate_state *ret_state);
/* How it stands, without taking one. */
void rate_look(struct rate *rate, int64_t limit, ms_t now, struct rate_state *ret_state);
/* Gives a token back that was taken in vain. */
void rate_give(struct rate *rate, int64_t limit);

#endif
