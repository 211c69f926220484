#include "core/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct core_vendor vendors[] = {{.traits = {.name = "cloud"}},
                                             {.traits = {.name = "sky"}}};
static const struct core_config config = {
    .limit_all = 6, .limit_provider = 4, .limit_tenant = 4, .vendors = vendors, .vendor_count = 2};

enum { NOW = 1000000 };

struct scene {
    struct map providers;
    struct limits limits;
    struct health *cloud;
};

static void begin(struct scene *scene)
{
    map_init(&scene->providers);
    limit_init(&scene->limits, &config);
    health_change(&scene->providers, &config);
    scene->cloud = health_of(&scene->providers, "cloud");
    assert_non_null(scene->cloud);
    assert_null(health_of(&scene->providers, "local"));
}

static void end(struct scene *scene)
{
    health_done(&scene->providers);
    limit_done(&scene->limits);
}

/* What the queue sees has to agree with what the core asks. */
static bool is_open(struct scene *scene)
{
    const struct gauge *gauge = limit_gauge(&scene->limits, LIMIT_PROVIDER, "cloud");
    assert_int_equal(gauge->is_blocked, health_is_blocked(scene->cloud));
    assert_int_equal(gauge->only_one, scene->cloud->half_open);
    return !gauge->is_blocked;
}

static void fails(struct scene *scene, unsigned times, ms_t now)
{
    while (times--)
        health_fails(scene->cloud, &scene->limits, now, ERROR_PROVIDER_UNAVAILABLE);
}

static void five_failures_in_a_row_block(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    fails(&scene, HEALTH_FAILURES_MAX - 1, NOW);
    assert_true(is_open(&scene));
    health_works(scene.cloud, &scene.limits); /* not in a row any more */
    fails(&scene, HEALTH_FAILURES_MAX - 1, NOW);
    assert_true(is_open(&scene));
    assert_int_equal(health_wake_at(&scene.providers), MS_NEVER);
    fails(&scene, 1, NOW);
    assert_false(is_open(&scene));
    assert_int_equal(health_wake_at(&scene.providers), NOW + HEALTH_OPEN_MS);
    end(&scene);
}

static void one_tries_and_its_fate_decides(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    fails(&scene, HEALTH_FAILURES_MAX, NOW);
    health_turn(&scene.providers, &scene.limits, NOW + HEALTH_OPEN_MS - 1);
    assert_false(is_open(&scene));
    health_turn(&scene.providers, &scene.limits, NOW + HEALTH_OPEN_MS);
    assert_true(is_open(&scene));
    assert_true(scene.cloud->half_open);
    health_begins(scene.cloud, &scene.limits);
    assert_false(is_open(&scene)); /* it is on its way: no second one */
    fails(&scene, 1, NOW + HEALTH_OPEN_MS);
    assert_false(is_open(&scene));
    health_turn(&scene.providers, &scene.limits, NOW + 2 * HEALTH_OPEN_MS);
    health_begins(scene.cloud, &scene.limits);
    health_works(scene.cloud, &scene.limits);
    assert_true(is_open(&scene));
    assert_false(scene.cloud->half_open);
    end(&scene);
}

static void an_account_lets_one_try_and_not_now_lets_all(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    health_blocks(scene.cloud, &scene.limits, NOW + HEALTH_LATER_MS, ERROR_RATE_LIMITED);
    assert_false(is_open(&scene));
    health_turn(&scene.providers, &scene.limits, NOW + HEALTH_LATER_MS);
    assert_true(is_open(&scene));
    assert_false(scene.cloud->half_open);
    health_blocks(scene.cloud, &scene.limits, NOW + HEALTH_ACCOUNT_MS, ERROR_BAD_KEY);
    /* A shorter word does not shorten the longer one. */
    health_blocks(scene.cloud, &scene.limits, NOW + HEALTH_LATER_MS, ERROR_RATE_LIMITED);
    health_turn(&scene.providers, &scene.limits, NOW + HEALTH_ACCOUNT_MS - 1);
    assert_false(is_open(&scene));
    health_turn(&scene.providers, &scene.limits, NOW + HEALTH_ACCOUNT_MS);
    assert_true(scene.cloud->half_open);
    end(&scene);
}

/* Five in a row are not waited for where one failed that was to find out. */
static void who_tries_for_an_account_may_fail_once(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    health_blocks(scene.cloud, &scene.limits, NOW + 60000, ERROR_BAD_KEY);
    health_turn(&scene.providers, &scene.limits, NOW + 60000);
    health_begins(scene.cloud, &scene.limits);
    fails(&scene, 1, NOW + 60100);
    assert_false(is_open(&scene));
    assert_int_equal(scene.cloud->blocked_until, NOW + 60100 + HEALTH_OPEN_MS);
    end(&scene);
}

static void the_first_end_of_a_block_wakes(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct health *sky = health_of(&scene.providers, "sky");
    assert_int_equal(health_wake_at(&scene.providers), MS_NEVER);
    health_blocks(scene.cloud, &scene.limits, NOW + 2000, ERROR_RATE_LIMITED);
    health_blocks(sky, &scene.limits, NOW + 1000, ERROR_RATE_LIMITED);
    assert_int_equal(health_wake_at(&scene.providers), NOW + 1000);
    health_blocks(sky, &scene.limits, NOW + 3000, ERROR_RATE_LIMITED);
    assert_int_equal(health_wake_at(&scene.providers), NOW + 2000);
    end(&scene);
}

