/* Attempts: a job's tries at an offer, from the intent to the end. */
#include "base/memory.h"
#include "core/core_private.h"
#include "core/progress.h"

#include <stdio.h>

enum {
    ATTEMPT_BACKOFF_MS = 1000,  /* before the second try; doubles */
    ATTEMPT_WARN_PART = 15,     /* of its time is left when a word is said of it */
    ATTEMPT_PROGRESS_MS = 1000, /* progress of a job is written at most this often */
    ATTEMPT_STORING_MAX_MS = 600000
};

ms_t attempt_timeout(struct core *core, const struct job *job)
{
    return limit_gauge(&core->limits, LIMIT_MODEL, job->model)->timeout;
}

void attempt_runs(struct core *core, struct job *job)
{
    ms_t time = attempt_timeout(core, job);
    job->flight.warn_at = core->now + time - time / ATTEMPT_WARN_PART;
    life_timer(core, job, core->now + time);
}

/* True when that was all that was due. */
static bool warn(struct core *core, struct output *output, struct job *job)
{
    ms_t left = job->flight.until - core->now;
    if (job->state != STATE_RUNNING || job->cancel_asked || !job->flight.warn_at ||
        job->flight.warn_at > core->now || left <= 0)
        return false;
    char note[JOB_ERROR_SIZE];
    (void)snprintf(note, sizeof note, "It runs for long: in %lld s it is given up.",
                   (long long)((left + MS_SECOND - 1) / MS_SECOND));
    life_note(core, output, job, note);
    job->flight.warn_at = 0;
    life_timer(core, job, job->flight.until);
    return job->timer.at > core->now;
}

static void begin_here(struct core *core, struct output *output, struct job *job)
{
    attempt_open(core, job, job->provider, 0);
    life_timer(core, job, core->now + core->config.submit_timeout);
    (void)output_on(output, EFFECT_WORK, job);
}

static void begin(struct core *core, struct output *output, struct job *job)
{
    if (core->is_closing)
        life_timer(core, job, core->now + ATTEMPT_BACKOFF_MS);
    else if (job->late)
        late_look(core, job); /* it may be there already */
    else if (job->route)
        remote_begin(core, output, job);
    else
        begin_here(core, output, job);
}

void attempt_open(struct core *core, struct job *job, const char *provider, unsigned offer)
{
    assert(!job->hint[0]);
    job->paid += job->attempt.settled;
    job->was_resent |= job->attempt.state == ATTEMPT_UNKNOWN;
    job->attempt = (struct attempt){
        .number = ++job->attempts,
        .state = ATTEMPT_INTENT,
        .offer = offer,
        .intent_at = core->now,
    };
    (void)span_copy(span_of(provider), job->attempt.provider, sizeof job->attempt.provider);
    job->attempt_changed = true;
    job->tries++;
    life_touch(core, job);
}

void attempt_start(struct core *core, struct output *output, struct job *job)
{
    /* An offer is chosen when the job is counted among those in flight. */
    if (!job->route)
        begin(core, output, job);
    life_become(core, output, job, STATE_SUBMITTING, NULL);
    if (job->route)
        begin(core, output, job);
}

void attempt_become(struct core *core, struct job *job, enum attempt_state state)
{
    if (job->route && job->attempt.state == ATTEMPT_INTENT)
        limit_count_submitting(&core->limits, job->attempt.provider, -1);
    if (job->route && job->attempt.state == ATTEMPT_ACCEPTED)
        remote_id_drop(core, job);
    if (state != ATTEMPT_UNCERTAIN)
        job->hint[0] = '\0'; /* its own id is known now, or nobody looks for it */
    job->attempt.state = state;
    job->attempt_changed = true;
}

/* What was guessed stays true, whatever comes then. */
static void keep_guess(const struct core *core, struct job *job)
{
    job->progress = progress_of(job, core->now);
    job->attempt.expected = 0;
}

void attempt_close(struct core *core, struct job *job, enum attempt_state state,
                   enum error_code error)
{
    keep_guess(core, job);
    if (job->route)
        money_settle(core, job);
    attempt_become(core, job, state);
    job->attempt.ended_at = core->now;
    job->attempt.error = error;
    /* At once: who asks later in this turn must not find the same money reserved and spent. */
    money_hold(core, job);
    life_touch(core, job);
}

bool attempt_is_open(const struct job *job)
{
    return job->attempt.state == ATTEMPT_INTENT || job->attempt.state == ATTEMPT_ACCEPTED ||
           job->attempt.state == ATTEMPT_UNCERTAIN;
}

