#include "operator.h"

#include "client.h"
#include "oracle.h"

enum { OPERATOR_LOOKS = 64, OPERATOR_PAUSE_MS = 5 * 60 * 1000 };

static void ask_vendor(struct world *world, unsigned vendor, bool pause, ms_t delay)
{
    struct request *request = ledger_request(&world->ledger, REQUEST_VENDOR, 0);
    request->number = vendor;
    request->pause = pause;
    world_plan(world, ITEM_SEND, delay)->request = request;
}

/* One of the latest that nobody knows of, or that was given up; NULL when there is none. */
static const struct ledger_job *some_uncertain(struct world *world)
{
    bool may_be_late = rng_below(&world->rng, 2);
    const struct ledger *ledger = &world->ledger;
    for (size_t back = 1; back <= ledger->job_count && back <= OPERATOR_LOOKS; back++) {
        const struct ledger_job *job = ledger->jobs[ledger->job_count - back];
        if (job->is_known && (job->attempt_state == ATTEMPT_UNCERTAIN ||
                              (may_be_late && job->attempt_state == ATTEMPT_UNKNOWN)))
            return job;
    }
    return NULL;
}

/* One of the latest that was sent again; NULL when there is none. */
static const struct ledger_job *some_resent(const struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    for (size_t back = 1; back <= ledger->job_count && back <= OPERATOR_LOOKS; back++) {
        const struct ledger_job *job = ledger->jobs[ledger->job_count - back];
        if (job->is_known && job->attempts > 1)
            return job;
    }
    return NULL;
}

static const struct ledger_entry *some_entry(struct world *world)
{
    return world->ledger.entries[rng_below(&world->rng, world->ledger.entry_count)];
}

static void resolve(struct world *world)
{
    bool is_older = rng_below(&world->rng, 3) == 0;
    const struct ledger_job *job = is_older ? some_resent(world) : some_uncertain(world);
    if (!job)
        return;
    unsigned attempt = is_older ? 1 + (unsigned)rng_below(&world->rng, job->attempts) : 0;
    const struct ledger_entry *entry = ledger_entry_of(job, attempt ? attempt : job->attempt);
    bool is_wrong = rng_below(&world->rng, 4) == 0, knows = rng_below(&world->rng, 2);
    unsigned tenant = job->tenant;
    if (world_strikes(world, SWARM_STRANGER))
        tenant = (unsigned)rng_below(&world->rng, world->swarm.tenant_count);
    struct request *request = ledger_request(&world->ledger, REQUEST_RESOLVE, tenant);
    request->job = job->key;
    request->attempt = attempt;
    request->act = is_wrong                    ? (enum resolve_act)rng_below(&world->rng, 3)
                   : is_older                  ? RESOLVE_LINK
                   : entry && knows            ? RESOLVE_LINK
                   : rng_below(&world->rng, 2) ? RESOLVE_RESUBMIT
                                               : RESOLVE_GIVE_UP;
    if (entry && !is_wrong)
        (void)span_copy(span_of(entry->name), request->remote_id, sizeof request->remote_id);
    else if (rng_below(&world->rng, 2) && world->ledger.entry_count)
        (void)span_copy(span_of(some_entry(world)->name), request->remote_id,
                        sizeof request->remote_id);
    else
        (void)span_copy(SPAN("mistyped"), request->remote_id, sizeof request->remote_id);
    world_plan(world, ITEM_SEND, 0)->request = request;
}

void operator_act(struct world *world)
{
    if (world->swarm.vendor_count == 0 || !world_strikes(world, SWARM_OPERATOR))
        return;
    if (rng_below(&world->rng, 4)) {
        resolve(world);
        return;
    }
    unsigned vendor = (unsigned)rng_below(&world->rng, world->swarm.vendor_count);
    ask_vendor(world, vendor, true, 0);
    ask_vendor(world, vendor, false, world_about(world, OPERATOR_PAUSE_MS));
}

static bool is_claimed(const struct ledger *ledger, const struct request *request, unsigned attempt)
{
    const struct ledger_entry *entry = ledger_find_entry(ledger, request->remote_id);
    return entry && oracle_vendor_is_claimed(entry, request->job, attempt);
}

void operator_send(struct world *world, struct request *request)
{
    uint64_t token = ledger_token(&world->ledger, request);
    if (request->kind == REQUEST_VENDOR) {
        world_event(world, EVENT_VENDOR_ASKED)->vendor_asked =
            (struct vendor_asked){.token = token,
                                  .provider = world->swarm.vendors[request->number].traits.name,
                                  .pause = request->pause};
        return;
    }
    const struct ledger_job *job = ledger_find_job(&world->ledger, request->job);
    unsigned attempt = request->attempt ? request->attempt : job->attempt;
    world_event(world, EVENT_RESOLVE_ASKED)->resolve_asked =
        (struct resolve_asked){.token = token,
                               .tenant = world->swarm.tenant_names[request->tenant],
                               .job = request->job,
                               .act = request->act,
                               .remote_id = request->remote_id,
                               .attempt = request->attempt,
                               .ended = oracle_late_state(job, attempt),
                               .claimed = is_claimed(&world->ledger, request, attempt)};
}

void operator_calm(struct world *world)
{
    for (unsigned vendor = 0; vendor < world->swarm.vendor_count; vendor++)
        ask_vendor(world, vendor, false, 0);
}
