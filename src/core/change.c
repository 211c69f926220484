/* PATCH: another priority, start time or deadline, while nothing has started. */
#include "core/core_private.h"

#include <stdio.h>

void change_now(struct core *core, struct output *output, struct job *job,
                const struct event *event)
{
    const struct change_asked *asked = &event->change_asked;
    if (asked->has_deadline)
        job->deadline = asked->deadline;
    if (asked->has_start_at)
        job->start_at = asked->start_at;
    bool early = job->start_at > core->now;
    if (asked->has_priority && asked->priority != job->priority) {
        if (job->state == STATE_QUEUED) {
            queue_leave(&core->queue, job);
            job->priority = asked->priority;
            queue_enter(&core->queue, job);
        }
        job->priority = asked->priority;
    }
    if (job->state == STATE_QUEUED && early)
        life_become(core, output, job, STATE_WAITING, "Start time changed.");
    else if (job->state == STATE_WAITING && job->waits_for == 0 && !early)
        life_become(core, output, job, STATE_QUEUED, "Start time changed.");
    else
        life_set_wake(core, job);
    cancel_reply(core, output, asked->token, job);
}

void change_refuse(struct core *core, struct output *output, struct job *job,
                   const struct event *event)
{
    cancel_reply(core, output, event->change_asked.token, job);
    struct reply *reply = &output->effects.list[output->effects.count - 1].reply;
    reply->error = ERROR_CONFLICT;
    (void)snprintf(reply->text, sizeof reply->text,
                   "The job is %s; priority, startAt and deadline can change only while it is "
                   "queued.",
                   state_name(job->state));
}
