#include "core/poll.h"

#include <math.h>

/* Beliefs that go with a short history: so many durations, so widely spread. */
static const double PRIOR_COUNT = 2, PRIOR_VARIANCE = 0.25;

/* The integrals go up to this many deviations, in steps of this part of one. */
static const double REACH = 4, STEP = 1.0 / 24;

/* Deviations above the mean from which on a job is not like the others: one in 740. */
static const double OUTLIVED = 3, TAIL_STEP = 1.0 / 64;

/* What a plan saves of the blind schedule's polls, so that a history that is a little off does not
 * make it dearer. */
static const double BUDGET = 0.9;

void poll_learn(struct poll_history *history, ms_t took)
{
    double seconds = took > 0 ? (double)took / 1000 : 0.001;
    double weight =
        history->count < POLL_MEMORY ? 1 / ((double)history->count + 1) : 1 / (double)POLL_MEMORY;
    double distance = log(seconds) - history->mean;
    history->mean += weight * distance;
    history->variance += weight * ((1 - weight) * distance * distance - history->variance);
    history->count++;
}

static double survival(const struct poll_plan *plan, double seconds)
{
    double z = (log(seconds) - plan->mean) / plan->deviation;
    return erfc(z / M_SQRT2) / 2;
}

/* Ends a second at `seconds`, of jobs that have not ended before. One that has outlived nearly all
 * others is no job of their kind: from there on the intervals grow with its age. */
static double hazard(const struct poll_plan *plan, double seconds)
{
    double z = (log(seconds) - plan->mean) / plan->deviation, fading = 1;
    if (z > OUTLIVED) {
        double edge = exp(plan->mean + OUTLIVED * plan->deviation);
        fading = edge / seconds * (edge / seconds);
        seconds = edge;
        z = OUTLIVED;
    }
    double density = exp(-z * z / 2) / (seconds * plan->deviation * sqrt(2 * M_PI));
    return fading * density / (erfc(z / M_SQRT2) / 2);
}

/* The blind schedule grows by half from the first interval to the last; milliseconds. */
static double blind(const struct poll_rule *rule, unsigned polls)
{
    double interval = (double)rule->first;
    for (unsigned n = 0; n < polls && interval < (double)rule->last; n++)
        interval *= 1.5;
    return interval < (double)rule->last ? interval : (double)rule->last;
}

/* Polls that the blind schedule makes on the mean, beside the first, which all jobs need. */
static double blind_polls(const struct poll_plan *plan)
{
    enum { POLLS_MAX = 1000 };
    double polls = 0, at = blind(&plan->rule, 0) / 1000;
    for (unsigned n = 1; n < POLLS_MAX; n++) {
        double alive = survival(plan, at);
        if (alive < 1e-4)
            break;
        polls += alive;
        at += blind(&plan->rule, n) / 1000;
    }
    return polls;
}

/* A plan makes 1 + ∫ S √(h / 2c) dt polls. */
static double cost_of(const struct poll_plan *plan)
{
    double sum = 0, polls = BUDGET * blind_polls(plan);
    for (double z = -REACH; z < REACH; z += STEP) {
        double at = exp(plan->mean + plan->deviation * (z + STEP / 2));
        double width = at * plan->deviation * STEP;
        sum += survival(plan, at) * sqrt(hazard(plan, at)) * width;
    }
    double least = (double)plan->rule.min / 1000;
    /* Where even the blind schedule asks hardly once, a plan may still ask twice. */
    double root = sum / (polls > 1 ? polls : 1);
    double cost = root * root / 2;
    return cost > least / 8 ? cost : least / 8;
}

void poll_plan_make(struct poll_plan *plan, const struct poll_rule *rule,
                    const struct poll_history *history)
{
    *plan = (struct poll_plan){.rule = *rule, .blind = history->count < POLL_HISTORY_MIN};
    if (plan->blind)
        return;
    double count = history->count < POLL_MEMORY ? (double)history->count : (double)POLL_MEMORY;
    double variance =
        (count * history->variance + PRIOR_COUNT * PRIOR_VARIANCE) / (count + PRIOR_COUNT);
    plan->mean = history->mean;
    /* No spread at all is what a few equal durations seem to show, and never true: what is believed
     * beforehand keeps it from 0. */
    plan->deviation = sqrt(variance);
    plan->cost = cost_of(plan);
}

/* Seconds from `start` to where the integral of 1 / interval is one, at most `limit`. The steps
 * grow with the time, so their number does not. */
static double integrate(const struct poll_plan *plan, double start, double limit)
{
    double at = start, sum = 0;
    /* Long before the first end nothing adds up. */
    double early = exp(plan->mean - (REACH + 1) * plan->deviation);
    double edge = exp(plan->mean + OUTLIVED * plan->deviation);
    if (at < early)
        at = early;
    while (at - start < limit) {
        double step = at * (at < edge ? plan->deviation * STEP : TAIL_STEP);
        double rate = sqrt(hazard(plan, at + step / 2) / (2 * plan->cost));
        if (sum + rate * step >= 1)
            return at - start + (1 - sum) / rate;
        sum += rate * step;
        at += step;
    }
    return limit;
}

ms_t poll_next(const struct poll_plan *plan, ms_t elapsed, unsigned polls)
{
    double wait, max = (double)plan->rule.max;
    if (plan->blind)
        wait = blind(&plan->rule, polls);
    else
        wait = 1000 * integrate(plan, elapsed > 1 ? (double)elapsed / 1000 : 0.001, max / 1000);
    if (wait > max)
        wait = max;
    return wait > (double)plan->rule.min ? (ms_t)wait : plan->rule.min;
}
