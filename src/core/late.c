/* Word of a submission that had been given up (SPEC 10). Its job has failed and stays so, and what
 * it may have cost was counted as spent. Now that is reserved again, and the attempt is followed
 * like any other that outlives its job: where the provider has it, what it made is kept and what it
 * really cost is settled; where it has not, the attempt is unknown as before. */
#include "core/core_private.h"

#include <stdio.h>

void late_needs(const struct core *core, int64_t key, struct needs *ret_needs)
{
    if (!life_find_any(core, key))
        ret_needs->list[ret_needs->count++] = (struct need){.kind = NEED_JOB, .job = key};
}

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

void late_hinted(struct core *core, struct output *output, struct job *job, const char *remote_id)
{
    char note[JOB_ERROR_SIZE];
    (void)snprintf(note, sizeof note,
                   "The provider called back after it had been given up, and named %s.", remote_id);
    late_reopen(core, output, job, note);
    /* It was accepted once, and only its end was never found out. */
    if (job->attempt.remote_id[0]) {
        const struct attempt known = job->attempt;
        remote_adopt(core, output, job, known.remote_id, known.handle);
    }
}
