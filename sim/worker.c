#include "worker.h"

#include <stdio.h>
#include <string.h>

enum { WORKER_WORDS_MAX = 4 };

int64_t worker_file_size(int64_t job, unsigned attempt)
{
    return 1000 + job % 100000 * 100 + attempt;
}

static struct item *plan_word(struct world *world, struct worker *worker, enum worked_kind told,
                              ms_t delay)
{
    struct item *item = world_plan(world, ITEM_WORD, delay);
    item->worker = worker;
    item->told = told;
    return item;
}

static void draw_fate(struct world *world, struct worker *worker)
{
    worker->fate = WORKER_MAKES;
    worker->words_left = (unsigned)rng_below(&world->rng, WORKER_WORDS_MAX + 1);
    if (world_strikes(world, SWARM_HANG))
        worker->fate = WORKER_HANGS;
    else if (world_strikes(world, SWARM_DIE))
        worker->fate = WORKER_DIES;
    else if (world_strikes(world, SWARM_FAIL_FINAL))
        worker->fate = WORKER_REFUSES;
    else if (world_strikes(world, SWARM_FAIL_AGAIN))
        worker->fate = WORKER_FAILS;
    else if (world_strikes(world, SWARM_STOPPED))
        worker->fate = WORKER_LEAVES;
    if (worker->fate == WORKER_DIES)
        worker->words_left = 0;
}

static void plan_end(struct world *world, struct worker *worker)
{
    ms_t delay = world_about(world, world->swarm.work);
    switch (worker->fate) {
    case WORKER_MAKES:
        plan_word(world, worker, WORKED_MADE, delay);
        break;
    case WORKER_FAILS:
    case WORKER_DIES:
        plan_word(world, worker, WORKED_FAILED, delay)->again = true;
        break;
    case WORKER_REFUSES:
        plan_word(world, worker, WORKED_FAILED, delay);
        break;
    case WORKER_LEAVES:
        plan_word(world, worker, WORKED_STOPPED, delay);
        break;
    case WORKER_HANGS:
        break;
    }
}

static void plan_next(struct world *world, struct worker *worker)
{
    if (worker->words_left > 0) {
        worker->words_left--;
        plan_word(world, worker, WORKED_RUNNING, world_about(world, world->swarm.work / 4));
    } else {
        plan_end(world, worker);
    }
}

void worker_start(struct world *world, const struct job *job, unsigned attempt)
{
    struct worker *worker = arena_new(&world->arena, struct worker);
    struct ledger_job *entry = ledger_find_job(&world->ledger, job->key);
    worker->job = job->key;
    worker->attempt = attempt;
    worker->process = world->process;
    draw_fate(world, worker);
    entry->worker = worker;
    ms_t delay = world_about(world, 20);
    if (world_strikes(world, SWARM_LATE_START))
        delay = world_about(world, world->swarm.config.submit_timeout);
    if (worker->words_left > 0) {
        worker->words_left--;
        plan_word(world, worker, WORKED_RUNNING, delay);
    } else {
        plan_end(world, worker);
    }
}

void worker_stop(struct world *world, const struct job *job, unsigned attempt)
{
    struct worker *worker = ledger_find_job(&world->ledger, job->key)->worker;
    if (!worker || worker->attempt != attempt || worker->ended || worker->stopped_by_us)
        return;
    worker->stopped_by_us = true;
    if (world_strikes(world, SWARM_DEAF))
        return;
    /* What it was about to say may come first. */
    plan_word(world, worker, WORKED_STOPPED, world_about(world, 50));
    worker->stopping = true;
}

