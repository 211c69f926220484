/* Webhooks: what is to be told is told at least once, with one id and one body, however often the
 * gateway dies; nobody is told of what is not durable; and limits hold. */
#include "oracle.h"

#include <string.h>

static bool has(const struct ledger_job *job, enum notify_event event)
{
    return job->submission->receiver && job->submission->hook_events & 1u << event;
}

/* A job that was deleted took its deliveries with it. */
static bool is_deleted(struct world *world, int64_t job)
{
    return ledger_job(&world->ledger, job)->is_deleted;
}

/* ---------------------------------------------------------------- after a turn */

static void take_insert(struct world *world, const struct hook_insert *insert)
{
    const struct delivery *row = &insert->row;
    const char *body = NULL;
    if (ledger_find_hook(&world->ledger, row->job, row->number)) {
        world_fail(world, "I23", row->job, "delivery %u is made twice", row->number);
        return;
    }
    if (!ram_find_delivery(world->ram, row->job, row->number, &body) &&
        !is_deleted(world, row->job)) {
        world_fail(world, "I13", row->job, "the commit lost delivery %u", row->number);
        return;
    }
    struct ledger_hook *hook = ledger_hook(&world->ledger, row->job, row->number);
    hook->lane = (unsigned)(row->lane - 1);
    hook->body_hash = span_hash(insert->body);
    hook->event = row->event;
    hook->state = DELIVERY_PENDING;
    hook->next_at = row->next_at;
    struct ledger_job *job = ledger_job(&world->ledger, row->job);
    job->hooked[row->event]++;
    if (row->number != ++job->hooks)
        world_fail(world, "I22", row->job, "delivery %u follows delivery %u", row->number,
                   job->hooks - 1);
}

static void take_update(struct world *world, const struct delivery *row)
{
    struct ledger_hook *hook = ledger_find_hook(&world->ledger, row->job, row->number);
    if (!hook) {
        world_fail(world, "I13", row->job, "delivery %u changes, and was never made", row->number);
        return;
    }
    if (row->state == DELIVERY_DELIVERED && !hook->accepted)
        world_fail(world, "P7", row->job, "delivery %u is said to have arrived", row->number);
    if (row->state == DELIVERY_FAILED && hook->failures < world->swarm.config.hook_tries)
        world_fail(world, "P7", row->job, "delivery %u was given up after %u failures", row->number,
                   hook->failures);
    if (row->state == DELIVERY_GONE && !hook->gone)
        world_fail(world, "P7", row->job, "nobody said that the receiver is gone");
    if (row->state == DELIVERY_GONE)
        ledger_job(&world->ledger, row->job)->hook_is_gone = true;
    if (row->state == DELIVERY_PENDING && row->tries == 0 && hook->state != DELIVERY_PENDING)
        hook->failures = 0; /* asked for again */
    hook->state = row->state;
    hook->next_at = row->next_at;
}

void oracle_hook_turn(struct world *world)
{
    const struct changes *changes = &world->turn.output.changes;
    for (size_t n = 0; n < changes->count && !world->failure.invariant; n++) {
        if (changes->list[n].kind != CHANGE_HOOK)
            continue;
        const struct hook_change *change = &changes->list[n].hook;
        if (change->kind == HOOK_INSERT)
            take_insert(world, &change->insert);
        else if (change->kind == HOOK_UPDATE)
            take_update(world, &change->delivery);
    }
}

/* A job's row was taken: its end and its start are told in the very commit. */
void oracle_hook_row(struct world *world, const struct ledger_job *job, const struct job *row)
{
    if (job->hook_is_gone)
        return;
    bool ended = state_is_terminal(row->state);
    if (has(job, NOTIFY_COMPLETED) && ended != (job->hooked[NOTIFY_COMPLETED] == 1))
        world_fail(world, "P7", row->key, "%s, and its end is told %u times",
                   state_name(row->state), job->hooked[NOTIFY_COMPLETED]);
    if (has(job, NOTIFY_STARTED) && (row->started_at > 0) != (job->hooked[NOTIFY_STARTED] == 1))
        world_fail(world, "P7", row->key, "its start is told %u times",
                   job->hooked[NOTIFY_STARTED]);
    if (!job->submission->receiver && job->hooks)
        world_fail(world, "P7", row->key, "nobody asked to be told");
}

/* ---------------------------------------------------------------- effects */

