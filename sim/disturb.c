#include "disturb.h"

void disturb_clock(struct world *world)
{
    static const ms_t jumps[] = {MS_SECOND, MS_MINUTE, MS_HOUR, MS_DAY, 365 * MS_DAY};
    /* Jumps are rarer than the rate says, or nothing else would happen. */
    if (rng_below(&world->rng, 50) != 0)
        return;
    ms_t jump = 1 + (ms_t)rng_below(&world->rng, (uint64_t)jumps[rng_below(&world->rng, 5)]);
    if (world_strikes(world, SWARM_CLOCK_FORWARD))
        world->offset += jump;
    else if (world_strikes(world, SWARM_CLOCK_BACK) && world->offset - jump > -WORLD_EPOCH / 2)
        world->offset -= jump;
    else if (!world->frozen && world_strikes(world, SWARM_CLOCK_FREEZE)) {
        world->frozen = world_wall(world);
        world_plan(world, ITEM_CLOCK, world_about(world, 10 * MS_MINUTE));
    } else
        return;
    journal_note(world->journal, "somebody touched the wall clock");
}

void disturb_store(struct world *world)
{
    static const enum ram_call calls[] = {RAM_BEGIN, RAM_APPLY, RAM_GET, RAM_COMMIT};
    static const enum ram_call doubts[] = {RAM_COMMIT, RAM_COMMIT_KEPT, RAM_LOAD};
    if (world_strikes(world, SWARM_STORE_BUSY))
        ram_fail_next(world->ram, rng_below(&world->rng, 4) ? RAM_BEGIN : RAM_COMMIT, STORE_BUSY);
    if (world_strikes(world, SWARM_STORE_FULL))
        ram_fail_next(world->ram, calls[rng_below(&world->rng, 4)], STORE_FULL);
    if (world_strikes(world, SWARM_STORE_DOUBT)) {
        world->is_doubtful = true;
        ram_fail_next(world->ram, doubts[rng_below(&world->rng, 3)], STORE_BROKEN);
    }
}

void disturb_disk(struct world *world)
{
    if (world->disk_free < world->swarm.config.disk_reserve || !world_strikes(world, SWARM_DISK) ||
        rng_below(&world->rng, 20) != 0)
        return;
    world->disk_free = rng_below(&world->rng, world->swarm.config.disk_reserve);
    world_plan(world, ITEM_DISK, world_about(world, MS_MINUTE));
    journal_note(world->journal, "the disk is nearly full");
}
