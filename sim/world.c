#include "world.h"

#include "base/memory.h"
#include "client.h"
#include "corner.h"
#include "disturb.h"
#include "files.h"
#include "operator.h"
#include "oracle.h"
#include "receiver.h"
#include "vendor.h"
#include "vendor_stream.h"
#include "wire.h"
#include "wire_book.h"
#include "worker.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    WORLD_TURNS_A_JOB = 400,
    WORLD_CRASH_ONE_IN = 8,
    WORLD_CLOSES_MS = 5000, /* from being asked to end to the end */
    WORLD_AUDIT_EVERY = 512,
    WORLD_CHECK_EVERY = 4
};

bool world_has(const struct world *world, enum swarm_fault fault)
{
    return !world->is_calm && world->swarm.rates[fault] > 0;
}

bool world_strikes(struct world *world, enum swarm_fault fault)
{
    if (world->corner)
        return corner_strikes(world->corner, fault);
    /* A gateway that dies all the time never gets anything done. */
    bool is_crash = fault == SWARM_CRASH || fault == SWARM_CRASH_EFFECTS ||
                    fault == SWARM_STORE_DOUBT || fault == SWARM_CLOSING;
    if (is_crash &&
        (world->crashes > world->swarm.jobs / 8 || rng_below(&world->rng, WORLD_CRASH_ONE_IN) != 0))
        return false;
    return world_has(world, fault) && rng_unit(&world->rng) < world->swarm.rates[fault];
}

ms_t world_about(struct world *world, ms_t mean)
{
    double u = rng_unit(&world->rng);
    return (ms_t)((double)mean * -log(1 - u));
}

struct item *world_plan(struct world *world, enum item_kind kind, ms_t delay)
{
    struct item *item = world->free_items;
    if (item)
        world->free_items = item->next_free;
    else
        item = arena_new(&world->arena, struct item);
    *item = (struct item){.kind = kind};
    item->node.tie = ++world->items_made;
    heap_set(&world->agenda, &item->node, world->time + delay);
    return item;
}

struct event *world_event(struct world *world, enum event_kind kind)
{
    assert(world->batch_count < WORLD_BATCH_MAX);
    struct event *event = world->batch[world->batch_count++];
    switch (kind) {
    case EVENT_ASKED:
        memset(&event->asked, 0, sizeof event->asked);
        break;
    case EVENT_WORKED:
        memset(&event->worked, 0, offsetof(struct worked, outputs));
        event->worked.output_count = 0;
        event->worked.warnings = event->worked.words = (struct span){NULL, 0};
        event->worked.error = ERROR_NONE;
        event->worked.text = NULL;
        event->worked.again = false;
        break;
    case EVENT_TOLD:
    case EVENT_HINTED:
    case EVENT_STREAMED:
    case EVENT_RESOLVE_ASKED:
    case EVENT_VENDOR_ASKED:
    case EVENT_CLOSING:
    case EVENT_CANCEL_ASKED:
    case EVENT_CHANGE_ASKED:
    case EVENT_API_KEY_ASKED:
    case EVENT_TENANT_ASKED:
    case EVENT_UPLOADED:
    case EVENT_REMOVE_ASKED:
    case EVENT_GOT:
    case EVENT_RECOVERED:
    case EVENT_DUE:
    case EVENT_HOOKED:
    case EVENT_HOOK_ASKED:
    case EVENT_SECRET_ASKED:
        break;
    }
    event->kind = kind;
    return event;
}

void world_fail(struct world *world, const char *invariant, int64_t job, const char *format, ...)
{
    if (world->failure.invariant)
        return;
    world->failure.invariant = invariant;
    world->failure.job = job;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(world->failure.sentence, sizeof world->failure.sentence, format, list);
    va_end(list);
}

ms_t world_wall(const struct world *world)
{
    return world->frozen ? world->frozen : WORLD_EPOCH + world->time + world->offset;
}

/* ---------------------------------------------------------------- the end of a turn */

