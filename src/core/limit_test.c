#include "core/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct core_limit providers[] = {{.name = "local", .limit = 3}};
static const struct core_limit models[] = {
    {.name = "still", .limit = 2, .providers = {"local"}, .timeout = 7000},
    {.name = "film", .providers = {"local"}},
    {.name = "clip", .providers = {"cloud"}},
};
static const struct core_limit tenants[] = {{.name = "alice", .limit = 4, .weight = 5}};

static const struct core_config config = {
    .limit_all = 6,
    .limit_provider = 1,
    .limit_tenant = 2,
    .providers = providers,
    .models = models,
    .tenants = tenants,
    .provider_count = 1,
    .model_count = 3,
    .tenant_count = 1,
    .timeout = 9000,
};

static struct job job_of(const char *tenant, const char *model, const char *provider)
{
    struct job job = {0};
    assert_true(span_copy(span_of(tenant), job.tenant, sizeof job.tenant));
    assert_true(span_copy(span_of(model), job.model, sizeof job.model));
    assert_true(span_copy(span_of(provider), job.provider, sizeof job.provider));
    return job;
}

static void the_smallest_room_counts(void **context)
{
    (void)context;
    struct limits limits;
    limit_init(&limits, &config);
    struct job still = job_of("alice", "still", "local"), film = job_of("alice", "film", "local");
    assert_int_equal(limit_room(&limits, "alice", "still"), 2); /* the model's */
    assert_int_equal(limit_room(&limits, "alice", "film"), 3);  /* the provider's */
    assert_int_equal(limit_room(&limits, "bob", "film"), 2);    /* of tenants that are not listed */
    assert_int_equal(limit_room(&limits, "alice", "clip"), 1);  /* of providers that are not */
    assert_int_equal(limit_room(&limits, "alice", "new"), 4);   /* the tenant's */
    limit_enter(&limits, &still);
    limit_enter(&limits, &still);
    assert_int_equal(limit_room(&limits, "alice", "still"), 0);
    assert_int_equal(limit_room(&limits, "alice", "film"), 1);
    limit_enter(&limits, &film);
    assert_int_equal(limit_room(&limits, "bob", "film"), 0);
    assert_int_equal(limit_room(&limits, "alice", "new"), 1);
    limit_leave(&limits, &still);
    assert_int_equal(limit_room(&limits, "alice", "still"), 1);
    assert_int_equal(limit_room(&limits, "alice", "new"), 2);
    limit_done(&limits);
}

/* Whoever is preferred is waited for while many submissions are out there; a full one is not. */
static void submissions_leave_a_few_at_a_time(void **context)
{
    (void)context;
    static const struct core_limit two[] = {{.name = "near", .limit = 3}, {.name = "far"}};
    static const struct core_limit either[] = {{.name = "clip", .providers = {"near", "far"}}};
    struct core_config changed = {.limit_submitting = 2,
                                  .providers = two,
                                  .provider_count = 2,
                                  .models = either,
                                  .model_count = 1};
    struct limits limits;
    struct job job = job_of("alice", "clip", "near");
    limit_init(&limits, &changed);
    assert_int_equal(limit_room(&limits, "alice", "clip"), 2);
    limit_count_submitting(&limits, "near", 1);
    limit_enter(&limits, &job);
    assert_int_equal(limit_room(&limits, "alice", "clip"), 1);
    limit_count_submitting(&limits, "near", 1);
    limit_enter(&limits, &job);
    assert_int_equal(limit_room(&limits, "alice", "clip"), 0);
    assert_true(limit_provider_has_room(&limits, "near"));
    limit_enter(&limits, &job);
    assert_int_equal(limit_room(&limits, "alice", "clip"), 2); /* far's */
    limit_count_submitting(&limits, "near", -1);
    limit_leave(&limits, &job);
    assert_int_equal(limit_room(&limits, "alice", "clip"), 1);
    limit_done(&limits);
}

