/* What tenants may use, while operators change it. */
#include "oracle.h"

unsigned oracle_tenant_limit(const struct world *world, unsigned tenant)
{
    const struct tenant_row *row = &world->ledger.rows[tenant];
    return row->in_flight == TENANT_AS_SERVER ? world->swarm.tenants[tenant].limit
                                              : (unsigned)row->in_flight;
}

unsigned oracle_tenant_weight(const struct world *world, unsigned tenant)
{
    const struct swarm *swarm = &world->swarm;
    for (unsigned n = 0; n < SWARM_TIERS; n++) {
        if (span_is(span_of(world->ledger.rows[tenant].tier), swarm->tiers[n].name))
            return swarm->tiers[n].weight;
    }
    return tenant < swarm->config.tenant_count ? swarm->tenants[tenant].weight : 1;
}

int64_t oracle_tenant_open(const struct world *world, unsigned tenant)
{
    const struct tenant_row *row = &world->ledger.rows[tenant];
    int64_t limit =
        row->queued == TENANT_AS_SERVER ? world->swarm.config.queue_tenant : row->queued;
    return limit ? limit : INT64_MAX;
}

void oracle_tenant_begin(struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    world->open_before = ledger->queued + ledger->waiting;
    world->inserted = 0;
    for (unsigned n = 0; n < world->swarm.tenant_count; n++) {
        world->open_before_tenant[n] = ledger->queued_tenant[n] + ledger->waiting_tenant[n];
        world->inserted_tenant[n] = 0;
        world->open_max[n] = world->open_min[n] = oracle_tenant_open(world, n);
    }
}

unsigned oracle_tenant_find(const struct world *world, const char *name)
{
    unsigned tenant = 0;
    while (tenant < world->swarm.tenant_count &&
           !span_is(span_of(name), world->swarm.tenant_names[tenant]))
        tenant++;
    return tenant;
}

void oracle_tenant_take(struct world *world, const struct tenant_row *row)
{
    unsigned tenant = oracle_tenant_find(world, row->tenant);
    if (tenant == world->swarm.tenant_count) {
        world_fail(world, "I14", 0, "there is no tenant %s", row->tenant);
        return;
    }
    world->ledger.money_tenant[tenant].is_changed = true;
    world->ledger.rows[tenant] = *row;
    world->ledger.has_row[tenant] = true;
    int64_t open = oracle_tenant_open(world, tenant);
    world->open_max[tenant] = open > world->open_max[tenant] ? open : world->open_max[tenant];
    world->open_min[tenant] = open < world->open_min[tenant] ? open : world->open_min[tenant];
}

bool oracle_tenant_full(const struct world *world, unsigned tenant, unsigned count)
{
    int64_t max = world->swarm.config.queue_max;
    return (max && world->open_before + world->inserted + count > max) ||
           world->open_before_tenant[tenant] + world->inserted_tenant[tenant] + count >
               world->open_min[tenant];
}

void oracle_tenant_boot(struct world *world, const struct tenant_row *row)
{
    unsigned tenant = oracle_tenant_find(world, row->tenant);
    const struct tenant_row *known = &world->ledger.rows[tenant % SWARM_TENANTS_MAX];
    if (tenant == world->swarm.tenant_count || !world->ledger.has_row[tenant] ||
        row->in_flight != known->in_flight || row->queued != known->queued ||
        row->budget != known->budget || row->period != known->period ||
        !span_is(span_of(row->tier), known->tier) || row->updated_at != known->updated_at)
        world_fail(world, "I13", 0, "the store has other limits of %s than were set", row->tenant);
}
