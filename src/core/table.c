/* The table of states × happenings. Each cell is a named function; a new row or column does not
 * compile until every one of its cells is filled, because ROW takes exactly one argument a column.
 */
#include "core/core_private.h"

/* Late word, or word about something that is over: counts for nothing. */
static void ignore(struct core *core, struct output *output, struct job *job,
                   const struct event *event)
{
    (void)core;
    (void)output;
    (void)job;
    (void)event;
}

/* Cannot happen. In tests that is a bug; in production the word of one job must not end all. */
static void never(struct core *core, struct output *output, struct job *job,
                  const struct event *event)
{
    ignore(core, output, job, event);
#ifdef REEL_SANITIZED
    assert(!"a happening that this state cannot have");
#endif
}

#define ROW(claimed, due, freed, doomed, running, worked, kept, failed, stopped, cancel, change,   \
            recovered, accepted, refused, later, unsure, read, sought, canceled, hinted, streamed, \
            resolved)                                                                              \
    {                                                                                              \
        claimed, due, freed, doomed, running, worked, kept, failed, stopped, cancel, change,       \
            recovered, accepted, refused, later, unsure, read, sought, canceled, hinted, streamed, \
            resolved                                                                               \
    }

/* clang-format off */
/* However it ended: an attempt of it may go on at a provider. */
#define ENDED ROW(never, remote_follow_due, never, never, \
        ignore, ignore, stand_late, stand_unkept, ignore, \
        cancel_again, change_refuse, recover_following, \
        remote_accepted, remote_refused, remote_later, remote_unsure, \
        stand_read, ladder_sought, remote_cancel_read, remote_hinted, remote_streamed, \
        resolve_now)

static table_cell *const cells[STATE_COUNT][HAPPENS_COUNT] = {
    [STATE_WAITING] = ROW(never, wait_due, wait_freed, wait_doomed,
        never, never, never, never, never,
        cancel_now, change_now, never,
        never, never, never, never,
        never, never, never, ignore, never, resolve_refuse),
    [STATE_QUEUED] = ROW(attempt_claimed, wait_due, never, never,
        never, never, never, never, never,
        cancel_now, change_now, never,
        never, never, never, never,
        never, never, never, ignore, never, resolve_refuse),
    [STATE_SUBMITTING] = ROW(never, attempt_due, never, never,
        attempt_running, attempt_worked, ignore, attempt_failed, attempt_stopped,
        cancel_mark, change_refuse, recover_in_flight,
        remote_accepted, remote_refused, remote_later, remote_unsure,
        stand_read, ladder_sought, remote_cancel_read, remote_hinted, remote_streamed,
        resolve_now),
    [STATE_UNCERTAIN] = ROW(never, attempt_due, never, never,
        never, never, ignore, ignore, never,
        cancel_mark, change_refuse, recover_in_flight,
        remote_accepted, remote_refused, remote_later, remote_unsure,
        stand_read, ladder_sought, remote_cancel_read, remote_hinted, remote_streamed,
        resolve_now),
    [STATE_RUNNING] = ROW(never, attempt_due, never, never,
        attempt_running, attempt_worked, ignore, attempt_failed, attempt_stopped,
        cancel_mark, change_refuse, recover_in_flight,
        remote_accepted, remote_refused, remote_later, remote_unsure,
        stand_read, ladder_sought, remote_cancel_read, remote_hinted, remote_streamed,
        resolve_now),
    [STATE_STORING] = ROW(never, attempt_due, never, never,
        ignore, ignore, attempt_kept, attempt_failed, ignore,
        cancel_too_late, change_refuse, recover_in_flight,
        remote_accepted, remote_refused, remote_later, remote_unsure,
        stand_read, ladder_sought, remote_cancel_read, remote_hinted, remote_streamed,
        resolve_now),
    [STATE_SUCCEEDED] = ENDED,
    [STATE_FAILED] = ENDED,
    [STATE_CANCELED] = ENDED,
    [STATE_EXPIRED] = ENDED,
};
/* clang-format on */

table_cell *table_at(enum state state, enum happening happening)
{
    return cells[state][happening];
}

void table_run(struct core *core, struct output *output, struct job *job, enum happening happening,
               const struct event *event)
{
    table_at(job->state, happening)(core, output, job, event);
}

#define BIT(state) (1u << STATE_##state)

/* Which states may follow which. From submitting, uncertain and running back to submitting is the
 * next attempt; from storing too, when the server died before the files were safe. */
static const unsigned followers[STATE_COUNT] = {
    [STATE_WAITING] = BIT(QUEUED) | BIT(FAILED) | BIT(CANCELED) | BIT(EXPIRED),
    [STATE_QUEUED] = BIT(WAITING) | BIT(SUBMITTING) | BIT(CANCELED) | BIT(EXPIRED),
    [STATE_SUBMITTING] = BIT(SUBMITTING) | BIT(UNCERTAIN) | BIT(RUNNING) | BIT(STORING) |
                         BIT(FAILED) | BIT(CANCELED) | BIT(EXPIRED),
    [STATE_UNCERTAIN] =
        BIT(SUBMITTING) | BIT(RUNNING) | BIT(STORING) | BIT(FAILED) | BIT(CANCELED) | BIT(EXPIRED),
    [STATE_RUNNING] = BIT(SUBMITTING) | BIT(STORING) | BIT(FAILED) | BIT(CANCELED) | BIT(EXPIRED),
    [STATE_STORING] = BIT(SUBMITTING) | BIT(SUCCEEDED) | BIT(FAILED) | BIT(EXPIRED),
};

bool table_allows(enum state from, enum state to)
{
    return followers[from] & 1u << to;
}
