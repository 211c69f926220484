#include "app/turn.h"

#include "base/memory.h"

#include <assert.h>

void turn_init(struct turn *turn, struct core *core, struct store *store)
{
    *turn = (struct turn){.core = core, .store = store};
    output_init(&turn->output);
    arena_init(&turn->bodies);
}

void turn_done(struct turn *turn)
{
    output_done(&turn->output);
    arena_done(&turn->bodies);
}

ms_t turn_time(struct turn *turn, ms_t wall, ms_t monotonic)
{
    ms_t steady = turn->steady_at + (monotonic - turn->steady_monotonic);
    if (turn->steady_at == 0 || steady < core_now(turn->core))
        steady = core_now(turn->core);
    turn->steady_at = wall > steady ? wall : steady;
    turn->steady_monotonic = monotonic;
    return turn->steady_at;
}

static enum store_result load(struct turn *turn, const struct need *need)
{
    struct job *job = NULL;
    struct key_row row;
    struct upload upload;
    int64_t bytes = 0, count = 0;
    char id[ID_SIZE] = "";
    struct delivery delivery;
    struct hook_secret secret;
    enum store_result result = STORE_BROKEN;
    switch (need->kind) {
    case NEED_JOB:
        result = store_load_job(turn->store, need->job, &job);
        break;
    case NEED_TWIN:
        result = store_load_twin(turn->store, need, &job);
        break;
    case NEED_KEY:
        result = store_load_key(turn->store, need, &row);
        if (result == STORE_OK)
            core_give_key(turn->core, &row);
        break;
    case NEED_UPLOAD:
        result = store_load_upload(turn->store, need->upload, &upload);
        if (result == STORE_OK)
            core_give_upload(turn->core, &upload);
        break;
    case NEED_UPLOADS:
        result = store_load_uploads(turn->store, need->tenant, &bytes, &count);
        if (result == STORE_OK)
            core_give_uploads(turn->core, need->tenant, bytes, count);
        break;
    case NEED_USER:
        result = store_load_user(turn->store, need->source, id);
        if (result == STORE_OK)
            core_give_user(turn->core, need->source, id);
        break;
    case NEED_DELIVERY:
        result = store_load_delivery(turn->store, need, &delivery);
        if (result == STORE_OK)
            core_give_delivery(turn->core, &delivery);
        break;
    case NEED_SECRET:
        result = store_load_secret(turn->store, need, &secret);
        if (result == STORE_OK)
            core_give_secret(turn->core, &secret);
        break;
    }
    if (result == STORE_OK && need->kind == NEED_TWIN)
        core_give_twin(turn->core, job);
    else if (result == STORE_OK && need->kind == NEED_JOB)
        core_give_job(turn->core, job);
    return result == STORE_NONE ? STORE_OK : result;
}

/* Before each step, not once before all: an earlier step's rows are in the identity map by then,
 * and the core takes what is in memory for newer. */
static enum store_result load_all(struct turn *turn, const struct event *event)
{
    struct needs needs;
    core_needs(turn->core, event, &needs);
    for (unsigned n = 0; n < needs.count; n++) {
        enum store_result result = load(turn, &needs.list[n]);
        if (result != STORE_OK)
            return result;
    }
    return STORE_OK;
}

static void write_body(struct turn *turn, struct hook_insert *hook)
{
    struct buffer body;
    buffer_init(&body, TURN_BODY_MAX);
    if (turn->write_body)
        turn->write_body(turn->body_context, hook, &body);
    hook->body = SPAN("{}");
    if (body.size > 0 && !body.failed)
        hook->body = span_make(arena_copy(&turn->bodies, buffer_span(&body)), body.size);
    buffer_done(&body);
}

/* Of the deliveries among the changes that the store has not seen. */
static void write_bodies(struct turn *turn)
{
    for (size_t n = turn->applied; n < turn->output.changes.count; n++) {
        struct change *change = &turn->output.changes.list[n];
        if (change->kind == CHANGE_HOOK && change->hook.kind == HOOK_INSERT &&
            change->hook.insert.body.size == 0)
            write_body(turn, &change->hook.insert);
    }
}

/* The list of changes grows over the whole turn, so that all of it can be applied again; the store
 * gets the part that it has not seen. */
static enum store_result flush(struct turn *turn)
{
    core_flush(turn->core, &turn->output);
    write_bodies(turn);
    struct changes rest = turn->output.changes;
    rest.list += turn->applied;
    rest.count -= turn->applied;
    turn->applied += rest.count;
    return rest.count ? store_apply(turn->store, &rest) : STORE_OK;
}

static enum store_result settle(struct turn *turn, uint64_t disk_free)
{
    enum store_result result = flush(turn);
    struct want want;
    while (result == STORE_OK && core_want(turn->core, &want)) {
        struct event event = {.kind = EVENT_GOT, .now = turn->now, .disk_free = disk_free};
        result = store_get(turn->store, &want, &event.got);
        if (result != STORE_OK)
            return result;
        core_step(turn->core, &event, &turn->output);
        result = flush(turn);
    }
    return result;
}

/* Most answers to polls change no row, so there is nothing to make durable and the disk is spared;
 * but the core's time, which must not fall over a restart, is written now and then. */
static enum store_result commit(struct turn *turn)
{
    ms_t now = core_now(turn->core);
    if (turn->output.changes.count == 0 && now - turn->committed_at < TURN_SPARED_MS) {
        store_rollback(turn->store);
        return STORE_OK;
    }
    enum store_result result = store_commit(turn->store, now);
    if (result != STORE_OK)
        return result;
    turn->number++;
    turn->committed_at = now;
    return STORE_OK;
}

