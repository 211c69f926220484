/* Budgets: what is reserved and spent, recomputed from the rows and held against what the core and
 * the store say, and against what may be (P9, I15, I16). */
#include "oracle.h"
#include "purse.h"

enum { ORACLE_MONEY_MONTHS = 12 };

/* ---------------------------------------------------------------- periods */

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Months since 1970, the long way. */
static int64_t month_of(int64_t day)
{
    static const int days[ORACLE_MONEY_MONTHS] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year = 1970;
    while (day >= 365 + is_leap(year)) {
        day -= 365 + is_leap(year);
        year++;
    }
    int month = 0;
    while (day >= days[month] + (month == 1 && is_leap(year))) {
        day -= days[month] + (month == 1 && is_leap(year));
        month++;
    }
    return (year - 1970) * ORACLE_MONEY_MONTHS + month;
}

static void turn_page(struct ledger_money *money, ms_t now)
{
    int64_t day = now / MS_DAY;
    if (day == money->day)
        return;
    if (month_of(day) != month_of(money->day))
        money->spent[TENANT_MONTH] = 0;
    money->spent[TENANT_DAY] = 0;
    money->day = day;
}

static void spend(struct world *world, struct ledger_money *money, int64_t micros)
{
    turn_page(money, world->now);
    for (int period = 0; period < TENANT_PERIOD_COUNT; period++)
        money->spent[period] += micros;
}

/* What was spent then is not spent. */
static void undo(struct world *world, struct ledger_money *money, ms_t at, int64_t micros)
{
    int64_t day = at / MS_DAY;
    if (micros == 0)
        return;
    turn_page(money, world->now);
    money->spent[TENANT_TOTAL] -= micros;
    if (month_of(day) == month_of(money->day))
        money->spent[TENANT_MONTH] -= micros;
    if (day == money->day)
        money->spent[TENANT_DAY] -= micros;
}

/* ---------------------------------------------------------------- one row */

static int64_t dearest(const struct world *world, unsigned model)
{
    const struct swarm_route *route = &world->swarm.routes[model];
    int64_t most = 0;
    for (unsigned n = 0; n < route->count; n++)
        most = route->prices[n] > most ? route->prices[n] : most;
    return most;
}

static bool has_unknown(const struct world *world, unsigned model)
{
    const struct swarm_route *route = &world->swarm.routes[model];
    bool is_unknown = false;
    for (unsigned n = 0; n < route->count; n++)
        is_unknown |= route->prices[n] < 0;
    return is_unknown;
}

/* I16: the whole price until the job ends, and the attempt's until that has ended. */
static int64_t bound_of(const struct world *world, const struct ledger_job *job,
                        const struct job *row)
{
    const struct attempt *attempt = &row->attempt;
    int64_t open = 0, whole = state_is_terminal(row->state) ? 0 : dearest(world, job->model);
    if (oracle_vendor_is_open(attempt->state))
        open = attempt->settled > attempt->reserved ? attempt->settled : attempt->reserved;
    return open > whole ? open : whole;
}

/* What is more than before was either allowed by the budget, or the provider took more than the
 * bound that was known. */
static void grow(struct ledger_money *money, int64_t by, int64_t beyond)
{
    if (by < 0) {
        money->released -= by;
        return;
    }
    int64_t explained = by < beyond ? by : beyond;
    money->explained += explained;
    money->admitted += by - explained;
}

/* What a row changes of an account. */
struct step {
    int64_t by;      /* reserved */
    int64_t settled; /* now */
    int64_t undone;  /* settled before, and not any more … */
    ms_t undone_at;  /* … since then */
    int64_t beyond;  /* more than the bound that was known */
};

static void take(struct world *world, struct ledger_money *money, const struct step *step)
{
    grow(money, step->by + step->settled - step->undone, step->beyond);
    money->reserved += step->by;
    undo(world, money, step->undone_at, step->undone);
    spend(world, money, step->settled);
}