static void mix(struct world *world, uint64_t value)
{
    world->unseed = (world->unseed ^ value) * UINT64_C(0x100000001B3);
}

static void mix_effect(struct world *world, const struct effect *effect)
{
    mix(world, effect->kind);
    if (effect->kind == EFFECT_REPLY) {
        mix(world, effect->reply.token);
        mix(world, effect->reply.error);
        mix(world, effect->reply.job_count ? (uint64_t)effect->reply.jobs[0] : 0);
        mix(world, effect->reply.receipt);
        return;
    }
    if (effect->kind == EFFECT_TENANT || effect->kind == EFFECT_API_KEY ||
        effect->kind == EFFECT_BUDGET || effect->kind == EFFECT_UNWELL)
        return;
    if (effect->kind == EFFECT_REMOVE_UPLOAD) {
        mix(world, span_hash(span_of(effect->upload)));
        return;
    }
    if (effect->kind == EFFECT_HOOK) {
        mix(world, (uint64_t)effect->hook.job);
        mix(world, effect->hook.number << 8 | effect->hook.tries);
        return;
    }
    mix(world, (uint64_t)effect->on.job->key);
    mix(world, (uint64_t)effect->on.job->version << 8 | effect->on.attempt);
    mix(world, effect->on.job->state);
}

void world_effect(struct world *world, const struct effect *effect)
{
    mix_effect(world, effect);
    journal_effect(world->journal, effect);
    oracle_effect(world, effect);
    if (world->failure.invariant)
        return;
    switch (effect->kind) {
    case EFFECT_REPLY:
        client_reply(world, &effect->reply);
        break;
    case EFFECT_WORK:
        worker_start(world, effect->on.job, effect->on.attempt);
        break;
    case EFFECT_STOP:
        worker_stop(world, effect->on.job, effect->on.attempt);
        break;
    case EFFECT_KEEP:
        worker_keep(world, effect->on.job, effect->on.attempt);
        break;
    case EFFECT_REMOVE_FILES:
    case EFFECT_REMOVE_UPLOAD:
        files_effect(world, effect);
        break;
    case EFFECT_HOOK:
        receiver_try(world, effect->hook.job, effect->hook.number);
        break;
    case EFFECT_SUBMIT:
    case EFFECT_POLL:
    case EFFECT_FIND:
    case EFFECT_CANCEL:
    case EFFECT_FETCH:
        vendor_effect(world, effect);
        break;
    case EFFECT_STREAM:
        vendor_stream_follow(world, effect);
        break;
    case EFFECT_DROP:
    case EFFECT_PUBLISH:
    case EFFECT_API_KEY:
    case EFFECT_TENANT:
    case EFFECT_BUDGET:
    case EFFECT_UNWELL:
        break;
    }
}

/* False when the process died amid the effects. */
static bool run_effects(struct world *world)
{
    struct effects *effects = &world->turn.output.effects;
    size_t count = effects->count;
    bool dies = world_strikes(world, SWARM_CRASH_EFFECTS);
    if (dies)
        count = (size_t)rng_below(&world->rng, count + 1);
    for (size_t n = 0; n < count && !world->failure.invariant; n++) {
        if (plant_effect(world, &effects->list[n]))
            world_effect(world, &effects->list[n]);
    }
    return !dies;
}

/* What follows a clean commit; false when the process died. */
static bool finish_turn(struct world *world)
{
    world->now = core_now(world->core);
    oracle_turn(world);
    journal_changes(world->journal, &world->turn.output.changes);
    if (world->failure.invariant)
        return true;
    if (!run_effects(world)) {
        journal_note(world->journal, "died amid the effects");
        return false;
    }
    turn_end(&world->turn);
    oracle_breaker_rest(world);
    if (world->turns % WORLD_CHECK_EVERY == 0)
        core_check(world->core);
    oracle_rest(world);
    world->turns++;
    if (world->turns % WORLD_AUDIT_EVERY == 0)
        oracle_audit(world);
    world->last_now = world->now;
    return true;
}

