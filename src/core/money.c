/* What jobs may cost and have cost (reliability I15 to I17).
 *
 * Of a tenant: what is reserved for a job is a function of its row (bound_of), so the sum can't
 * drift from the rows; whatever changes a row brings it up to date before the row is written. Of a
 * provider: the attempts that are open there, which are all in memory. Either is settled where an
 * attempt ends. The durable side is a row of sums for each day, tenant, model and provider, changed
 * by deltas in the same commit as the jobs' rows; the one of day 0 has what is reserved now and
 * what was ever spent. */
#include "core/core_private.h"

#include "base/memory.h"
#include "core/route.h"

#include <stdio.h>
#include <string.h>

struct spend_entry {
    struct list link;     /* money.dirty, while there are deltas */
    struct spend_row row; /* deltas since the last flush */
};

static int64_t today(const struct core *core)
{
    return core->now / MS_DAY;
}

static struct account *account_of(struct core *core, enum money_kind kind, const char *name)
{
    struct account *account = map_get(&core->money.accounts[kind], span_of(name));
    if (account)
        return account;
    account = memory_new(struct account);
    bool fits = span_copy(span_of(name), account->name, sizeof account->name);
    assert(fits);
    account->budget = TENANT_NO_BUDGET;
    list_init(&account->link);
    map_set(&core->money.accounts[kind], span_of(account->name), account);
    return account;
}

const struct account *money_account(const struct core *core, enum money_kind kind, const char *name)
{
    return map_get(&core->money.accounts[kind], span_of(name));
}

/* At the end of the step it is seen whether the operator is to be told. */
static void touch(struct core *core, struct account *account)
{
    if (account->budget == TENANT_NO_BUDGET)
        return;
    list_remove(&account->link);
    list_add(&core->money.touched, &account->link);
}

/* ---------------------------------------------------------------- who waits */

static void show(struct core *core, struct account *account, bool is_broke)
{
    if (account->is_broke != is_broke)
        core->money.broke_count += is_broke ? 1 : -1;
    account->is_broke = is_broke;
    limit_gauge(&core->limits, LIMIT_PROVIDER, account->name)->is_broke = is_broke;
}

/* Something is free again: whoever is next may try. */
static void reopen(struct core *core, struct account *account)
{
    if (account->is_broke)
        show(core, account, false);
}

static void reopen_all(struct core *core)
{
    size_t cursor = 0;
    for (struct account *account;
         (account = map_next(&core->money.accounts[MONEY_PROVIDER], &cursor));)
        reopen(core, account);
}

enum account_fit money_fits(const struct core *core, const char *provider, int64_t price)
{
    const struct account *account = money_account(core, MONEY_PROVIDER, provider);
    return account ? account_fits(account, price, today(core)) : ACCOUNT_FITS;
}

/* The same for a job in the queue: who waits for a budget goes before those that cost less. */
static enum account_fit fits_in_line(const struct core *core, const struct route_offer *offer)
{
    const struct account *account = money_account(core, MONEY_PROVIDER, offer->provider);
    enum account_fit fit = money_fits(core, offer->provider, offer->price);
    return fit == ACCOUNT_FITS && account && account->is_broke && offer->price != 0 ? ACCOUNT_LATER
                                                                                    : fit;
}

void money_remember(struct core *core, struct job *job, const char *provider, int64_t price)
{
    const struct account *account = money_account(core, MONEY_PROVIDER, provider);
    char budget[ACCOUNT_BUDGET_SIZE], cost[ACCOUNT_TEXT_SIZE];
    if (job->flight.error != ERROR_NONE)
        return;
    account_write_budget(account, budget);
    account_write(price > 0 ? price : 0, cost);
    job->flight.error = ERROR_OVER_BUDGET;
    (void)snprintf(job->flight.text, sizeof job->flight.text,
                   "The budget of %s is %s, which leaves too little for this job: it costs %s%s.",
                   account->name, budget, price < 0 ? "what is not known" : "up to ",
                   price < 0 ? "" : cost);
}

