#include "oracle.h"

#include "base/memory.h"
#include "files.h"
#include "purse.h"
#include "worker.h"

#define BIT(state) (1u << STATE_##state)

/* SPEC 2, written down a second time. */
static const unsigned followers[STATE_COUNT] = {
    [STATE_WAITING] = BIT(QUEUED) | BIT(FAILED) | BIT(CANCELED) | BIT(EXPIRED),
    [STATE_QUEUED] = BIT(WAITING) | BIT(SUBMITTING) | BIT(CANCELED) | BIT(EXPIRED),
    [STATE_SUBMITTING] = BIT(SUBMITTING) | BIT(UNCERTAIN) | BIT(RUNNING) | BIT(STORING) |
                         BIT(FAILED) | BIT(CANCELED) | BIT(EXPIRED),
    [STATE_UNCERTAIN] = BIT(SUBMITTING) | BIT(RUNNING) | BIT(FAILED) | BIT(CANCELED) | BIT(EXPIRED),
    [STATE_RUNNING] =
        BIT(RUNNING) | BIT(SUBMITTING) | BIT(STORING) | BIT(FAILED) | BIT(CANCELED) | BIT(EXPIRED),
    [STATE_STORING] = BIT(SUBMITTING) | BIT(SUCCEEDED) | BIT(FAILED) | BIT(EXPIRED),
};

static bool is_open(enum attempt_state state)
{
    return oracle_vendor_is_open(state);
}

/* ---------------------------------------------------------------- before the turn */

void oracle_before(struct world *world)
{
    oracle_tenant_begin(world);
    oracle_money_begin(world);
    oracle_vendor_before(world);
    oracle_breaker_before(world);
    oracle_late_before(world);
    for (unsigned n = 0; n < world->batch_count; n++) {
        const struct event *event = world->batch[n];
        if (event->kind == EVENT_TOLD)
            continue;
        world->counts[n] = false;
        if (event->kind != EVENT_WORKED)
            continue; /* of what vendors say see oracle_breaker.c */
        const struct ledger_job *job = ledger_find_job(&world->ledger, event->worked.job);
        if (!job || job->attempt != event->worked.attempt || !is_open(job->attempt_state) ||
            world->swarm.routes[job->model].count)
            continue;
        /* While files are stored only the depot's word counts, and a failure. */
        bool is_storing = job->state == STATE_STORING;
        bool is_depot = event->worked.kind == WORKED_KEPT || event->worked.kind == WORKED_FAILED;
        world->counts[n] = is_storing ? is_depot : event->worked.kind != WORKED_KEPT;
    }
}

/* Word that counted when the turn began must have moved its job. */
static void check_words(struct world *world)
{
    oracle_late_check(world);
    for (unsigned n = 0; n < world->batch_count; n++) {
        if (!world->counts[n] || world->batch[n]->kind != EVENT_WORKED)
            continue;
        const struct worked *told = &world->batch[n]->worked;
        const struct ledger_job *job = ledger_find_job(&world->ledger, told->job);
        if (job->attempt != told->attempt || !is_open(job->attempt_state))
            continue;
        bool moved = told->kind == WORKED_RUNNING ? job->state != STATE_SUBMITTING
                     : told->kind == WORKED_MADE
                         ? job->state == STATE_STORING
                         : job->state == STATE_STORING && told->kind == WORKED_STOPPED;
        /* A worker may say WORKED and the same turn brings a late word of the depot's. */
        if (!moved)
            world_fail(world, "P2", job->key, "word %d about attempt %u changed nothing",
                       (int)told->kind, told->attempt);
    }
}

/* ---------------------------------------------------------------- one row */

