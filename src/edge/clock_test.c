#include "edge/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_clocks(void **state)
{
    ms_t first = clock_monotonic();
    assert_true(first > 0);
    for (int n = 0; n < 1000; n++)
        assert_true(clock_monotonic() >= first);
    /* After this was written, and not in seconds or microseconds. */
    assert_true(clock_wall() > 1700000000 * MS_SECOND);
    assert_true(clock_wall() < 17000000000 * MS_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_clocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
