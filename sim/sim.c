/* The simulator's command line: lives seeds, says how many lives that were, and shows the first
 * failure with its story. */
#include "corner.h"
#include "wire_book.h"
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIM_TWICE_IN = 20, SIM_STORY_LINES = 200 };
/* Statuses. Too slow may be the machine: whoever asks may run it again (tools/each). */
enum { SIM_UNABLE = 2, SIM_TOO_SLOW = 3, SIM_TOO_LITTLE = 4 };
#define SIM_LONGEST_MS (30 * MS_DAY) /* that faults last, in a world that is made smaller */

struct sim {
    uint64_t seeds, first, step;
    uint64_t lives_min, rate_min; /* a run of fewer, or of fewer a minute, has failed */
    struct swarm_mask mask;
    unsigned jobs;
    ms_t calm_after;
    enum plant plant;
    struct wire_book *book; /* adapters and dialects face to face; NULL: core alone */
    bool is_corner;         /* seeds are numbers of corners */
    bool chosen;            /* the mask: by the command line */
    bool verbose, whole;    /* whole: the story of all jobs, not only of the one that failed */
};

struct tally {
    uint64_t lives, turns, events, crashes, unseed;
};

static const struct sim *current_sim;
/* The world that is being lived, for the story of a failed assertion. */
static struct world *current;
/* The seed being lived, seen by the parent too. */
static volatile uint64_t *current_seed;

static void tell(const struct sim *sim, const struct world *world);

static void on_abort(int number)
{
    (void)number;
    /* The process is lost; what can still be said is worth a try. */
    if (current && current->journal) {
        current->failure = (struct failure){.invariant = "an assertion"};
        tell(current_sim, current);
        (void)fflush(stdout);
    }
    _exit(2);
}

static void tell(const struct sim *sim, const struct world *world)
{
    const struct failure *failure = &world->failure;
    const struct ledger_job *job = ledger_find_job(&world->ledger, failure->job);
    (void)printf("seed %llu (%u jobs): %s is broken: ", (unsigned long long)world->swarm.seed,
                 sim->jobs, failure->invariant);
    if (job)
        (void)printf("j%u: ", job->index);
    (void)printf("%s\n  at %+lld ms, turn %lld; ", failure->sentence, (long long)world->time,
                 (long long)world->turn_number);
    if (world->corner) {
        char text[CORNER_TEXT_SIZE];
        corner_describe(world->corner, text);
        (void)printf("%s", text);
    } else {
        (void)printf("faults:");
    }
    for (int fault = 0; fault < SWARM_FAULT_COUNT; fault++) {
        if (world->swarm.rates[fault] > 0)
            (void)printf(" %s", swarm_fault_name((enum swarm_fault)fault));
    }
    (void)printf("\n");
    if (world->journal)
        journal_print(world->journal, sim->whole ? 0 : failure->job,
                      failure->job ? SIM_STORY_LINES : SIM_STORY_LINES / 4, stdout);
}

/* True when nothing broke. */
static bool live(const struct sim *sim, uint64_t seed, bool with_story, struct tally *tally)
{
    struct corner corner = corner_make(sim->is_corner ? seed : 0, sim->book != NULL);
    const struct world_rule rule = {
        .seed = seed,
        .jobs = sim->jobs,
        .calm_after = sim->calm_after,
        .mask = sim->mask,
        .plant = sim->plant,
        .book = sim->book,
        .corner = sim->is_corner ? &corner : NULL,
    };
    struct world *world = world_make(&rule);
    current = world;
    *current_seed = seed;
    if (with_story)
        world->journal = journal_make(&world->ledger, WORLD_EPOCH);
    bool is_well = world_run(world);
    if (!is_well && with_story)
        tell(sim, world);
    if (tally) {
        tally->lives += world->ledger.job_count;
        tally->turns += world->turns;
        tally->events += world->events_seen;
        tally->crashes += world->crashes;
        tally->unseed = (tally->unseed ^ world->unseed) * UINT64_C(0x100000001B3);
    }
    struct journal *journal = world->journal;
    current = NULL;
    world_free(world);
    journal_free(journal);
    return is_well;
}