static void check_insert(struct world *world, struct ledger_job *job, const struct job *row)
{
    struct submission *submission = ledger_read_name(&world->ledger, row->metadata);
    if (!submission) {
        world_fail(world, "I14", row->key, "its input is not one that a client sent");
        return;
    }
    const struct swarm *swarm = &world->swarm;
    job->submission = submission;
    job->tenant = submission->tenant;
    job->model = submission->model;
    job->provider = swarm->model_provider[submission->model];
    job->made_turn = world->turn_number;
    if (!span_is(span_of(row->tenant), swarm->tenant_names[job->tenant]) ||
        !span_is(span_of(row->model), swarm->model_names[job->model]) ||
        !span_is(span_of(row->input), submission->input))
        world_fail(world, "I14", row->key, "tenant, model or input is not what the client sent");
    if (!span_is(span_of(row->api_key), submission->has_purse ? purse_id(job->tenant) : ""))
        world_fail(world, "I14", row->key, "it counts against the key \"%s\"", row->api_key);
    if (row->created_at != world->now)
        world_fail(world, "I30", row->key, "it was made at another time than its turn's");
    world->inserted++;
    world->inserted_tenant[job->tenant]++;
    submission->rows++;
    if (world->disk_free < swarm->config.disk_reserve)
        world_fail(world, "I33", row->key, "it was accepted though the disk is nearly full");
    struct keyring *ring = submission->ring;
    if (!ring) {
        if (submission->rows > submission->count)
            world_fail(world, "P6", row->key, "one request made %u jobs, %u were asked for",
                       submission->rows, submission->count);
        return;
    }
    if (ring->body && ring->expires_at > world->now) {
        /* One that somebody reached by guessing its id, in the turn that made it, is written before
         * the others. */
        int64_t from_first = row->key - ring->first;
        bool same = ring->body == submission && ring->made_turn == world->turn_number &&
                    ring->count < submission->count && from_first > -(int64_t)submission->count &&
                    from_first < submission->count;
        if (!same)
            world_fail(world, "P6", row->key, "a key that was used made another job");
        ring->first = from_first < 0 ? row->key : ring->first;
        ring->count++;
        return;
    }
    *ring = (struct keyring){.body = submission,
                             .first = row->key,
                             .count = 1,
                             .expires_at = world->now + MS_DAY,
                             .made_turn = world->turn_number,
                             .is_made = true,
                             .index = ring->index};
    ledger_ring_name(ring);
}

static void check_change(struct world *world, const struct ledger_job *job, const struct job *row)
{
    if (row->version <= job->version)
        world_fail(world, "I10", row->key, "its version went from %lld to %lld",
                   (long long)job->version, (long long)row->version);
    if (row->progress < job->progress)
        world_fail(world, "I10", row->key, "its progress fell from %d to %d", job->progress,
                   row->progress);
    /* What comes late, of an attempt that was followed, is kept. */
    if (state_is_terminal(job->state) &&
        (row->state != job->state || (row->output_count != job->output_count && !job->following)))
        world_fail(world, "I3", row->key, "it was %s and changed", state_name(job->state));
    bool is_new = row->attempt.number != job->attempt;
    if (is_new && (row->attempt.number != job->attempts + 1 || is_open(job->attempt_state)))
        world_fail(world, "I7", row->key, "attempt %u follows attempt %u, which is %s",
                   row->attempt.number, job->attempt, attempt_name(job->attempt_state));
    if (is_new && world->is_closing)
        world_fail(world, "P2", row->key, "attempt %u begins while it closes", row->attempt.number);
    if (!is_new && job->attempt && !is_open(job->attempt_state) &&
        row->attempt.state != job->attempt_state && !oracle_late_is(job, row))
        world_fail(world, "I7", row->key, "attempt %u was %s and is open again", job->attempt,
                   attempt_name(job->attempt_state));
}

static void check_success(struct world *world, const struct ledger_job *job, const struct job *row)
{
    if (job->kept != row->attempt.number || row->output_count != 1 ||
        row->outputs[0].size != worker_file_size(row->key, row->attempt.number))
        world_fail(world, "P5", row->key, "it succeeded without the file of attempt %u",
                   row->attempt.number);
    if (row->progress != 100 || row->attempt.state != ATTEMPT_DONE || row->error != ERROR_NONE)
        world_fail(world, "P5", row->key, "it succeeded with progress %d and attempt %s",
                   row->progress, attempt_name(row->attempt.state));
}