void worker_keep(struct world *world, const struct job *job, unsigned attempt)
{
    struct worker *worker = ledger_find_job(&world->ledger, job->key)->worker;
    if (!worker || worker->attempt != attempt)
        return;
    ms_t delay = world_about(world, 30);
    if (world_strikes(world, SWARM_DEPOT_SLOW))
        delay = world_about(world, 5 * MS_MINUTE);
    if (world_strikes(world, SWARM_DEPOT_HANG))
        return;
    if (world_strikes(world, SWARM_DEPOT_FULL)) {
        struct item *item = plan_word(world, worker, WORKED_FAILED, delay);
        item->again = rng_below(&world->rng, 4) != 0;
        item->error = ERROR_STORAGE_FULL;
    } else {
        plan_word(world, worker, WORKED_KEPT, delay);
    }
}

void worker_fill_outputs(struct worked *told)
{
    struct job_output *output = &told->outputs[0];
    memset(output, 0, sizeof *output);
    (void)span_copy(SPAN("output.mp4"), output->name, sizeof output->name);
    (void)span_copy(SPAN("video/mp4"), output->content_type, sizeof output->content_type);
    output->size = worker_file_size(told->job, told->attempt);
    told->output_count = 1;
    if (told->attempt % 2)
        told->warnings = SPAN("[\"The picture was small.\"]");
    if (told->job % 3 == 0)
        told->words = SPAN("[{\"word\":\"one\",\"startMs\":1,\"endMs\":200}]");
}

/* Longer than a row has room for. */
static const char long_text[] =
    "It broke, and what it said about it on its way down was so long that nobody could have wanted "
    "to read it, but it went on all the same, line after line, as programs do when they are asked "
    "for one sentence: there was a stack, and under the stack there was another stack, and in each "
    "frame a name longer than the last; and when at the end the reason came, it was the one that "
    "had been guessed from the beginning, namely that the model did not fit into the memory.";

static void fill(struct world *world, const struct item *item, struct worked *told)
{
    static const char *const stages[] = {"Analyzing prompt", "Generating frames", NULL};
    struct worker *worker = item->worker;
    told->job = worker->job;
    told->attempt = worker->attempt;
    told->kind = item->told;
    if (item->told == WORKED_RUNNING) {
        /* It may also fall or be told twice; what is shown must not. */
        worker->progress += (int)rng_below(&world->rng, 60) - 10;
        told->progress = worker->progress;
        told->stage = stages[rng_below(&world->rng, 3)];
    } else if (item->told == WORKED_FAILED) {
        told->error = item->error ? item->error : ERROR_PROVIDER_FAILED;
        told->again = item->again;
        told->text = item->error ? NULL : item->again ? "It broke." : long_text;
    } else if (item->told == WORKED_KEPT) {
        worker_fill_outputs(told);
    }
}

void worker_say(struct world *world, struct item *item)
{
    struct worker *worker = item->worker;
    /* With the gateway its workers die; sometimes a word is still on its way. */
    if (worker->process != world->process && !world_strikes(world, SWARM_LATE_WORD))
        return;
    bool from_depot = item->told == WORKED_KEPT || item->error;
    if (worker->ended && !from_depot && !item->is_copy && !world_strikes(world, SWARM_STALE))
        return;
    fill(world, item, &world_event(world, EVENT_WORKED)->worked);
    struct ledger_job *job = ledger_find_job(&world->ledger, worker->job);
    if (item->told == WORKED_KEPT && worker->attempt > job->kept)
        job->kept = worker->attempt;
    if (item->told == WORKED_KEPT && !item->is_copy)
        job->has_files = true;
    if (!item->is_copy && world_strikes(world, SWARM_TWICE)) {
        struct item *copy = plan_word(world, worker, item->told, world_about(world, 500));
        copy->again = item->again;
        copy->error = item->error;
        copy->is_copy = true;
    }
    if (item->told == WORKED_MADE && world_strikes(world, SWARM_STALE)) {
        /* It made its files and then its end went wrong. */
        struct item *late = plan_word(world, worker, WORKED_FAILED, world_about(world, 50));
        late->again = true;
        late->is_copy = true;
    }
    if (item->told != WORKED_RUNNING)
        worker->ended = true;
    else if (!worker->ended && !item->is_copy && worker->process == world->process)
        plan_next(world, worker);
}
