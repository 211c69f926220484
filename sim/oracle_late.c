/* Word of a submission that had been given up: it opens the attempt again, at once or when the one
 * that followed it is over, and nothing else does. */
#include "oracle.h"

#include "worker.h"

#include <string.h>

bool oracle_late_is(const struct ledger_job *job, const struct job *row)
{
    bool may = state_is_terminal(job->state) || job->state == STATE_SUBMITTING;
    return job->is_known && may && job->attempt_state == ATTEMPT_UNKNOWN &&
           row->attempt.number == job->attempt && row->attempt.ended_at != job->settled_at;
}

enum attempt_state oracle_late_state(const struct ledger_job *job, unsigned attempt)
{
    if (attempt == job->attempt)
        return job->attempt_state;
    return attempt < job->past_room ? job->past[attempt].state : ATTEMPT_INTENT;
}

/* ---------------------------------------------------------------- who says so */

/* The attempt that the event says something of, with an id; 0: of none. */
static unsigned named_by(const struct event *event, int64_t *ret_job)
{
    const struct hinted *hinted = &event->hinted;
    const struct heard *heard = &event->heard;
    const struct resolve_asked *asked = &event->resolve_asked;
    if (event->kind == EVENT_HINTED && *hinted->remote_id) {
        *ret_job = hinted->job;
        return hinted->attempt;
    }
    if (event->kind == EVENT_RESOLVE_ASKED && asked->act == RESOLVE_LINK) {
        *ret_job = asked->job;
        return asked->attempt;
    }
    if (event->kind != EVENT_TOLD || heard->call != PROVIDER_CALL_SUBMIT ||
        heard->told->kind != TOLD_ACCEPTED)
        return 0;
    *ret_job = heard->job;
    return heard->attempt;
}

static struct ledger_job *job_of(const struct world *world, const struct event *event,
                                 unsigned *ret_attempt)
{
    int64_t key = 0;
    *ret_attempt = named_by(event, &key);
    return *ret_attempt ? ledger_find_job(&world->ledger, key) : NULL;
}

/* An answer may be another's, and somebody mistaken, or a stranger. */
static bool is_sure(const struct world *world, const struct event *event,
                    const struct ledger_job *job, unsigned attempt)
{
    if (event->kind == EVENT_HINTED)
        return true;
    bool is_resolve = event->kind == EVENT_RESOLVE_ASKED;
    const struct ledger_entry *entry = ledger_find_entry(
        &world->ledger, is_resolve ? event->resolve_asked.remote_id : event->heard.told->remote_id);
    bool is_free = entry && !oracle_vendor_is_claimed(entry, job->key, attempt);
    if (!is_resolve)
        return is_free;
    return is_free && attempt != job->attempt &&
           span_is(span_of(event->resolve_asked.tenant), world->swarm.tenant_names[job->tenant]);
}

static bool was_given_up(const struct ledger_job *job, unsigned attempt)
{
    if (oracle_late_state(job, attempt) != ATTEMPT_UNKNOWN)
        return false;
    if (attempt == job->attempt)
        return state_is_terminal(job->state) || job->state == STATE_SUBMITTING;
    return attempt <= job->attempts && !job->late && !job->removed_at;
}

void oracle_late_before(struct world *world)
{
    memset(world->ledger.reopened_provider, 0, sizeof world->ledger.reopened_provider);
    for (unsigned n = 0; n < world->batch_count; n++) {
        unsigned attempt = 0;
        const struct event *event = world->batch[n];
        struct ledger_job *job = job_of(world, event, &attempt);
        bool is_late = job && job->is_known && !job->is_deleted && was_given_up(job, attempt) &&
                       is_sure(world, event, job, attempt);
        world->late[n].job = is_late ? job : NULL;
        world->late[n].attempt = attempt;
    }
}

void oracle_late_row(struct world *world, struct ledger_job *job)
{
    bool was_told = job->linked & ledger_bit(job->attempt) || job->is_taken;
    for (unsigned n = 0; n < world->batch_count; n++) {
        unsigned attempt = 0;
        was_told |= job_of(world, world->batch[n], &attempt) == job && attempt == job->attempt;
    }
    if (!was_told)
        world_fail(world, "I7", job->key, "attempt %u was given up, and is open for no reason",
                   job->attempt);
    job->asked_at = world->time;
    world->ledger.reopened_provider[job->at] += !state_is_terminal(job->state);
}

/* Nobody is deaf to it. */
void oracle_late_check(struct world *world)
{
    for (unsigned n = 0; n < world->batch_count; n++) {
        unsigned attempt = world->late[n].attempt;
        const struct ledger_job *job = world->late[n].job;
        if (!job || job->is_deleted)
            continue;
        bool is_heard = attempt == job->attempt ? oracle_vendor_is_open(job->attempt_state) ||
                                                      job->settled_at == world->now
                                                : job->late > 0 || job->is_taken;
        if (!is_heard)
            world_fail(world, "P4", job->key, "late word of attempt %u changed nothing", attempt);
    }
}