/* One offer after the other that the job may take; false at the end. */
static bool next_offer(const struct core *core, const struct job *job, unsigned *number,
                       struct route_offer *ret_offer)
{
    for (;; (*number)++) {
        if ((*number > 0 && job->flags & JOB_FLAG_NO_FALLBACK) ||
            !route_read(job->route, *number, ret_offer))
            return false;
        if (health_of(&core->health, ret_offer->provider)) {
            (*number)++;
            return true;
        }
    }
}

bool money_waits(struct core *core, const struct job *job)
{
    struct route_offer offer;
    bool may_later = false;
    if (!job->route || core->money.budget_count == 0)
        return false;
    for (unsigned n = 0; next_offer(core, job, &n, &offer);) {
        enum account_fit fit = fits_in_line(core, &offer);
        if (fit == ACCOUNT_FITS)
            return false;
        may_later |= fit == ACCOUNT_LATER;
    }
    if (!may_later)
        return false; /* it never fits, and fails when it is started */
    for (unsigned n = 0; next_offer(core, job, &n, &offer);) {
        if (fits_in_line(core, &offer) == ACCOUNT_LATER)
            show(core, account_of(core, MONEY_PROVIDER, offer.provider), true);
    }
    /* Where others of the model's offers have room, the queue would bring it up for ever. */
    return limit_room(&core->limits, job->tenant, job->model) == 0;
}

void money_leaves_queue(struct core *core, const struct job *job)
{
    struct route_offer offer;
    if (!job->route || core->money.broke_count == 0)
        return;
    for (unsigned n = 0; next_offer(core, job, &n, &offer);)
        reopen(core, account_of(core, MONEY_PROVIDER, offer.provider));
}

void money_turn(struct core *core, ms_t before)
{
    if (core->money.broke_count && before / MS_DAY != today(core))
        reopen_all(core);
}

ms_t money_wake_at(const struct core *core)
{
    return core->money.broke_count ? (today(core) + 1) * MS_DAY : MS_NEVER;
}

/* ---------------------------------------------------------------- sums that are kept */

static void change_spent(struct account *account, int64_t day, int64_t micros)
{
    if (micros < 0)
        account_unspend(account, day, -micros);
    else
        account_spend(account, day, micros);
}

/* What the key's account becomes more, or less. */
static void charge(struct core *core, const struct job *job, int64_t day, int64_t spent,
                   int64_t reserved)
{
    if (!job->api_key[0])
        return;
    struct account *account = account_of(core, MONEY_KEY, job->api_key);
    change_spent(account, day, spent);
    account->reserved += reserved;
    assert(account->reserved >= 0);
    account->more_spent += spent;
    account->more_reserved += reserved;
    list_remove(&account->link);
    list_add(&core->money.charged, &account->link);
}

static void write_charge(struct output *output, struct account *account)
{
    struct api_key_change change = {
        .act = API_KEY_CHARGED,
        .row = {.spent = account->more_spent, .reserved = account->more_reserved}};
    account->more_spent = account->more_reserved = 0;
    if (change.row.spent == 0 && change.row.reserved == 0)
        return;
    (void)span_copy(span_of(account->name), change.row.id, sizeof change.row.id);
    output_change(output, CHANGE_API_KEY)->api_key = change;
    output_effect(output, EFFECT_API_KEY)->api_key = change;
}

static struct spend_row *sums_of(struct core *core, int64_t day, const struct job *job,
                                 const char *provider)
{
    const char *id = arena_print(&core->arena, "%lld\n%s\n%s\n%s", (long long)day, job->tenant,
                                 job->model, provider);
    struct spend_entry *entry = map_get(&core->money.sums, span_of(id));
    if (!entry) {
        entry = arena_new(&core->arena, struct spend_entry);
        list_init(&entry->link);
        entry->row.day = day;
        (void)span_copy(span_of(job->tenant), entry->row.tenant, sizeof entry->row.tenant);
        (void)span_copy(span_of(job->model), entry->row.model, sizeof entry->row.model);
        (void)span_copy(span_of(provider), entry->row.provider, sizeof entry->row.provider);
        map_set(&core->money.sums, span_of(id), entry);
    }
    list_remove(&entry->link);
    list_add(&core->money.dirty, &entry->link);
    return &entry->row;
}