static void check_row(struct world *world, const struct ledger_job *job, const struct job *row)
{
    bool is_terminal = state_is_terminal(row->state);
    if ((row->ended_at > 0) != is_terminal)
        world_fail(world, "I12", row->key, "%s, yet ended_at is %lld", state_name(row->state),
                   (long long)row->ended_at);
    if (row->wake_at && row->state != STATE_WAITING && row->state != STATE_QUEUED)
        world_fail(world, "I1", row->key, "%s, yet it has a wake time", state_name(row->state));
    if (row->tries > 3)
        world_fail(world, "P2", row->key, "it had %u tries", row->tries);
    bool is_remote = world->swarm.routes[job->model].count > 0;
    bool waits_for_vendor = is_remote && row->state == STATE_SUBMITTING;
    if (state_is_in_flight(row->state) && row->attempt.number == 0 && !waits_for_vendor)
        world_fail(world, "I5", row->key, "%s without an attempt", state_name(row->state));
    if (is_terminal && is_open(row->attempt.state) && !(is_remote && row->following))
        world_fail(world, "I4", row->key, "it has ended, its attempt has not");
    if (row->timeline != job->timeline || (job->timeline && row->state != job->line_state))
        world_fail(world, "I22", row->key, "%s after %u entries of a timeline that says %s, %u",
                   state_name(row->state), row->timeline, state_name(job->line_state),
                   job->timeline);
    /* While a cancel waits for its word the deadline does; it strikes with the next turn. */
    if (!is_terminal && row->deadline && row->deadline <= world->now && !row->cancel_asked &&
        !job->cancel_asked)
        world_fail(world, "I41", row->key, "it is %s past its deadline", state_name(row->state));
    if (row->state == STATE_WAITING && row->waits_for == 0 && row->start_at <= world->now)
        world_fail(world, "P2", row->key, "it waits for nothing");
    if (row->state == STATE_QUEUED && (row->start_at > world->now || row->waits_for))
        world_fail(world, "P2", row->key, "it is queued before its time");
    if (row->receipt == RECEIPT_NOT_SUBMITTED &&
        (is_remote ? oracle_vendor_had(job) : row->attempt.number || job->worked))
        world_fail(world, "P3", row->key, "not_submitted, yet there was an attempt");
    if ((row->state == STATE_CANCELED) !=
        (row->receipt != RECEIPT_NONE && row->receipt != RECEIPT_TOO_LATE))
        world_fail(world, "P2", row->key, "%s with the receipt %s", state_name(row->state),
                   receipt_name(row->receipt));
}

static void place(struct world *world, struct ledger_job *job, const struct job *row)
{
    struct ledger *ledger = &world->ledger;
    bool was_queued = job->is_known && job->state == STATE_QUEUED;
    bool was_flying = job->is_known && state_is_in_flight(job->state);
    bool flies = state_is_in_flight(row->state);
    if (was_queued)
        ledger_dequeue(ledger, job);
    if (row->state == STATE_QUEUED) {
        job->queued_at = row->queued_at;
        struct bucket *bucket = ledger_bucket(ledger, job, row->priority);
        if (bucket)
            ledger_enqueue(ledger, job, bucket);
        else
            world_fail(world, "I14", row->key, "nobody gave it the priority %d", row->priority);
    }
    bool was_waiting = job->is_known && job->state == STATE_WAITING;
    if (was_waiting != (row->state == STATE_WAITING))
        ledger_wait(ledger, job, was_waiting ? -1 : 1);
    bool is_remote = world->swarm.routes[job->model].count > 0;
    if (was_flying && (!flies || is_remote))
        ledger_count(ledger, job, -1);
    if (is_remote)
        job->provider = oracle_vendor_find(world, row->provider);
    if (flies && (!was_flying || is_remote))
        ledger_count(ledger, job, 1);
    if (!was_flying && flies) {
        if (world->claimed_count == world->claimed_room) {
            world->claimed_room = world->claimed_room ? world->claimed_room * 2 : 64;
            world->claimed =
                memory_grow(world->claimed, world->claimed_room * sizeof(struct ledger_job *));
        }
        world->claimed[world->claimed_count++] = job;
        job->queued_at = row->queued_at;
        job->priority = row->priority;
    }
    uint64_t print = job->submission->fingerprint;
    if (!job->is_known && print < LEDGER_FINGERPRINTS)
        list_add(&ledger->twins[job->tenant][job->model][print], &job->twin);
    if (state_is_terminal(row->state) && !(job->is_known && state_is_terminal(job->state))) {
        list_remove(&job->twin);
        if (print < LEDGER_FINGERPRINTS)
            ledger->twin_ended[job->tenant][job->model][print] = world->turn_number;
        ledger->ended++;
    }
    ledger->following += (size_t)row->following - (size_t)job->following;
    job->following = row->following;
}

