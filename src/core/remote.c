/* An attempt at a provider, from its submission to its end. What a provider says comes as `struct
 * told`; here it becomes what the job is. The ladder for submissions whose answer was lost is a
 * file of its own. A job that ended before its attempt (canceled, expired, timed out) leaves the
 * attempt to be followed, so that what it costs is known and what it made is not lost. */
#include "core/core_private.h"

#include "base/memory.h"
#include "core/route.h"

enum {
    REMOTE_SUBMIT_MAX_MS = 300000, /* the egress ends a call long before */
    REMOTE_LOST_MS = 900000,       /* a question without any answer is asked again */
    REMOTE_CANCELS_MAX = 5,        /* unheard in a row, before it is polled instead */
    REMOTE_BACKOFF_MS =
        1000, /* doubles to 32 s with each submission that is put off; as much again by chance */
    REMOTE_FREE_MS = 10000, /* between looks for a provider that is free */
    REMOTE_TURN_MS =
        1000, /* … for one to which fewer submissions are out; as much more by chance */
    REMOTE_AGAIN_MS = 2000, /* before a cancel that was not heard is sent again */
    REMOTE_BROKEN_MS = 2000 /* after a stream ended, at most; many may end at once */
};
#define REMOTE_QUEUE_MAX  MS_HOUR /* in the provider's queue */
#define REMOTE_PATIENCE   MS_DAY  /* with providers that put it off */
#define REMOTE_FOLLOW_MAX MS_DAY  /* after its job ended, beside the time-out */

struct health *remote_health(const struct core *core, const struct job *job)
{
    return health_of(&core->health, job->attempt.provider);
}

bool remote_can(const struct core *core, const struct job *job, enum can what)
{
    const struct health *health = remote_health(core, job);
    return health && health->traits.can & what;
}

/* Nobody waits for its output any more: it had better end. But what was given up, and is found
 * after all, was wanted. */
static bool shall_stop(const struct job *job)
{
    return job->cancel_asked || job->state == STATE_EXPIRED || job->error == ERROR_TIMEOUT;
}

/* Reads that are few and do not wait for a place in line, but take one. */
static bool counts_at_once(const struct job *job, enum asking asking)
{
    return asking == ASKING_FIND || asking == ASKING_CANCEL ||
           (asking == ASKING_POLL && job->attempt.state == ATTEMPT_UNCERTAIN);
}

struct effect *remote_effect(struct core *core, struct output *output, struct job *job,
                             enum asking asking)
{
    static const enum effect_kind kinds[] = {
        [ASKING_SUBMIT] = EFFECT_SUBMIT, [ASKING_POLL] = EFFECT_POLL,   [ASKING_FIND] = EFFECT_FIND,
        [ASKING_CANCEL] = EFFECT_CANCEL, [ASKING_FETCH] = EFFECT_FETCH,
    };
    job->flight.asking = asking;
    struct health *health = remote_health(core, job);
    if (health && asking != ASKING_SUBMIT)
        health_reads(health);
    if (health && counts_at_once(job, asking))
        (void)health_read_at(health, core->now);
    job->flight.read_at = 0;
    life_ask(core, job, core->now + REMOTE_LOST_MS);
    struct effect *effect = output_on(output, kinds[asking], job);
    effect->on.asked_at = core->now;
    return effect;
}

/* A poll, once it is its turn among the provider's reads. */
static void poll(struct core *core, struct output *output, struct job *job)
{
    struct health *health = remote_health(core, job);
    if (health && !job->flight.read_at)
        job->flight.read_at = health_read_at(health, core->now);
    if (job->flight.read_at > core->now)
        life_ask(core, job, job->flight.read_at);
    else
        (void)remote_effect(core, output, job, ASKING_POLL);
}

/* ---------------------------------------------------------------- the beginning */

/* Attempts there of jobs that have not ended. */
static unsigned count_at(const struct core *core, const char *provider)
{
    unsigned count = 0;
    size_t cursor = 0;
    for (const struct job *job; (job = map_next(&core->jobs, &cursor));)
        count += state_is_in_flight(job->state) && attempt_is_open(job) &&
                 span_is(span_of(provider), job->attempt.provider);
    return count;
}

/* Where the job is counted already it has its place, unless others hold all of them: it may have
 * been let in for the room that another of its model's offers had. */
