#include "app/rate.h"

#include <assert.h>

#define NS_PER_MS ((int64_t)1000000)
#define WINDOW    (RATE_WINDOW_SECONDS * MS_SECOND * NS_PER_MS)

static ms_t up(int64_t ns)
{
    return ns > 0 ? (ns + NS_PER_MS - 1) / NS_PER_MS : 0;
}

/* `debt`: how long until the bucket is full. */
static struct rate_state state_of(int64_t limit, int64_t debt)
{
    int64_t step = WINDOW / limit, remaining = (WINDOW - debt) / step;
    int64_t missing = step - (WINDOW - debt); /* of the next token */
    return (struct rate_state){
        .limit = limit,
        .remaining = remaining < 0       ? 0
                     : remaining < limit ? remaining
                                         : limit,
        .reset = up(debt),
        .retry = up(missing),
    };
}

/* Every token moves the time at which the bucket is full by its share of the minute; the bucket is
 * empty when that lies a whole minute ahead. */
bool rate_take(struct rate *rate, int64_t limit, ms_t now, struct rate_state *ret_state)
{
    assert(limit >= 1 && limit <= RATE_MAX);
    int64_t at = now * NS_PER_MS, step = WINDOW / limit;
    int64_t full_at = atomic_load(&rate->full_at), next;
    bool taken;
    do {
        next = (full_at > at ? full_at : at) + step;
        taken = next - at <= WINDOW;
    } while (taken && !atomic_compare_exchange_weak(&rate->full_at, &full_at, next));
    *ret_state = state_of(limit, taken ? next - at : full_at - at);
    return taken;
}

void rate_look(struct rate *rate, int64_t limit, ms_t now, struct rate_state *ret_state)
{
    int64_t at = now * NS_PER_MS, full_at = atomic_load(&rate->full_at);
    *ret_state = state_of(limit, full_at > at ? full_at - at : 0);
}

void rate_give(struct rate *rate, int64_t limit)
{
    (void)atomic_fetch_sub(&rate->full_at, WINDOW / limit);
}
