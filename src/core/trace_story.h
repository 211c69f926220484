/* A golden trace being told: reads its lines, lives them with a core and the smallest store, and
 * writes what comes out. The language:
 *
 *     limit all|submitting|tenant|model|provider [NAME] N [weight=N] [provider=NAME,…] [timeout=MS]
 *     tier NAME WEIGHT
 *     queue-max N [tenant=N]
 *     disk free|full
 *     uploads BYTES COUNT  limits of a tenant's uploads
 *     vendor NAME can=CANCEL,FIND_EXACT [calls-back] [key-kept=MS] [list-kept=MS]
 *            [result-kept=MS] [reads=N]
 *     vendor NAME gone     from the next restart on it is not configured
 *     uncertain-hold MS
 *     hooks N LANE [tries=N]  deliveries in flight, in all and of a lane; tries of each
 *     budget NAME MICROS day|month|total
 *     reload               the running core takes up what the lines above say, as after SIGHUP
 *     turn at +MS          then its events, one a line, as trace_event writes them; with `jumped`
 *                          behind it somebody has set the clock, and no time has passed
 *     restart at +MS       the core is dropped, and comes back from the rows
 *
 * Lines that begin with '#' are for the reader; those with '|' are what came out. */
#ifndef CORE_TRACE_STORY_H
#define CORE_TRACE_STORY_H

#include "base/arena.h"
#include "core/trace.h"
#include "core/trace_store.h"

enum { TRACE_STORY_LIMITS = 8, TRACE_STORY_EVENTS = 64, TRACE_STORY_WORDS = 24 };

struct trace_story {
    struct trace_store store;
    struct core *core; /* made by the first turn */
    struct core_config config;
    struct core_limit providers[TRACE_STORY_LIMITS], models[TRACE_STORY_LIMITS],
        tenants[TRACE_STORY_LIMITS];
    struct core_tier tiers[TRACE_STORY_LIMITS];
    struct core_vendor vendors[TRACE_STORY_LIMITS];
    struct core_budget budgets[TRACE_STORY_LIMITS];
    struct trace trace;
    struct buffer text;             /* the whole file as it should be */
    struct arena arena;             /* of the turn's words */
    struct arena limits;            /* of the limits' names */
    int64_t names[TRACE_STORE_MAX]; /* keys; the first is j1 */
    size_t name_count;
    struct event events[TRACE_STORY_EVENTS];
    size_t event_count;
    ms_t now, steady;
    bool is_open; /* a turn was begun and its events are being read */
    bool is_full; /* the disk */
    struct output output;
    const char *fault; /* what is wrong with the file; NULL: nothing */
};

void trace_story_init(struct trace_story *story);
void trace_story_done(struct trace_story *story);
/* One line of the file, without its end. */
void trace_story_line(struct trace_story *story, struct span line);
void trace_story_end(struct trace_story *story);

#endif