static bool has_place(struct core *core, const struct job *job, const char *provider)
{
    const struct gauge *gauge = limit_gauge(&core->limits, LIMIT_PROVIDER, provider);
    if (!span_is(span_of(provider), job->provider))
        return limit_provider_has_room(&core->limits, provider);
    return gauge->limit == 0 || gauge->in_flight <= gauge->limit ||
           count_at(core, provider) < gauge->limit;
}

/* The first offer that has not refused and whose provider has room. False when there is none now;
 * *ret_wait: so long is worth waiting for one; 0: it is not. After an attempt that was accepted, or
 * may have been, only its own offer is tried again. */
static bool choose(struct core *core, struct job *job, unsigned *ret_number, ms_t *ret_wait)
{
    struct route_offer offer;
    bool is_bound = job->attempt.number && job->attempt.state != ATTEMPT_REFUSED;
    *ret_wait = 0;
    for (unsigned n = 0; route_read(job->route, n, &offer); n++) {
        if (job->flight.refused & 1u << n || !health_of(&core->health, offer.provider) ||
            (is_bound && n != job->attempt.offer))
            continue;
        if (n > 0 && job->flags & JOB_FLAG_NO_FALLBACK)
            break;
        enum account_fit fit = money_fits(core, offer.provider, offer.price);
        if (fit != ACCOUNT_FITS)
            money_remember(core, job, offer.provider, offer.price);
        if (fit == ACCOUNT_NEVER)
            continue;
        *ret_wait = REMOTE_FREE_MS;
        *ret_number = n;
        if (fit != ACCOUNT_FITS || !has_place(core, job, offer.provider) ||
            health_is_blocked(health_of(&core->health, offer.provider)))
            continue;
        if (limit_may_submit(&core->limits, offer.provider))
            return true;
        /* It is well, and its answers come within seconds: worth more than the next offer. */
        *ret_wait = REMOTE_TURN_MS + (ms_t)rng_below(&core->rng, REMOTE_TURN_MS);
        return false;
    }
    return false;
}

void remote_begin(struct core *core, struct output *output, struct job *job)
{
    unsigned number = 0;
    ms_t wait = 0;
    if (!choose(core, job, &number, &wait)) {
        const char *text = job->flight.text[0] ? job->flight.text : NULL;
        if (wait && core->now < job->queued_at + REMOTE_PATIENCE) {
            life_timer(core, job, core->now + wait);
        } else {
            enum error_code error = job->flight.error ? job->flight.error
                                    : wait            ? ERROR_PROVIDER_UNAVAILABLE
                                                      : ERROR_PROVIDER_NOT_CONFIGURED;
            life_end(core, output, job, STATE_FAILED, error, text ? text : error_sentence(error));
        }
        return;
    }
    struct route_offer offer;
    (void)route_read(job->route, number, &offer);
    limit_move(&core->limits, job, offer.provider);
    attempt_open(core, job, offer.provider, number);
    limit_count_submitting(&core->limits, offer.provider, 1);
    job->attempt.reserved = offer.price > 0 ? offer.price : 0;
    job->attempt.sends = 1;
    money_open(core, job);
    job->flight =
        (struct job_flight){.refused = job->flight.refused, .put_off = job->flight.put_off};
    health_begins(remote_health(core, job), &core->limits);
    (void)remote_effect(core, output, job, ASKING_SUBMIT);
    life_timer(core, job, core->now + REMOTE_SUBMIT_MAX_MS);
}

/* ---------------------------------------------------------------- the end */

void remote_close(struct core *core, struct job *job, enum attempt_state state,
                  enum error_code error, int64_t settled)
{
    job->attempt.settled = settled;
    job->flight.asking = ASKING_NOTHING;
    job->flight.ask_at = 0;
    attempt_close(core, job, state, error);
}

/* The attempt of a job that had ended is over too. `note` may be NULL. */
void remote_let_go(struct core *core, struct output *output, struct job *job, const char *note)
{
    assert(job->following);
    if (note)
        life_note(core, output, job, note);
    (void)output_on(output, EFFECT_DROP, job);
    if (job->late) {
        life_timer(core, job, core->now + 1);
        return;
    }
    job->following = false;
    core->following--;
    heap_remove(&core->timers, &job->timer);
    list_remove(&job->link);
    list_add(&core->loaded, &job->link);
}

