/* Calls back: what was accepted has ended, says its vendor, or somebody who pretends to be it. */
#include "vendor_private.h"
#include "wire.h"

enum { VENDOR_HINT_HELD_MS = 900000 /* longer than most models may run, and ten minutes */ };

static struct vendor_call *plan_hint(struct world *world, int64_t job, unsigned attempt,
                                     unsigned id, ms_t delay)
{
    struct vendor_call *call = vendor_make_call(world);
    call->job = job;
    call->attempt = attempt;
    call->id = id;
    world_plan(world, ITEM_HINT, delay)->call = call;
    return call;
}

void vendor_call_back(struct world *world, const struct ledger_entry *entry)
{
    if (!world->swarm.vendors[entry->vendor].calls_back || entry->ends_at == MS_NEVER)
        return;
    ms_t delay = entry->ends_at - world->time;
    if (world_strikes(world, SWARM_HINT_LATE)) {
        ms_t held = world->swarm.config.uncertain_hold;
        delay += held ? held : VENDOR_HINT_HELD_MS;
        (void)plan_hint(world, entry->job, entry->attempt, entry->index + 1,
                        delay + world_about(world, MS_MINUTE));
        return;
    }
    if (!world_strikes(world, SWARM_HINT_TWICE)) {
        (void)plan_hint(world, entry->job, entry->attempt, entry->index + 1,
                        delay + world_about(world, 500));
        return;
    }
    /* Perhaps so late that its submission was given up. */
    ms_t late = rng_below(&world->rng, 4) ? 10 * MS_MINUTE : 4 * MS_HOUR;
    for (uint64_t n = rng_below(&world->rng, 5); n > 0; n--)
        (void)plan_hint(world, entry->job, entry->attempt, entry->index + 1,
                        delay + world_about(world, late));
}

void vendor_call_back_now(struct world *world, const struct ledger_entry *entry)
{
    (void)plan_hint(world, entry->job, entry->attempt, entry->index + 1, 0);
}

/* The vendor's own word of a submission that was sent again since, and that nobody has found. */
static bool call_back_older(struct world *world, const struct ledger_job *known,
                            const struct job *job)
{
    for (const struct ledger_entry *entry = known->entries; entry; entry = entry->older) {
        if (entry->attempt == job->attempt.number || entry->known_job || entry->is_wiped ||
            !world->swarm.vendors[entry->vendor].calls_back || rng_below(&world->rng, 2))
            continue;
        (void)plan_hint(world, entry->job, entry->attempt, entry->index + 1,
                        world_about(world, MS_SECOND));
        return true;
    }
    return false;
}

/* By somebody who knows the secret path of the attempt, yet not of a submission that nobody found
 * yet: against that there is no means. */
void vendor_forge(struct world *world, const struct job *job, unsigned vendor)
{
    const struct ledger_job *known = ledger_find_job(&world->ledger, job->key);
    if (known && world_has(world, SWARM_HINT_TWICE) && call_back_older(world, known, job))
        return;
    if (!world_strikes(world, SWARM_HINT_FORGED))
        return;
    unsigned attempt = job->attempt.number + (unsigned)rng_below(&world->rng, 3) - 1;
    uint64_t ids = world->ledger.entry_count + 1;
    unsigned id = (unsigned)rng_below(&world->rng, ids);
    if (rng_below(&world->rng, 2) && ids > 8)
        id = (unsigned)(ids - 1 - rng_below(&world->rng, 8));
    const struct ledger_entry *entry = id ? world->ledger.entries[id - 1] : NULL;
    if (entry && !entry->known_job && (entry->job != job->key || entry->attempt != attempt))
        id = 0;
    struct vendor_call *call =
        plan_hint(world, job->key, attempt, id, world_about(world, MS_SECOND));
    call->vendor = vendor;
    call->is_forged = true;
}

static void fill_hint(struct world *world, const struct vendor_call *call, struct told *told)
{
    const struct ledger_entry *entry = call->id ? world->ledger.entries[call->id - 1] : NULL;
    told->remote_id[0] = '\0';
    if (entry)
        (void)span_copy(span_of(entry->name), told->remote_id, sizeof told->remote_id);
    if (!entry && rng_below(&world->rng, 2))
        (void)span_copy(SPAN("nobody"), told->remote_id, sizeof told->remote_id);
}

void vendor_hint(struct world *world, struct item *item)
{
    struct vendor_call *call = item->call;
    struct told *told = &world->tolds[world->batch_count];
    bool is_heard = !wire_is_on(world) || wire_hint(world, call, told);
    if (!wire_is_on(world))
        fill_hint(world, call, told);
    if (is_heard)
        world_event(world, EVENT_HINTED)->hinted = (struct hinted){
            .job = call->job, .attempt = call->attempt, .remote_id = told->remote_id};
    vendor_free_call(world, call);
}
