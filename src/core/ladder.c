/* The ladder of an uncertain submission (SPEC 10): it may have been accepted, so it is never sent
 * again unless the provider collapses equal ones; it is looked for instead, by whatever the
 * provider can, until it is found, proven absent, or the time to hold it is over. */
#include "core/core_private.h"

#include <string.h>

enum {
    LADDER_ABSENT_MS = 60000, /* between the two searches that prove an absence */
    LADDER_CALL_MS = 120000,  /* a call arrives within this, or never: see app/caller.c */
    LADDER_HINT_MS = 60000    /* a hint's poll is given up after this */
};
#define LADDER_HOLD_EXTRA (10 * MS_MINUTE)

/* Searches come quickly at first: an answer that was lost is mostly lost for seconds. */
static const ms_t pauses[] = {MS_SECOND,      5 * MS_SECOND, 15 * MS_SECOND,
                              30 * MS_SECOND, MS_MINUTE,     5 * MS_MINUTE};

static ms_t hold(struct core *core, const struct job *job)
{
    ms_t held = core->config.uncertain_hold ? core->config.uncertain_hold
                                            : attempt_timeout(core, job) + LADDER_HOLD_EXTRA;
    ms_t until = job->attempt.intent_at + held, looked = job->flight.hinted_at + LATE_LOOK_MS;
    return job->flight.hinted_at && looked > until ? looked : until;
}

/* What can be asked now. */
static enum asking rung(const struct core *core, const struct job *job)
{
    const struct health *health = remote_health(core, job);
    if (!health)
        return ASKING_NOTHING;
    ms_t age = core->now - job->attempt.intent_at;
    if (job->hint[0])
        return ASKING_POLL;
    if (health->traits.can & CAN_KEY && age + LADDER_CALL_MS < health->traits.key_kept)
        return ASKING_SUBMIT;
    if (health->traits.can & CAN_CHOOSE_ID)
        return ASKING_POLL;
    if (health->traits.can & (CAN_FIND_EXACT | CAN_FIND_LIKELY) && age < health->traits.list_kept)
        return ASKING_FIND;
    return ASKING_NOTHING;
}

void ladder_climb(struct core *core, struct job *job)
{
    unsigned last = sizeof pauses / sizeof pauses[0] - 1;
    ms_t pause = pauses[job->flight.rung < last ? job->flight.rung : last];
    job->flight.asking = ASKING_NOTHING;
    job->flight.rung++;
    if (rung(core, job) == ASKING_NOTHING)
        job->flight.ask_at = 0; /* only a callback, an operator or the end of the hold can help */
    else
        job->flight.ask_at = core->now + pause;
    ms_t until = hold(core, job);
    life_timer(core, job, until > core->now ? until : core->now + 1);
}

void ladder_begin(struct core *core, struct output *output, struct job *job, const char *note)
{
    attempt_become(core, job, ATTEMPT_UNCERTAIN);
    life_touch(core, job);
    job->flight.rung = 0;
    job->flight.absent_at = 0;
    job->flight.hinted_at = job->hint[0] ? core->now : 0;
    if (state_is_terminal(job->state))
        life_note(core, output, job, note);
    else if (job->state != STATE_UNCERTAIN)
        life_become(core, output, job, STATE_UNCERTAIN, note);
    if (job->cancel_asked && !state_is_terminal(job->state)) {
        /* Nobody can tell whether there is something to cancel. */
        remote_leave_canceled(core, output, job);
    }
    ladder_climb(core, job);
    ladder_hinted(core, output, job, job->hint);
    job->flight.is_hinted = false;
    /* Whoever learns of it only now (a server that was away) looks for it once all the same. */
    if (job->flight.ask_at && hold(core, job) <= core->now)
        life_timer(core, job, job->flight.ask_at + LADDER_CALL_MS);
}

/* Whom a call back named. */
static void ask_named(struct core *core, struct output *output, struct job *job)
{
    /* By the time it leaves, another answer of this turn may have disproved the hint. */
    remote_effect(core, output, job, ASKING_POLL)->on.remote_id =
        arena_copy(&core->arena, span_of(job->hint));
}

void ladder_ask(struct core *core, struct output *output, struct job *job)
{
    enum asking asking = rung(core, job);
    if (asking == ASKING_NOTHING) {
        job->flight.ask_at = 0;
        life_timer(core, job, job->flight.until);
        return;
    }
    if (asking == ASKING_SUBMIT) {
        job->attempt.sends++;
        job->attempt_changed = true;
        life_touch(core, job);
    }
    if (job->hint[0])
        ask_named(core, output, job);
    else
        (void)remote_effect(core, output, job, asking);
}