/* What it costs when the provider does not say. */
int64_t remote_cost(const struct job *job, const struct told *told, bool billed)
{
    return told->cost >= 0 ? told->cost : billed ? job->attempt.reserved : 0;
}

void remote_unknown(struct core *core, struct output *output, struct job *job, const char *text)
{
    remote_close(core, job, ATTEMPT_UNKNOWN, ERROR_SUBMISSION_UNCERTAIN, job->attempt.reserved);
    if (state_is_terminal(job->state))
        remote_let_go(core, output, job, text);
    else
        life_end(core, output, job, STATE_FAILED, ERROR_SUBMISSION_UNCERTAIN, text);
}

void remote_leave(struct core *core, struct output *output, struct job *job, enum state state,
                  enum error_code error, const char *text)
{
    life_end(core, output, job, state, error, text);
    assert(job->following);
    life_timer(core, job, core->now + attempt_timeout(core, job) + REMOTE_FOLLOW_MAX);
    /* What is asked may have been due in the very moment that ended it. */
    if (job->flight.ask_at && job->flight.ask_at <= core->now)
        life_ask(core, job, core->now + REMOTE_AGAIN_MS);
    if (job->attempt.state != ATTEMPT_ACCEPTED || job->flight.asking == ASKING_FETCH)
        return;
    if (job->flight.asking != ASKING_CANCEL && !job->flight.is_stopping &&
        remote_can(core, job, CAN_CANCEL))
        (void)remote_effect(core, output, job, ASKING_CANCEL);
}

void remote_leave_canceled(struct core *core, struct output *output, struct job *job)
{
    job->receipt = RECEIPT_UNCONFIRMED;
    remote_leave(core, output, job, STATE_CANCELED, ERROR_CANCELED, "Canceled.");
}

void remote_failed(struct core *core, struct output *output, struct job *job,
                   const struct told *told)
{
    const char *text = told->text[0] ? told->text : error_sentence(told->error);
    int64_t cost = remote_cost(job, told, told->billed);
    bool free = !told->billed || job->flags & JOB_FLAG_RETRY_BILLED;
    free = free && money_affords(core, job, cost);
    remote_close(core, job, ATTEMPT_FAILED, told->error, cost);
    if (state_is_terminal(job->state)) {
        remote_let_go(core, output, job, text);
    } else if (job->cancel_asked) {
        cancel_end(core, output, job, RECEIPT_STOPPED);
    } else if (told->again && free && job->tries < CORE_TRIES_MAX) {
        attempt_again(core, output, job, text);
    } else {
        life_end(core, output, job, STATE_FAILED, told->error, text);
    }
}

void remote_stopped(struct core *core, struct output *output, struct job *job,
                    const struct told *told)
{
    remote_close(core, job, ATTEMPT_STOPPED, ERROR_NONE, remote_cost(job, told, told->billed));
    if (state_is_terminal(job->state)) {
        remote_let_go(core, output, job, "The provider has stopped it.");
    } else if (job->cancel_asked) {
        cancel_end(core, output, job, RECEIPT_STOPPED);
    } else {
        life_end(core, output, job, STATE_FAILED, ERROR_PROVIDER_FAILED,
                 told->text[0] ? told->text : "It was canceled at the provider.");
    }
}

/* ---------------------------------------------------------------- the answer to a submission */

void remote_adopt(struct core *core, struct output *output, struct job *job, const char *remote_id,
                  const char *handle)
{
    bool was_lost = job->attempt.state == ATTEMPT_UNCERTAIN;
    attempt_accept(core, job, remote_id);
    remote_id_hold(core, job);
    (void)span_copy(span_of(handle), job->attempt.handle, sizeof job->attempt.handle);
    job->flight.asking = ASKING_NOTHING;
    job->flight.failures = job->flight.put_off = 0;
    life_touch(core, job);
    if (!state_is_terminal(job->state)) {
        life_become(core, output, job, STATE_RUNNING, NULL);
        if (!job->cancel_asked)
            life_timer(core, job, core->now + REMOTE_QUEUE_MAX + attempt_timeout(core, job));
    } else {
        life_timer(core, job, core->now + attempt_timeout(core, job) + REMOTE_FOLLOW_MAX);
    }
    remote_stream(core, output, job);
    if (shall_stop(job) && remote_can(core, job, CAN_CANCEL))
        (void)remote_effect(core, output, job, ASKING_CANCEL);
    else if (job->flight.is_hinted)
        poll(core, output, job);
    else if (was_lost)
        life_ask(core, job, core->now); /* it may have ended before it was found */
    else
        life_ask(core, job, core->now + pace_interval(core, job));
    job->flight.is_hinted = false;
}

