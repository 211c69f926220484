/* The test of the simulator: with each planted mistake some seed must fail, and with none no seed
 * may. A mistake may also trip an assertion of the core or break a rule of the store: each seed
 * lives in a process of its own. */
#include "wire_book.h"
#include "world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PLANT_TEST_SECONDS = 60, /* until the mistake is seen */
    PLANT_TEST_NONE = 40,    /* seeds without one */
    PLANT_TEST_JOBS = 150,
    PLANT_TEST_BROKEN = 10
};

static struct wire_book *book;

static void live(enum plant plant, uint64_t seed)
{
    /* What the store and assertions say of a planted mistake is noise here. */
    if (plant != PLANT_NONE && !freopen("/dev/null", "w", stderr))
        _exit(1);
    const struct world_rule rule = {.seed = seed,
                                    .jobs = PLANT_TEST_JOBS,
                                    .mask = swarm_all(),
                                    .plant = plant,
                                    .book = plant >= (enum plant)PLANT_FACE ? book : NULL};
    struct world *world = world_make(&rule);
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

static time_t now(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec;
}

/* Whether some seed sees it in time. */
static bool is_caught(enum plant plant)
{
    time_t began = now();
    uint64_t seed = 1;
    while (plant == PLANT_NONE ? seed <= PLANT_TEST_NONE : now() - began < PLANT_TEST_SECONDS) {
        if (!is_well(plant, seed++))
            return true;
    }
    return false;
}

int main(void)
{
    char fault[CATALOG_FAULT_SIZE];
    unsigned missed = 0;
    book = wire_book_make(fault);
    assert(book);
    for (int plant = 0; plant < PLANT_COUNT; plant++) {
        bool caught = is_caught((enum plant)plant);
        if (caught == (plant == PLANT_NONE)) {
            (void)printf("%s: %s\n", plant_name((enum plant)plant),
                         caught ? "FAILED without a mistake" : "NOT CAUGHT");
            missed++;
        }
    }
    wire_book_free(book);
    return missed ? 1 : 0;
}
