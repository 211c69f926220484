#include "app/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>

enum { SOME_TIME = 123456789 };

static void a_full_bucket_gives_its_limit_at_once(void **context)
{
    (void)context;
    struct rate rate = {0};
    struct rate_state state;
    for (int n = 0; n < 7; n++) {
        assert_true(rate_take(&rate, 7, SOME_TIME, &state));
        assert_int_equal(state.limit, 7);
        assert_int_equal(state.remaining, 6 - n);
        assert_int_equal(state.retry > 0, n == 6);
        rate_look(&rate, 7, SOME_TIME, &state); /* takes nothing */
        assert_int_equal(state.remaining, 6 - n);
    }
    assert_false(rate_take(&rate, 7, SOME_TIME, &state));
    assert_int_equal(state.remaining, 0);
    assert_in_range(state.reset, 59999, 60000);
    assert_in_range(state.retry, 8571, 8572); /* a seventh of a minute */
}

static void it_fills_evenly(void **context)
{
    (void)context;
    struct rate rate = {0};
    struct rate_state state;
    for (int n = 0; n < 60; n++)
        assert_true(rate_take(&rate, 60, SOME_TIME, &state));
    assert_false(rate_take(&rate, 60, SOME_TIME + 999, &state));
    assert_int_equal(state.retry, 1);
    assert_true(rate_take(&rate, 60, SOME_TIME + 1000, &state));
    assert_false(rate_take(&rate, 60, SOME_TIME + 1000, &state));
    for (int n = 0; n < 10; n++)
        assert_true(rate_take(&rate, 60, SOME_TIME + 11000, &state));
    assert_false(rate_take(&rate, 60, SOME_TIME + 11000, &state));
    assert_true(rate_take(&rate, 60, SOME_TIME + 2 * MS_HOUR, &state)); /* no more than full */
    assert_int_equal(state.remaining, 59);
}

static void what_is_refused_takes_nothing(void **context)
{
    (void)context;
    struct rate rate = {0};
    struct rate_state state;
    assert_true(rate_take(&rate, 1, SOME_TIME, &state));
    for (int n = 0; n < 1000; n++)
        assert_false(rate_take(&rate, 1, SOME_TIME + 59999, &state));
    assert_true(rate_take(&rate, 1, SOME_TIME + 60000, &state));
}

static void a_token_can_be_given_back(void **context)
{
    (void)context;
    struct rate rate = {0};
    struct rate_state state;
    assert_true(rate_take(&rate, 1, SOME_TIME, &state));
    rate_give(&rate, 1);
    assert_true(rate_take(&rate, 1, SOME_TIME, &state));
    assert_false(rate_take(&rate, 1, SOME_TIME, &state));
}

static void the_limit_may_change(void **context)
{
    (void)context;
    struct rate rate = {0};
    struct rate_state state;
    for (int n = 0; n < 10; n++)
        assert_true(rate_take(&rate, 10, SOME_TIME, &state));
    assert_false(rate_take(&rate, 1000, SOME_TIME, &state)); /* the minute is spent */
    assert_true(rate_take(&rate, 1000, SOME_TIME + 60, &state));
    assert_true(rate_take(&rate, RATE_MAX, SOME_TIME + 61, &state));
    assert_in_range(state.remaining, 0, 1000);
}

struct race {
    struct rate rate;
    atomic_int taken;
};

static void *take_many(void *context)
{
    struct race *race = context;
    struct rate_state state;
    for (int n = 0; n < 2000; n++) {
        if (rate_take(&race->rate, 1000, SOME_TIME, &state))
            atomic_fetch_add(&race->taken, 1);
    }
    return NULL;
}

static void threads_share_it_exactly(void **context)
{
    (void)context;
    struct race race = {.taken = 0};
    pthread_t threads[4];
    for (int n = 0; n < 4; n++)
        assert_int_equal(pthread_create(&threads[n], NULL, take_many, &race), 0);
    for (int n = 0; n < 4; n++)
        assert_int_equal(pthread_join(threads[n], NULL), 0);
    assert_int_equal(atomic_load(&race.taken), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_bucket_gives_its_limit_at_once),
        cmocka_unit_test(it_fills_evenly),
        cmocka_unit_test(what_is_refused_takes_nothing),
        cmocka_unit_test(a_token_can_be_given_back),
        cmocka_unit_test(the_limit_may_change),
        cmocka_unit_test(threads_share_it_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