static const char answer_lost[] = "Its answer was lost.";

/* Nobody knows what became of a submission, or of its repetition. */
static void lose(struct core *core, struct output *output, struct job *job, const char *text)
{
    health_fails(remote_health(core, job), &core->limits, core->now, ERROR_PROVIDER_UNAVAILABLE);
    if (job->attempt.state == ATTEMPT_INTENT)
        ladder_begin(core, output, job, text);
    else
        ladder_climb(core, job);
}

void remote_accepted(struct core *core, struct output *output, struct job *job,
                     const struct event *event)
{
    const struct told *told = event->heard.told;
    bool is_late = late_may(job);
    if (!is_late && job->attempt.state != ATTEMPT_INTENT && job->attempt.state != ATTEMPT_UNCERTAIN)
        return;
    if (event->heard.claimed & 1 || ladder_is_taken(core, job, told->remote_id)) {
        if (!is_late)
            lose(core, output, job, "The answer names the id of another job.");
        return;
    }
    if (is_late)
        late_reopen(core, output, job, "The answer came after it had been given up.");
    health_works(remote_health(core, job), &core->limits);
    health_speeds(remote_health(core, job), &core->limits);
    remote_adopt(core, output, job, told->remote_id, told->handle);
}

/* Surely not accepted: what the other offers are for. */
static void go_on(struct core *core, struct output *output, struct job *job, ms_t pause)
{
    attempt_uncount(job);
    if (state_is_terminal(job->state)) {
        remote_let_go(core, output, job, "It was never accepted.");
    } else if (job->cancel_asked) {
        /* An attempt before this one may have been accepted, and failed. */
        cancel_end(core, output, job, job->tries == 0 ? RECEIPT_NOT_SUBMITTED : RECEIPT_STOPPED);
    } else {
        life_become(core, output, job, STATE_SUBMITTING, job->flight.text);
        life_timer(core, job, core->now + pause);
    }
}

static void remember(struct job *job, const struct told *told)
{
    enum error_code error = told->error ? told->error : ERROR_PROVIDER_UNAVAILABLE;
    job->flight.error = error;
    life_text(job->flight.text, sizeof job->flight.text,
              told->text[0] ? told->text : error_sentence(error));
}

void remote_refused(struct core *core, struct output *output, struct job *job,
                    const struct event *event)
{
    const struct told *told = event->heard.told;
    if (job->attempt.state != ATTEMPT_INTENT && job->attempt.state != ATTEMPT_UNCERTAIN)
        return;
    struct health *health = remote_health(core, job);
    bool ours = told->error == ERROR_BAD_KEY || told->error == ERROR_OUT_OF_CREDIT;
    if (ours)
        health_blocks(health, &core->limits, core->now + HEALTH_ACCOUNT_MS, told->error);
    else
        health_works(health, &core->limits);
    if (job->attempt.state == ATTEMPT_UNCERTAIN) {
        ladder_climb(core, job); /* what is refused is the repeat; of the first it says nothing */
        return;
    }
    remember(job, told);
    if (!ours)
        job->flight.refused |= 1u << job->attempt.offer;
    remote_close(core, job, ATTEMPT_REFUSED, told->error, 0);
    go_on(core, output, job, 1);
}

