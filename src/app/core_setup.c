#include "app/core_setup.h"

#include "app/offers.h"
#include "base/crypto.h"
#include "base/memory.h"
#include "catalog/estimate.h"
#include "provider/provider.h"

#include <string.h>

enum { CORE_SETUP_SUBMITTING = 64 /* four for each connection that the egress has to one host */ };

/* Who may run it, each once, as long as there is room; the first are the preferred ones. */
static void fill_providers(const struct model *model, struct core_limit *limit)
{
    unsigned count = 0;
    for (unsigned n = 0; n < model->offer_count && count < CORE_PROVIDERS_MAX; n++) {
        const char *name = model->offers[n]->provider->name;
        bool is_known = !offers_configured(NULL, model->offers[n]);
        for (unsigned other = 0; other < count; other++)
            is_known |= strcmp(limit->providers[other], name) == 0;
        if (!is_known)
            limit->providers[count++] = name;
    }
}

/* The providers that this version speaks to and that work elsewhere. */
static void fill_vendors(const struct config *config, const struct catalog *catalog,
                         struct core_config *core)
{
    size_t size = catalog_provider_count(catalog);
    struct core_vendor *vendors = memory_make(size * sizeof *vendors);
    for (size_t n = 0; n < size; n++) {
        const struct provider_entry *entry = catalog_provider_at(catalog, n);
        const struct provider *provider = provider_find(span_of(entry->name));
        if (!provider)
            continue;
        vendors[core->vendor_count++] = (struct core_vendor){
            .traits = provider->traits,
            .calls_back =
                (config->public_url || config->sandbox.has_one) && provider->traits.can & CAN_HOOK,
            .reads_limit = entry->reads,
        };
    }
    core->vendors = vendors;
}

/* The core's limits come from the catalogue and the configuration. */
static void fill_limits(const struct config *config, const struct catalog *catalog,
                        struct core_config *core)
{
    struct {
        struct core_limit *models, *providers;
    } lists = {
        memory_make(catalog_model_count(catalog) * sizeof(struct core_limit)),
        memory_make(catalog_provider_count(catalog) * sizeof(struct core_limit)),
    };
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        const struct model *model = catalog_model_at(catalog, n);
        lists.models[n] = (struct core_limit){.name = model->id,
                                              .limit = model->limit,
                                              .timeout = model->timeout_ms,
                                              .typical = estimate_typical(model, NULL)};
        if (config->sandbox.is_one)
            lists.models[n].providers[0] = "local"; /* whoever is asked, the work is ours */
        else
            fill_providers(model, &lists.models[n]);
        const char *provider = lists.models[n].providers[0];
        if (lists.models[n].timeout == 0 && provider && strcmp(provider, "local") == 0)
            lists.models[n].timeout = config->local.timeout;
    }
    for (size_t n = 0; n < catalog_provider_count(catalog); n++) {
        const struct provider_entry *provider = catalog_provider_at(catalog, n);
        bool is_local = strcmp(provider->name, "local") == 0;
        /* A sandbox takes what comes: renders wait for a worker, and all else needs none. */
        unsigned workers = config->sandbox.is_one ? 0 : (unsigned)config->local.workers;
        lists.providers[n] = (struct core_limit){.name = provider->name,
                                                 .limit = is_local ? workers : provider->limit};
    }
    core->models = lists.models;
    core->model_count = (unsigned)catalog_model_count(catalog);
    core->providers = lists.providers;
    core->provider_count = (unsigned)catalog_provider_count(catalog);
}

struct core_config *core_setup_make(const struct config *config, const struct catalog *catalog,
                                    const struct tier *tiers, unsigned tier_count)
{
    struct core_config *core = memory_new(struct core_config);
    struct core_tier *weights = memory_make(tier_count * sizeof *weights);
    for (unsigned n = 0; n < tier_count; n++)
        weights[n] = (struct core_tier){tiers[n].name, tiers[n].weight};
    *core = (struct core_config){
        .limit_all = (unsigned)config->limits.in_flight,
        .limit_provider = CATALOG_LIMIT,
        .limit_tenant = (unsigned)config->limits.per_tenant,
        .limit_submitting = CORE_SETUP_SUBMITTING,
        .timeout = config->attempt_timeout,
        .uncertain_hold = config->uncertain_hold,
        .submit_timeout = config->sandbox.is_one ? MS_DAY : 5 * MS_MINUTE,
        .disk_reserve = config->disk_reserve,
        .queue_max = config->limits.queue,
        .queue_tenant = config->limits.queue_per_tenant,
        .tiers = weights,
        .tier_count = tier_count,
        .budgets = config->budget.providers,
        .budget_count = config->budget.provider_count,
        .upload_kept = config->uploads.keep,
        .upload_max = (int64_t)config->uploads.max_total,
        .upload_count_max = (unsigned)config->uploads.max_count,
        .seed = crypto_random_number(),
        .hooks_max = (unsigned)config->webhooks.in_flight,
        .hooks_lane_max = (unsigned)config->webhooks.per_receiver,
        .hook_schedule = config->webhooks.schedule,
        .hook_tries = config->webhooks.schedule_count,
    };
    fill_limits(config, catalog, core);
    fill_vendors(config, catalog, core);
    return core;
}