/* ---------------------------------------------------------------- life and death of the gateway */

static void drop_core(struct world *world)
{
    turn_done(&world->turn);
    core_free(world->core);
    world->core = NULL;
    receiver_lost(world);
}

/* Those that did not strike: nothing was loaded, or there was nothing to commit. */
static void forget_faults(struct world *world)
{
    for (int call = 0; call < RAM_CALL_COUNT; call++)
        ram_fail_next(world->ram, (enum ram_call)call, STORE_OK);
}

/* One start; false when it died at it. */
static bool start(struct world *world, bool may_die)
{
    static const enum ram_call calls[] = {RAM_BEGIN, RAM_APPLY, RAM_COMMIT, RAM_COMMIT_KEPT};
    if (world_strikes(world, SWARM_NEW_LIMITS)) {
        swarm_draw_limits(&world->swarm, &world->rng);
        swarm_draw_hooks(&world->swarm, &world->rng);
    }
    world->swarm.config.seed = rng_next(&world->rng);
    struct core_config config = world->swarm.config;
    plant_limits(world, &config);
    world->core = core_make(&config);
    turn_init(&world->turn, world->core, world->store);
    world->turn.write_body = receiver_write_body;
    world->turn.body_context = world;
    world->process++;
    memset(world->passes, 0, sizeof world->passes);
    bool dies = may_die && world_strikes(world, SWARM_CRASH_AGAIN);
    world->is_doubtful = dies;
    if (dies)
        ram_fail_next(world->ram, calls[rng_below(&world->rng, 4)], STORE_BROKEN);
    else if (world_strikes(world, SWARM_STORE_BUSY))
        ram_fail_next(world->ram, RAM_BEGIN, STORE_BUSY);
    journal_note(world->journal, "started");
    enum store_result result;
    while ((result = turn_recover(&world->turn, world_wall(world))) == STORE_BUSY)
        world->time += 100;
    if (result != STORE_OK) {
        journal_note(world->journal, "died while starting");
        /* A doubtful commit of the start may have been kept. */
        oracle_recount(world);
        return false;
    }
    forget_faults(world);
    return finish_turn(world);
}

static void boot(struct world *world)
{
    for (int nested = 0; !world->failure.invariant; nested++) {
        files_sweep(world);
        oracle_boot(world);
        if (world->failure.invariant || start(world, nested < WORLD_NESTED_MAX))
            return;
        drop_core(world);
        ram_crash(world->ram);
        world->crashes++;
    }
}

/* Whether what was told in this turn was kept, nobody knows. */
static void doubt_words(struct world *world)
{
    for (size_t n = 0; n < world->ledger.entry_count; n++) {
        struct ledger_entry *entry = world->ledger.entries[n];
        if (!entry->said_end || entry->said_turn != world->turn_number)
            continue;
        entry->said_end = false;
        entry->maybe_said = true;
    }
}

static void die(struct world *world, const char *why)
{
    journal_note(world->journal, why);
    doubt_words(world);
    world->closes_at = 0;
    world->is_closing = false;
    drop_core(world);
    ram_crash(world->ram);
    world->crashes++;
    for (size_t n = 0; n < world->ledger.request_count; n++)
        client_lost(world, world->ledger.requests[n]);
    world->batch_count = 0;
    boot(world);
}

/* ---------------------------------------------------------------- one turn */

static void take_item(struct world *world, struct item *item)
{
    switch (item->kind) {
    case ITEM_CLIENT:
        client_act(world);
        break;
    case ITEM_SEND:
        client_send(world, item->request);
        break;
    case ITEM_WORD:
        worker_say(world, item);
        break;
    case ITEM_DISK:
        world->disk_free = UINT64_MAX;
        break;
    case ITEM_CLOCK:
        world->frozen = 0;
        break;
    case ITEM_HOOKED:
        receiver_say(world, item);
        break;
    case ITEM_ARRIVE:
        vendor_arrive(world, item);
        break;
    case ITEM_TOLD:
        vendor_say(world, item);
        break;
    case ITEM_HINT:
        vendor_hint(world, item);
        break;
    case ITEM_STREAM:
        vendor_stream_say(world, item);
        break;
    }
    item->next_free = world->free_items;
    world->free_items = item;
}

