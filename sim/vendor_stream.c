#include "vendor_stream.h"

enum { VENDOR_STREAM_COMES_AGAIN = 3 };

struct vendor_stream {
    unsigned process;
    int64_t job;
    unsigned attempt;
    const struct ledger_entry *entry;
    enum { STREAM_WELL, STREAM_LIES, STREAM_BREAKS, STREAM_SILENT } how;
    bool is_open, said_run;
    unsigned breaks;
};

static void plan(struct world *world, struct vendor_stream *stream, ms_t delay)
{
    world_plan(world, ITEM_STREAM, delay)->stream = stream;
}

void vendor_stream_follow(struct world *world, const struct effect *effect)
{
    const struct job *job = effect->on.job;
    const struct ledger_entry *entry = ledger_find_entry(&world->ledger, job->attempt.remote_id);
    bool is_refused = world_strikes(world, SWARM_VENDOR_STREAM) && rng_below(&world->rng, 4) == 0;
    if (!entry || is_refused)
        return;
    struct vendor_stream *stream = arena_new(&world->arena, struct vendor_stream);
    *stream = (struct vendor_stream){
        .process = world->process, .job = job->key, .attempt = effect->on.attempt, .entry = entry};
    if (world_strikes(world, SWARM_VENDOR_STREAM))
        stream->how = 1 + rng_below(&world->rng, STREAM_SILENT);
    plan(world, stream, world_about(world, 40));
}

static void hint(struct world *world, const struct vendor_stream *stream)
{
    world_event(world, EVENT_HINTED)->hinted = (struct hinted){
        .job = stream->job, .attempt = stream->attempt, .remote_id = stream->entry->name};
}

static void turn_into(struct world *world, struct vendor_stream *stream, bool is_open)
{
    stream->is_open = is_open;
    world_event(world, EVENT_STREAMED)->streamed =
        (struct streamed){.job = stream->job, .attempt = stream->attempt, .is_open = is_open};
}

/* The next change, or what comes before it. */
static void go_on(struct world *world, struct vendor_stream *stream)
{
    const struct ledger_entry *entry = stream->entry;
    ms_t next = stream->said_run ? entry->ends_at : entry->runs_at;
    ms_t delay = next == MS_NEVER ? MS_NEVER : next - world->time;
    if (stream->how == STREAM_BREAKS || stream->how == STREAM_LIES) {
        ms_t early = world_about(world, world->swarm.work / 2);
        delay = early < delay ? early : delay;
    }
    if (stream->how != STREAM_SILENT && delay != MS_NEVER)
        plan(world, stream, delay > 0 ? delay : 0);
}

void vendor_stream_say(struct world *world, struct item *item)
{
    struct vendor_stream *stream = item->stream;
    const struct ledger_entry *entry = stream->entry;
    bool is_over = entry->ends_at <= world->time, was_open = stream->is_open;
    if (stream->process != world->process)
        return; /* the line went with who listened */
    if (stream->is_open && stream->how == STREAM_BREAKS) {
        turn_into(world, stream, false);
        if (++stream->breaks <= VENDOR_STREAM_COMES_AGAIN)
            plan(world, stream, world_about(world, 2 * MS_SECOND));
        return;
    }
    bool is_told = entry->visible_at <= world->time && !entry->is_forgotten;
    if (!is_told && !stream->is_open)
        return; /* it knows of no such job */
    if (!stream->is_open)
        turn_into(world, stream, true);
    bool runs = !stream->said_run && entry->runs_at <= world->time;
    if (runs || is_over || (was_open && stream->how == STREAM_LIES))
        hint(world, stream);
    stream->said_run |= runs;
    if (is_over || (was_open && stream->how == STREAM_LIES && rng_below(&world->rng, 2)))
        turn_into(world, stream, false);
    else
        go_on(world, stream);
}