/* Surely never accepted: free, and it may be tried again. */
static void absent(struct core *core, struct output *output, struct job *job)
{
    attempt_uncount(job);
    remote_close(core, job, ATTEMPT_REFUSED, ERROR_PROVIDER_UNAVAILABLE, 0);
    if (job->following)
        remote_let_go(core, output, job, "The provider never had it.");
    else
        attempt_again(core, output, job, "The provider never had it.");
}

/* Looked for where it would be shown, and not there: twice, a while apart, it never was. The while
 * has really passed, whatever somebody made of the clock. */
static void missed(struct core *core, struct output *output, struct job *job,
                   const struct event *event)
{
    ms_t since = job->flight.absent_at;
    if (since && event->steady - since >= LADDER_ABSENT_MS) {
        absent(core, output, job);
        return;
    }
    ladder_climb(core, job);
    if (!since) {
        job->flight.absent_at = event->steady;
        life_ask(core, job, core->now + LADDER_ABSENT_MS);
    }
}

bool ladder_is_taken(const struct core *core, const struct job *job, const char *remote_id)
{
    return remote_id_is_taken(core, job->attempt.provider, remote_id, job->key,
                              job->attempt.number);
}

void ladder_sought(struct core *core, struct output *output, struct job *job,
                   const struct event *event)
{
    const struct told *told = event->heard.told;
    if (job->attempt.state != ATTEMPT_UNCERTAIN)
        return;
    const struct health *health = remote_health(core, job);
    const struct told_found *likely = NULL;
    unsigned candidates = 0;
    for (unsigned n = 0; told->kind == TOLD_FOUND && n < told->found_count; n++) {
        const struct told_found *found = &told->found[n];
        /* Without an id, or with one that is too long to be kept, nobody can be followed. */
        if (!found->remote_id[0] || event->heard.claimed & 1u << n ||
            ladder_is_taken(core, job, found->remote_id))
            continue;
        if (found->exact) {
            remote_adopt(core, output, job, found->remote_id, found->handle);
            return;
        }
        likely = found;
        candidates++;
    }
    /* One that looks like ours is ours only if nothing else looks so, on either side. */
    if (candidates == 1 && health->traits.can & CAN_FIND_LIKELY && !ladder_has_twin(core, job)) {
        remote_adopt(core, output, job, likely->remote_id, likely->handle);
        return;
    }
    /* Only a list that would still show it. */
    bool proves = health->traits.can & CAN_FIND_ABSENCE && health->traits.can & CAN_FIND_EXACT &&
                  told->kind == TOLD_ABSENT &&
                  core->now - job->attempt.intent_at < health->traits.list_kept;
    if (proves) {
        missed(core, output, job, event);
        return;
    }
    ladder_climb(core, job);
    job->flight.absent_at = 0;
}

/* Another attempt whose id nobody knows, with the same input: then a likeness says nothing. It may
 * be one whose answer is only late. */
bool ladder_has_twin(const struct core *core, const struct job *job)
{
    size_t cursor = 0;
    for (const struct job *other; (other = map_next(&core->jobs, &cursor));) {
        bool is_nameless =
            other->attempt.state == ATTEMPT_UNCERTAIN || other->attempt.state == ATTEMPT_INTENT;
        if (other != job && is_nameless && other->route && other->fingerprint == job->fingerprint &&
            strcmp(other->attempt.provider, job->attempt.provider) == 0)
            return true;
    }
    return false;
}

/* The answer to a poll of an id that we chose, or that a call named. */
void ladder_read(struct core *core, struct output *output, struct job *job,
                 const struct event *event)
{
    const struct told *told = event->heard.told;
    bool exists = told->kind == TOLD_WAITING || told->kind == TOLD_RUNNING ||
                  told->kind == TOLD_DONE || told->kind == TOLD_FAILED ||
                  told->kind == TOLD_STOPPED || told->kind == TOLD_ACCEPTED;
    const struct health *health = remote_health(core, job);
    bool is_others = event->heard.claimed & 1 || ladder_is_taken(core, job, told->remote_id);
    if (exists && told->remote_id[0] && !is_others) {
        remote_adopt(core, output, job, told->remote_id, told->handle);
        stand_told(core, output, job, told);
    } else if (event->heard.remote_id) {
        /* What a call named is not there, or another's: then its word was worth nothing. Where the
         * provider has not answered, it is asked again. */
        if (exists || told->kind == TOLD_GONE) {
            job->hint[0] = '\0';
            life_touch(core, job);
        }
        ladder_climb(core, job);
    } else if (told->kind == TOLD_GONE) {
        /* We chose its id. However quickly it ended, its result would still be shown; later it may
         * be forgotten. */
        bool proves = core->now - job->attempt.intent_at < health->traits.result_kept;
        if (proves)
            missed(core, output, job, event);
        else
            ladder_climb(core, job);
    } else {
        ladder_climb(core, job);
    }
}

