/* After a restart: rows that were in flight come back as events. Work of our own is simply done
 * again, and a start that the server's death cut short is no try. What is with a provider is asked
 * for at once; of a submission whose answer had not come nobody knows whether it left. */
#include "core/core_private.h"

enum { RECOVER_GRACE_MS = 120000 /* the clock may have jumped: nothing times out before a poll */ };

static void follow_on(struct core *core, struct output *output, struct job *job)
{
    ms_t until = job->attempt.accepted_at + MS_HOUR + attempt_timeout(core, job);
    if (until < core->now + RECOVER_GRACE_MS)
        until = core->now + RECOVER_GRACE_MS;
    job->flight = (struct job_flight){0};
    if (job->attempt.state == ATTEMPT_ACCEPTED) {
        remote_id_hold(core, job);
        /* A cancel is asked again, with the time that it has. */
        life_timer(core, job, job->cancel_asked ? core->now + CORE_CANCEL_WAIT_MS : until);
        life_ask(core, job, core->now);
        remote_stream(core, output, job);
    } else {
        if (job->attempt.state == ATTEMPT_INTENT)
            limit_count_submitting(&core->limits, job->attempt.provider, 1);
        ladder_begin(core, output, job, "The server died before the answer came.");
    }
}

void recover_following(struct core *core, struct output *output, struct job *job,
                       const struct event *event)
{
    (void)event;
    assert(job->following && (attempt_is_open(job) || job->late));
    list_remove(&job->link);
    core->following++;
    money_recover(core, job);
    if (!attempt_is_open(job)) {
        life_timer(core, job, core->now);
        return;
    }
    follow_on(core, output, job);
    if (job->attempt.state == ATTEMPT_ACCEPTED)
        job->flight.until += MS_DAY;
}

static void recover_remote(struct core *core, struct output *output, struct job *job)
{
    bool is_late = job->deadline && job->deadline <= core->now && !job->cancel_asked;
    /* A job that is past its deadline ends; what was sent is looked for all the same. */
    bool is_open = attempt_is_open(job);
    assert(is_open || !job->cancel_asked); /* a cancel ends the job when the attempt ends */
    if (is_open)
        follow_on(core, output, job);
    if (is_late)
        attempt_due(core, output, job, NULL);
    else if (!is_open)
        life_timer(core, job, core->now);
}

void recover_in_flight(struct core *core, struct output *output, struct job *job,
                       const struct event *event)
{
    (void)event;
    limit_enter(&core->limits, job);
    list_remove(&job->link);
    money_recover(core, job);
    if (job->route) {
        recover_remote(core, output, job);
        return;
    }
    if (attempt_is_open(job)) {
        job->attempt.state = ATTEMPT_LOST;
        job->attempt.ended_at = core->now;
        job->attempt_changed = true;
        attempt_uncount(job);
        life_touch(core, job);
    }
    if (job->cancel_asked) {
        cancel_end(core, output, job, RECEIPT_STOPPED);
        return;
    }
    if (job->deadline && job->deadline <= core->now) {
        life_end(core, output, job, STATE_EXPIRED, ERROR_EXPIRED, "Its deadline passed.");
        return;
    }
    /* The next attempt begins with the timer, a turn later: the lost one's row is written first. */
    life_become(core, output, job, STATE_SUBMITTING, "The server was restarted.");
    life_timer(core, job, core->now);
}
