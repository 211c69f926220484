#include "core/core_private.h"

struct job *life_find_any(const struct core *core, int64_t key)
{
    return map_get(&core->jobs, span_make(&key, sizeof key));
}

struct job *life_find(const struct core *core, int64_t key)
{
    struct job *job = life_find_any(core, key);
    return job && !job->is_deleted ? job : NULL;
}

void life_text(char *target, size_t capacity, const char *text)
{
    struct span rest = span_of(text);
    if (rest.size >= capacity) {
        rest.size = capacity - 1;
        while (rest.size > 0 && ((unsigned char)rest.data[rest.size] & 0xC0) == 0x80)
            rest.size--; /* not in the middle of a character */
    }
    (void)span_copy(rest, target, capacity);
}

void life_touch(struct core *core, struct job *job)
{
    job->progress_only = false;
    if (!job->is_dirty) {
        job->is_dirty = true;
        list_remove(&job->dirty_link);
        list_add(&core->dirty, &job->dirty_link);
    }
}

void life_write(struct core *core, struct output *output, struct job *job)
{
    assert(job->is_dirty);
    money_hold(core, job);
    job->version++;
    job->is_dirty = false;
    output_change(output, job->is_new ? CHANGE_JOB_INSERT : CHANGE_JOB_UPDATE)->job = job;
    job->is_new = false;
    list_remove(&job->dirty_link);
    list_add(&core->flushed, &job->dirty_link);
}

void life_timer(struct core *core, struct job *job, ms_t at)
{
    job->flight.until = at;
    if (job->flight.ask_at && job->flight.ask_at < at)
        at = job->flight.ask_at;
    ms_t warn_at = job->state == STATE_RUNNING && !job->cancel_asked ? job->flight.warn_at : 0;
    if (warn_at && warn_at < at)
        at = warn_at;
    /* The job's own deadline comes before whatever else it waits for, but for the word on a cancel:
     * who asked for that shall have its receipt. */
    if (job->deadline && !job->cancel_asked && !job->following && job->deadline < at)
        at = job->deadline;
    /* Of those that are due at once, as after an outage, who was accepted first goes first: its
     * provider forgets it soonest. */
    bool is_accepted = job->attempt.state == ATTEMPT_ACCEPTED;
    job->timer.tie = is_accepted ? job->attempt.accepted_at : job->key;
    heap_set(&core->timers, &job->timer, at);
}

void life_ask(struct core *core, struct job *job, ms_t at)
{
    /* Who stands in line for a read, as after a call back, keeps that place. */
    ms_t read_at = job->flight.read_at;
    job->flight.ask_at = read_at > core->now && read_at < at ? read_at : at;
    life_timer(core, job, job->flight.until);
}

void life_set_wake(struct core *core, struct job *job)
{
    ms_t at = MS_NEVER;
    if (job->state == STATE_WAITING && job->waits_for == 0)
        at = job->start_at;
    if (job->deadline && job->deadline < at)
        at = job->deadline;
    job->wake_at = at == MS_NEVER ? 0 : at;
    if (at < core->next_due)
        core->next_due = at;
    life_touch(core, job);
}

static void write_entry(struct core *core, struct output *output, struct job *job, enum state from,
                        const char *note)
{
    /* Who guesses a key can reach a job before its first flush: its row comes before its timeline.
     */
    if (job->is_new)
        life_write(core, output, job);
    struct timeline_entry *entry = &output_change(output, CHANGE_TIMELINE)->timeline;
    entry->job = job->key;
    entry->number = ++job->timeline;
    entry->at = core->now;
    entry->from = from;
    entry->to = job->state;
    entry->attempt = job->attempt.number;
    entry->error = state_is_terminal(job->state) ? job->error : ERROR_NONE;
    life_text(entry->note, sizeof entry->note, note);
    life_touch(core, job);
}

void life_note(struct core *core, struct output *output, struct job *job, const char *note)
{
    write_entry(core, output, job, job->state, note);
}

static void publish(struct output *output, const struct job *job)
{
    struct effect *effect = output_on(output, EFFECT_PUBLISH, job);
    effect->on.terminal = state_is_terminal(job->state);
}

static void leave(struct core *core, struct job *job, enum state to)
{
    if (job->state == STATE_QUEUED) {
        queue_leave(&core->queue, job);
        if (to != STATE_SUBMITTING)
            money_leaves_queue(core, job);
    } else if (job->state == STATE_WAITING)
        limit_count_waiting(&core->limits, job->tenant, -1);
    if (state_is_in_flight(job->state) && !state_is_in_flight(to)) {
        limit_leave(&core->limits, job);
        heap_remove(&core->timers, &job->timer);
        bool is_open = job->route && attempt_is_open(job);
        job->following = is_open || job->late;
        if (job->following)
            core->following++;
        else
            list_add(&core->loaded, &job->link); /* memory lets go of it when the turn ends */
        if (job->following && !is_open)
            life_timer(core, job, core->now + 1);
    }
}

static void enter(struct core *core, struct job *job, enum state from)
{
    job->wake_at = 0;
    if (job->state == STATE_QUEUED) {
        job->queued_at = core->now;
        queue_enter(&core->queue, job);
        life_set_wake(core, job);
    } else if (job->state == STATE_WAITING) {
        limit_count_waiting(&core->limits, job->tenant, 1);
        life_set_wake(core, job);
    } else if (state_is_in_flight(job->state) && !state_is_in_flight(from)) {
        limit_enter(&core->limits, job);
        list_remove(&job->link); /* it stays in memory */
    }
}

void life_begin(struct core *core, struct job *job, enum state state)
{
    assert(state == STATE_WAITING || state == STATE_QUEUED);
    job->state = state;
    job->is_new = true;
    job->timeline = 0;
    enter(core, job, state);
    money_hold(core, job);
    life_touch(core, job);
}

void life_become(struct core *core, struct output *output, struct job *job, enum state state,
                 const char *note)
{
    enum state from = job->state;
    assert(table_allows(from, state));
    leave(core, job, state);
    job->state = state;
    enter(core, job, from);
    bool starts = (state == STATE_RUNNING || state == STATE_STORING) && !job->started_at;
    if (starts)
        job->started_at = core->now;
    if (state_is_terminal(state)) {
        job->ended_at = core->now;
        money_count(core, job);
    }
    money_hold(core, job);
    write_entry(core, output, job, from, note);
    publish(output, job);
    if (starts)
        notify_job(core, output, job, NOTIFY_STARTED);
    if (state_is_terminal(state))
        notify_job(core, output, job, NOTIFY_COMPLETED);
}

void life_end(struct core *core, struct output *output, struct job *job, enum state state,
              enum error_code error, const char *text)
{
    assert(state_is_terminal(state));
    bool was_in_flight = state_is_in_flight(job->state);
    use_end(core, output, job);
    job->error = error;
    job->retryable = error != ERROR_NONE && error_retryable(error);
    life_text(job->error_text, sizeof job->error_text, text);
    life_become(core, output, job, state, text);
    if (was_in_flight && !job->following)
        (void)output_on(output, EFFECT_DROP, job);
    if (job->awaited) {
        struct ended *ended = arena_new(&core->arena, struct ended);
        ended->job = job->key;
        ended->succeeded = state == STATE_SUCCEEDED;
        list_add(&core->ended, &ended->link);
    }
    cancel_answer(core, output, job);
}