/* ---------------------------------------------------------------- one attempt or another */

static struct ledger_attempt *past_of(struct world *world, struct ledger_job *job, unsigned number)
{
    if (number >= job->past_room) {
        unsigned room = number + 4;
        struct ledger_attempt *past =
            arena_array(&world->ledger.arena, struct ledger_attempt, room);
        if (job->past_room)
            memcpy(past, job->past, job->past_room * sizeof *past);
        job->past = past;
        job->past_room = room;
    }
    return &job->past[number];
}

static void put_by(struct world *world, struct ledger_job *job)
{
    *past_of(world, job, job->attempt) = (struct ledger_attempt){
        job->attempt_state, job->offer, job->at,      job->reserved,  job->settled,
        job->settled_at,    job->sends, job->sent_at, job->intent_at, job->asked_at,
    };
}

static void bring(struct world *world, struct ledger_job *job, unsigned number)
{
    const struct ledger_attempt *past = past_of(world, job, number);
    job->attempt = number;
    job->attempt_state = past->state;
    job->offer = past->offer;
    job->at = past->at;
    job->reserved = past->reserved;
    job->settled = past->settled;
    job->settled_at = past->settled_at;
    job->sends = past->sends;
    job->sent_at = past->sent_at;
    job->intent_at = past->intent_at;
    job->asked_at = past->asked_at;
    job->is_taken = true;
}

void oracle_late_take(struct world *world, struct ledger_job *job, const struct job *row)
{
    unsigned number = row->attempt.number;
    job->is_taken = false;
    if (number == job->attempt || job->attempt == 0)
        return;
    put_by(world, job);
    if (number > job->attempts)
        return;
    if (job->late != number || oracle_vendor_is_open(job->attempt_state))
        world_fail(world, "I7", row->key, "attempt %u takes the place of attempt %u, which is %s",
                   number, job->attempt, attempt_name(job->attempt_state));
    bring(world, job, number);
    if (job->attempt_state != ATTEMPT_UNKNOWN)
        world_fail(world, "I7", row->key, "attempt %u was %s, and is taken up again", number,
                   attempt_name(job->attempt_state));
}

/* I15: what the other attempts came to. */
static void check_paid(struct world *world, struct ledger_job *job, const struct job *row)
{
    int64_t paid = 0;
    for (unsigned number = 1; number <= row->attempts; number++)
        paid += number == row->attempt.number ? 0 : past_of(world, job, number)->settled;
    if (row->paid != paid)
        world_fail(world, "I15", row->key, "%lld were paid for other attempts, the row says %lld",
                   (long long)paid, (long long)row->paid);
}

/* P5: what came late is beside the result, and of the attempt that is at hand. */
static void check_outputs(struct world *world, const struct ledger_job *job, const struct job *row)
{
    if (!state_is_terminal(job->state) || row->output_count == job->output_count)
        return;
    const struct job_output *output = &row->outputs[row->output_count - 1];
    if (!output->is_late || row->attempt.state != ATTEMPT_DONE ||
        output->size != worker_file_size(row->key, row->attempt.number))
        world_fail(world, "P5", row->key, "what came late is not the file of attempt %u",
                   row->attempt.number);
    if (row->state == STATE_SUCCEEDED && job_results(row) != 1)
        world_fail(world, "P5", row->key, "what came late is its result");
}

/* Whom a call back names is known as long as it may be needed. */
static void check_hint(struct world *world, const struct ledger_job *job, const struct job *row)
{
    bool is_nameless =
        row->attempt.state == ATTEMPT_INTENT || row->attempt.state == ATTEMPT_UNCERTAIN;
    bool is_named = false, is_disproved = job->is_hinted;
    for (unsigned n = 0; n < world->batch_count; n++) {
        const struct event *event = world->batch[n];
        unsigned attempt = 0;
        is_disproved |= event->kind == EVENT_TOLD && event->heard.job == row->key;
        is_named |= event->kind == EVENT_HINTED && job_of(world, event, &attempt) == job &&
                    attempt == row->attempt.number && attempt == job->attempt;
    }
    if (row->hint[0] && !is_nameless)
        world_fail(world, "I10", row->key, "attempt %u is %s, and %s is looked for",
                   row->attempt.number, attempt_name(row->attempt.state), row->hint);
    if (is_nameless && is_named && !is_disproved && !row->hint[0] && job->is_known)
        world_fail(world, "P4", row->key, "a call back named it, and its row does not");
}

void oracle_late_keep(struct world *world, struct ledger_job *job, const struct job *row)
{
    unsigned before = job->attempts;
    job->attempts = row->attempts;
    if (!world->swarm.routes[job->model].count)
        return;
    if (row->attempts > before + 1 || row->attempt.number > row->attempts)
        world_fail(world, "I7", row->key, "%u attempts were made, after %u", row->attempts, before);
    check_outputs(world, job, row);
    check_hint(world, job, row);
    job->late = row->late;
    job->is_hinted = row->hint[0] != '\0';
    job->removed_at = row->removed_at;
    check_paid(world, job, row);
}