static void tell(struct core *core, struct output *output, struct account *account)
{
    unsigned percent = account_tells(account, today(core));
    if (!percent)
        return;
    bool is_tenant = money_account(core, MONEY_TENANT, account->name) == account;
    output_effect(output, EFFECT_BUDGET)->budget =
        (struct budget_notice){.account = *account,
                               .is_provider = !is_tenant,
                               .percent = percent,
                               .spent = account_spent(account, account->period, today(core))};
}

void money_flush(struct core *core, struct output *output)
{
    for (struct list *link; (link = list_take(&core->money.dirty));) {
        struct spend_row *row = &LIST_OWNER(link, struct spend_entry, link)->row;
        if (row->jobs || row->spent || row->reserved)
            output_change(output, CHANGE_SPEND)->spend = *row;
        row->jobs = row->succeeded = row->failed = row->spent = row->reserved = 0;
    }
    for (struct list *link; (link = list_take(&core->money.charged));)
        write_charge(output, LIST_OWNER(link, struct account, link));
    for (struct list *link; (link = list_take(&core->money.touched));)
        tell(core, output, LIST_OWNER(link, struct account, link));
}

/* ---------------------------------------------------------------- reserve, settle, release */

int64_t money_bound(const struct job *job)
{
    bool is_open = attempt_is_open(job);
    int64_t at_provider =
        job->attempt.settled > job->attempt.reserved ? job->attempt.settled : job->attempt.reserved;
    if (!job->route || (state_is_terminal(job->state) && !is_open))
        return 0;
    at_provider = is_open ? at_provider : 0;
    return state_is_terminal(job->state) || at_provider > job->price_max ? at_provider
                                                                         : job->price_max;
}

void money_loaded(struct job *job)
{
    job->held = money_bound(job);
    memcpy(job->held_at, job->provider, sizeof job->held_at);
}

void money_hold(struct core *core, struct job *job)
{
    int64_t bound = money_bound(job);
    if (bound == job->held && (bound == 0 || strcmp(job->provider, job->held_at) == 0))
        return;
    struct account *account = account_of(core, MONEY_TENANT, job->tenant);
    account->reserved += bound - job->held;
    assert(account->reserved >= 0);
    touch(core, account);
    charge(core, job, today(core), 0, bound - job->held);
    if (job->held)
        sums_of(core, MONEY_NOW, job, job->held_at)->reserved -= job->held;
    if (bound)
        sums_of(core, MONEY_NOW, job, job->provider)->reserved += bound;
    job->held = bound;
    memcpy(job->held_at, job->provider, sizeof job->held_at);
}

void money_open(struct core *core, const struct job *job)
{
    struct account *account = account_of(core, MONEY_PROVIDER, job->attempt.provider);
    account->reserved += job->attempt.reserved;
    touch(core, account);
}

static void spend(struct core *core, const struct job *job, int64_t day, int64_t micros)
{
    if (micros == 0)
        return;
    struct account *tenant = account_of(core, MONEY_TENANT, job->tenant);
    struct account *provider = account_of(core, MONEY_PROVIDER, job->attempt.provider);
    change_spent(provider, day, micros);
    change_spent(tenant, day, micros);
    touch(core, provider);
    touch(core, tenant);
    charge(core, job, day, micros, 0);
    sums_of(core, day, job, job->attempt.provider)->spent += micros;
    sums_of(core, MONEY_NOW, job, job->attempt.provider)->spent += micros;
}

void money_settle(struct core *core, const struct job *job)
{
    assert(attempt_is_open(job)); /* once: it is closed in the same breath (I17) */
    struct account *provider = account_of(core, MONEY_PROVIDER, job->attempt.provider);
    provider->reserved -= job->attempt.reserved;
    assert(provider->reserved >= 0);
    reopen(core, provider);
    spend(core, job, today(core), job->attempt.settled);
}

void money_reopen(struct core *core, const struct job *job)
{
    assert(!attempt_is_open(job));
    money_open(core, job);
    spend(core, job, job->attempt.ended_at / MS_DAY, -job->attempt.settled);
}