void ladder_hinted(struct core *core, struct output *output, struct job *job, const char *remote_id)
{
    if (!*remote_id)
        return;
    if (!span_is(span_of(remote_id), job->hint)) {
        life_text(job->hint, sizeof job->hint, remote_id);
        life_touch(core, job);
    }
    job->flight.hinted_at = core->now;
    ask_named(core, output, job);
    life_ask(core, job, core->now + LADDER_HINT_MS);
}

/* ---------------------------------------------------------------- somebody knows */

static void refuse(struct output *output, const struct resolve_asked *asked, enum error_code error,
                   const char *text)
{
    struct reply *reply = &output_effect(output, EFFECT_REPLY)->reply;
    reply->token = asked->token;
    reply->error = error;
    life_text(reply->text, sizeof reply->text, text);
}

void resolve_refuse(struct core *core, struct output *output, struct job *job,
                    const struct event *event)
{
    (void)core;
    (void)job;
    refuse(output, &event->resolve_asked, ERROR_CONFLICT,
           "Only an uncertain submission can be resolved.");
}

static bool is_taken(const struct core *core, const struct job *job,
                     const struct resolve_asked *asked)
{
    unsigned attempt = asked->attempt ? asked->attempt : job->attempt.number;
    return asked->claimed ||
           remote_id_is_taken(core, job->attempt.provider, asked->remote_id, job->key, attempt);
}

static const char *const taken = "That id belongs to another attempt.";

/* As if a call back had named it: a poll of ours confirms it. */
static void link_older(struct core *core, struct output *output, struct job *job,
                       const struct resolve_asked *asked)
{
    if (is_taken(core, job, asked))
        refuse(output, asked, ERROR_CONFLICT, taken);
    else if (asked->ended != ATTEMPT_UNKNOWN ||
             !late_word(core, output, job, asked->attempt, asked->remote_id))
        refuse(output, asked, ERROR_CONFLICT,
               "That attempt was not given up and sent again, or there is word of one already, or "
               "the job's files are gone.");
    else
        cancel_reply(core, output, asked->token, job);
}

void resolve_now(struct core *core, struct output *output, struct job *job,
                 const struct event *event)
{
    const struct resolve_asked *asked = &event->resolve_asked;
    if (asked->act == RESOLVE_LINK && asked->attempt && asked->attempt != job->attempt.number) {
        link_older(core, output, job, asked);
        return;
    }
    bool is_late = asked->act == RESOLVE_LINK && late_may(job);
    if (job->attempt.state != ATTEMPT_UNCERTAIN && !is_late) {
        resolve_refuse(core, output, job, event);
        return;
    }
    bool is_own = strcmp(asked->remote_id, job->attempt.remote_id) == 0;
    if (asked->act == RESOLVE_LINK && !is_own && is_taken(core, job, asked)) {
        refuse(output, asked, ERROR_CONFLICT, taken);
        return;
    }
    if (job->flight.asking == ASKING_SUBMIT) {
        refuse(output, asked, ERROR_CONFLICT,
               "It is being sent again under its key just now; the answer comes within a minute.");
        return;
    }
    if (asked->act == RESOLVE_LINK) {
        if (is_late)
            late_reopen(core, output, job, "Linked by hand, after it had been given up.");
        else
            life_note(core, output, job, "Linked by hand.");
        remote_adopt(core, output, job, asked->remote_id, "");
    } else if (asked->act == RESOLVE_RESUBMIT && !state_is_terminal(job->state)) {
        if (!money_affords(core, job, job->attempt.reserved)) {
            refuse(output, asked, ERROR_OVER_BUDGET,
                   "The first may cost too, and the budget of the tenant or the key does not cover "
                   "both.");
            return;
        }
        remote_close(core, job, ATTEMPT_UNKNOWN, ERROR_SUBMISSION_UNCERTAIN, job->attempt.reserved);
        if (job->tries == CORE_TRIES_MAX)
            job->tries--; /* the limit is on what happens by itself */
        attempt_again(core, output, job, "Sent again by hand; the first may cost too.");
    } else {
        remote_unknown(core, output, job, "Given up by hand.");
    }
    cancel_reply(core, output, asked->token, job);
}

/* The time to hold it is over. */
void ladder_end(struct core *core, struct output *output, struct job *job)
{
    assert(!state_is_terminal(job->state)); /* those are let go of: remote_follow_due */
    /* Or somebody had said so of this one, before there was word of it again. */
    bool may = job->flags & JOB_FLAG_RESUBMIT || job->attempt.number < job->attempts;
    if (may && job->tries < CORE_TRIES_MAX && money_affords(core, job, job->attempt.reserved)) {
        remote_close(core, job, ATTEMPT_UNKNOWN, ERROR_SUBMISSION_UNCERTAIN, job->attempt.reserved);
        attempt_again(core, output, job,
                      "What came of it was not found out; it is sent again, as asked.");
        return;
    }
    remote_unknown(core, output, job,
                   "Whether the provider accepted it was not found out; it may have been billed.");
}
