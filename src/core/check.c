/* Invariants that memory alone can show, after a turn. A broken one is a bug: abort, and let
 * recovery start from the rows. Numbers are those of the reliability page. */
#include "core/core_private.h"

/* I1: one state, one timer for each job in flight; I4: at most one open attempt. Who has ended is
 * in memory for an attempt that is open, or for one that is about to be. */
static void check_job(const struct core *core, const struct job *job)
{
    assert(state_is_in_flight(job->state) || job->following);
    assert(job->timer.place > 0);
    assert(list_empty(&job->link) && !job->is_dirty && !job->is_new);
    assert(job->key > 0 && job->key <= core->last_key);
    assert((job->ended_at != 0) == job->following && job->wake_at == 0);
    assert(job->progress >= 0 && (job->progress < 100 || job->state == STATE_SUCCEEDED));
    assert(job->tries <= CORE_TRIES_MAX);
    assert(job->state == STATE_SUBMITTING || job->following || attempt_is_open(job));
    assert((job->state == STATE_UNCERTAIN) <= (job->attempt.state == ATTEMPT_UNCERTAIN));
    assert(!job->following || attempt_is_open(job) || job->late);
    assert(job->late <= job->attempts && job->attempt.number <= job->attempts && job->paid >= 0);
    bool is_accepted = job->route && job->attempt.state == ATTEMPT_ACCEPTED;
    assert(!is_accepted || remote_id_is_open(core, job->attempt.provider, job->attempt.remote_id));
    /* I9: what was accepted is asked for before it can be forgotten. */
    assert(!is_accepted || job->flight.asking != ASKING_NOTHING || job->flight.ask_at > 0);
    assert(job->state != STATE_RUNNING || job->started_at > 0);
}

/* I25: never more in flight than a limit says, unless a restart brought more back. */
static void check_gauges(const struct core *core, unsigned submitting)
{
    unsigned sums[LIMIT_KINDS] = {0, 0, 0};
    int64_t waiting = 0;
    for (int kind = 0; kind < LIMIT_KINDS; kind++) {
        size_t cursor = 0;
        for (struct gauge *gauge; (gauge = map_next(&core->limits.gauges[kind], &cursor));) {
            sums[kind] += gauge->in_flight;
            submitting -= gauge->submitting;
            assert(gauge->queued >= 0);
            assert(gauge->waiting >= 0 && gauge->waiting_delta == 0);
            waiting += kind == LIMIT_TENANT ? gauge->waiting : 0;
        }
        assert(sums[kind] == core->limits.in_flight);
    }
    assert(waiting == core->limits.waiting && submitting == 0);
}

void core_check(const struct core *core)
{
    unsigned in_flight = 0, following = 0, submitting = 0;
    size_t cursor = 0;
    for (struct job *job; (job = map_next(&core->jobs, &cursor));) {
        check_job(core, job);
        in_flight += !job->following;
        following += job->following;
        submitting += job->route && job->attempt.state == ATTEMPT_INTENT;
    }
    assert(in_flight == core->limits.in_flight && following == core->following);
    assert(core->timers.size == in_flight + following);
    assert(list_empty(&core->dirty) && list_empty(&core->loaded) && list_empty(&core->ended));
    assert(list_empty(&core->late_wants));
    check_gauges(core, submitting);
    notify_check(core);
    money_check(core);
    queue_check(&core->queue);
}