static void check_body(struct world *world, struct ledger_hook *hook, const struct delivery *row,
                       const char *body)
{
    const struct job *job = ram_find_job(world->ram, row->job);
    if (span_hash(span_of(body)) != hook->body_hash)
        world_fail(world, "I23", row->job, "delivery %u has another body", row->number);
    if (!job)
        world_fail(world, "I21", row->job, "a job is told of that is not durable");
    else if (row->event == NOTIFY_COMPLETED &&
             (!state_is_terminal(job->state) || !strstr(body, state_name(job->state))))
        world_fail(world, "I24", row->job, "it is %s, and the receiver is told \"%s\"",
                   state_name(job->state), body);
}

void oracle_hook_effect(struct world *world, int64_t job, unsigned number)
{
    const struct core_config *config = &world->swarm.config;
    const char *body = NULL;
    const struct delivery *row = ram_find_delivery(world->ram, job, number, &body);
    struct ledger_hook *hook = ledger_find_hook(&world->ledger, job, number);
    if (!row && is_deleted(world, job))
        return; /* within the turn that would have sent it first */
    if (!row || !hook) {
        world_fail(world, "I21", job, "delivery %u is sent and is not durable", number);
        return;
    }
    if (row->state != hook->state || row->next_at != hook->next_at)
        world_fail(world, "I13", job, "the commit lost how delivery %u went", number);
    if (row->state != DELIVERY_PENDING || row->next_at > world->now)
        world_fail(world, "I23", job, "delivery %u is sent while it is %s", number,
                   notify_state_name(row->state));
    if (hook->flies)
        world_fail(world, "I23", job, "delivery %u is sent while it is being sent", number);
    if (world->hooks_in_flight >= config->hooks_max)
        world_fail(world, "I33", job, "%u deliveries are in flight", world->hooks_in_flight);
    if (world->lane_in_flight[hook->lane] >= config->hooks_lane_max)
        world_fail(world, "I33", job, "%u deliveries to one receiver are in flight",
                   world->lane_in_flight[hook->lane]);
    check_body(world, hook, row, body);
}

/* ---------------------------------------------------------------- now and then */

/* What is due flies, or something stands in its way; and its lane's row would find it, now or when
 * it is due. */
void oracle_hook_audit(struct world *world)
{
    const struct core_config *config = &world->swarm.config;
    struct core_gauges gauges;
    core_gauges(world->core, &gauges);
    int64_t pending = 0;
    const char *body;
    const struct delivery *row = NULL;
    while ((row = ram_next_delivery(world->ram, row, &body)) && !world->failure.invariant) {
        const struct ledger_hook *hook = ledger_find_hook(&world->ledger, row->job, row->number);
        if (!hook || hook->state != row->state) {
            world_fail(world, "I13", row->job, "delivery %u is not what was seen", row->number);
            return;
        }
        if (row->state != DELIVERY_PENDING)
            continue;
        pending++;
        ms_t lane_next = ram_lane_next(world->ram, row->lane);
        if (lane_next > row->next_at && lane_next > world->now)
            world_fail(world, "P7", row->job, "delivery %u is due before its lane", row->number);
        /* A lane that fails has one in flight, and all of those half of the room. */
        unsigned half = config->hooks_max > 1 ? config->hooks_max / 2 : 1;
        bool is_free = world->lane_in_flight[hook->lane] == 0 && world->hooks_in_flight < half;
        if (!hook->flies && row->next_at <= world->last_now && is_free)
            world_fail(world, "P8", row->job, "delivery %u is due, there is room, and it waits",
                       row->number);
    }
    if (pending != store_hooks_pending(world->ram) ||
        gauges.hooks_in_flight != world->hooks_in_flight)
        world_fail(world, "I25", 0, "%lld deliveries are counted, %u in flight; not %lld, %u",
                   (long long)store_hooks_pending(world->ram), gauges.hooks_in_flight,
                   (long long)pending, world->hooks_in_flight);
}

void oracle_hook_end(struct world *world)
{
    for (size_t n = 0; n < world->ledger.hook_count; n++) {
        const struct ledger_hook *hook = world->ledger.hooks[n];
        if (hook->state == DELIVERY_PENDING && !is_deleted(world, hook->name.job))
            world_fail(world, "P7", hook->name.job, "delivery %lld never ends",
                       (long long)hook->name.number);
        if (hook->state == DELIVERY_DELIVERED && !hook->arrived)
            world_fail(world, "P7", hook->name.job, "delivery %lld never arrived",
                       (long long)hook->name.number);
    }
}
