/* Jobs that wait: for other jobs, for their start time, and under a deadline. */
#include "core/core_private.h"

void wait_due(struct core *core, struct output *output, struct job *job, const struct event *event)
{
    (void)event;
    if (job->deadline && job->deadline <= core->now)
        life_end(core, output, job, STATE_EXPIRED, ERROR_EXPIRED,
                 "Its deadline passed before it could start.");
    else {
        /* Its start: nothing else has a wake time (life_set_wake). */
        assert(job->state == STATE_WAITING && job->waits_for == 0 && job->start_at <= core->now);
        life_become(core, output, job, STATE_QUEUED, NULL);
    }
}

void wait_freed(struct core *core, struct output *output, struct job *job,
                const struct event *event)
{
    (void)event;
    if (job->start_at > core->now)
        life_set_wake(core, job);
    else
        life_become(core, output, job, STATE_QUEUED, NULL);
}

void wait_doomed(struct core *core, struct output *output, struct job *job,
                 const struct event *event)
{
    (void)event;
    life_end(core, output, job, STATE_FAILED, ERROR_DEPENDENCY_FAILED,
             "A job that this one waited for did not succeed.");
}

void wait_release(struct core *core, struct output *output, const struct ended *ended,
                  struct job *dependent)
{
    struct change *change = output_change(output, CHANGE_DEPENDENCY);
    change->dependency.job = dependent->key;
    change->dependency.on = ended->job;
    change->dependency.done = true;
    if (dependent->state != STATE_WAITING)
        return; /* canceled or expired meanwhile */
    assert(dependent->waits_for > 0);
    dependent->waits_for--;
    life_touch(core, dependent);
    if (!ended->succeeded)
        table_run(core, output, dependent, HAPPENS_DOOMED, NULL);
    else if (dependent->waits_for == 0)
        table_run(core, output, dependent, HAPPENS_FREED, NULL);
}