/* NULL: nothing is known of it, and it may spend what it likes. */
static int64_t left_of(const struct core *core, const struct account *account)
{
    return account && account->budget != TENANT_NO_BUDGET
               ? account->budget - account_used(account, today(core))
               : INT64_MAX;
}

bool money_affords(const struct core *core, const struct job *job, int64_t paid)
{
    return paid == 0 || (left_of(core, money_account(core, MONEY_TENANT, job->tenant)) >= paid &&
                         left_of(core, money_account(core, MONEY_KEY, job->api_key)) >= paid);
}

void money_count(struct core *core, const struct job *job)
{
    struct spend_row *sums = sums_of(core, today(core), job, job->provider);
    sums->jobs++;
    sums->succeeded += job->state == STATE_SUCCEEDED;
    sums->failed += job->state == STATE_FAILED || job->state == STATE_EXPIRED;
}

/* ---------------------------------------------------------------- who may ask */

static bool admits(const struct core *core, enum money_kind kind, const char *name,
                   const struct asked *asked, struct money_refusal *ret_refusal)
{
    static const char *const what[] = {
        [MONEY_TENANT] = "budget of tenant", [MONEY_KEY] = "spend limit of key"};
    const struct account *account = money_account(core, kind, name);
    if (!account || account->budget == TENANT_NO_BUDGET || !asked->route.size)
        return true;
    char budget[ACCOUNT_BUDGET_SIZE], spent[ACCOUNT_TEXT_SIZE], reserved[ACCOUNT_TEXT_SIZE],
        cost[ACCOUNT_TEXT_SIZE];
    account_write_budget(account, budget);
    if (asked->price_unknown) {
        ret_refusal->error = ERROR_PRICE_UNKNOWN;
        (void)snprintf(ret_refusal->text, sizeof ret_refusal->text,
                       "The %s %s is %s, and what this costs is not known; the operator may set "
                       "price.assume.",
                       what[kind], account->name, budget);
        return false;
    }
    int64_t wanted = asked->price_max * asked->count;
    if (wanted <= 0 || left_of(core, account) >= wanted)
        return true;
    account_write(account_spent(account, account->period, today(core)), spent);
    account_write(account->reserved, reserved);
    account_write(wanted, cost);
    ret_refusal->error = ERROR_OVER_BUDGET;
    (void)snprintf(ret_refusal->text, sizeof ret_refusal->text,
                   "The %s %s is %s: %s is spent and %s reserved, and %s would cost up to %s.",
                   what[kind], account->name, budget, spent, reserved,
                   asked->count > 1 ? "these jobs" : "this job", cost);
    return false;
}

bool money_admits(struct core *core, const struct asked *asked, struct money_refusal *ret_refusal)
{
    return admits(core, MONEY_TENANT, asked->tenant, asked, ret_refusal) &&
           (!asked->api_key || admits(core, MONEY_KEY, asked->api_key, asked, ret_refusal));
}

void money_show(const struct core *core, enum money_kind kind, struct core_gauge *gauge)
{
    const struct account *account = money_account(core, kind, gauge->name);
    if (!account)
        return;
    gauge->budget = account->budget;
    gauge->reserved = account->reserved;
    gauge->spent = account_spent(account, account->period, today(core));
    gauge->period = account->period;
    gauge->renews_at = account_renews(account, today(core));
}

/* ---------------------------------------------------------------- settings and the start */

void money_set_tenant(struct core *core, const struct tenant_row *row)
{
    struct account *account = account_of(core, MONEY_TENANT, row->tenant);
    account->budget = row->budget;
    account->period = row->period;
    touch(core, account);
}

void core_set_key(struct core *core, const struct api_key_row *row)
{
    if (row->spend_limit == API_KEY_NO_LIMIT)
        return;
    struct account *account = account_of(core, MONEY_KEY, row->id);
    account->budget = row->spend_limit;
    account->period = TENANT_TOTAL;
    account->reserved = row->reserved;
    account->spent[TENANT_TOTAL] = row->spent;
}

