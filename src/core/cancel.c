#include "core/core_private.h"

#include "base/memory.h"

void cancel_end(struct core *core, struct output *output, struct job *job, enum receipt receipt)
{
    job->receipt = receipt;
    life_end(core, output, job, STATE_CANCELED, ERROR_CANCELED, "Canceled.");
}

void cancel_reply(const struct core *core, struct output *output, uint64_t token,
                  const struct job *job)
{
    (void)core;
    struct reply *reply = &output_effect(output, EFFECT_REPLY)->reply;
    reply->token = token;
    reply->jobs[0] = job->key;
    (void)span_copy(span_of(job->id), reply->ids[0], ID_SIZE);
    reply->job_count = 1;
    reply->state = job->state;
    reply->receipt = job->receipt;
    reply->created_at = job->created_at;
}

/* Nothing was sent: free, and at once. */
void cancel_now(struct core *core, struct output *output, struct job *job,
                const struct event *event)
{
    cancel_end(core, output, job, RECEIPT_NOT_SUBMITTED);
    cancel_reply(core, output, event->cancel_asked.token, job);
}

/* Somebody is at it: a mark, a word to them, and the answer when they have ended. */
void cancel_mark(struct core *core, struct output *output, struct job *job,
                 const struct event *event)
{
    struct waiter *waiter = memory_new(struct waiter);
    waiter->token = event->cancel_asked.token;
    waiter->job = job->key;
    list_add(&core->waiters, &waiter->link);
    if (job->cancel_asked)
        return;
    job->cancel_asked = true;
    life_note(core, output, job, "Cancel asked.");
    if (!attempt_is_open(job)) {
        /* Between two attempts nobody is at it; at a provider there may never have been one. */
        cancel_end(core, output, job,
                   job->route && job->tries == 0 ? RECEIPT_NOT_SUBMITTED : RECEIPT_STOPPED);
        return;
    }
    if (job->route) {
        remote_cancel(core, output, job);
        return;
    }
    (void)output_on(output, EFFECT_STOP, job);
    life_timer(core, job, core->now + CORE_CANCEL_WAIT_MS);
}

void cancel_too_late(struct core *core, struct output *output, struct job *job,
                     const struct event *event)
{
    job->receipt = RECEIPT_TOO_LATE;
    life_touch(core, job);
    cancel_reply(core, output, event->cancel_asked.token, job);
}

void cancel_again(struct core *core, struct output *output, struct job *job,
                  const struct event *event)
{
    if (job->receipt == RECEIPT_NONE) {
        job->receipt = RECEIPT_TOO_LATE;
        life_touch(core, job);
    }
    cancel_reply(core, output, event->cancel_asked.token, job);
}

void cancel_answer(struct core *core, struct output *output, const struct job *job)
{
    LIST_EACH(&core->waiters, link) {
        struct waiter *waiter = LIST_OWNER(link, struct waiter, link);
        if (waiter->job != job->key)
            continue;
        cancel_reply(core, output, waiter->token, job);
        list_remove(&waiter->link);
        memory_free(waiter);
    }
}
