#include "swarm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const fault_names[SWARM_FAULT_COUNT] = {
#define SWARM_NAME(upper, lower) #lower,
    SWARM_FAULT_LIST(SWARM_NAME)
#undef SWARM_NAME
};

/* Out of twenty seeds a fault is on in nine. */
enum { SWARM_ON_IN_TWENTY = 9 };

const char *swarm_fault_name(enum swarm_fault fault)
{
    return fault_names[fault];
}

bool swarm_find_fault(const char *name, enum swarm_fault *ret_fault)
{
    for (int fault = 0; fault < SWARM_FAULT_COUNT; fault++) {
        if (strcmp(name, fault_names[fault]) == 0) {
            *ret_fault = (enum swarm_fault)fault;
            return true;
        }
    }
    return false;
}

struct swarm_mask swarm_all(void)
{
    struct swarm_mask mask;
    for (int fault = 0; fault < SWARM_FAULT_COUNT; fault++)
        mask.allows[fault] = true;
    return mask;
}

/* Small and large values equally often. */
static double between(struct rng *rng, double low, double high)
{
    return exp(log(low) + rng_unit(rng) * (log(high) - log(low)));
}

static unsigned limit_of(struct rng *rng, unsigned high)
{
    return rng_below(rng, 3) == 0 ? 0 : 1 + (unsigned)rng_below(rng, high);
}

/* From less than one job costs to more than all of them. */
static int64_t draw_budget(struct rng *rng)
{
    return rng_below(rng, 20) == 0 ? 0 : (int64_t)between(rng, 20000, 50000000);
}

static enum tenant_period draw_period(struct rng *rng)
{
    return (enum tenant_period)rng_below(rng, TENANT_PERIOD_COUNT);
}

static void draw_budgets(struct swarm *swarm)
{
    struct rng *rng = &swarm->purse;
    swarm->config.budget_count = 0;
    swarm->config.budgets = swarm->budgets;
    if (rng_below(rng, 3))
        return;
    for (unsigned n = 0; n < swarm->vendor_count; n++) {
        if (rng_below(rng, 2))
            swarm->budgets[swarm->config.budget_count++] = (struct core_budget){
                swarm->vendors[n].traits.name, draw_budget(rng), draw_period(rng)};
    }
}

void swarm_draw_limits(struct swarm *swarm, struct rng *rng)
{
    swarm->config.limit_tenant = limit_of(rng, 12);
    for (unsigned n = 0; n < swarm->tenant_count; n++)
        swarm->tenants[n].limit =
            n < swarm->config.tenant_count ? limit_of(rng, 12) : swarm->config.limit_tenant;
    for (unsigned n = 0; n < swarm->model_count; n++)
        swarm->models[n].limit = limit_of(rng, 8);
    for (unsigned n = 0; n < swarm->model_count; n++)
        swarm->models[n].typical = n % 2 ? 0 : 10 * MS_SECOND;
    for (unsigned n = 0; n < swarm->provider_count; n++)
        swarm->providers[n].limit = limit_of(rng, 12);
    draw_budgets(swarm);
    /* Something must bound what is in flight. */
    swarm->config.limit_all = 1 + (unsigned)rng_below(rng, rng_below(rng, 4) == 0 ? 200 : 24);
}

struct tenant_row swarm_draw_tenant(struct swarm *swarm, unsigned tenant, struct rng *rng)
{
    struct tenant_row row = tenant_row_make(swarm->tenant_names[tenant]);
    if (rng_below(rng, 3))
        row.in_flight = limit_of(rng, 12);
    if (rng_below(rng, 3) == 0)
        row.queued = limit_of(rng, 60);
    if (rng_below(rng, 2))
        (void)span_copy(span_of(swarm->tiers[rng_below(rng, SWARM_TIERS)].name), row.tier,
                        sizeof row.tier);
    if (rng_below(&swarm->purse, 2)) {
        row.budget = draw_budget(&swarm->purse);
        row.period = draw_period(&swarm->purse);
    }
    return row;
}

void swarm_draw_hooks(struct swarm *swarm, struct rng *rng)
{
    swarm->config.hooks_max = 1 + (unsigned)rng_below(rng, rng_below(rng, 2) ? 4 : 40);
    swarm->config.hooks_lane_max = 1 + (unsigned)rng_below(rng, NOTIFY_LANE_MAX);
    swarm->config.hook_tries = 1 + (unsigned)rng_below(rng, SWARM_HOOK_TRIES);
}

static void name_all(char (*names)[SWARM_NAME_SIZE], unsigned count, const char *stem)
{
    for (unsigned n = 0; n < count; n++)
        (void)snprintf(names[n], SWARM_NAME_SIZE, "%s%u", stem, n);
}