static void a_pause_outlasts_all_and_its_end_forgets_all(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    health_pauses(scene.cloud, &scene.limits, true);
    health_turn(&scene.providers, &scene.limits, NOW + MS_DAY);
    assert_false(is_open(&scene));
    fails(&scene, HEALTH_FAILURES_MAX, NOW);
    health_pauses(scene.cloud, &scene.limits, false);
    assert_true(is_open(&scene));
    assert_false(scene.cloud->half_open);
    end(&scene);
}

static void repeats_stay_under_a_tenth_of_the_reads(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    for (unsigned n = 0; n < HEALTH_RETRIES_FIRST; n++)
        assert_true(health_repeats(scene.cloud));
    assert_false(health_repeats(scene.cloud));
    for (unsigned n = 0; n < 9; n++)
        health_reads(scene.cloud);
    assert_false(health_repeats(scene.cloud));
    health_reads(scene.cloud);
    assert_true(health_repeats(scene.cloud));
    assert_false(health_repeats(scene.cloud));
    for (unsigned n = 0; n < 100 * HEALTH_RETRIES_MAX; n++)
        health_reads(scene.cloud);
    unsigned saved = 0;
    while (health_repeats(scene.cloud))
        saved++;
    assert_int_equal(saved, HEALTH_RETRIES_MAX);
    end(&scene);
}

/* Ten in a row, which goes with a second, and then one after another; never more in a minute. */
static void reads_take_their_places(void **state)
{
    (void)state;
    struct scene scene;
    ms_t times[700];
    begin(&scene);
    assert_int_equal(health_read_at(scene.cloud, NOW), NOW); /* no limit */
    scene.cloud->reads_limit = 600;
    for (int n = 0; n < 700; n++)
        times[n] = health_read_at(scene.cloud, NOW);
    assert_int_equal(times[8], NOW);
    assert_true(times[10] > NOW);
    for (int n = 600; n < 700; n++)
        assert_true(times[n] - times[n - 600] >= MS_MINUTE);
    assert_true(times[699] < NOW + 75 * MS_SECOND);
    ms_t later = NOW + MS_HOUR; /* what was not used is not saved up */
    for (int n = 0; n < 9; n++)
        assert_int_equal(health_read_at(scene.cloud, later), later);
    assert_int_equal(health_read_at(scene.cloud, later), later + 17);
    scene.cloud->reads_limit = 6; /* so few that none goes in a row */
    later += MS_HOUR;
    assert_int_equal(health_read_at(scene.cloud, later), later);
    assert_int_equal(health_read_at(scene.cloud, later), later + 10167);
    end(&scene);
}

static void other_traits_keep_how_it_is(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    fails(&scene, HEALTH_FAILURES_MAX, NOW);
    static const struct core_vendor other[] = {
        {.traits = {.name = "cloud", .can = CAN_CANCEL}, .calls_back = true}};
    struct core_config changed = config;
    changed.vendors = other;
    changed.vendor_count = 1;
    health_change(&scene.providers, &changed);
    assert_ptr_equal(health_of(&scene.providers, "cloud"), scene.cloud);
    assert_int_equal(scene.cloud->traits.can, CAN_CANCEL);
    assert_true(scene.cloud->calls_back);
    assert_false(is_open(&scene));
    end(&scene);
}

static void not_now_halves_once_and_acceptances_bring_back(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct gauge *gauge = limit_gauge(&scene.limits, LIMIT_PROVIDER, "cloud");
    limit_count_submitting(&scene.limits, "cloud", 8);
    assert_true(limit_may_submit(&scene.limits, "cloud"));
    health_slows(scene.cloud, &scene.limits, NOW, NOW + 100);
    assert_int_equal(gauge->window, 4);
    health_slows(scene.cloud, &scene.limits, NOW + 50, NOW + 200); /* it left before */
    assert_int_equal(gauge->window, 4);
    assert_false(limit_may_submit(&scene.limits, "cloud"));
    limit_count_submitting(&scene.limits, "cloud", -5);
    assert_true(limit_may_submit(&scene.limits, "cloud"));
    for (int accepted = 0; accepted < 4; accepted++) {
        assert_int_equal(gauge->window, 4);
        health_speeds(scene.cloud, &scene.limits);
    }
    assert_int_equal(gauge->window, 5);
    for (ms_t now = NOW + 300; now < NOW + 700; now += 100)
        health_slows(scene.cloud, &scene.limits, now, now + 50);
    assert_int_equal(gauge->window, 1);
    for (int accepted = 0; accepted < HEALTH_WINDOW_MAX * (HEALTH_WINDOW_MAX + 1) / 2; accepted++) {
        assert_int_not_equal(gauge->window, 0);
        health_speeds(scene.cloud, &scene.limits);
    }
    assert_int_equal(gauge->window, 0);
    health_speeds(scene.cloud, &scene.limits);
    assert_int_equal(gauge->window, 0);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_failures_in_a_row_block),
        cmocka_unit_test(one_tries_and_its_fate_decides),
        cmocka_unit_test(an_account_lets_one_try_and_not_now_lets_all),
        cmocka_unit_test(who_tries_for_an_account_may_fail_once),
        cmocka_unit_test(the_first_end_of_a_block_wakes),
        cmocka_unit_test(a_pause_outlasts_all_and_its_end_forgets_all),
        cmocka_unit_test(not_now_halves_once_and_acceptances_bring_back),
        cmocka_unit_test(repeats_stay_under_a_tenth_of_the_reads),
        cmocka_unit_test(reads_take_their_places),
        cmocka_unit_test(other_traits_keep_how_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