static enum store_result step_all(struct turn *turn, struct event *const *events, size_t count,
                                  uint64_t disk_free)
{
    if (core_wake_at(turn->core) <= turn->now) {
        const struct event due = {.kind = EVENT_DUE, .now = turn->now, .disk_free = disk_free};
        core_step(turn->core, &due, &turn->output);
    }
    for (size_t n = 0; n < count; n++) {
        events[n]->now = turn->now;
        events[n]->steady = turn->steady_monotonic;
        events[n]->disk_free = disk_free;
        if (load_all(turn, events[n]) != STORE_OK)
            return STORE_BROKEN; /* reads of our own transaction do not fail for want of space */
        core_step(turn->core, events[n], &turn->output);
    }
    turn->stepped = true;
    return STORE_OK;
}

/* Once the core has stepped, what the steps changed is all in the list: however often the store
 * refuses, the same turn is applied again, at the same time. */
static enum store_result apply_again(struct turn *turn)
{
    write_bodies(turn);
    turn->applied = turn->output.changes.count;
    return store_apply(turn->store, &turn->output.changes);
}

enum store_result turn_run(struct turn *turn, struct event *const *events, size_t count, ms_t now,
                           uint64_t disk_free)
{
    assert(count <= TURN_EVENTS_MAX);
    enum store_result result = store_begin(turn->store);
    if (result != STORE_OK)
        return result;
    if (turn->stepped) {
        result = apply_again(turn);
    } else {
        turn->now = now > core_now(turn->core) ? now : core_now(turn->core);
        result = step_all(turn, events, count, disk_free);
    }
    if (result == STORE_OK)
        result = settle(turn, disk_free);
    return result == STORE_OK ? commit(turn) : result;
}

void turn_end(struct turn *turn)
{
    output_clear_changes(&turn->output);
    output_clear_effects(&turn->output);
    turn->applied = 0;
    turn->stepped = false;
    arena_clear(&turn->bodies);
    core_end_turn(turn->core);
}

/* Rows in flight are few: the limits say how many. */
struct recovered {
    struct turn *turn;
    struct event *events;
    size_t count, capacity;
};

static void take_meta(void *context, int64_t turn, ms_t now, int64_t last_key, ms_t next_due)
{
    struct recovered *recovered = context;
    (void)turn;
    /* Turns that were spared may have been later, up to TURN_SPARED_MS: but nothing that they saw
     * was written or told, and time that was run ahead at each start would add up. */
    core_set_now(recovered->turn->core, now);
    core_set_last_key(recovered->turn->core, last_key);
    core_set_next_due(recovered->turn->core, next_due);
}

static void take_pace(void *context, const struct pace *pace)
{
    struct recovered *recovered = context;
    core_set_pace(recovered->turn->core, pace);
}

static void take_bucket(void *context, const struct bucket_change *totals, ms_t head_at)
{
    struct recovered *recovered = context;
    core_set_bucket(recovered->turn->core, totals, head_at);
}

static void take_job(void *context, struct job *job)
{
    struct recovered *recovered = context;
    if (recovered->count == recovered->capacity) {
        recovered->capacity = recovered->capacity ? recovered->capacity * 2 : 64;
        recovered->events =
            memory_grow(recovered->events, recovered->capacity * sizeof *recovered->events);
    }
    recovered->events[recovered->count++] =
        (struct event){.kind = EVENT_RECOVERED, .recovered = job};
}

static void take_tenant(void *context, const struct tenant_row *row)
{
    struct recovered *recovered = context;
    core_set_tenant(recovered->turn->core, row);
}

static void take_waiting(void *context, const char *tenant, int64_t count)
{
    struct recovered *recovered = context;
    core_set_waiting(recovered->turn->core, tenant, count);
}

static void take_key(void *context, const struct api_key_row *row)
{
    struct recovered *recovered = context;
    core_set_key(recovered->turn->core, row);
}

static void take_pause(void *context, const struct pause_row *row)
{
    struct recovered *recovered = context;
    core_set_pause(recovered->turn->core, row);
}

static void take_spend(void *context, const struct spend_row *row)
{
    struct recovered *recovered = context;
    core_set_spend(recovered->turn->core, row);
}

static enum store_result start(struct turn *turn, ms_t now)
{
    struct recovered recovered = {.turn = turn};
    const struct store_sink sink = {.context = &recovered,
                                    .meta = take_meta,
                                    .pace = take_pace,
                                    .bucket = take_bucket,
                                    .job = take_job,
                                    .tenant = take_tenant,
                                    .waiting = take_waiting,
                                    .key = take_key,
                                    .pause = take_pause,
                                    .spend = take_spend};
    enum store_result result = store_start(turn->store, &sink);
    core_set_done(turn->core);
    turn->now = now > core_now(turn->core) ? now : core_now(turn->core);
    /* How late it is, before anything: also where nothing was in flight. */
    const struct event due = {.kind = EVENT_DUE, .now = turn->now, .disk_free = UINT64_MAX};
    if (result == STORE_OK)
        core_step(turn->core, &due, &turn->output);
    for (size_t n = 0; n < recovered.count; n++) {
        if (result != STORE_OK) {
            job_free(recovered.events[n].recovered);
            continue;
        }
        recovered.events[n].now = turn->now;
        recovered.events[n].disk_free = UINT64_MAX;
        core_step(turn->core, &recovered.events[n], &turn->output);
    }
    turn->stepped = result == STORE_OK;
    memory_free(recovered.events);
    return result;
}

enum store_result turn_recover(struct turn *turn, ms_t now)
{
    enum store_result result = turn->stepped ? STORE_OK : start(turn, now);
    if (result == STORE_OK)
        result = store_begin(turn->store);
    if (result == STORE_OK)
        result = apply_again(turn);
    if (result == STORE_OK)
        result = settle(turn, UINT64_MAX);
    return result == STORE_OK ? commit(turn) : result;
}