void remote_later(struct core *core, struct output *output, struct job *job,
                  const struct event *event)
{
    const struct told *told = event->heard.told;
    struct health *health = remote_health(core, job);
    if (job->attempt.state == ATTEMPT_UNCERTAIN) {
        ladder_climb(core, job); /* says nothing of the first one */
        return;
    }
    if (job->attempt.state != ATTEMPT_INTENT)
        return;
    remember(job, told);
    if (event->heard.sent) {
        ms_t after = told->after > HEALTH_LATER_MS ? told->after : HEALTH_LATER_MS;
        after = after > HEALTH_LATER_MAX_MS ? HEALTH_LATER_MAX_MS : after;
        health->failures = 0;
        health_slows(health, &core->limits, job->attempt.intent_at, core->now);
        health_blocks(health, &core->limits, core->now + after, ERROR_RATE_LIMITED);
    } else {
        health_fails(health, &core->limits, core->now, job->flight.error);
    }
    remote_close(core, job, ATTEMPT_REFUSED, job->flight.error, 0);
    ms_t pause = (ms_t)REMOTE_BACKOFF_MS << (job->flight.put_off < 5 ? job->flight.put_off : 5);
    job->flight.put_off++;
    go_on(core, output, job, pause + (ms_t)rng_below(&core->rng, (uint64_t)pause));
}

void remote_unsure(struct core *core, struct output *output, struct job *job,
                   const struct event *event)
{
    const struct told *told = event->heard.told;
    if (job->attempt.state == ATTEMPT_INTENT || job->attempt.state == ATTEMPT_UNCERTAIN)
        lose(core, output, job, told->text[0] ? told->text : answer_lost);
}

/* ---------------------------------------------------------------- cancel */

void remote_cancel(struct core *core, struct output *output, struct job *job)
{
    bool can_hear = job->attempt.state == ATTEMPT_INTENT ||
                    (job->attempt.state == ATTEMPT_ACCEPTED && remote_can(core, job, CAN_CANCEL));
    if (!can_hear) {
        remote_leave_canceled(core, output, job);
        return;
    }
    if (job->attempt.state == ATTEMPT_ACCEPTED)
        (void)remote_effect(core, output, job, ASKING_CANCEL);
    life_timer(core, job, core->now + CORE_CANCEL_WAIT_MS);
}

void remote_cancel_read(struct core *core, struct output *output, struct job *job,
                        const struct event *event)
{
    const struct told *told = event->heard.told;
    if (job->attempt.state != ATTEMPT_ACCEPTED || job->flight.asking == ASKING_FETCH)
        return;
    if (told->kind == TOLD_NOTHING || told->kind == TOLD_LATER) {
        job->flight.asking = ASKING_NOTHING;
        job->flight.failures++;
        ms_t pause = (ms_t)REMOTE_AGAIN_MS
                     << (job->flight.failures > 6 ? 6 : job->flight.failures - 1);
        ms_t longest = pace_longest(core, job);
        ms_t after = told->after > longest ? longest : told->after;
        life_ask(core, job, core->now + (after > pause ? after : pause));
        return;
    }
    job->flight.is_stopping = true;
    stand_told(core, output, job, told);
}

/* ---------------------------------------------------------------- time and hints */

void remote_ask(struct core *core, struct output *output, struct job *job)
{
    struct job_flight *flight = &job->flight;
    if (job->attempt.state == ATTEMPT_UNCERTAIN) {
        ladder_ask(core, output, job);
    } else if (job->attempt.state != ATTEMPT_ACCEPTED) {
        lose(core, output, job, answer_lost); /* even the word that nothing came did not come */
    } else if (shall_stop(job) && !flight->is_stopping && remote_can(core, job, CAN_CANCEL) &&
               flight->failures < REMOTE_CANCELS_MAX) {
        (void)remote_effect(core, output, job, ASKING_CANCEL);
    } else {
        poll(core, output, job);
    }
}

void remote_hinted(struct core *core, struct output *output, struct job *job,
                   const struct event *event)
{
    struct job_flight *flight = &job->flight;
    if (job->attempt.number != event->hinted.attempt)
        (void)late_word(core, output, job, event->hinted.attempt, event->hinted.remote_id);
    if (job->attempt.number != event->hinted.attempt || flight->asking == ASKING_FETCH)
        return;
    if (job->attempt.state == ATTEMPT_INTENT) {
        /* The answer to the submission, or that there is none, comes first. */
        flight->is_hinted = true;
        if (*event->hinted.remote_id) {
            life_text(job->hint, sizeof job->hint, event->hinted.remote_id);
            life_touch(core, job);
        }
        return;
    }
    if (late_may(job) && *event->hinted.remote_id)
        late_hinted(core, output, job, event->hinted.remote_id);
    /* Hints cause no more polls than the provider's own advice allows. */
    ms_t next = flight->hinted_at + remote_health(core, job)->traits.poll_min;
    if (job->attempt.state == ATTEMPT_ACCEPTED && flight->hinted_at && next > core->now) {
        if (flight->asking == ASKING_NOTHING && next < flight->ask_at)
            life_ask(core, job, next);
        return;
    }
    if (job->attempt.state == ATTEMPT_UNCERTAIN)
        ladder_hinted(core, output, job, event->hinted.remote_id);
    else if (job->attempt.state == ATTEMPT_ACCEPTED && flight->asking != ASKING_CANCEL)
        poll(core, output, job);
    else
        return;
    flight->hinted_at = core->now;
}