/* The same seed must live the same life (I40). */
static bool live_twice(const struct sim *sim, uint64_t seed)
{
    struct tally first = {0}, second = {0};
    (void)live(sim, seed, false, &first);
    (void)live(sim, seed, false, &second);
    if (first.unseed == second.unseed)
        return true;
    (void)printf("seed %llu: I40 is broken: two lives of it differ\n", (unsigned long long)seed);
    return false;
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The status of a run in which nothing went wrong. */
static int weigh(const struct sim *sim, const struct tally *tally, double took)
{
    double rate = (double)tally->lives / took * 60;
    if (tally->lives < sim->lives_min)
        (void)printf("%llu lives are too few; it should be %llu\n",
                     (unsigned long long)tally->lives, (unsigned long long)sim->lives_min);
    if (rate < (double)sim->rate_min)
        (void)printf("%.0f lives a minute are too few; it should be %llu\n", rate,
                     (unsigned long long)sim->rate_min);
    if (tally->lives < sim->lives_min)
        return SIM_TOO_LITTLE;
    return rate < (double)sim->rate_min ? SIM_TOO_SLOW : 0;
}

/* All seeds; in a child, for an assertion may end it. */
static int live_all(const struct sim *sim)
{
    struct tally tally = {0};
    double began = seconds();
    for (uint64_t n = 0; n < sim->seeds; n++) {
        uint64_t seed = sim->first + n * sim->step;
        uint64_t lives = tally.lives;
        if (!live(sim, seed, false, &tally) || (n % SIM_TWICE_IN == 0 && !live_twice(sim, seed)))
            return 1;
        if (sim->verbose)
            (void)printf("seed %llu: %llu lives\n", (unsigned long long)seed,
                         (unsigned long long)(tally.lives - lives));
    }
    double took = seconds() - began;
    (void)printf("%llu lives of %llu seeds in %.1f s: %.0f lives a minute, %llu turns, %llu "
                 "events, %llu crashes; unseed %016llx\n",
                 (unsigned long long)tally.lives, (unsigned long long)sim->seeds, took,
                 (double)tally.lives / took * 60, (unsigned long long)tally.turns,
                 (unsigned long long)tally.events, (unsigned long long)tally.crashes,
                 (unsigned long long)tally.unseed);
    return weigh(sim, &tally, took);
}

/* Whether one seed goes wrong; in a child, with its story or in silence. */
static bool fails(const struct sim *sim, uint64_t seed, bool with_story)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        bool is_silent = !with_story &&
                         (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr));
        struct tally tally = {0};
        bool is_well = live(sim, seed, with_story, &tally);
        (void)fflush(stdout);
        _exit(is_silent || !is_well);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && status != 0;
}

/* A smaller world that fails too: fewer jobs, then fewer faults, then a shorter time of them. */
static void shrink(struct sim *sim, uint64_t seed)
{
    for (unsigned jobs = 1; jobs < sim->jobs; jobs = jobs * 3 / 2 + 1) {
        struct sim smaller = *sim;
        smaller.jobs = jobs;
        if (fails(&smaller, seed, false)) {
            *sim = smaller;
            break;
        }
    }
    for (int fault = 0; fault < SWARM_FAULT_COUNT; fault++) {
        struct sim smaller = *sim;
        smaller.mask.allows[fault] = false;
        if (sim->mask.allows[fault] && fails(&smaller, seed, false))
            *sim = smaller;
    }
    for (ms_t after = 1; after < SIM_LONGEST_MS; after = after * 3 / 2 + 1) {
        struct sim smaller = *sim;
        smaller.calm_after = after;
        if (fails(&smaller, seed, false)) {
            *sim = smaller;
            break;
        }
    }
}

static int run(struct sim *sim)
{
    current_seed =
        mmap(NULL, sizeof *current_seed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (current_seed == MAP_FAILED)
        return SIM_UNABLE;
    current_sim = sim;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        exit(live_all(sim)); /* which writes what tools/coverage counts, as _exit would not */
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return SIM_UNABLE;
    if (status == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) >= SIM_TOO_SLOW)
        return WEXITSTATUS(status);
    uint64_t seed = *current_seed;
    (void)printf("seed %llu fails; making it smaller\n", (unsigned long long)seed);
    shrink(sim, seed);
    if (!fails(sim, seed, true))
        (void)printf("seed %llu: it does not fail alone\n", (unsigned long long)seed);
    return 1;
}