/* What a provider's protocol can do, bit by bit: combinations that no provider has are welcome. */
static unsigned draw_can(struct rng *rng)
{
    static const unsigned in_twelve[CAN_BITS] = {
        [CAN_BIT_KEY] = 4,
        [CAN_BIT_CHOOSE_ID] = 3,
        [CAN_BIT_FIND_EXACT] = 4,
        [CAN_BIT_FIND_LIKELY] = 4,
        [CAN_BIT_FIND_ABSENCE] = 6,
        [CAN_BIT_CANCEL] = 8,
        [CAN_BIT_HOOK] = 6,
        [CAN_BIT_STREAM] = 6,
        [CAN_BIT_PROGRESS] = 6,
        [CAN_BIT_RESULT] = 4,
        [CAN_BIT_FORGETS_ON_RESTART] = 3,
    };
    unsigned can = 0;
    for (unsigned bit = 0; bit < CAN_BITS; bit++)
        can |= rng_below(rng, 12) < in_twelve[bit] ? 1u << bit : 0;
    return can;
}

static ms_t draw_kept(struct rng *rng, double low)
{
    return (ms_t)between(rng, low, 86400.0 * 1000);
}

static void draw_vendor(struct swarm *swarm, unsigned number, struct rng *rng)
{
    struct core_vendor *vendor = &swarm->vendors[number];
    struct can_vendor *traits = &vendor->traits;
    *traits = (struct can_vendor){
        .name = swarm->provider_names[swarm->local_count + number],
        .can = draw_can(rng),
        .key_kept = draw_kept(rng, 30.0 * 1000),
        .list_kept = draw_kept(rng, 120.0 * 1000),
        .result_kept = draw_kept(rng, 60.0 * 1000),
        .url_kept = rng_below(rng, 4) ? draw_kept(rng, 60.0 * 1000) : MS_NEVER,
        .poll_min = (ms_t)between(rng, 200, 2000),
        .poll_first = (ms_t)between(rng, 1000, 10000),
        .poll_last = (ms_t)between(rng, 20.0 * 1000, 600.0 * 1000),
    };
    vendor->calls_back = traits->can & CAN_HOOK && rng_below(rng, 2);
    swarm->says_cost[number] = rng_below(rng, 2);
}

/* Up to three of the vendors, from one of them on. */
static void draw_route(struct swarm *swarm, unsigned model, struct rng *rng)
{
    struct swarm_route *route = &swarm->routes[model];
    unsigned first = (unsigned)rng_below(rng, SWARM_VENDORS_MAX), size = 0;
    unsigned most = swarm->vendor_count < SWARM_OFFERS_MAX ? swarm->vendor_count : SWARM_OFFERS_MAX;
    bool is_local = rng_below(rng, 2) == 0;
    unsigned count = 1 + (unsigned)rng_below(rng, SWARM_OFFERS_MAX);
    if (swarm->vendor_count == 0 || is_local)
        return;
    route->count = count < most ? count : most;
    for (unsigned n = 0; n < route->count; n++) {
        unsigned vendor = route->vendors[n] = (first + n) % swarm->vendor_count;
        const char *name = swarm->vendors[vendor].traits.name;
        route->prices[n] = rng_below(rng, 5) == 0   ? -1
                           : rng_below(rng, 8) == 0 ? 0
                                                    : 1000 + (int64_t)rng_below(rng, 500000);
        int written = snprintf(route->text + size, sizeof route->text - size, "%s\t%lld\tslug%u\n",
                               name, (long long)route->prices[n], n);
        size += (unsigned)written;
        swarm->models[model].providers[n] = name;
    }
    swarm->model_provider[model] = swarm->local_count + route->vendors[0];
}

static void draw_vendors(struct swarm *swarm, struct rng *rng)
{
    for (unsigned n = 0; n < swarm->vendor_count; n++)
        draw_vendor(swarm, n, rng);
    for (unsigned n = 0; n < swarm->model_count; n++)
        draw_route(swarm, n, rng);
    swarm->config.vendors = swarm->vendors;
    swarm->config.vendor_count = swarm->vendor_count;
    swarm->config.uncertain_hold =
        rng_below(rng, 2) ? 0 : (ms_t)between(rng, 60.0 * 1000, 3600.0 * 1000);
}