void remote_stream(struct core *core, struct output *output, struct job *job)
{
    if (remote_can(core, job, CAN_STREAM) && !remote_health(core, job)->calls_back &&
        !shall_stop(job) && job->state != STATE_STORING)
        (void)output_on(output, EFFECT_STREAM, job);
}

/* Nothing but the plan says when it is asked for next: no repeat, no hint, no fetch that failed. */
static bool is_as_planned(const struct core *core, const struct job *job)
{
    const struct job_flight *flight = &job->flight;
    ms_t hinted = flight->hinted_at + remote_health(core, job)->traits.poll_min;
    return flight->asking == ASKING_NOTHING && !flight->failures && !flight->gone &&
           !flight->fetches && !flight->is_stopping && flight->ask_at > hinted;
}

/* A stream that opens puts the next poll off, up to the safety poll; one that ends brings it near.
 */
void remote_streamed(struct core *core, struct output *output, struct job *job,
                     const struct event *event)
{
    struct job_flight *flight = &job->flight;
    (void)output;
    if (job->attempt.number != event->streamed.attempt || job->attempt.state != ATTEMPT_ACCEPTED)
        return;
    flight->is_streaming = event->streamed.is_open;
    if (!is_as_planned(core, job))
        return;
    ms_t since =
        flight->heard_at > job->attempt.accepted_at ? flight->heard_at : job->attempt.accepted_at;
    ms_t safety = since + pace_longest(core, job);
    ms_t soon = core->now + remote_health(core, job)->traits.poll_min;
    if (flight->is_streaming && flight->ask_at < safety)
        life_ask(core, job, safety);
    else if (!flight->is_streaming && flight->ask_at > soon + REMOTE_BROKEN_MS)
        life_ask(core, job, soon + (ms_t)rng_below(&core->rng, REMOTE_BROKEN_MS));
}

/* Of a job with an open attempt: its time has come. */
void remote_due(struct core *core, struct output *output, struct job *job)
{
    if (job->flight.until > core->now) {
        remote_ask(core, output, job);
    } else if (job->cancel_asked) {
        remote_leave_canceled(core, output, job);
    } else if (job->attempt.state == ATTEMPT_INTENT) {
        lose(core, output, job, answer_lost);
    } else if (job->attempt.state == ATTEMPT_UNCERTAIN) {
        ladder_end(core, output, job);
    } else if (job->state == STATE_STORING) {
        remote_close(core, job, ATTEMPT_FAILED, ERROR_OUTPUT_LOST, job->attempt.settled);
        life_end(core, output, job, STATE_FAILED, ERROR_OUTPUT_LOST,
                 "Its output could not be fetched in time.");
    } else {
        remote_leave(core, output, job, STATE_FAILED, ERROR_TIMEOUT,
                     "It ran longer than the model may.");
    }
}

/* Of a job that has ended before its attempt. */
void remote_follow_due(struct core *core, struct output *output, struct job *job,
                       const struct event *event)
{
    (void)event;
    if (!attempt_is_open(job))
        late_look(core, job);
    else if (job->flight.until > core->now)
        remote_ask(core, output, job);
    else if (job->attempt.state == ATTEMPT_ACCEPTED && job->attempt.settled) {
        remote_close(core, job, ATTEMPT_FAILED, ERROR_OUTPUT_LOST, job->attempt.settled);
        remote_let_go(core, output, job, "Its late output could not be fetched.");
    } else
        remote_unknown(core, output, job, "What came of it was never found out.");
}
