#include "core/limit.h"

#include "base/memory.h"

#include <assert.h>

static void set_providers(struct limits *limits, struct gauge *gauge, const struct core_limit *row)
{
    for (int n = 0; n < CORE_PROVIDERS_MAX; n++) {
        const char *name = row->providers[n];
        gauge->providers[n] = name && *name ? limit_gauge(limits, LIMIT_PROVIDER, name) : NULL;
    }
}

static struct gauge *add(struct limits *limits, enum limit_kind kind, const struct core_limit *row)
{
    struct gauge *gauge = memory_new(struct gauge);
    bool fits = span_copy(span_of(row->name), gauge->name, sizeof gauge->name);
    assert(fits);
    set_providers(limits, gauge, row);
    gauge->limit = gauge->limit_listed = row->limit;
    gauge->timeout = row->timeout;
    gauge->typical = row->typical;
    gauge->weight = gauge->weight_listed = row->weight ? row->weight : 1;
    gauge->queue_limit = limits->queue_tenant;
    list_init(&gauge->dirty_link);
    map_set(&limits->gauges[kind], span_of(gauge->name), gauge);
    return gauge;
}

/* The configuration's word for one; a tenant's own row goes before it. */
static void set_listed(struct gauge *gauge, const struct core_limit *row)
{
    gauge->limit_listed = row->limit;
    gauge->weight_listed = row->weight ? row->weight : 1;
    gauge->timeout = row->timeout;
    gauge->typical = row->typical;
    if (!gauge->own_limit)
        gauge->limit = gauge->limit_listed;
    if (!gauge->own_weight)
        gauge->weight = gauge->weight_listed;
}

static void list(struct limits *limits, enum limit_kind kind, const struct core_limit *row)
{
    struct gauge *gauge = map_get(&limits->gauges[kind], span_of(row->name));
    if (!gauge)
        gauge = add(limits, kind, row);
    set_providers(limits, gauge, row);
    set_listed(gauge, row);
    gauge->is_listed = true;
    if (kind == LIMIT_MODEL && !gauge->timeout)
        gauge->timeout = limits->fallback[LIMIT_MODEL].timeout;
}

static void set_tiers(struct limits *limits, const struct core_config *config)
{
    memory_free(limits->tiers);
    limits->tier_count = config->tier_count;
    limits->tiers = memory_make(config->tier_count * sizeof *limits->tiers);
    for (unsigned n = 0; n < config->tier_count; n++)
        limits->tiers[n] = config->tiers[n];
}

void limit_change(struct limits *limits, const struct core_config *config)
{
    limits->limit = config->limit_all;
    limits->limit_submitting = config->limit_submitting;
    limits->queue_limit = config->queue_max;
    limits->queue_tenant = config->queue_tenant;
    set_tiers(limits, config);
    limits->fallback[LIMIT_PROVIDER].limit = config->limit_provider;
    limits->fallback[LIMIT_TENANT].limit = config->limit_tenant;
    limits->fallback[LIMIT_MODEL].timeout = config->timeout;
    for (int kind = 0; kind < LIMIT_KINDS; kind++) {
        size_t cursor = 0;
        for (struct gauge *gauge; (gauge = map_next(&limits->gauges[kind], &cursor));) {
            if (!gauge->own_queue)
                gauge->queue_limit = limits->queue_tenant;
            if (!gauge->is_listed)
                set_listed(gauge, &limits->fallback[kind]);
        }
    }
    for (unsigned n = 0; n < config->provider_count; n++)
        list(limits, LIMIT_PROVIDER, &config->providers[n]);
    for (unsigned n = 0; n < config->model_count; n++)
        list(limits, LIMIT_MODEL, &config->models[n]);
    for (unsigned n = 0; n < config->tenant_count; n++)
        list(limits, LIMIT_TENANT, &config->tenants[n]);
}

void limit_init(struct limits *limits, const struct core_config *config)
{
    *limits = (struct limits){0};
    list_init(&limits->dirty);
    for (int kind = 0; kind < LIMIT_KINDS; kind++)
        map_init(&limits->gauges[kind]);
    limit_change(limits, config);
}

