#include "core/poll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>

static const struct poll_rule rule = {.min = 500, .first = 5000, .last = 30000, .max = 600000};

/* Sixty durations around the median, spread evenly by a factor. */
static struct poll_history learned(double median, double factor)
{
    struct poll_history history = {0};
    for (int n = 0; n < 60; n++)
        poll_learn(&history, (ms_t)(1000 * median * pow(factor, (n % 11 - 5) / 5.0)));
    return history;
}

static void test_what_is_learned(void **state)
{
    struct poll_history history = learned(90, 1.3);
    assert_int_equal(history.count, 60);
    assert_true(fabs(exp(history.mean) - 90) < 2);
    assert_true(sqrt(history.variance) > 0.1 && sqrt(history.variance) < 0.25);
    /* A model that became twice as quick is known as such after a while. */
    for (int n = 0; n < 1000; n++)
        poll_learn(&history, 45000);
    assert_true(fabs(exp(history.mean) - 45) < 1);
    poll_learn(&history, 0);
    poll_learn(&history, -5);
    assert_true(isfinite(history.mean) && isfinite(history.variance));
}

/* What a plan believes of the spread stops to grow surer with the number of jobs. */
static void test_a_long_history_is_no_surer_than_its_memory(void **state)
{
    struct poll_history history = learned(90, 1.3);
    struct poll_plan plan, longer;
    history.count = POLL_MEMORY;
    poll_plan_make(&plan, &rule, &history);
    history.count = 10 * POLL_MEMORY;
    poll_plan_make(&longer, &rule, &history);
    assert_true(plan.deviation == longer.deviation);
    history.count = POLL_MEMORY / 2;
    poll_plan_make(&longer, &rule, &history);
    assert_true(plan.deviation < longer.deviation);
    /* Equal durations, as many as there may be: still some spread, and so a next poll. */
    history.variance = 0;
    history.count = 10 * POLL_MEMORY;
    poll_plan_make(&plan, &rule, &history);
    assert_true(plan.deviation > 0.02);
    assert_true(poll_next(&plan, 0, 0) > 60000);
}

/* Seed 000's schedule. */
static void test_without_a_history(void **state)
{
    static const ms_t intervals[] = {5000, 7500, 11250, 16875, 25312, 30000, 30000};
    struct poll_history history = {0};
    struct poll_plan plan;
    for (int n = 0; n < POLL_HISTORY_MIN; n++) {
        poll_plan_make(&plan, &rule, &history);
        assert_true(plan.blind);
        for (unsigned polls = 0; polls < sizeof intervals / sizeof intervals[0]; polls++)
            assert_int_equal(poll_next(&plan, 0, polls), intervals[polls]);
        poll_learn(&history, 90000);
    }
    poll_plan_make(&plan, &rule, &history);
    assert_false(plan.blind);
}

static void test_the_first_poll_comes_when_an_end_is_likely(void **state)
{
    struct poll_history history = learned(90, 1.2);
    struct poll_plan plan;
    poll_plan_make(&plan, &rule, &history);
    ms_t first = poll_next(&plan, 0, 0);
    assert_true(first > 60000 && first < 90000);
    /* Close together where the ends are. */
    assert_true(poll_next(&plan, 88000, 3) < 6000);
    /* Far behind all of them it is patient again, but never beyond what is allowed. */
    assert_true(poll_next(&plan, 900000, 30) > poll_next(&plan, 95000, 5));
    assert_true(poll_next(&plan, 100000000, 100) <= rule.max);
}

static void test_limits_hold(void **state)
{
    static const double medians[] = {0.001, 0.5, 20, 420, 86400, 1e7};
    for (size_t m = 0; m < sizeof medians / sizeof medians[0]; m++) {
        for (double factor = 1; factor < 20; factor *= 1.7) {
            struct poll_history history = learned(medians[m], factor);
            struct poll_plan plan;
            poll_plan_make(&plan, &rule, &history);
            for (ms_t elapsed = 0; elapsed < MS_DAY; elapsed = elapsed * 2 + 1) {
                ms_t wait = poll_next(&plan, elapsed, 3);
                assert_true(wait >= rule.min && wait <= rule.max);
            }
        }
    }
}

/* The safety poll: a rule may want one long before an end is likely. */
static void test_a_result_is_not_let_go(void **state)
{
    struct poll_rule short_kept = rule;
    struct poll_history history = learned(7200, 1.05);
    struct poll_plan plan;
    short_kept.max = 20 * MS_MINUTE;
    poll_plan_make(&plan, &short_kept, &history);
    assert_int_equal(poll_next(&plan, 0, 0), short_kept.max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_learned),
        cmocka_unit_test(test_a_long_history_is_no_surer_than_its_memory),
        cmocka_unit_test(test_without_a_history),
        cmocka_unit_test(test_the_first_poll_comes_when_an_end_is_likely),
        cmocka_unit_test(test_limits_hold),
        cmocka_unit_test(test_a_result_is_not_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