static void draw_names(struct swarm *swarm, struct rng *rng)
{
    swarm->tenant_count = 1 + (unsigned)rng_below(rng, SWARM_TENANTS_MAX);
    swarm->model_count = 1 + (unsigned)rng_below(rng, SWARM_MODELS_MAX);
    swarm->local_count = 1 + (unsigned)rng_below(rng, SWARM_LOCALS_MAX);
    swarm->vendor_count = (unsigned)rng_below(rng, SWARM_VENDORS_MAX + 1);
    swarm->provider_count = swarm->local_count + swarm->vendor_count;
    name_all(swarm->tenant_names, swarm->tenant_count, "tenant");
    name_all(swarm->model_names, swarm->model_count, "model");
    name_all(swarm->provider_names, swarm->provider_count, "provider");
    for (unsigned n = 0; n < swarm->tenant_count; n++) {
        swarm->tenants[n].name = swarm->tenant_names[n];
        swarm->tenants[n].weight = rng_below(rng, 2) ? 1 : 1 + (unsigned)rng_below(rng, 8);
    }
    for (unsigned n = 0; n < swarm->provider_count; n++)
        swarm->providers[n].name = swarm->provider_names[n];
    for (unsigned n = 0; n < swarm->model_count; n++) {
        swarm->model_provider[n] = (unsigned)rng_below(rng, swarm->local_count);
        swarm->models[n].name = swarm->model_names[n];
        swarm->models[n].providers[0] = swarm->provider_names[swarm->model_provider[n]];
        swarm->models[n].timeout =
            rng_below(rng, 2) ? 0 : (ms_t)between(rng, 5.0 * 1000, 3600.0 * 1000);
    }
    static const int priorities[SWARM_PRIORITIES_MAX] = {0, 50, -50, 100, 7};
    swarm->priority_count = 1 + (unsigned)rng_below(rng, SWARM_PRIORITIES_MAX);
    memcpy(swarm->priorities, priorities, sizeof priorities);
}

void swarm_draw(struct swarm *swarm, uint64_t seed, unsigned jobs, const struct swarm_mask *mask)
{
    struct rng rng;
    rng_init(&rng, seed ^ UINT64_C(0x5EED5EED5EED5EED));
    *swarm = (struct swarm){.seed = seed, .jobs = jobs};
    rng_init(&swarm->purse, seed ^ UINT64_C(0xB0D6E7B0D6E7));
    for (unsigned n = 0; n < SWARM_TENANTS_MAX; n++)
        swarm->purses[n] = draw_budget(&swarm->purse);
    for (int fault = 0; fault < SWARM_FAULT_COUNT; fault++) {
        /* Both are drawn whatever the mask says, or a smaller mask would be another seed. */
        bool on = rng_below(&rng, 20) < SWARM_ON_IN_TWENTY;
        double rate = between(&rng, 0.002, 0.4);
        swarm->rates[fault] = on && mask->allows[fault] ? rate : 0;
    }
    draw_names(swarm, &rng);
    draw_vendors(swarm, &rng);
    /* Some tenants are not in the configuration. */
    swarm->config.tenant_count = (unsigned)rng_below(&rng, swarm->tenant_count + 1);
    swarm_draw_limits(swarm, &rng);
    swarm->gap = (ms_t)between(&rng, 2, 20000);
    swarm->work = (ms_t)between(&rng, 10, 60000);
    swarm->window = rng_below(&rng, 3) == 0 ? 0 : (ms_t)between(&rng, 1, 500);
    swarm->batch = 1 + (unsigned)rng_below(&rng, 60);
    struct core_config *config = &swarm->config;
    swarm->tiers[0] = (struct core_tier){"free", 1};
    swarm->tiers[1] = (struct core_tier){"pro", 3};
    swarm->tiers[2] = (struct core_tier){"gold", 8};
    config->tiers = swarm->tiers;
    config->tier_count = SWARM_TIERS;
    config->providers = swarm->providers;
    config->models = swarm->models;
    config->tenants = swarm->tenants;
    config->provider_count = swarm->provider_count;
    config->model_count = swarm->model_count;
    config->timeout = (ms_t)between(&rng, 30.0 * 1000, 7200.0 * 1000);
    config->submit_timeout = (ms_t)between(&rng, 5.0 * 1000, 600.0 * 1000);
    config->disk_reserve = UINT64_C(1) << 30;
    config->queue_max = rng_below(&rng, 2) ? 0 : 1 + (int64_t)between(&rng, 5, 2000);
    config->queue_tenant = rng_below(&rng, 3) ? 0 : 1 + (int64_t)between(&rng, 5, 500);
    config->seed = rng_next(&rng);
    config->upload_kept = (ms_t)between(&rng, 60.0 * 1000, 7200.0 * 1000);
    config->upload_max = rng_below(&rng, 2) ? 0 : (int64_t)between(&rng, 1000, 1000000);
    config->upload_count_max = limit_of(&rng, 20);
    swarm->receiver_count = 1 + (unsigned)rng_below(&rng, SWARM_RECEIVERS_MAX);
    for (unsigned n = 1; n < SWARM_HOOK_TRIES; n++)
        swarm->hook_schedule[n] = (ms_t)between(&rng, 100, 3600.0 * 1000);
    config->hook_schedule = swarm->hook_schedule;
    swarm_draw_hooks(swarm, &rng);
    for (unsigned n = 0; n < swarm->vendor_count; n++)
        swarm->vendors[n].reads_limit = rng_below(&rng, 3) ? 0 : (unsigned)between(&rng, 60, 6000);
    config->limit_submitting = rng_below(&rng, 3) ? 0 : 1 + (unsigned)rng_below(&rng, 6);
}
