/* Word of a submission that had been given up: it opens the attempt again, and nothing else does.
 */
#include "oracle.h"

bool oracle_late_is(const struct ledger_job *job, const struct job *row)
{
    return job->is_known && state_is_terminal(job->state) &&
           job->attempt_state == ATTEMPT_UNKNOWN && row->attempt.number == job->attempt &&
           row->attempt.ended_at != job->settled_at;
}

/* Whether the event says what the vendor took the job's newest attempt for; or its answer may be
 * another's (*ret_is_sure: false). */
static bool is_word(const struct world *world, const struct event *event,
                    const struct ledger_job *job, bool *ret_is_sure)
{
    const struct hinted *hinted = &event->hinted;
    const struct heard *heard = &event->heard;
    *ret_is_sure = true;
    if (event->kind == EVENT_HINTED)
        return hinted->job == job->key && hinted->attempt == job->attempt && *hinted->remote_id;
    if (event->kind != EVENT_TOLD || heard->job != job->key || heard->attempt != job->attempt ||
        heard->call != PROVIDER_CALL_SUBMIT || heard->told->kind != TOLD_ACCEPTED)
        return false;
    const struct ledger_entry *entry = ledger_find_entry(&world->ledger, heard->told->remote_id);
    *ret_is_sure = entry && !oracle_vendor_is_claimed(entry, job->key, job->attempt);
    return true;
}

static struct ledger_job *job_of(const struct world *world, const struct event *event)
{
    if (event->kind == EVENT_HINTED)
        return ledger_find_job(&world->ledger, event->hinted.job);
    return event->kind == EVENT_TOLD ? ledger_find_job(&world->ledger, event->heard.job) : NULL;
}

void oracle_late_before(struct world *world)
{
    for (unsigned n = 0; n < world->batch_count; n++) {
        const struct ledger_job *job = job_of(world, world->batch[n]);
        bool is_sure = false;
        world->is_late[n] = job && job->is_known && !job->is_deleted &&
                            state_is_terminal(job->state) &&
                            job->attempt_state == ATTEMPT_UNKNOWN &&
                            is_word(world, world->batch[n], job, &is_sure) && is_sure;
    }
}

void oracle_late_row(struct world *world, struct ledger_job *job)
{
    bool was_told = job->linked == job->attempt, is_sure;
    for (unsigned n = 0; n < world->batch_count; n++)
        was_told |= is_word(world, world->batch[n], job, &is_sure);
    if (!was_told)
        world_fail(world, "I7", job->key, "attempt %u was given up, and is open for no reason",
                   job->attempt);
    job->asked_at = world->time;
}

/* Nobody is deaf to it. */
void oracle_late_check(struct world *world)
{
    for (unsigned n = 0; n < world->batch_count; n++) {
        const struct ledger_job *job = world->is_late[n] ? job_of(world, world->batch[n]) : NULL;
        if (job && !job->is_deleted && !oracle_vendor_is_open(job->attempt_state) &&
            job->settled_at != world->now)
            world_fail(world, "P4", job->key, "late word of attempt %u changed nothing",
                       job->attempt);
    }
}