/* A tenant's own row goes before the configuration, old or new. */
static void own_limits_outlive_a_change(void **context)
{
    (void)context;
    static const struct core_tier tiers[] = {{"gold", 7}};
    struct core_config changed = config;
    struct limits limits;
    struct tenant_row row = tenant_row_make("alice");
    row.in_flight = 4; /* as it is listed, by chance */
    row.queued = 9;
    assert_true(span_copy(SPAN("gold"), row.tier, sizeof row.tier));
    changed.tiers = tiers;
    changed.tier_count = 1;
    limit_init(&limits, &changed);
    limit_set_tenant(&limits, &row);
    const struct gauge *alice = limit_gauge(&limits, LIMIT_TENANT, "alice");
    changed.tenant_count = 0;
    changed.limit_tenant = 50;
    changed.queue_tenant = 60;
    limit_change(&limits, &changed);
    assert_int_equal(alice->limit, 4);
    assert_int_equal(alice->queue_limit, 9);
    assert_int_equal(alice->weight, 7);
    changed.tenant_count = 1; /* listed again, with 4 and 5 */
    row.in_flight = 3;
    limit_set_tenant(&limits, &row);
    limit_change(&limits, &changed);
    assert_int_equal(alice->limit, 3);
    assert_int_equal(alice->weight, 7);
    row = tenant_row_make("alice");
    limit_set_tenant(&limits, &row);
    assert_int_equal(alice->limit, 4); /* as it was listed */
    assert_int_equal(alice->queue_limit, 60);
    assert_int_equal(alice->weight, 5);
    limit_done(&limits);
}

/* A model starts where any of its providers has room, and one that has to show that it is well
 * again gets one job. */
static void the_roomiest_provider_counts(void **context)
{
    (void)context;
    static const struct core_limit four[] = {{.name = "a", .limit = 1},
                                             {.name = "b", .limit = 3},
                                             {.name = "c", .limit = 2},
                                             {.name = "d", .limit = 2}};
    static const struct core_limit model[] = {{.name = "film", .providers = {"a", "b", "c", "d"}}};
    const struct core_config wide = {
        .providers = four, .provider_count = 4, .models = model, .model_count = 1};
    struct limits limits;
    limit_init(&limits, &wide);
    assert_int_equal(limit_room(&limits, "alice", "film"), 3);
    limit_gauge(&limits, LIMIT_PROVIDER, "b")->only_one = true;
    assert_int_equal(limit_room(&limits, "alice", "film"), 2);
    limit_gauge(&limits, LIMIT_PROVIDER, "c")->is_blocked = true;
    limit_gauge(&limits, LIMIT_PROVIDER, "d")->is_broke = true;
    limit_gauge(&limits, LIMIT_PROVIDER, "a")->only_one = true;
    assert_int_equal(limit_room(&limits, "alice", "film"), 1);
    limit_done(&limits);
}

/* Limits that change while jobs run: counts stay, who was listed keeps what it had until it is
 * listed anew, all others follow. */
static void limits_change(void **context)
{
    (void)context;
    static const struct core_limit new_models[] = {
        {.name = "still", .limit = 5, .providers = {"local"}},
        {.name = "fresh", .limit = 1, .providers = {"local"}},
    };
    struct core_config changed = config;
    struct limits limits;
    limit_init(&limits, &config);
    struct job still = job_of("bob", "still", "local"), odd = job_of("bob", "odd", "");
    limit_enter(&limits, &still);
    limit_enter(&limits, &odd);
    limit_count_queued(&limits, "bob", "still", 3);
    assert_int_equal(limit_room(&limits, "bob", "still"), 0); /* of tenants that are not listed */
    changed.limit_all = 100;
    changed.limit_tenant = 7;
    changed.models = new_models;
    changed.model_count = 2;
    changed.tenant_count = 0;
    changed.timeout = 4000;
    limit_change(&limits, &changed);
    assert_int_equal(limit_room(&limits, "bob", "still"), 2); /* the provider's */
    assert_int_equal(limit_room(&limits, "bob", "odd"), 5);
    assert_int_equal(limit_room(&limits, "carol", "odd"), 7);
    assert_int_equal(limit_room(&limits, "alice", "odd"), 4);
    assert_int_equal(limit_room(&limits, "bob", "fresh"), 1);
    assert_int_equal(limit_gauge(&limits, LIMIT_MODEL, "still")->timeout, 4000);
    assert_int_equal(limit_gauge(&limits, LIMIT_MODEL, "odd")->timeout, 4000);
    assert_int_equal(limit_gauge(&limits, LIMIT_MODEL, "film")->timeout, 9000);
    assert_int_equal(limit_gauge(&limits, LIMIT_MODEL, "still")->queued, 3);
    changed.limit_all = 1;
    limit_change(&limits, &changed);
    assert_int_equal(limit_room(&limits, "carol", "odd"), 0);
    limit_leave(&limits, &odd);
    limit_leave(&limits, &still);
    assert_int_equal(limit_room(&limits, "carol", "odd"), 1);
    limit_done(&limits);
}