void money_configure(struct core *core, const struct core_config *config)
{
    size_t cursor = 0;
    for (struct account *account;
         (account = map_next(&core->money.accounts[MONEY_PROVIDER], &cursor));)
        account->budget = TENANT_NO_BUDGET;
    core->money.budget_count = config->budget_count;
    for (unsigned n = 0; n < config->budget_count; n++) {
        struct account *account = account_of(core, MONEY_PROVIDER, config->budgets[n].provider);
        account->budget = config->budgets[n].amount;
        account->period = config->budgets[n].period;
        touch(core, account);
    }
    reopen_all(core);
}

void money_init(struct core *core, const struct core_config *config)
{
    for (int kind = 0; kind < MONEY_KINDS; kind++)
        map_init(&core->money.accounts[kind]);
    map_init(&core->money.sums);
    list_init(&core->money.dirty);
    list_init(&core->money.touched);
    list_init(&core->money.charged);
    money_configure(core, config);
}

void money_done(struct core *core)
{
    for (int kind = 0; kind < MONEY_KINDS; kind++) {
        size_t cursor = 0;
        for (void *account; (account = map_next(&core->money.accounts[kind], &cursor));)
            memory_free(account);
        map_done(&core->money.accounts[kind]);
    }
    map_done(&core->money.sums);
}

void money_end_turn(struct core *core)
{
    assert(list_empty(&core->money.dirty) && list_empty(&core->money.charged));
    map_done(&core->money.sums);
}

void core_set_spend(struct core *core, const struct spend_row *row)
{
    struct account *tenant = account_of(core, MONEY_TENANT, row->tenant);
    struct account *provider = account_of(core, MONEY_PROVIDER, row->provider);
    if (row->day == MONEY_NOW) {
        tenant->reserved += row->reserved;
        tenant->spent[TENANT_TOTAL] += row->spent;
        provider->spent[TENANT_TOTAL] += row->spent;
        return;
    }
    /* The sum of all that was ever spent is in the rows of day 0. */
    struct account *const accounts[] = {tenant, provider};
    for (int n = 0; n < 2; n++) {
        account_spend(accounts[n], row->day, row->spent);
        accounts[n]->spent[TENANT_TOTAL] -= row->spent;
    }
}

void core_set_done(struct core *core)
{
    while (list_take(&core->money.touched)) {
    }
    for (int kind = 0; kind < MONEY_KINDS; kind++) {
        size_t cursor = 0;
        for (struct account *account; (account = map_next(&core->money.accounts[kind], &cursor));)
            (void)account_tells(account, today(core));
    }
}

void money_recover(struct core *core, const struct job *job)
{
    if (job->route && attempt_is_open(job))
        account_of(core, MONEY_PROVIDER, job->attempt.provider)->reserved += job->attempt.reserved;
}

/* ---------------------------------------------------------------- checks */

static void check_provider(const struct core *core, const struct account *account)
{
    int64_t reserved = 0;
    size_t cursor = 0;
    for (const struct job *job; (job = map_next(&core->jobs, &cursor));)
        reserved += job->route && attempt_is_open(job) &&
                            span_is(span_of(account->name), job->attempt.provider)
                        ? job->attempt.reserved
                        : 0;
    assert(reserved == account->reserved);
}

void money_check(const struct core *core)
{
    unsigned broke = 0;
    assert(list_empty(&core->money.dirty) && list_empty(&core->money.touched) &&
           list_empty(&core->money.charged));
    for (int kind = 0; kind < MONEY_KINDS; kind++) {
        size_t cursor = 0;
        for (const struct account *account;
             (account = map_next(&core->money.accounts[kind], &cursor));) {
            assert(account->reserved >= 0);
            for (int period = 0; period < TENANT_PERIOD_COUNT; period++)
                assert(account->spent[period] >= 0);
            broke += account->is_broke;
            if (kind == MONEY_PROVIDER)
                check_provider(core, account);
        }
    }
    assert(broke == core->money.broke_count);
    /* I16: reserved as long as the job, or an attempt of it, is not over. */
    size_t cursor = 0;
    for (const struct job *job; (job = map_next(&core->jobs, &cursor));)
        assert(job->held == money_bound(job) &&
               (job->held == 0 || strcmp(job->held_at, job->provider) == 0));
}