static void take_row(struct world *world, struct ledger_job *job, const struct job *row)
{
    bool is_new = !job->is_known;
    if (is_new)
        check_insert(world, job, row);
    else {
        oracle_late_take(world, job, row);
        check_change(world, job, row);
    }
    if (world->failure.invariant)
        return;
    check_row(world, job, row);
    oracle_hook_row(world, job, row);
    if (row->state == STATE_SUCCEEDED && (is_new || job->state != STATE_SUCCEEDED))
        check_success(world, job, row);
    if (world->swarm.routes[job->model].count)
        oracle_vendor_row(world, job, row);
    if (world->swarm.routes[job->model].count && !world->failure.invariant)
        oracle_money_row(world, job, row);
    if (world->failure.invariant)
        return;
    place(world, job, row);
    oracle_late_keep(world, job, row);
    job->is_known = true;
    job->state = row->state;
    job->version = row->version;
    job->progress = row->progress;
    job->attempt = row->attempt.number;
    job->attempt_state = row->attempt.state;
    job->tries = row->tries;
    job->receipt = row->receipt;
    job->cancel_asked = row->cancel_asked;
    job->output_count = row->output_count;
    job->settled = row->attempt.settled;
    job->settled_at = row->attempt.ended_at;
}

/* ---------------------------------------------------------------- the turn */

static void take_entry(struct world *world, const struct timeline_entry *entry)
{
    struct ledger_job *job = ledger_job(&world->ledger, entry->job);
    if (entry->number != job->timeline + 1)
        world_fail(world, "I22", entry->job, "entry %u of the timeline follows entry %u",
                   entry->number, job->timeline);
    if (entry->at != world->now)
        world_fail(world, "I30", entry->job, "an entry of %lld in a turn of %lld",
                   (long long)entry->at, (long long)world->now);
    if (job->timeline > 0 && entry->from != job->line_state)
        world_fail(world, "I3", entry->job, "from %s, but it was %s", state_name(entry->from),
                   state_name(job->line_state));
    /* Of a job that succeeded it is noted when its files are removed. */
    bool is_note = entry->from == entry->to &&
                   (!state_is_terminal(entry->from) || entry->from == STATE_SUCCEEDED ||
                    world->swarm.vendor_count > 0); /* … or whose attempt was followed */
    if (!is_note && !(followers[entry->from] & 1u << entry->to))
        world_fail(world, "I3", entry->job, "%s cannot follow %s", state_name(entry->to),
                   state_name(entry->from));
    job->timeline = entry->number;
    job->line_state = entry->to;
}

static void check_time(struct world *world)
{
    if (world->now < world->last_now)
        world_fail(world, "I29", 0, "time went back from %lld to %lld", (long long)world->last_now,
                   (long long)world->now);
    world->turn_number++;
    bool may_be_spared = world->turn.output.changes.count == 0;
    int64_t commits = ram_turn(world->ram);
    if (commits != world->commits + 1 && !(may_be_spared && commits == world->commits))
        world_fail(world, "I31", 0, "turn %lld was expected, the store says %lld",
                   (long long)world->commits + 1, (long long)commits);
    world->commits = commits;
}

static void note_requests(struct world *world)
{
    for (unsigned n = 0; n < world->batch_count; n++) {
        if (world->batch[n]->kind != EVENT_CANCEL_ASKED)
            continue;
        struct request *request =
            ledger_find_request(&world->ledger, world->batch[n]->cancel_asked.token);
        request->sent_at = world->now;
        request->sent_turn = world->turn_number;
    }
}