/* After a restart with smaller limits: none free, and not a large number. */
static void more_than_the_limit_leaves_no_room(void **context)
{
    (void)context;
    struct limits limits;
    limit_init(&limits, &config);
    struct job still = job_of("alice", "still", "local");
    for (int n = 0; n < 7; n++)
        limit_enter(&limits, &still);
    assert_int_equal(limit_room(&limits, "alice", "still"), 0);
    assert_int_equal(limit_room(&limits, "bob", "other"), 0);
    assert_int_equal(limits.in_flight, 7);
    limit_done(&limits);
}

static void no_limit_is_much_room(void **context)
{
    (void)context;
    static const struct core_config none = {.timeout = 1};
    struct limits limits;
    limit_init(&limits, &none);
    assert_int_equal(limit_room(&limits, "alice", "still"), UINT32_MAX);
    limit_done(&limits);
}

static void names_have_defaults(void **context)
{
    (void)context;
    struct limits limits;
    limit_init(&limits, &config);
    assert_int_equal(limit_gauge(&limits, LIMIT_MODEL, "still")->timeout, 7000);
    assert_int_equal(limit_gauge(&limits, LIMIT_MODEL, "film")->timeout, 9000);
    assert_int_equal(limit_gauge(&limits, LIMIT_MODEL, "new")->timeout, 9000);
    assert_int_equal(limit_gauge(&limits, LIMIT_TENANT, "alice")->weight, 5);
    assert_int_equal(limit_gauge(&limits, LIMIT_TENANT, "bob")->weight, 1);
    assert_ptr_equal(limit_gauge(&limits, LIMIT_TENANT, "bob"),
                     limit_gauge(&limits, LIMIT_TENANT, "bob"));
    limit_done(&limits);
}

static void what_is_queued_is_counted(void **context)
{
    (void)context;
    struct limits limits;
    limit_init(&limits, &config);
    limit_count_queued(&limits, "alice", "still", 5);
    limit_count_queued(&limits, "bob", "still", 2);
    limit_count_queued(&limits, "alice", "still", -1);
    assert_int_equal(limits.queued, 6);
    assert_int_equal(limit_gauge(&limits, LIMIT_MODEL, "still")->queued, 6);
    assert_int_equal(limit_gauge(&limits, LIMIT_TENANT, "alice")->queued, 4);
    limit_done(&limits);
}

static struct tenant_row row_of(const char *tenant, int64_t in_flight, const char *tier)
{
    struct tenant_row row = tenant_row_make(tenant);
    row.in_flight = in_flight;
    assert_true(span_copy(span_of(tier), row.tier, sizeof row.tier));
    return row;
}