static bool is_past_deadline(const struct core *core, const struct job *job)
{
    return job->deadline && job->deadline <= core->now && !job->cancel_asked;
}

void attempt_claimed(struct core *core, struct output *output, struct job *job,
                     const struct event *event)
{
    (void)event;
    assert(!is_past_deadline(core, job)); /* what is due is wanted before what may start */
    if (!money_waits(core, job))
        attempt_start(core, output, job);
}

/* Ends the open attempt from our side and the job with it. */
static void give_up(struct core *core, struct output *output, struct job *job, enum state state,
                    const char *text)
{
    enum error_code error = state == STATE_EXPIRED ? ERROR_EXPIRED : ERROR_TIMEOUT;
    if (attempt_is_open(job) && job->route) {
        remote_leave(core, output, job, state, error, text);
        return;
    }
    if (attempt_is_open(job)) {
        (void)output_on(output, EFFECT_STOP, job);
        attempt_close(core, job, ATTEMPT_STOPPED, ERROR_NONE);
    }
    life_end(core, output, job, state, error, text);
}

void attempt_due(struct core *core, struct output *output, struct job *job,
                 const struct event *event)
{
    (void)event;
    if (warn(core, output, job))
        return;
    if (is_past_deadline(core, job)) {
        give_up(core, output, job, STATE_EXPIRED, "Its deadline passed.");
    } else if (job->route && attempt_is_open(job)) {
        remote_due(core, output, job);
    } else if (job->cancel_asked) {
        /* Ten seconds without a word: the job is canceled all the same. */
        attempt_close(core, job, ATTEMPT_STOPPED, ERROR_NONE);
        cancel_end(core, output, job, RECEIPT_UNCONFIRMED);
    } else if (job->state == STATE_SUBMITTING && !attempt_is_open(job)) {
        unsigned last = job->attempt.number;
        begin(core, output, job); /* the pause after a failed attempt is over */
        if (last && job->attempt.number != last)
            life_note(core, output, job, "Another attempt.");
    } else if (job->state == STATE_RUNNING) {
        give_up(core, output, job, STATE_FAILED, "It ran longer than the model may.");
    } else {
        give_up(core, output, job, STATE_FAILED,
                job->state == STATE_STORING ? "Its output could not be stored in time."
                                            : "It could not be started in time.");
    }
}

void attempt_progress(struct core *core, struct output *output, struct job *job, int progress,
                      const char *words)
{
    progress = progress > 99 ? 99 : progress;
    if (progress > 0 && job->attempt.expected) {
        keep_guess(core, job); /* its provider says it from now on */
        job->attempt_changed = true;
        life_touch(core, job);
    }
    char stage[JOB_STAGE_SIZE];
    life_text(stage, sizeof stage, words);
    bool is_new_stage = words && !span_is(span_of(stage), job->stage);
    if (progress <= job->progress && !is_new_stage)
        return;
    if (progress > job->progress)
        job->progress = progress;
    if (words)
        (void)span_copy(span_of(stage), job->stage, sizeof job->stage);
    if (core->now - job->progress_saved_at < ATTEMPT_PROGRESS_MS)
        return;
    job->progress_saved_at = core->now;
    if (!job->is_dirty) {
        life_touch(core, job);
        job->progress_only = true;
    }
    (void)output_on(output, EFFECT_PUBLISH, job);
    notify_job(core, output, job, NOTIFY_PROGRESS);
}

void attempt_uncount(struct job *job)
{
    job->tries -= job->tries > 0;
}

void attempt_accept(struct core *core, struct job *job, const char *remote_id)
{
    attempt_become(core, job, ATTEMPT_ACCEPTED);
    job->attempt.accepted_at = core->now;
    job->attempt.expected = job->route ? pace_expected(core, job->model) : 0;
    (void)span_copy(span_of(remote_id), job->attempt.remote_id, sizeof job->attempt.remote_id);
}

void attempt_running(struct core *core, struct output *output, struct job *job,
                     const struct event *event)
{
    const struct worked *told = &event->worked;
    if (!attempt_is_open(job) || job->route)
        return;
    if (job->attempt.state == ATTEMPT_INTENT) {
        attempt_accept(core, job, told->remote_id);
        life_become(core, output, job, STATE_RUNNING, NULL);
        if (job->cancel_asked)
            (void)output_on(
                output, EFFECT_STOP,
                job); /* the first word may have come before there was anything to stop */
        else
            attempt_runs(core, job);
    }
    attempt_progress(core, output, job, told->progress, told->stage);
}