void limit_done(struct limits *limits)
{
    for (int kind = 0; kind < LIMIT_KINDS; kind++) {
        size_t cursor = 0;
        for (void *gauge; (gauge = map_next(&limits->gauges[kind], &cursor));)
            memory_free(gauge);
        map_done(&limits->gauges[kind]);
    }
    memory_free(limits->tiers);
}

struct gauge *limit_gauge(struct limits *limits, enum limit_kind kind, const char *name)
{
    struct gauge *gauge = map_get(&limits->gauges[kind], span_of(name));
    if (gauge)
        return gauge;
    struct core_limit row = limits->fallback[kind];
    row.name = name;
    return add(limits, kind, &row);
}

static unsigned room(unsigned in_flight, unsigned limit)
{
    if (limit == 0)
        return UINT32_MAX;
    return in_flight >= limit ? 0 : limit - in_flight;
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned provider_room(const struct gauge *gauge)
{
    if (gauge->is_blocked || gauge->is_broke)
        return 0;
    unsigned left = room(gauge->in_flight, gauge->limit);
    return gauge->only_one && left > 1 ? 1 : left;
}

static unsigned room_to_submit(const struct limits *limits, const struct gauge *gauge)
{
    return smaller(room(gauge->submitting, limits->limit_submitting),
                   room(gauge->submitting, gauge->window));
}

bool limit_may_submit(struct limits *limits, const char *provider)
{
    return room_to_submit(limits, limit_gauge(limits, LIMIT_PROVIDER, provider)) > 0;
}

bool limit_provider_has_room(struct limits *limits, const char *provider)
{
    return provider_room(limit_gauge(limits, LIMIT_PROVIDER, provider)) > 0;
}

unsigned limit_room_of(const struct limits *limits, const struct gauge *tenant,
                       const struct gauge *model)
{
    unsigned least = room(limits->in_flight, limits->limit);
    bool is_preferred = true;
    unsigned rooms[3] = {room(model->in_flight, model->limit),
                         room(tenant->in_flight, tenant->limit), UINT32_MAX};
    for (int n = 0; n < CORE_PROVIDERS_MAX && model->providers[n]; n++) {
        unsigned left = provider_room(model->providers[n]);
        /* Whoever is preferred is waited for: its answers come within seconds. */
        if (left > 0 && is_preferred) {
            least = smaller(least, room_to_submit(limits, model->providers[n]));
            is_preferred = false;
        }
        rooms[2] = n == 0 || left > rooms[2] ? left : rooms[2];
    }
    for (int n = 0; n < 3; n++)
        least = smaller(least, rooms[n]);
    return least;
}

unsigned limit_room(struct limits *limits, const char *tenant, const char *model)
{
    return limit_room_of(limits, limit_gauge(limits, LIMIT_TENANT, tenant),
                         limit_gauge(limits, LIMIT_MODEL, model));
}

void limit_count_submitting(struct limits *limits, const char *provider, int delta)
{
    struct gauge *gauge = limit_gauge(limits, LIMIT_PROVIDER, provider);
    assert(delta > 0 || gauge->submitting > 0);
    gauge->submitting += (unsigned)delta;
}

void limit_move(struct limits *limits, struct job *job, const char *provider)
{
    if (span_is(span_of(provider), job->provider))
        return;
    struct gauge *from = limit_gauge(limits, LIMIT_PROVIDER, job->provider);
    assert(from->in_flight > 0);
    from->in_flight--;
    bool fits = span_copy(span_of(provider), job->provider, sizeof job->provider);
    assert(fits);
    limit_gauge(limits, LIMIT_PROVIDER, job->provider)->in_flight++;
}

void limit_enter(struct limits *limits, const struct job *job)
{
    limits->in_flight++;
    limit_gauge(limits, LIMIT_PROVIDER, job->provider)->in_flight++;
    limit_gauge(limits, LIMIT_MODEL, job->model)->in_flight++;
    limit_gauge(limits, LIMIT_TENANT, job->tenant)->in_flight++;
}

void limit_leave(struct limits *limits, const struct job *job)
{
    struct gauge *gauges[] = {limit_gauge(limits, LIMIT_PROVIDER, job->provider),
                              limit_gauge(limits, LIMIT_MODEL, job->model),
                              limit_gauge(limits, LIMIT_TENANT, job->tenant)};
    assert(limits->in_flight > 0);
    limits->in_flight--;
    for (size_t n = 0; n < sizeof gauges / sizeof gauges[0]; n++) {
        assert(gauges[n]->in_flight > 0);
        gauges[n]->in_flight--;
    }
}

void limit_count_queued(struct limits *limits, const char *tenant, const char *model, int64_t delta)
{
    limits->queued += delta;
    limit_gauge(limits, LIMIT_MODEL, model)->queued += delta;
    limit_gauge(limits, LIMIT_TENANT, tenant)->queued += delta;
    assert(limits->queued >= 0);
}

static void change_waiting(struct limits *limits, struct gauge *gauge, int64_t delta)
{
    limits->waiting += delta;
    gauge->waiting += delta;
    assert(limits->waiting >= 0 && gauge->waiting >= 0);
}

void limit_count_waiting(struct limits *limits, const char *tenant, int64_t delta)
{
    struct gauge *gauge = limit_gauge(limits, LIMIT_TENANT, tenant);
    change_waiting(limits, gauge, delta);
    gauge->waiting_delta += delta;
    list_remove(&gauge->dirty_link);
    list_add(&limits->dirty, &gauge->dirty_link);
}

void limit_set_waiting(struct limits *limits, const char *tenant, int64_t count)
{
    change_waiting(limits, limit_gauge(limits, LIMIT_TENANT, tenant), count);
}

static unsigned weight_of(const struct limits *limits, const char *tier, unsigned fallback)
{
    for (unsigned n = 0; n < limits->tier_count; n++) {
        if (span_is(span_of(tier), limits->tiers[n].name))
            return limits->tiers[n].weight;
    }
    return fallback;
}

void limit_set_tenant(struct limits *limits, const struct tenant_row *row)
{
    struct gauge *gauge = limit_gauge(limits, LIMIT_TENANT, row->tenant);
    gauge->limit =
        row->in_flight == TENANT_AS_SERVER ? gauge->limit_listed : (unsigned)row->in_flight;
    gauge->queue_limit = row->queued == TENANT_AS_SERVER ? limits->queue_tenant : row->queued;
    gauge->weight = weight_of(limits, row->tier, gauge->weight_listed);
    gauge->own_limit = row->in_flight != TENANT_AS_SERVER;
    gauge->own_queue = row->queued != TENANT_AS_SERVER;
    gauge->own_weight = weight_of(limits, row->tier, 0) != 0;
}

int64_t limit_queue_room(struct limits *limits, const char *tenant, bool *ret_of_tenant)
{
    const struct gauge *gauge = limit_gauge(limits, LIMIT_TENANT, tenant);
    int64_t of_all =
        limits->queue_limit ? limits->queue_limit - limits->queued - limits->waiting : INT64_MAX;
    int64_t own =
        gauge->queue_limit ? gauge->queue_limit - gauge->queued - gauge->waiting : INT64_MAX;
    *ret_of_tenant = own < of_all;
    return own < of_all ? own : of_all;
}

void limit_flush(struct limits *limits, struct output *output)
{
    for (struct list *link; (link = list_take(&limits->dirty));) {
        struct gauge *gauge = LIST_OWNER(link, struct gauge, dirty_link);
        if (gauge->waiting_delta) {
            struct waiting_change *change = &output_change(output, CHANGE_WAITING)->waiting;
            (void)span_copy(span_of(gauge->name), change->tenant, sizeof change->tenant);
            change->delta = gauge->waiting_delta;
        }
        gauge->waiting_delta = 0;
    }
}
