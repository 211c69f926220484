#include "receiver.h"

enum { RECEIVER_TIMEOUT_MS = 20000, RECEIVER_AFTER_MAX_MS = 300000 };

int64_t receiver_lane(unsigned tenant, unsigned receiver)
{
    return 1 + (int64_t)tenant * SWARM_RECEIVERS_MAX + receiver;
}

void receiver_write_body(void *context, const struct hook_insert *hook, struct buffer *target)
{
    struct world *world = context;
    buffer_print(target, "%lld %u %s %s v%lld w%u", (long long)hook->row.job, hook->row.number,
                 notify_event_name(hook->row.event), state_name(hook->job->state),
                 (long long)hook->job->version, world->bodies_written++);
}

/* How the try goes, drawn when it is made. */
static enum hooked_kind draw(struct world *world, struct ledger_hook *hook, struct item *item)
{
    ms_t *down_until = &world->down_until[hook->lane];
    if (world_strikes(world, SWARM_HOOK_DOWN))
        *down_until = world->time + world_about(world, 10 * MS_MINUTE);
    if (!world->is_calm && *down_until > world->time) {
        item->status = 0;
        return HOOKED_FAILED;
    }
    if (world_strikes(world, SWARM_HOOK_UNSENT))
        return HOOKED_UNSENT;
    hook->arrived++;
    if (world_strikes(world, SWARM_HOOK_REFUSE)) {
        item->status = 500;
        if (rng_below(&world->rng, 3) == 0)
            item->retry_after = (ms_t)rng_below(&world->rng, RECEIVER_AFTER_MAX_MS);
        return HOOKED_FAILED;
    }
    if (world_strikes(world, SWARM_HOOK_GONE)) {
        item->status = 410;
        return HOOKED_GONE;
    }
    item->status = 200;
    return HOOKED_DELIVERED;
}

void receiver_try(struct world *world, int64_t job, unsigned number)
{
    struct ledger_hook *hook = ledger_find_hook(&world->ledger, job, number);
    bool is_slow = world_strikes(world, SWARM_HOOK_SLOW);
    ms_t delay = world_about(world, is_slow ? RECEIVER_TIMEOUT_MS / 2 : 50);
    struct item *item =
        world_plan(world, ITEM_HOOKED, delay < RECEIVER_TIMEOUT_MS ? delay : RECEIVER_TIMEOUT_MS);
    item->hook = hook;
    item->process = world->process;
    item->hooked = draw(world, hook, item);
    hook->sent++;
    hook->flies = true;
    world->hooks_in_flight++;
    world->lane_in_flight[hook->lane]++;
}

void receiver_say(struct world *world, const struct item *item)
{
    struct ledger_hook *hook = item->hook;
    if (item->process != world->process)
        return; /* nobody is there to hear it */
    if (world->batch_count >= WORLD_BATCH_MAX) {
        struct item *later = world_plan(world, ITEM_HOOKED, 0);
        later->hook = hook;
        later->process = item->process;
        later->hooked = item->hooked;
        later->status = item->status;
        later->retry_after = item->retry_after;
        return;
    }
    hook->accepted += item->hooked == HOOKED_DELIVERED;
    hook->failures += item->hooked == HOOKED_FAILED;
    hook->gone += item->hooked == HOOKED_GONE;
    hook->flies = false;
    world->hooks_in_flight--;
    world->lane_in_flight[hook->lane]--;
    struct hooked *hooked = &world_event(world, EVENT_HOOKED)->hooked;
    *hooked = (struct hooked){.job = hook->name.job,
                              .number = (unsigned)hook->name.number,
                              .kind = item->hooked,
                              .status = item->status,
                              .took = 50,
                              .retry_after = item->retry_after,
                              .error = item->hooked == HOOKED_FAILED ? "It answered 500." : NULL};
}

void receiver_lost(struct world *world)
{
    for (size_t n = 0; n < world->ledger.hook_count; n++)
        world->ledger.hooks[n]->flies = false;
    world->hooks_in_flight = 0;
    for (unsigned lane = 0; lane < SWARM_LANES; lane++)
        world->lane_in_flight[lane] = 0;
}
