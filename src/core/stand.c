/* How an accepted attempt stands, as its provider says: waiting, at it, done, failed, gone; and the
 * files that it made, on their way into the depot. */
#include "core/core_private.h"
#include "core/route.h"

enum {
    STAND_INVISIBLE_MS = 60000, /* so long "not found" may mean "not visible yet" */
    STAND_SENDS_MAX = 5,        /* of one read, before the usual interval is kept again */
    STAND_GONE_MAX = 3,         /* times that the provider must not know a job */
    STAND_BACKOFF_MS = 1000,
    STAND_BACKOFF_MAX_MS = 60000,
    STAND_FETCHES_MAX = 5,         /* that fail for other reasons than the server's trouble */
    STAND_STORING_MIN_MS = 1800000 /* files have so long, and longer where the result is kept */
};

/* 1 s → 60 s, half of it by chance. */
static ms_t backoff(struct core *core, unsigned failures)
{
    ms_t step = (ms_t)STAND_BACKOFF_MS << (failures < 6 ? failures : 6);
    step = step > STAND_BACKOFF_MAX_MS ? STAND_BACKOFF_MAX_MS : step;
    return step / 2 + (ms_t)rng_below(&core->rng, (uint64_t)step / 2 + 1);
}

/* As long as its provider would name the files anew, within reason. */
static ms_t storing_max(const struct core *core, const struct job *job)
{
    ms_t kept = remote_health(core, job)->traits.result_kept;
    kept = kept < STAND_STORING_MIN_MS ? STAND_STORING_MIN_MS : kept;
    return kept > MS_DAY ? MS_DAY : kept;
}

static void fetch(struct core *core, struct output *output, struct job *job,
                  const struct told *told)
{
    remote_effect(core, output, job, ASKING_FETCH)->on.told = told;
    job->flight.ask_at = 0;
    /* The time runs from the first try on. */
    life_timer(core, job,
               job->flight.fetches ? job->flight.until : core->now + storing_max(core, job));
}

static void done(struct core *core, struct output *output, struct job *job, const struct told *told)
{
    int64_t cost = remote_cost(job, told, true);
    if (cost != job->attempt.settled) {
        job->attempt.settled = cost;
        job->attempt_changed = true;
        life_touch(core, job);
    }
    bool was_lost = job->flight.rung > 0; /* nobody knows since when it ran */
    if (job->state != STATE_STORING && !was_lost)
        pace_learn(core, output, job);
    if (remote_can(core, job, CAN_RESULT)) /* what it made was asked for by a call of its own */
        (void)health_read_at(remote_health(core, job), core->now);
    if (told->file_count == 0) {
        struct told empty = *told;
        empty.error = ERROR_OUTPUT_INVALID;
        empty.billed = true;
        empty.again = false;
        told_say(&empty, SPAN("The provider says that it is done, and names no file."));
        remote_failed(core, output, job, &empty);
        return;
    }
    if (!state_is_terminal(job->state) && job->state != STATE_STORING)
        attempt_store(core, output, job);
    fetch(core, output, job, told);
}

/* A price that is not known is none of these. */
static bool is_unpaid(const struct job *job)
{
    struct route_offer offer;
    (void)route_read(job->route, job->attempt.offer, &offer);
    return offer.price == 0 && job->attempt.settled == 0;
}

static void gone(struct core *core, struct output *output, struct job *job, const struct told *told)
{
    bool is_young = core->now - job->attempt.accepted_at < STAND_INVISIBLE_MS;
    /* What it cost was said when it was done, or never will be: then it counts as all of it. */
    struct told lost = *told;
    lost.billed = true;
    lost.cost = job->attempt.settled ? job->attempt.settled : -1;
    job->flight.gone++;
    if (job->flight.is_stopping && (!is_young || job->flight.gone >= STAND_GONE_MAX)) {
        remote_stopped(core, output, job, &lost);
        return;
    }
    if (is_young || job->flight.gone < STAND_GONE_MAX) {
        life_ask(core, job, core->now + STAND_BACKOFF_MAX_MS / 4);
        return;
    }
    lost.error = job->state == STATE_STORING ? ERROR_OUTPUT_LOST : ERROR_PROVIDER_FAILED;
    lost.again = remote_can(core, job, CAN_FORGETS_ON_RESTART) && is_unpaid(job);
    if (lost.again)
        lost.billed = false; /* its memory went with it, and it is nobody's money */
    told_say(&lost, SPAN("The provider does not know the job any more."));
    remote_failed(core, output, job, &lost);
}

/* A read that came to nothing: it may have been the one that a call back asked for, so what comes
 * next is asked as of a provider that never calls. */
static void unread(struct core *core, struct job *job, ms_t after)
{
    struct health *health = remote_health(core, job);
    job->flight.failures++;
    ms_t pause = pace_planned(core, job);
    if (job->flight.failures < STAND_SENDS_MAX && health_repeats(health))
        pause = backoff(core, job->flight.failures);
    else if (pause < STAND_BACKOFF_MAX_MS / 2)
        pause = STAND_BACKOFF_MAX_MS / 2;
    ms_t longest = pace_longest(core, job);
    after = after > longest ? longest : after;
    life_ask(core, job, core->now + (after > pause ? after : pause));
}

