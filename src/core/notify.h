/* Telling by webhook (SPEC 13), as core and store know it. Each event of a job that its client
 * wants to hear of is a delivery: a row made in the job's own commit, with the bytes of its body,
 * tried by a schedule until the receiver has it. Rules of Standard Webhooks: the id stays the same
 * over all tries, 2xx is success and nothing else is, 410 ends it, Retry-After is heard.
 *
 * Deliveries to one tenant's one receiver (scheme, host, port) form a lane. The store has a row for
 * each lane with something to deliver, which says when that is; so lanes are found by time, and a
 * receiver that is down holds up nobody but itself. A lane that failed last is `failing`: it is
 * tried with one delivery at a time, and all failing ones together get half of the room.
 *
 * Memory holds what is in flight and the lanes of that. Being in flight is no row: after the
 * process's death whatever was due is due again. */
#ifndef CORE_NOTIFY_H
#define CORE_NOTIFY_H

#include "base/time.h"
#include "core/job.h"

enum {
    NOTIFY_TRIES_MAX = 20,       /* of the schedule */
    NOTIFY_LOG_MAX = 20,         /* tries of one delivery that are kept, the newest */
    NOTIFY_ERROR_SIZE = 200,     /* why a try failed */
    NOTIFY_EVENTS_MAX = 1000,    /* of one job; what is beyond it is progress, and not told */
    NOTIFY_IN_FLIGHT = 128,      /* default, over all lanes */
    NOTIFY_LANE_IN_FLIGHT = 4,   /* default, of a lane */
    NOTIFY_LANE_MAX = 8,         /* most of a lane that may be configured */
    NOTIFY_PROGRESS_MS = 5000,   /* between two progress events of a job */
    NOTIFY_RETRY_AFTER_H = 24,   /* the longest Retry-After that is heard */
    NOTIFY_KEPT_DAYS = 30,       /* after the end of a delivery */
    NOTIFY_OLD_SECRET_HOURS = 24 /* for which a replaced secret signs too */
};

#define NOTIFY_EVENT_LIST(X)                                                                       \
    X(STARTED, started)                                                                            \
    X(PROGRESS, progress)                                                                          \
    X(COMPLETED, completed) /* every end */

enum notify_event {
#define NOTIFY_EVENT_ENUM(upper, lower) NOTIFY_##upper,
    NOTIFY_EVENT_LIST(NOTIFY_EVENT_ENUM)
#undef NOTIFY_EVENT_ENUM
        NOTIFY_EVENT_COUNT
};

#define DELIVERY_LIST(X)                                                                           \
    X(PENDING, pending)                                                                            \
    X(DELIVERED, delivered)                                                                        \
    X(FAILED, failed) /* the schedule is exhausted */                                              \
    X(GONE, gone)     /* the receiver answered 410 */

enum delivery_state {
#define DELIVERY_ENUM(upper, lower) DELIVERY_##upper,
    DELIVERY_LIST(DELIVERY_ENUM)
#undef DELIVERY_ENUM
        DELIVERY_COUNT
};

const char *notify_event_name(enum notify_event event);
bool notify_event_find(struct span name, enum notify_event *ret_event);
const char *notify_state_name(enum delivery_state state);
bool notify_state_find(struct span name, enum delivery_state *ret_state);

struct delivery {
    int64_t job;
    unsigned number; /* from 1, of the job; grows with time */
    int64_t lane;
    enum notify_event event;
    enum delivery_state state;
    unsigned tries;  /* since it was made or asked for again: its place in the schedule */
    unsigned logged; /* tries ever: numbers their log */
    ms_t created_at;
    ms_t next_at; /* while pending: not before; else 0 */
    ms_t ended_at;
};

/* The webhook-id: "msg_", the job's id without its prefix, "_" and the number. */
enum { NOTIFY_ID_SIZE = ID_SIZE + 16 };
void notify_id(const char *job_id, unsigned number, char target[static NOTIFY_ID_SIZE]);

/* A line of a delivery's log. */
struct delivery_try {
    int64_t job;
    unsigned delivery, number; /* number: from 1 */
    ms_t at, took;
    int status;                    /* of the answer; 0: there was none */
    char error[NOTIFY_ERROR_SIZE]; /* a sentence; empty: delivered */
};

struct hook_lane {
    int64_t key;
    bool failing;
    ms_t next_at; /* nothing of it is due before; may be earlier than that. MS_NEVER: no row */
};

enum { HOOK_SECRET_SIZE = 128 };

/* A tenant's secret for signing, "whsec_…", and the one before it. */
struct hook_secret {
    char tenant[JOB_TENANT_SIZE];
    char text[HOOK_SECRET_SIZE];
    char old[HOOK_SECRET_SIZE]; /* empty: there is none */
    ms_t old_until;
    ms_t made_at;
};

/* The waits before each try, of Standard Webhooks: 75 hours and a half in all. */
extern const ms_t notify_schedule[];
extern const unsigned notify_schedule_size;

#endif
