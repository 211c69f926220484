/* A provider that works elsewhere, as the core sees it: what it can, and whether it is well.
 *
 * A breaker (SPEC 8): five failures in a row, or a refusal that is about our account, block it for
 * new submissions; after a while one job may try it, and its fate decides. What was accepted is
 * polled, fetched and canceled all the same. "Not now" (429) blocks it for as long as it says.
 *
 * A throttle: each "not now" halves how many submissions may be out at once, down to one, but once
 * for all that were out together; so many acceptances as may be out add one. So a provider's limit
 * is found, and touched now and then, instead of run against with all that waits.
 *
 * A retry budget: reads that failed are repeated soon only as long as repeats stay under a tenth of
 * all reads, so that a provider in trouble is not asked more, but less.
 *
 * A pace of reads: no more of them in a minute than the provider allows, and as much in a row as
 * goes with a second; who comes then takes the next place in line. */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include "core/limit.h"

enum {
    HEALTH_FAILURES_MAX = 5,
    HEALTH_OPEN_MS = 60000,     /* the breaker stays open */
    HEALTH_ACCOUNT_MS = 600000, /* after "bad key" or "out of credit" */
    HEALTH_LATER_MS = 1000,     /* after "not now" that does not say until when */
    HEALTH_LATER_MAX_MS = 3600000,
    HEALTH_WINDOW_MAX = 64,  /* where more may be out, nothing is throttled any more */
    HEALTH_RETRIES_MAX = 50, /* repeats that can be saved up */
    HEALTH_RETRIES_FIRST = 10
};

struct health {
    struct can_vendor traits;
    char name[JOB_PROVIDER_SIZE];
    bool calls_back;
    unsigned failures;    /* in a row */
    ms_t blocked_until;   /* 0: not blocked */
    enum error_code why;  /* it is, or was last, blocked */
    bool is_paused;       /* by an operator */
    bool half_open;       /* one may try */
    bool probing;         /* … and one does */
    unsigned window;      /* submissions that may be out at once; 0: no more than ever */
    unsigned credit;      /* accepted since it last grew */
    ms_t slowed_at;       /* it was last halved */
    bool is_news;         /* of the breaker or our account: the operator is not told yet */
    unsigned tenths;      /* of repeats that may be made */
    uint64_t reads;       /* made since the start */
    unsigned reads_limit; /* a minute; 0: none */
    int64_t next_read;    /* microseconds: no place before is free */
};

/* `providers`: struct health by the name of the provider; owned, emptied by health_done. */
void health_change(struct map *providers, const struct core_config *config);
void health_done(struct map *providers);
/* NULL: work of our own. */
struct health *health_of(const struct map *providers, const char *name);
/* Nothing may be submitted there now. */
bool health_is_blocked(const struct health *health);
/* Each takes the gauge's word for the queue along. */
void health_begins(struct health *health, struct limits *limits); /* a submission leaves */
void health_works(struct health *health, struct limits *limits);  /* an answer that makes sense */
void health_fails(struct health *health, struct limits *limits, ms_t now, enum error_code why);
/* "Not now", to a submission of that time; an acceptance. */
void health_slows(struct health *health, struct limits *limits, ms_t asked_at, ms_t now);
void health_speeds(struct health *health, struct limits *limits);
/* No failure, but no more now: "not now", or our account. */
void health_blocks(struct health *health, struct limits *limits, ms_t until, enum error_code why);
void health_pauses(struct health *health, struct limits *limits, bool pause);
/* Tells of those that became unwell; of each once, until it is well again. */
void health_flush(struct map *providers, struct output *output);
/* Blocks whose time is over. */
void health_turn(struct map *providers, struct limits *limits, ms_t now);
/* The earliest end of a block; MS_NEVER. */
ms_t health_wake_at(const struct map *providers);
/* Takes the next place in line for a read: when it may be made. */
ms_t health_read_at(struct health *health, ms_t now);
/* A read was made; a repeat is wanted: whether it may be made soon. */
void health_reads(struct health *health);
bool health_repeats(struct health *health);

#endif