/* A cancel that is not answered yet is marked in the row. */
static void check_marks(struct world *world)
{
    for (unsigned n = 0; n < world->batch_count; n++) {
        const struct cancel_asked *asked = &world->batch[n]->cancel_asked;
        const struct job *row = world->batch[n]->kind == EVENT_CANCEL_ASKED
                                    ? ram_find_job(world->ram, asked->job)
                                    : NULL;
        const struct ledger_job *job = row ? ledger_find_job(&world->ledger, row->key) : NULL;
        if (job && span_is(span_of(row->tenant), asked->tenant) && !row->cancel_asked &&
            row->receipt == RECEIPT_NONE && state_is_in_flight(row->state) &&
            job->made_turn < world->turn_number)
            world_fail(world, "I11", row->key, "a cancel was asked, and its row does not say so");
    }
}

static void note_deleted(struct world *world, int64_t key)
{
    struct ledger_job *job = ledger_job(&world->ledger, key);
    if (job->is_deleted || ram_find_job(world->ram, key))
        world_fail(world, "I13", key, "it is deleted, and its row is there");
    job->is_deleted = true;
    job->deleted_turn = world->turn_number;
}

void oracle_turn(struct world *world)
{
    const struct changes *changes = &world->turn.output.changes;
    world->claimed_count = 0;
    check_time(world);
    note_requests(world);
    for (size_t n = 0; n < changes->count && !world->failure.invariant; n++) {
        if (changes->list[n].kind == CHANGE_TIMELINE)
            take_entry(world, &changes->list[n].timeline);
        else if (changes->list[n].kind == CHANGE_TENANT)
            oracle_tenant_take(world, &changes->list[n].tenant);
        else if (changes->list[n].kind == CHANGE_API_KEY)
            purse_take(world, &changes->list[n].api_key);
        if (changes->list[n].kind == CHANGE_JOB_DELETE)
            note_deleted(world, changes->list[n].job->key);
    }
    oracle_hook_turn(world);
    for (size_t n = 0; n < changes->count && !world->failure.invariant; n++) {
        const struct change *change = &changes->list[n];
        if (change->kind != CHANGE_JOB_INSERT && change->kind != CHANGE_JOB_UPDATE)
            continue;
        struct ledger_job *job = ledger_job(&world->ledger, change->job->key);
        if (job->is_known && job->seen_turn == world->turn_number)
            continue; /* its last state in this turn is what is committed */
        job->seen_turn = world->turn_number;
        const struct job *row = ram_find_job(world->ram, change->job->key);
        if (!row && job->is_deleted)
            row = change->job; /* as it was when it went */
        if (row)
            take_row(world, job, row);
        else
            world_fail(world, "I13", change->job->key, "the commit lost its row");
    }
    if (!world->failure.invariant)
        check_words(world);
    if (!world->failure.invariant)
        check_marks(world);
    if (!world->failure.invariant)
        oracle_breaker_turn(world);
    if (!world->failure.invariant)
        oracle_queue_check(world);
    if (!world->failure.invariant)
        oracle_money_check(world);
}

void oracle_recount(struct world *world)
{
    if (ram_turn(world->ram) == world->commits)
        return;
    world->now = core_now(world->core);
    oracle_turn(world);
    world->last_now = world->now;
}

/* ---------------------------------------------------------------- effects */

void oracle_start(struct world *world, struct ledger_job *job, const struct job *row)
{
    if (row->deadline && row->deadline <= world->now)
        world_fail(world, "I41", row->key, "it is started past its deadline");
    if (row->start_at > world->now)
        world_fail(world, "P2", row->key, "it is started before its time");
    if (job->told_free)
        world_fail(world, "P3", row->key, "a client was told that it was not submitted");
    for (unsigned n = 0; n < job->submission->dependency_count; n++) {
        const struct job *on = ram_find_job(world->ram, job->submission->depends_on[n]);
        const struct ledger_job *known =
            ledger_find_job(&world->ledger, job->submission->depends_on[n]);
        if ((on ? on->state : known->state) != STATE_SUCCEEDED)
            world_fail(world, "P2", row->key, "it is started before a job it waits for");
    }
    files_check_work(world, job);
}