static void a_tenant_can_have_other_limits(void **context)
{
    (void)context;
    static const struct core_tier tiers[] = {{"gold", 7}};
    struct core_config with_tiers = config;
    with_tiers.tiers = tiers;
    with_tiers.tier_count = 1;
    struct limits limits;
    limit_init(&limits, &with_tiers);
    struct tenant_row row = row_of("alice", 1, "gold");
    limit_set_tenant(&limits, &row);
    assert_int_equal(limit_room(&limits, "alice", "new"), 1);
    assert_int_equal(limit_gauge(&limits, LIMIT_TENANT, "alice")->weight, 7);
    row = row_of("alice", 0, "unknown"); /* no limit of its own: that of all is left */
    limit_set_tenant(&limits, &row);
    assert_int_equal(limit_room(&limits, "alice", "new"), 6);
    assert_int_equal(limit_gauge(&limits, LIMIT_TENANT, "alice")->weight, 5);
    row = tenant_row_make("alice"); /* as it is listed */
    limit_set_tenant(&limits, &row);
    assert_int_equal(limit_room(&limits, "alice", "new"), 4);
    row = row_of("bob", 3, "gold"); /* nobody listed bob */
    limit_set_tenant(&limits, &row);
    assert_int_equal(limit_room(&limits, "bob", "new"), 3);
    row = tenant_row_make("bob");
    limit_set_tenant(&limits, &row);
    assert_int_equal(limit_room(&limits, "bob", "new"), 2);
    assert_int_equal(limit_gauge(&limits, LIMIT_TENANT, "bob")->weight, 1);
    limit_done(&limits);
}

static void the_queue_counts_who_waits(void **context)
{
    (void)context;
    struct core_config small = config;
    small.queue_max = 10;
    small.queue_tenant = 4;
    struct limits limits;
    bool of_tenant;
    limit_init(&limits, &small);
    limit_count_queued(&limits, "alice", "still", 1);
    limit_count_waiting(&limits, "alice", 1);
    limit_set_waiting(&limits, "bob", 3);
    assert_int_equal(limit_queue_room(&limits, "alice", &of_tenant), 2);
    assert_true(of_tenant);
    assert_int_equal(limit_queue_room(&limits, "bob", &of_tenant), 1);
    struct tenant_row row = tenant_row_make("alice");
    row.queued = 0; /* no limit of its own */
    limit_set_tenant(&limits, &row);
    assert_int_equal(limit_queue_room(&limits, "alice", &of_tenant), 5);
    assert_false(of_tenant);
    row.queued = 1; /* fewer than there are */
    limit_set_tenant(&limits, &row);
    assert_int_equal(limit_queue_room(&limits, "alice", &of_tenant), -1);
    limit_done(&limits);
}

static void waiting_jobs_are_flushed_once(void **context)
{
    (void)context;
    struct limits limits;
    struct output output;
    limit_init(&limits, &config);
    output_init(&output);
    limit_count_waiting(&limits, "alice", 1);
    limit_count_waiting(&limits, "alice", 1);
    limit_count_waiting(&limits, "bob", 1);
    limit_count_waiting(&limits, "bob", -1); /* nothing to write */
    limit_flush(&limits, &output);
    assert_int_equal(output.changes.count, 1);
    assert_int_equal(output.changes.list[0].kind, CHANGE_WAITING);
    assert_string_equal(output.changes.list[0].waiting.tenant, "alice");
    assert_int_equal(output.changes.list[0].waiting.delta, 2);
    limit_flush(&limits, &output);
    assert_int_equal(output.changes.count, 1);
    output_done(&output);
    limit_done(&limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_room_counts),
        cmocka_unit_test(submissions_leave_a_few_at_a_time),
        cmocka_unit_test(limits_change),
        cmocka_unit_test(own_limits_outlive_a_change),
        cmocka_unit_test(the_roomiest_provider_counts),
        cmocka_unit_test(more_than_the_limit_leaves_no_room),
        cmocka_unit_test(no_limit_is_much_room),
        cmocka_unit_test(names_have_defaults),
        cmocka_unit_test(what_is_queued_is_counted),
        cmocka_unit_test(a_tenant_can_have_other_limits),
        cmocka_unit_test(the_queue_counts_who_waits),
        cmocka_unit_test(waiting_jobs_are_flushed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