void oracle_money_row(struct world *world, struct ledger_job *job, const struct job *row)
{
    const struct attempt *attempt = &row->attempt;
    struct ledger_money *tenant = &world->ledger.money_tenant[job->tenant];
    struct ledger_money *purse =
        job->submission->has_purse ? &world->ledger.money_purse[job->tenant] : NULL;
    bool is_new = attempt->number != job->attempt;
    bool was_open = !is_new && oracle_vendor_is_open(job->attempt_state);
    bool is_open = oracle_vendor_is_open(attempt->state);
    bool is_late = oracle_late_is(job, row);
    bool ends = !is_open && (is_new || was_open || is_late);
    int64_t beyond = attempt->settled - attempt->reserved;
    int64_t bound = bound_of(world, job, row);
    bool has_budget =
        world->ledger.rows[job->tenant].budget != TENANT_NO_BUDGET && !tenant->is_changed;
    struct step step = {.by = bound - job->bound,
                        .settled = ends ? attempt->settled : 0,
                        .undone = is_late ? job->settled : 0,
                        .undone_at = job->settled_at,
                        .beyond = beyond > 0 ? beyond : 0};
    if (!job->is_known && has_unknown(world, job->model) && (has_budget || purse))
        world_fail(world, "P9", row->key, "nobody knows what it costs, and there is a budget");
    /* It may have been reserved for and released in one turn. */
    int64_t released = job->is_known ? 0 : dearest(world, job->model) - bound;
    tenant->released += released > 0 ? released : 0;
    take(world, tenant, &step);
    if (purse) {
        purse->released += released > 0 ? released : 0;
        take(world, purse, &step);
    }
    job->bound = bound;
    if (attempt->number == 0)
        return;
    struct ledger_money *vendor = &world->ledger.money_provider[job->at];
    int64_t before = was_open ? attempt->reserved : 0, after = is_open ? attempt->reserved : 0;
    step.by = after - before;
    take(world, vendor, &step);
}

/* ---------------------------------------------------------------- the turn */

static int64_t used(const struct ledger_money *money, enum tenant_period period)
{
    return money->reserved + money->spent[period];
}

static void begin(struct ledger_money *money, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        money[n].released = money[n].admitted = money[n].explained = 0;
        money[n].is_changed = false;
    }
}

void oracle_money_begin(struct world *world)
{
    begin(world->ledger.money_tenant, SWARM_TENANTS_MAX);
    begin(world->ledger.money_purse, SWARM_TENANTS_MAX);
    begin(world->ledger.money_provider, SWARM_PROVIDERS_MAX);
}

static void check_within(struct world *world, const char *name, struct ledger_money *money,
                         int64_t budget, enum tenant_period period)
{
    turn_page(money, world->now);
    if (budget == TENANT_NO_BUDGET || money->is_changed || money->admitted == 0)
        return;
    if (used(money, period) > budget + money->explained)
        world_fail(world, "P9", 0, "%s has %lld reserved and %lld spent, its budget is %lld", name,
                   (long long)money->reserved, (long long)money->spent[period], (long long)budget);
}

static const struct core_budget *budget_at(const struct world *world, unsigned provider)
{
    const struct core_config *config = &world->swarm.config;
    for (unsigned n = 0; n < config->budget_count; n++) {
        if (oracle_vendor_find(world, config->budgets[n].provider) == provider)
            return &config->budgets[n];
    }
    return NULL;
}

void oracle_money_check(struct world *world)
{
    struct ledger *ledger = &world->ledger;
    for (unsigned n = 0; n < world->swarm.tenant_count; n++)
        check_within(world, world->swarm.tenant_names[n], &ledger->money_tenant[n],
                     ledger->rows[n].budget, ledger->rows[n].period);
    for (unsigned n = 0; n < world->swarm.tenant_count; n++)
        check_within(world, purse_id(n), &ledger->money_purse[n], world->swarm.purses[n],
                     TENANT_TOTAL);
    for (unsigned n = world->swarm.local_count; n < world->swarm.provider_count; n++) {
        const struct core_budget *budget = budget_at(world, n);
        if (budget)
            check_within(world, budget->provider, &ledger->money_provider[n], budget->amount,
                         budget->period);
    }
}

static bool may_purse_refuse(const struct world *world, const struct submission *submission,
                             enum error_code error)
{
    const struct ledger_money *money = &world->ledger.money_purse[submission->tenant];
    int64_t wanted = dearest(world, submission->model) * submission->count;
    if (!submission->has_purse)
        return false;
    if (error == ERROR_PRICE_UNKNOWN)
        return has_unknown(world, submission->model);
    return wanted > 0 && used(money, TENANT_TOTAL) + money->released + wanted >
                             world->swarm.purses[submission->tenant];
}

bool oracle_money_may_refuse(const struct world *world, const struct submission *submission,
                             enum error_code error)
{
    const struct tenant_row *row = &world->ledger.rows[submission->tenant];
    const struct ledger_money *money = &world->ledger.money_tenant[submission->tenant];
    if (money->is_changed || may_purse_refuse(world, submission, error))
        return true;
    if (row->budget == TENANT_NO_BUDGET)
        return false;
    if (error == ERROR_PRICE_UNKNOWN)
        return has_unknown(world, submission->model);
    int64_t wanted = dearest(world, submission->model) * submission->count;
    return wanted > 0 && used(money, row->period) + money->released + wanted > row->budget;
}

