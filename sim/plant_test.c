/* The test of the simulator: with each planted mistake some seed must fail, and with none no seed
 * may. A mistake may also trip an assertion of the core or break a rule of the store: each seed
 * lives in a process of its own. */
#include "world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PLANT_TEST_SEEDS = 500, /* until the mistake is seen */
    PLANT_TEST_NONE = 40,   /* … and without one */
    PLANT_TEST_JOBS = 150,
    PLANT_TEST_BROKEN = 10
};

static void live(enum plant plant, uint64_t seed)
{
    /* What the store and assertions say of a planted mistake is noise here. */
    if (plant != PLANT_NONE && !freopen("/dev/null", "w", stderr))
        _exit(1);
    struct world *world = world_make(seed, PLANT_TEST_JOBS, SWARM_ALL, plant, NULL);
    bool is_well = world_run(world);
    if (!is_well) {
        (void)printf("%s: seed %llu: %s, %s\n", plant_name(plant), (unsigned long long)seed,
                     world->failure.invariant, world->failure.sentence);
        (void)fflush(stdout);
    }
    world_free(world);
    _exit(is_well ? 0 : PLANT_TEST_BROKEN);
}

/* True when the seed ended as if nothing were wrong. */
static bool is_well(enum plant plant, uint64_t seed)
{
    (void)fflush(stdout);
    pid_t child = fork();
    assert(child >= 0);
    if (child == 0)
        live(plant, seed);
    int status;
    pid_t ended = waitpid(child, &status, 0);
    assert(ended == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != PLANT_TEST_BROKEN)
        (void)printf("%s: seed %llu: an assertion failed\n", plant_name(plant),
                     (unsigned long long)seed);
    return false;
}

int main(void)
{
    unsigned missed = 0;
    for (int plant = 0; plant < PLANT_COUNT; plant++) {
        uint64_t seed = 1, last = plant == PLANT_NONE ? PLANT_TEST_NONE : PLANT_TEST_SEEDS;
        while (seed <= last && is_well((enum plant)plant, seed))
            seed++;
        bool is_caught = seed <= last;
        if (is_caught == (plant == PLANT_NONE)) {
            (void)printf("%s: %s\n", plant_name((enum plant)plant),
                         is_caught ? "FAILED without a mistake" : "NOT CAUGHT");
            missed++;
        }
    }
    return missed ? 1 : 0;
}