static void is_at_it(struct core *core, struct output *output, struct job *job,
                     const struct told *told)
{
    struct job_flight *flight = &job->flight;
    const char *stage = told->stage[0] ? told->stage : NULL;
    if (told->kind == TOLD_RUNNING && !flight->is_running) {
        flight->is_running = true;
        stage = told->stage; /* what it waited for is over */
        if (!state_is_terminal(job->state) && !job->cancel_asked)
            attempt_runs(core, job);
    }
    if (!state_is_terminal(job->state))
        attempt_progress(core, output, job, told->progress, stage);
    life_ask(core, job,
             core->now + (flight->is_stopping ? remote_health(core, job)->traits.poll_min
                                              : pace_interval(core, job)));
}

/* The provider's word on how an accepted attempt stands, whatever call it answers. */
void stand_told(struct core *core, struct output *output, struct job *job, const struct told *told)
{
    bool is_fetching = job->flight.asking == ASKING_FETCH;
    if (told->kind != TOLD_NOTHING && told->kind != TOLD_GONE)
        job->flight.gone = 0;
    if (is_fetching)
        return; /* the files are on their way: old news */
    job->flight.asking = ASKING_NOTHING;
    job->flight.polls++;
    switch (told->kind) {
    case TOLD_DONE:
        done(core, output, job, told);
        break;
    case TOLD_FAILED:
    case TOLD_REFUSED:
        remote_failed(core, output, job, told);
        break;
    case TOLD_STOPPED:
        remote_stopped(core, output, job, told);
        break;
    case TOLD_GONE:
        gone(core, output, job, told);
        break;
    case TOLD_WAITING:
    case TOLD_RUNNING:
    case TOLD_ACCEPTED:
        /* It was done, and its files were not had yet: then it can't be at it again (I10). */
        if (job->state == STATE_STORING)
            unread(core, job, 0);
        else
            is_at_it(core, output, job, told);
        break;
    case TOLD_NOTHING:
    case TOLD_LATER:
    case TOLD_FOUND:
    case TOLD_ABSENT:
    case TOLD_MORE:
    case TOLD_HEALTHY:
    case TOLD_COUNT:
        unread(core, job, told->after);
        break;
    }
    job->flight.heard_at = core->now;
}

void stand_read(struct core *core, struct output *output, struct job *job,
                const struct event *event)
{
    const struct told *told = event->heard.told;
    struct health *health = remote_health(core, job);
    if (!attempt_is_open(job) || job->attempt.state == ATTEMPT_INTENT)
        return;
    if (told->kind == TOLD_NOTHING)
        health_fails(health, &core->limits, core->now, ERROR_PROVIDER_UNAVAILABLE);
    else
        health->failures = 0;
    bool is_others = job->attempt.state == ATTEMPT_ACCEPTED && event->heard.remote_id &&
                     !span_is(span_of(event->heard.remote_id), job->attempt.remote_id);
    if (is_others)
        return; /* asked on a call back's word, before the attempt's own id was known */
    if (told->kind != TOLD_NOTHING && told->kind != TOLD_GONE)
        job->flight.failures = 0;
    if (job->attempt.state == ATTEMPT_UNCERTAIN)
        ladder_read(core, output, job, event);
    else
        stand_told(core, output, job, told);
}

/* ---------------------------------------------------------------- files */

void stand_late(struct core *core, struct output *output, struct job *job,
                const struct event *event)
{
    if (job->attempt.state != ATTEMPT_ACCEPTED)
        return;
    attempt_take_late_outputs(core, job, &event->worked);
    remote_close(core, job, ATTEMPT_DONE, ERROR_NONE, job->attempt.settled);
    remote_let_go(core, output, job, "It was made all the same; the output is kept.");
}

void stand_unkept(struct core *core, struct output *output, struct job *job,
                  const struct event *event)
{
    const struct worked *worked = &event->worked;
    if (job->attempt.state != ATTEMPT_ACCEPTED || job->flight.asking != ASKING_FETCH)
        return;
    job->flight.asking = ASKING_NOTHING;
    job->flight.fetches++;
    job->flight.fetches_lost += !worked->passing;
    if (worked->again && job->flight.fetches_lost < STAND_FETCHES_MAX) {
        /* A poll gives links that are fresh. What was paid for is given up only with its time. */
        life_ask(core, job, core->now + backoff(core, job->flight.fetches));
        return;
    }
    const char *text = worked->text ? worked->text : error_sentence(worked->error);
    bool may_again = job->flags & JOB_FLAG_RETRY_BILLED && job->tries < CORE_TRIES_MAX &&
                     money_affords(core, job, job->attempt.settled);
    remote_close(core, job, ATTEMPT_FAILED, worked->error, job->attempt.settled);
    if (state_is_terminal(job->state))
        remote_let_go(core, output, job, text);
    else if (may_again)
        attempt_again(core, output, job, text);
    else
        life_end(core, output, job, STATE_FAILED, worked->error, text);
}
