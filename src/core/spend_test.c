#include "core/spend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void names_are_found_again(void **context)
{
    (void)context;
    for (int by = 0; by < SPEND_BY_COUNT; by++) {
        enum spend_by found = SPEND_BY_COUNT;
        assert_true(spend_by_find(span_of(spend_by_name((enum spend_by)by)), &found));
        assert_int_equal(found, by);
    }
    enum spend_by found = SPEND_BY_DAY;
    assert_false(spend_by_find(SPAN("week"), &found));
    assert_false(spend_by_find(SPAN(""), &found));
    assert_int_equal(found, SPEND_BY_DAY);
}

static void figures_add_up(void **context)
{
    (void)context;
    struct spend_row sum = {.day = 7, .jobs = 1, .succeeded = 2, .failed = 3, .spent = 4};
    const struct spend_row row = {
        .day = 8, .jobs = 10, .succeeded = 20, .failed = 30, .spent = 40, .reserved = 50};
    spend_add(&sum, &row);
    assert_int_equal(sum.day, 7);
    assert_int_equal(sum.jobs, 11);
    assert_int_equal(sum.succeeded, 22);
    assert_int_equal(sum.failed, 33);
    assert_int_equal(sum.spent, 44);
    assert_int_equal(sum.reserved, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_again),
        cmocka_unit_test(figures_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