/* Whether no job can be waiting for the provider's budget. */
bool oracle_money_has_room(const struct world *world, unsigned provider)
{
    const struct core_budget *budget = budget_at(world, provider);
    struct ledger_money money = world->ledger.money_provider[provider];
    int64_t most = 1;
    if (!budget)
        return true;
    turn_page(&money, world->now);
    for (unsigned model = 0; model < world->swarm.model_count; model++) {
        const struct swarm_route *route = &world->swarm.routes[model];
        for (unsigned n = 0; n < route->count; n++) {
            bool is_there = world->swarm.local_count + route->vendors[n] == provider;
            most = is_there && route->prices[n] > most ? route->prices[n] : most;
        }
    }
    return used(&money, budget->period) + most <= budget->amount;
}

/* ---------------------------------------------------------------- the whole */

static void audit_gauges(struct world *world, enum core_gauge_kind kind)
{
    struct core_gauge gauge;
    for (size_t cursor = 0; core_gauge_next(world->core, kind, &cursor, &gauge);) {
        bool is_tenant = kind == CORE_GAUGE_TENANT;
        unsigned n = is_tenant ? oracle_tenant_find(world, gauge.name)
                               : oracle_vendor_find(world, gauge.name);
        if (n >= (is_tenant ? world->swarm.tenant_count : world->swarm.provider_count))
            continue;
        struct ledger_money money =
            is_tenant ? world->ledger.money_tenant[n] : world->ledger.money_provider[n];
        turn_page(&money, core_now(world->core));
        if (gauge.reserved != money.reserved || gauge.spent != money.spent[gauge.period])
            world_fail(world, "I15", 0,
                       "the core says that %s has %lld reserved and %lld spent; not %lld and %lld",
                       gauge.name, (long long)gauge.reserved, (long long)gauge.spent,
                       (long long)money.reserved, (long long)money.spent[gauge.period]);
    }
}

/* The attempts' sums against the store's rows. */
static void audit_store(struct world *world)
{
    struct {
        int64_t reserved[SWARM_TENANTS_MAX + 1], spent[SWARM_TENANTS_MAX + 1],
            days[SWARM_TENANTS_MAX + 1];
    } sums = {0};
    size_t cursor = 0;
    for (const struct spend_row *row; (row = ram_next_spend(world->ram, &cursor));) {
        unsigned tenant = oracle_tenant_find(world, row->tenant);
        sums.reserved[tenant] += row->reserved;
        *(row->day == MONEY_NOW ? &sums.spent[tenant] : &sums.days[tenant]) += row->spent;
    }
    for (unsigned n = 0; n < world->swarm.tenant_count; n++) {
        const struct ledger_money *money = &world->ledger.money_tenant[n];
        if (sums.reserved[n] != money->reserved || sums.spent[n] != money->spent[TENANT_TOTAL] ||
            sums.days[n] != sums.spent[n])
            world_fail(world, "I15", 0,
                       "the store says that %s has %lld reserved, %lld spent, %lld by days; the "
                       "attempts come to %lld and %lld",
                       world->swarm.tenant_names[n], (long long)sums.reserved[n],
                       (long long)sums.spent[n], (long long)sums.days[n],
                       (long long)money->reserved, (long long)money->spent[TENANT_TOTAL]);
    }
}

static void audit_purses(struct world *world)
{
    size_t cursor = 0;
    for (const struct api_key_row *row; (row = ram_next_api_key(world->ram, &cursor));) {
        unsigned tenant = oracle_tenant_find(world, row->tenant);
        const struct ledger_money *money = &world->ledger.money_purse[tenant];
        if (row->reserved != money->reserved || row->spent != money->spent[TENANT_TOTAL])
            world_fail(world, "I15", 0,
                       "the store says that %s has %lld reserved and %lld spent; not %lld and %lld",
                       row->id, (long long)row->reserved, (long long)row->spent,
                       (long long)money->reserved, (long long)money->spent[TENANT_TOTAL]);
    }
}

void oracle_money_audit(struct world *world, bool has_core)
{
    if (has_core) {
        audit_gauges(world, CORE_GAUGE_TENANT);
        audit_gauges(world, CORE_GAUGE_PROVIDER);
    }
    if (!world->failure.invariant)
        audit_store(world);
    if (!world->failure.invariant)
        audit_purses(world);
}

void oracle_money_end(struct world *world)
{
    for (unsigned n = 0; n < SWARM_TENANTS_MAX; n++) {
        if (world->ledger.money_tenant[n].reserved)
            world_fail(world, "I16", 0, "all has ended, and %lld are reserved",
                       (long long)world->ledger.money_tenant[n].reserved);
    }
    for (unsigned n = 0; n < SWARM_PROVIDERS_MAX; n++) {
        if (world->ledger.money_provider[n].reserved)
            world_fail(world, "I16", 0, "all has ended, and a provider has %lld reserved",
                       (long long)world->ledger.money_provider[n].reserved);
    }
}