void attempt_store(struct core *core, struct output *output, struct job *job)
{
    bool is_too_late = job->cancel_asked;
    if (is_too_late) {
        job->cancel_asked = false;
        job->receipt = RECEIPT_TOO_LATE;
    }
    life_become(core, output, job, STATE_STORING, NULL);
    if (is_too_late)
        cancel_answer(core, output, job); /* storing may take minutes, and changes nothing of it */
}

void attempt_worked(struct core *core, struct output *output, struct job *job,
                    const struct event *event)
{
    (void)event;
    if (!attempt_is_open(job) || job->route)
        return;
    if (job->attempt.state == ATTEMPT_INTENT)
        attempt_accept(core, job, NULL); /* so quick that its first word was the last */
    attempt_store(core, output, job);
    life_timer(core, job, core->now + ATTEMPT_STORING_MAX_MS);
    (void)output_on(output, EFFECT_KEEP, job);
}

void attempt_take_outputs(struct core *core, struct job *job, const struct worked *worked)
{
    assert(worked->output_count <= JOB_OUTPUTS_MAX);
    for (unsigned n = 0; n < worked->output_count; n++)
        job->outputs[n] = worked->outputs[n];
    job->output_count = worked->output_count;
    job->outputs_changed = true;
    assert(worked->words.size <= JOB_WORDS_MAX);
    if (worked->words.size) {
        memory_free(job->words);
        job->words = memory_copy(worked->words);
    }
    if (worked->warnings.size) {
        memory_free(job->warnings);
        job->warnings = memory_copy(worked->warnings);
    }
    life_touch(core, job);
}

void attempt_take_late_outputs(struct core *core, struct job *job, const struct worked *worked)
{
    unsigned before = job->output_count;
    if (before == 0)
        attempt_take_outputs(core, job, worked);
    for (unsigned n = 0; before > 0 && n < worked->output_count; n++) {
        if (job->output_count < JOB_OUTPUTS_MAX)
            job->outputs[job->output_count++] = worked->outputs[n];
    }
    for (unsigned n = before; n < job->output_count; n++)
        job->outputs[n].is_late = true;
    job->outputs_changed = true;
    life_touch(core, job);
}

void attempt_kept(struct core *core, struct output *output, struct job *job,
                  const struct event *event)
{
    assert(attempt_is_open(job)); /* as long as it is being stored (I4) */
    attempt_take_outputs(core, job, &event->worked);
    attempt_close(core, job, ATTEMPT_DONE, ERROR_NONE);
    job->progress = 100;
    (void)span_copy(SPAN("Finalizing"), job->stage, sizeof job->stage);
    life_end(core, output, job, STATE_SUCCEEDED, ERROR_NONE, NULL);
    pace_add(core, output, job);
}

/* Another attempt after a pause, during which the job keeps its place among those in flight. */
void attempt_again(struct core *core, struct output *output, struct job *job, const char *text)
{
    ms_t pause = (ms_t)ATTEMPT_BACKOFF_MS << (job->tries > 0 ? job->tries - 1 : 0);
    pause += (ms_t)rng_below(&core->rng, (uint64_t)pause);
    life_become(core, output, job, STATE_SUBMITTING, text);
    life_timer(core, job, core->now + pause);
}

void attempt_failed(struct core *core, struct output *output, struct job *job,
                    const struct event *event)
{
    const struct worked *told = &event->worked;
    if (!attempt_is_open(job))
        return;
    if (job->route) {
        stand_unkept(core, output, job, event);
        return;
    }
    const char *text = told->text ? told->text : error_sentence(told->error);
    attempt_close(core, job, ATTEMPT_FAILED, told->error);
    if (job->cancel_asked) {
        cancel_end(core, output, job, RECEIPT_STOPPED);
    } else if (told->again && job->tries < CORE_TRIES_MAX) {
        attempt_again(core, output, job, text);
    } else {
        life_end(core, output, job, STATE_FAILED, told->error, text);
    }
}

void attempt_stopped(struct core *core, struct output *output, struct job *job,
                     const struct event *event)
{
    (void)event;
    if (!attempt_is_open(job) || job->route)
        return;
    attempt_close(core, job, ATTEMPT_STOPPED, ERROR_NONE);
    if (job->cancel_asked) {
        cancel_end(core, output, job, RECEIPT_STOPPED);
        return;
    }
    /* Nobody asked for it: our own doing (a restart of the workers), so it is no try. */
    attempt_uncount(job);
    attempt_again(core, output, job, "Its worker was stopped.");
}
