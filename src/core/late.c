/* Word of a submission that had been given up (SPEC 10). Its job has failed and stays so, and what
 * it may have cost was counted as spent. Now that is reserved again, and the attempt is followed
 * like any other that outlives its job: where the provider has it, what it made is kept and what it
 * really cost is settled; where it has not, the attempt is unknown as before. */
#include "core/core_private.h"

/* The job's newest attempt only: after one that was sent again, the older one has no place to go.
 */
bool late_may(const struct job *job)
{
    return state_is_terminal(job->state) && job->attempt.state == ATTEMPT_UNKNOWN;
}

void late_reopen(struct core *core, struct output *output, struct job *job, const char *note)
{
    assert(late_may(job) && !job->following);
    money_reopen(core, job);
    job->attempt.settled = 0;
    job->attempt.ended_at = 0;
    job->attempt.error = ERROR_NONE;
    attempt_become(core, job, ATTEMPT_UNCERTAIN);
    money_hold(core, job);
    job->flight = (struct job_flight){.rung = 1}; /* nobody knows since when it ran */
    job->following = true;
    core->following++;
    list_remove(&job->link); /* it stays in memory */
    life_note(core, output, job, note);
    life_timer(core, job, core->now + LATE_LOOK_MS);
}
