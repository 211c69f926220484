/* Word of a submission that had been given up (SPEC 10). What it may have cost was counted as
 * spent. Now that is reserved again, and the attempt is followed as any other: where the provider
 * has it, what it made is kept and what it really cost is settled; where it has not, the attempt is
 * unknown as before.
 *
 * Its job has ended, and stays as it is; or was about to send it again, and need not. Where it has
 * been sent again already, the word is written down, and the older attempt taken up as soon as the
 * newer one is over: a job has one attempt at a time. */
#include "core/core_private.h"

#include <stdio.h>

enum { LATE_PAUSE_MS = 1000 /* the store answers within the turn */ };

struct late_want {
    struct list link; /* core->late_wants */
    int64_t job;
};

void late_needs(const struct core *core, int64_t key, struct needs *ret_needs)
{
    if (!life_find_any(core, key))
        ret_needs->list[ret_needs->count++] = (struct need){.kind = NEED_JOB, .job = key};
}

bool late_may(const struct job *job)
{
    /* It has ended, or waits to be sent again. */
    return job->attempt.state == ATTEMPT_UNKNOWN;
}

/* It has ended, and stays in memory. */
static void follow(struct core *core, struct job *job)
{
    if (job->following)
        return;
    job->following = true;
    core->following++;
    list_remove(&job->link);
}

void late_reopen(struct core *core, struct output *output, struct job *job, const char *note)
{
    assert(late_may(job));
    money_reopen(core, job);
    job->attempt.settled = 0;
    job->attempt.ended_at = 0;
    job->attempt.error = ERROR_NONE;
    attempt_become(core, job, ATTEMPT_UNCERTAIN);
    money_hold(core, job);
    /* Nobody knows since when it ran. */
    job->flight = (struct job_flight){
        .rung = 1, .refused = job->flight.refused, .put_off = job->flight.put_off};
    if (state_is_terminal(job->state)) {
        follow(core, job);
        life_note(core, output, job, note);
    } else {
        life_become(core, output, job, STATE_UNCERTAIN, note);
    }
    life_timer(core, job, core->now + LATE_LOOK_MS);
}

void late_hinted(struct core *core, struct output *output, struct job *job, const char *remote_id)
{
    char note[JOB_ERROR_SIZE];
    (void)snprintf(note, sizeof note, "It had been given up; now there is word of %s.", remote_id);
    late_reopen(core, output, job, note);
    /* It was accepted once, and only its end was never found out. */
    if (job->attempt.remote_id[0]) {
        const struct attempt known = job->attempt;
        remote_adopt(core, output, job, known.remote_id, known.handle);
    }
}

/* ---------------------------------------------------------------- of an older attempt */

bool late_word(struct core *core, struct output *output, struct job *job, unsigned attempt,
               const char *remote_id)
{
    bool may = job->was_resent && attempt > 0 && attempt <= job->attempts && *remote_id;
    if (!may || job->late || job->removed_at)
        return false;
    job->late = attempt;
    life_text(job->late_id, sizeof job->late_id, remote_id);
    life_touch(core, job);
    if (attempt_is_open(job)) {
        char note[JOB_ERROR_SIZE];
        (void)snprintf(
            note, sizeof note,
            "There is word of %s for attempt %u. It is looked for when attempt %u is over.",
            job->late_id, attempt, job->attempt.number);
        life_note(core, output, job, note);
    }
    if (state_is_terminal(job->state) && !job->following) {
        follow(core, job);
        life_timer(core, job, core->now + 1);
    }
    return true;
}

void late_look(struct core *core, struct job *job)
{
    assert(job->late && !attempt_is_open(job));
    struct late_want *want = arena_new(&core->arena, struct late_want);
    want->job = job->key;
    list_add(&core->late_wants, &want->link);
    life_timer(core, job, core->now + LATE_PAUSE_MS);
}

bool late_want(const struct core *core, struct want *ret_want)
{
    if (list_empty(&core->late_wants))
        return false;
    const struct late_want *want = LIST_OWNER(core->late_wants.next, struct late_want, link);
    *ret_want = (struct want){
        .kind = WANT_ATTEMPT, .job = want->job, .number = life_find(core, want->job)->late};
    return true;
}

/* From now on that is the job's attempt. */
static void take(struct core *core, struct output *output, struct job *job,
                 const struct attempt *older)
{
    if (state_is_in_flight(job->state))
        limit_move(&core->limits, job, older->provider);
    job->paid += job->attempt.settled - older->settled;
    job->attempt = *older;
    late_hinted(core, output, job, job->late_id);
    if (job->attempt.state == ATTEMPT_UNCERTAIN)
        ladder_hinted(core, output, job, job->late_id);
}

void late_got(struct core *core, struct output *output, const struct got *got)
{
    struct job *job = life_find(core, got->want.job);
    const struct attempt *older = &got->attempt;
    (void)list_take(&core->late_wants);
    /* Another word of this turn was of the attempt at hand. Where that has ended with it, its row
     * is to be written first. */
    if (attempt_is_open(job) || job->attempt_changed)
        return;
    bool was_given_up =
        older->state == ATTEMPT_UNKNOWN && health_of(&core->health, older->provider);
    job->late = 0;
    life_touch(core, job);
    if (was_given_up)
        take(core, output, job, older);
    else if (job->following)
        remote_let_go(core, output, job, NULL); /* what became of it is known */
}