static void check_work(struct world *world, const struct job *row, unsigned attempt)
{
    struct ledger_job *job = ledger_find_job(&world->ledger, row->key);
    if (row->attempt.number != attempt || row->attempt.state != ATTEMPT_INTENT)
        world_fail(world, "I5", row->key, "attempt %u is started; the row says %u, %s", attempt,
                   row->attempt.number, attempt_name(row->attempt.state));
    if (job->worked >= attempt)
        world_fail(world, "I6", row->key, "attempt %u was started before", attempt);
    const struct worker *worker = job->worker;
    if (worker && worker->process == world->process && !worker->ended)
        world_fail(world, "I4", row->key, "attempt %u is started while %u is at it", attempt,
                   worker->attempt);
    oracle_start(world, job, row);
    job->worked = attempt;
}

void oracle_effect(struct world *world, const struct effect *effect)
{
    if (effect->kind == EFFECT_REPLY) {
        oracle_reply_check(world, &effect->reply);
        return;
    }
    if (effect->kind == EFFECT_TENANT || effect->kind == EFFECT_API_KEY ||
        effect->kind == EFFECT_BUDGET || effect->kind == EFFECT_UNWELL)
        return;
    if (effect->kind == EFFECT_REMOVE_FILES || effect->kind == EFFECT_REMOVE_UPLOAD) {
        files_check_effect(world, effect);
        return;
    }
    if (effect->kind == EFFECT_HOOK) {
        oracle_hook_effect(world, effect->hook.job, effect->hook.number);
        return;
    }
    const struct job *row = ram_find_job(world->ram, effect->on.job->key);
    struct ledger_job *job = ledger_find_job(&world->ledger, effect->on.job->key);
    bool is_deleted = job && job->is_deleted && job->deleted_turn == world->turn_number;
    if (!row && is_deleted &&
        (effect->kind == EFFECT_DROP || effect->kind == EFFECT_PUBLISH ||
         effect->kind == EFFECT_STOP))
        return; /* it ended and went in one turn */
    if (!row || !job || !job->is_known) {
        world_fail(world, "I21", effect->on.job->key, "an effect for a job that is not durable");
        return;
    }
    switch (effect->kind) {
    case EFFECT_WORK:
        check_work(world, row, effect->on.attempt);
        break;
    case EFFECT_KEEP:
        if (!job->worker || job->worker->attempt != effect->on.attempt || !job->worker->ended)
            world_fail(world, "P5", row->key, "files are kept that nobody made");
        break;
    case EFFECT_DROP:
        if (!state_is_terminal(row->state))
            world_fail(world, "I19", row->key, "its files are dropped while it is %s",
                       state_name(row->state));
        break;
    case EFFECT_PUBLISH:
        if (row->version != effect->on.job->version || row->state != effect->on.job->state)
            world_fail(world, "I21", row->key, "%s is published, the row says %s",
                       state_name(effect->on.job->state), state_name(row->state));
        break;
    case EFFECT_STOP:
        if (row->attempt.number != effect->on.attempt)
            world_fail(world, "I5", row->key, "attempt %u is stopped; the row says %u",
                       effect->on.attempt, row->attempt.number);
        break;
    case EFFECT_SUBMIT:
    case EFFECT_POLL:
    case EFFECT_FIND:
    case EFFECT_CANCEL:
    case EFFECT_FETCH:
    case EFFECT_STREAM:
        oracle_vendor_effect(world, effect, job, row);
        break;
    case EFFECT_REPLY:
    case EFFECT_API_KEY:
    case EFFECT_TENANT:
    case EFFECT_REMOVE_FILES:
    case EFFECT_REMOVE_UPLOAD:
    case EFFECT_HOOK:
    case EFFECT_BUDGET:
    case EFFECT_UNWELL:
        break;
    }
}