static void gather(struct world *world)
{
    struct heap_node *node;
    world->batch_count = 0;
    wire_turn(world);
    while (world->batch_count < world->swarm.batch && (node = heap_first(&world->agenda)) &&
           node->at <= world->time) {
        heap_remove(&world->agenda, node);
        take_item(world, HEAP_OWNER(node, struct item, node));
    }
}

/* Until it is committed; false when the process must be left. */
static bool run_turn(struct world *world)
{
    unsigned count = plant_before_turn(world);
    for (unsigned tries = 0;; tries++) {
        if (tries < 5)
            disturb_store(world);
        enum store_result result =
            turn_run(&world->turn, world->batch, count,
                     turn_time(&world->turn, world_wall(world), world->time), world->disk_free);
        if (result == STORE_OK) {
            world->is_doubtful = false;
            forget_faults(world);
            return true;
        }
        if (result != STORE_FULL && result != STORE_BUSY) {
            journal_changes(world->journal, &world->turn.output.changes);
            if (!world->is_doubtful)
                world_fail(world, "I33", 0, "the store refuses the turn");
            return false;
        }
        world->time += 1 + (ms_t)rng_below(&world->rng, 200);
    }
}

/* As SIGHUP does, between two turns. */
static void change_limits(struct world *world)
{
    if (!world->is_calm)
        swarm_draw_limits(&world->swarm, &world->rng);
    struct core_config config = world->swarm.config;
    plant_limits(world, &config);
    core_configure(world->core, &config);
    journal_note(world->journal, "the limits are others");
}

static void pass(struct world *world)
{
    if (!world->is_calm) {
        disturb_clock(world);
        disturb_disk(world);
    }
    if (world->corner)
        corner_pass(world);
    gather(world);
    if (!world->is_calm && world_strikes(world, SWARM_NEW_LIMITS))
        change_limits(world);
    if (world_strikes(world, SWARM_CRASH)) {
        die(world, "died before a turn");
        return;
    }
    if (world->closes_at && world->time >= world->closes_at) {
        die(world, "ended, as it was asked");
        return;
    }
    if (!world->closes_at && world->batch_count < WORLD_BATCH_MAX &&
        world_strikes(world, SWARM_CLOSING)) {
        (void)world_event(world, EVENT_CLOSING);
        world->closes_at = world->time + world_about(world, WORLD_CLOSES_MS);
    }
    world->events_seen += world->batch_count;
    journal_turn(world->journal, world->time, world->batch, world->batch_count);
    oracle_before(world);
    if (!run_turn(world)) {
        if (world->failure.invariant)
            return;
        /* What was in doubt is told by the rows. */
        oracle_recount(world);
        die(world, "left, for the store is broken");
        return;
    }
    bool heard = world->closes_at;
    if (finish_turn(world))
        world->is_closing = heard;
    else
        die(world, "died");
}

/* ---------------------------------------------------------------- the whole life */

/* When something happens next, in virtual time. */
static ms_t next_time(struct world *world)
{
    const struct heap_node *node = heap_first(&world->agenda);
    ms_t next = node ? node->at : MS_NEVER, wake = core_wake_at(world->core);
    if (world->closes_at && world->closes_at < next)
        next = world->closes_at;
    if (wake == MS_NEVER)
        return next;
    ms_t left = wake - turn_time(&world->turn, world_wall(world), world->time);
    ms_t at = world->time + (left > 0 ? left : 0);
    return at < next ? at : next;
}

