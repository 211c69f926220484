#include "core/tenant.h"

#include "core/core_private.h"

static const char *const periods[TENANT_PERIOD_COUNT] = {
#define TENANT_PERIOD_NAME(upper, lower) #lower,
    TENANT_PERIOD_LIST(TENANT_PERIOD_NAME)
#undef TENANT_PERIOD_NAME
};

const char *tenant_period_name(enum tenant_period period)
{
    return periods[period];
}

bool tenant_period_find(struct span name, enum tenant_period *ret_period)
{
    for (int period = 0; period < TENANT_PERIOD_COUNT; period++) {
        if (span_is(name, periods[period])) {
            *ret_period = (enum tenant_period)period;
            return true;
        }
    }
    return false;
}

struct tenant_row tenant_row_make(const char *tenant)
{
    struct tenant_row row = {
        .in_flight = TENANT_AS_SERVER,
        .queued = TENANT_AS_SERVER,
        .rate = TENANT_AS_SERVER,
        .budget = TENANT_NO_BUDGET,
        .period = TENANT_MONTH,
    };
    bool fits = span_copy(span_of(tenant), row.tenant, sizeof row.tenant);
    assert(fits);
    return row;
}

static bool is_plain(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9');
}

bool tenant_is_name(struct span name)
{
    if (name.size == 0 || name.size >= JOB_TENANT_SIZE || !is_plain(name.data[0]))
        return false;
    for (size_t n = 1; n < name.size; n++) {
        char letter = name.data[n];
        if (!is_plain(letter) && letter != '.' && letter != '_' && letter != '-')
            return false;
    }
    return true;
}

void tenant_step(struct core *core, struct output *output, const struct event *event)
{
    struct tenant_row row = event->tenant_asked.row;
    row.updated_at = core->now;
    limit_set_tenant(&core->limits, &row);
    money_set_tenant(core, &row);
    output_change(output, CHANGE_TENANT)->tenant = row;
    output_effect(output, EFFECT_TENANT)->tenant = row;
    if (event->tenant_asked.token)
        output_effect(output, EFFECT_REPLY)->reply.token = event->tenant_asked.token;
}

void core_set_tenant(struct core *core, const struct tenant_row *row)
{
    limit_set_tenant(&core->limits, row);
    money_set_tenant(core, row);
}

void core_set_waiting(struct core *core, const char *tenant, int64_t count)
{
    limit_set_waiting(&core->limits, tenant, count);
}
