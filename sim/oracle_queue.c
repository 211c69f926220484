/* Who should have been next, recomputed from the rows. */
#include "oracle.h"

enum { ORACLE_QUEUE_STARVED = 64, ORACLE_QUEUE_AGE_POINTS = 10 };
#define ORACLE_QUEUE_AGE_MS (10 * MS_MINUTE)

static unsigned left(unsigned in_flight, unsigned limit)
{
    return limit == 0 ? UINT32_MAX : in_flight >= limit ? 0 : limit - in_flight;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Under the limits that tenants share. */
static unsigned shared_room(const struct world *world, unsigned model)
{
    const struct swarm *swarm = &world->swarm;
    const struct ledger *ledger = &world->ledger;
    unsigned room = left(ledger->in_flight, swarm->config.limit_all);
    room = least(room, left(ledger->in_flight_model[model], swarm->models[model].limit));
    return least(room, oracle_breaker_room(world, model));
}

static unsigned tenant_room(const struct world *world, unsigned tenant)
{
    return left(world->ledger.in_flight_tenant[tenant], oracle_tenant_limit(world, tenant));
}

unsigned oracle_queue_room(const struct world *world, unsigned tenant, unsigned model)
{
    return least(shared_room(world, model), tenant_room(world, tenant));
}

static bool is_over(unsigned in_flight, unsigned limit)
{
    return limit && in_flight > limit;
}

/* I25. After a start with smaller limits more may be in flight, but then nothing new begins. */
static void check_limits(struct world *world)
{
    const struct swarm *swarm = &world->swarm;
    const struct ledger *ledger = &world->ledger;
    for (size_t n = 0; n < world->claimed_count; n++) {
        const struct ledger_job *job = world->claimed[n];
        if (is_over(ledger->in_flight, swarm->config.limit_all) ||
            is_over(ledger->in_flight_tenant[job->tenant],
                    oracle_tenant_limit(world, job->tenant)) ||
            is_over(ledger->in_flight_model[job->model], swarm->models[job->model].limit) ||
            (swarm->routes[job->model].count == 0 &&
             is_over(ledger->in_flight_provider[job->provider],
                     swarm->providers[job->provider].limit)))
            world_fail(world, "I25", job->key, "it was started beyond a limit (%u in flight)",
                       ledger->in_flight);
    }
}

static int64_t aged(int priority, ms_t queued_at, ms_t now)
{
    ms_t waited = now > queued_at ? now - queued_at : 0;
    return priority + waited / ORACLE_QUEUE_AGE_MS * ORACLE_QUEUE_AGE_POINTS;
}

/* Whether the job that still waits should have gone before the one that was started. */
static bool was_passed(const struct world *world, const struct ledger_job *waits,
                       const struct ledger_job *started)
{
    const struct bucket *bucket = waits->bucket;
    if (bucket->model != started->model &&
        oracle_queue_room(world, bucket->tenant, bucket->model) == 0)
        return false;
    int64_t of_waits = aged(bucket->priority, waits->queued_at, world->now);
    int64_t of_started = aged(started->priority, started->queued_at, world->now);
    if (of_waits != of_started)
        return of_waits > of_started;
    if (waits->queued_at != started->queued_at)
        return waits->queued_at < started->queued_at;
    return bucket->model == started->model && bucket->priority == started->priority &&
           waits->key < started->key;
}

/* I26, within the tenant. */
static void check_order(struct world *world, const struct ledger_job *started)
{
    for (unsigned model = 0; model < world->swarm.model_count; model++) {
        for (unsigned n = 0; n < world->swarm.priority_count; n++) {
            const struct bucket *bucket = &world->ledger.buckets[started->tenant][model][n];
            if (bucket->count == 0)
                continue;
            const struct ledger_job *head =
                LIST_OWNER(bucket->jobs.next, struct ledger_job, queued);
            if (was_passed(world, head, started))
                world_fail(world, "I26", started->key, "job %u should have been next", head->index);
        }
    }
}

/* Whether the tenant has a job waiting for the model that came before the one that was started. */
static bool waits_since(const struct world *world, unsigned tenant,
                        const struct ledger_job *started)
{
    for (unsigned n = 0; n < world->swarm.priority_count; n++) {
        const struct bucket *bucket = &world->ledger.buckets[tenant][started->model][n];
        if (bucket->count == 0)
            continue;
        const struct ledger_job *head = LIST_OWNER(bucket->jobs.next, struct ledger_job, queued);
        if (head->queued_at < started->queued_at)
            return true;
    }
    return false;
}

/* I27: starts of later jobs of one other tenant while this one only waited for shared room. */
static void count_passes(struct world *world, const struct ledger_job *started)
{
    for (unsigned tenant = 0; tenant < world->swarm.tenant_count; tenant++) {
        unsigned *passes = &world->passes[tenant][started->tenant];
        if (tenant == started->tenant || !tenant_room(world, tenant) ||
            !waits_since(world, tenant, started))
            continue;
        if (++*passes > ORACLE_QUEUE_STARVED)
            world_fail(world, "I27", started->key,
                       "it is the %uth later job that was started before %s's", *passes,
                       world->swarm.tenant_names[tenant]);
    }
}

/* I33. After the last job that a turn accepts, nothing that it does makes more of them wait. */
static void check_queue_max(struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    int64_t open = ledger->queued + ledger->waiting + (int64_t)world->claimed_count;
    int64_t max = world->swarm.config.queue_max, open_tenant[SWARM_TENANTS_MAX];
    if (max && world->inserted && open > max)
        world_fail(world, "I33", 0, "%u jobs were accepted, which makes %lld; %lld are allowed",
                   world->inserted, (long long)open, (long long)max);
    for (unsigned n = 0; n < world->swarm.tenant_count; n++)
        open_tenant[n] = ledger->queued_tenant[n] + ledger->waiting_tenant[n];
    for (size_t n = 0; n < world->claimed_count; n++)
        open_tenant[world->claimed[n]->tenant]++;
    for (unsigned n = 0; n < world->swarm.tenant_count; n++) {
        if (world->inserted_tenant[n] && open_tenant[n] > world->open_max[n])
            world_fail(world, "I33", 0, "%u jobs of %s were accepted, which makes %lld; %lld may",
                       world->inserted_tenant[n], world->swarm.tenant_names[n],
                       (long long)open_tenant[n], (long long)world->open_max[n]);
    }
}

void oracle_queue_check(struct world *world)
{
    check_limits(world);
    for (size_t n = 0; n < world->claimed_count && !world->failure.invariant; n++) {
        const struct ledger_job *started = world->claimed[n];
        check_order(world, started);
        for (unsigned other = 0; other < world->swarm.tenant_count; other++)
            world->passes[started->tenant][other] = 0;
        count_passes(world, started);
    }
    check_queue_max(world);
}