static void calm_down(struct world *world)
{
    world->is_calm = true;
    world->calm_at = world->time;
    size_t open = world->ledger.job_count - world->ledger.ended;
    /* A day, and the time of what waits, one after the other. */
    world->patience = WORLD_DAY_MS + (ms_t)open * 4 * (world->swarm.work + MS_SECOND);
    /* Vendors put off for hours, are followed for a day, and are asked now and then only. */
    if (world->swarm.vendor_count)
        world->patience += 2 * WORLD_DAY_MS + (ms_t)open * 20 * MS_MINUTE;
    vendor_calm(world);
    operator_calm(world);
    /* What waits for a budget would wait for the next month. */
    world->swarm.config.budget_count = 0;
    change_limits(world);
    world->frozen = 0;
    world->disk_free = UINT64_MAX;
    journal_note(world->journal, "faults are off");
}

static bool is_over(struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    return world->is_calm && world->agenda.size == 0 && store_hooks_pending(world->ram) == 0 &&
           ledger->ended == ledger->job_count && ledger->following == 0;
}

bool world_run(struct world *world)
{
    boot(world);
    world_plan(world, ITEM_CLIENT, 0);
    while (!world->failure.invariant && !is_over(world)) {
        bool is_late = world->calm_after && world->time >= world->calm_after;
        if (!world->is_calm && (is_late || client_is_done(world)))
            calm_down(world);
        ms_t next = next_time(world);
        if (next == MS_NEVER && world->is_calm) {
            oracle_stuck(world, "nothing will ever happen again");
            break;
        }
        if (world->turns > WORLD_TURNS_A_JOB * (uint64_t)(world->swarm.jobs + 100)) {
            oracle_stuck(world, "turn follows turn");
            break;
        }
        if (next == MS_NEVER)
            next = world->time;
        if (world->is_calm && next - world->calm_at > world->patience) {
            oracle_stuck(world, "a day after the faults ended");
            break;
        }
        world->time = next > world->time ? next : world->time;
        if (world->swarm.window)
            world->time += (ms_t)rng_below(&world->rng, (uint64_t)world->swarm.window);
        pass(world);
    }
    if (!world->failure.invariant)
        oracle_end(world);
    return !world->failure.invariant;
}

static void draw(struct world *world, const struct world_rule *rule)
{
    const struct swarm_mask nothing = {{false}};
    world->calm_after = rule->calm_after;
    swarm_draw(&world->swarm, rule->seed, rule->jobs, rule->corner ? &nothing : &rule->mask);
    if (rule->corner)
        corner_draw(rule->corner, &world->swarm);
    if (rule->book && rule->corner)
        wire_book_corner(rule->book, rule->corner->class, &world->swarm);
    else if (rule->book)
        wire_book_draw(rule->book, &world->swarm);
}

struct world *world_make(const struct world_rule *rule)
{
    struct world *world = memory_new(struct world);
    draw(world, rule);
    rng_init(&world->rng, rule->seed);
    ledger_init(&world->ledger, &world->swarm);
    heap_init(&world->agenda);
    arena_init(&world->arena);
    world->plant = rule->plant;
    world->book = rule->book;
    world->corner = rule->corner;
    wire_init(world);
    world->ram = ram_open();
    world->store = plant_store(world);
    world->disk_free = UINT64_MAX;
    world->unseed = UINT64_C(0xCBF29CE484222325);
    world->events = memory_make(WORLD_BATCH_MAX * sizeof *world->events);
    world->tolds = memory_make(WORLD_BATCH_MAX * sizeof *world->tolds);
    world->batch = memory_make(WORLD_BATCH_MAX * sizeof(struct event *));
    for (unsigned n = 0; n < WORLD_BATCH_MAX; n++)
        world->batch[n] = &world->events[n];
    return world;
}

void world_free(struct world *world)
{
    if (!world)
        return;
    if (world->core)
        drop_core(world);
    plant_close(world);
    wire_done(world);
    store_close(world->ram);
    heap_done(&world->agenda);
    arena_done(&world->arena);
    ledger_done(&world->ledger);
    memory_free(world->events);
    memory_free(world->batch);
    memory_free(world->tolds);
    memory_free(world->claimed);
    memory_free(world);
}
