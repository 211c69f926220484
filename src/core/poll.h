/* When to ask a provider again: few polls, and little time between a job's end and our knowing it.
 *
 * A poll is worth the more, the more likely the job ends just now. If a poll costs as much as c of
 * lateness and the job, still running after t, ends at the rate h(t) (the hazard of its model's
 * past durations), the interval that costs least is √(2c / h(t)): long while an end is unlikely,
 * short where the ends lie close together, long again once the job has outlived them all. The next
 * poll is where the integral of 1 / interval reaches one. Durations are taken to be lognormal,
 * which two numbers a model describe.
 *
 * c is what makes a plan cost as many polls as the blind schedule would take for the same
 * durations: the polls are not fewer, they are where they count. */
#ifndef CORE_POLL_H
#define CORE_POLL_H

#include "base/time.h"

enum {
    POLL_HISTORY_MIN = 5, /* durations from which on a history says something */
    POLL_MEMORY = 200     /* durations of longer ago fade */
};

/* What is known of a model's durations; all zero: nothing. */
struct poll_history {
    int64_t count;
    double mean, variance; /* of the natural logarithm of seconds */
};

/* What the provider and the model allow. */
struct poll_rule {
    ms_t min;         /* never faster: the provider's advice */
    ms_t first, last; /* the blind schedule: the first interval, and the one that it grows to */
    ms_t max;         /* never slower: while a result is still kept */
};

/* A rule with a history; good until either changes. */
struct poll_plan {
    struct poll_rule rule;
    bool blind; /* the history says too little */
    double mean, deviation;
    double cost; /* c, in seconds */
};

void poll_learn(struct poll_history *history, ms_t took);
void poll_plan_make(struct poll_plan *plan, const struct poll_rule *rule,
                    const struct poll_history *history);
/* How long to wait from now on, for a job that has run for `elapsed` and was asked for `polls`
 * times already. */
ms_t poll_next(const struct poll_plan *plan, ms_t elapsed, unsigned polls);

#endif