static int usage(void)
{
    (void)fprintf(stderr,
                  "usage: sim [OPTION]…\n"
                  "  --seeds N    lives so many worlds (100); with --corner, 0 is all of them\n"
                  "  --first N    from this seed, or corner, on (1)\n"
                  "  --step N     every so many (1)\n"
                  "  --jobs N     submissions in each (400)\n"
                  "  --face       real adapters and dialects between the core and the vendors\n"
                  "  --corner     one job, everything at every moment, instead of by chance\n"
                  "  --fault NAME with this fault alone, or these\n"
                  "  --plant NAME with a planted mistake\n"
                  "  --lives N    fails when it comes to fewer lives\n"
                  "  --rate N     … or to fewer a minute (status 3: but for that all is well)\n"
                  "  --verbose    tells of each world; --whole: a failure's story with all jobs\n"
                  "faults:");
    for (int fault = 0; fault < SWARM_FAULT_COUNT; fault++)
        (void)fprintf(stderr, " %s", swarm_fault_name((enum swarm_fault)fault));
    (void)fprintf(stderr, "\nplants:");
    for (int plant = 0; plant < PLANT_COUNT; plant++)
        (void)fprintf(stderr, " %s", plant_name((enum plant)plant));
    (void)fprintf(stderr, "\n");
    return SIM_UNABLE;
}

static bool read_option(struct sim *sim, const char *name, const char *value)
{
    int64_t number = 0;
    enum swarm_fault fault;
    bool is_number = span_integer(span_of(value), 0, INT64_MAX, &number);
    if (strcmp(name, "--seeds") == 0 && is_number)
        sim->seeds = (uint64_t)number;
    else if (strcmp(name, "--first") == 0 && is_number)
        sim->first = (uint64_t)number;
    else if (strcmp(name, "--lives") == 0 && is_number)
        sim->lives_min = (uint64_t)number;
    else if (strcmp(name, "--rate") == 0 && is_number)
        sim->rate_min = (uint64_t)number;
    else if (strcmp(name, "--step") == 0 && is_number && number > 0)
        sim->step = (uint64_t)number;
    else if (strcmp(name, "--jobs") == 0 && is_number && number > 0 && number <= 1000000)
        sim->jobs = (unsigned)number;
    else if (strcmp(name, "--fault") == 0 && swarm_find_fault(value, &fault)) {
        if (!sim->chosen)
            sim->mask = (struct swarm_mask){{false}};
        sim->chosen = sim->mask.allows[fault] = true;
    } else if (strcmp(name, "--plant") == 0) {
        for (int plant = 0; plant < PLANT_COUNT; plant++) {
            if (strcmp(plant_name((enum plant)plant), value) == 0) {
                sim->plant = (enum plant)plant;
                return true;
            }
        }
        return false;
    } else
        return false;
    return true;
}

int main(int count, char **arguments)
{
    struct sim sim = {.seeds = 100, .first = 1, .step = 1, .mask = swarm_all(), .jobs = 400};
    char fault[CATALOG_FAULT_SIZE];
    bool is_face = false;
    for (int n = 1; n < count; n++) {
        if (strcmp(arguments[n], "--verbose") == 0) {
            sim.verbose = true;
        } else if (strcmp(arguments[n], "--whole") == 0) {
            sim.whole = true;
        } else if (strcmp(arguments[n], "--face") == 0) {
            is_face = true;
        } else if (strcmp(arguments[n], "--corner") == 0) {
            sim.is_corner = true;
        } else if (n + 1 >= count || !read_option(&sim, arguments[n], arguments[n + 1])) {
            return usage();
        } else {
            n++;
        }
    }
    if (is_face && !(sim.book = wire_book_make(fault))) {
        (void)fprintf(stderr, "sim: %s\n", fault);
        return SIM_UNABLE;
    }
    if (sim.is_corner && sim.seeds == 0) {
        sim.first = 0;
        sim.seeds = corner_count(is_face) / sim.step;
    }
    (void)signal(SIGABRT, on_abort);
    int result = run(&sim);
    wire_book_free(sim.book);
    return result;
}
