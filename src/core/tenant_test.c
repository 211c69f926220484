#include "core/tenant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void names_are_plain(void **context)
{
    (void)context;
    static const char *const good[] = {"a", "7", "acme", "Acme-2.eu_west", "Z"};
    static const char *const bad[] = {"",    "-a",       ".",    "*",  "a b", "a/b",
                                      "a\n", "\xC3\xA4", "a\"b", "_a", "~a"};
    char text[JOB_TENANT_SIZE + 1];
    for (size_t n = 0; n < sizeof good / sizeof good[0]; n++)
        assert_true(tenant_is_name(span_of(good[n])));
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++)
        assert_false(tenant_is_name(span_of(bad[n])));
    memset(text, 'a', sizeof text);
    assert_true(tenant_is_name(span_make(text, JOB_TENANT_SIZE - 1)));
    assert_false(tenant_is_name(span_make(text, JOB_TENANT_SIZE)));
    assert_false(tenant_is_name(span_make("a\0b", 3)));
}

static void periods_have_names(void **context)
{
    (void)context;
    for (int period = 0; period < TENANT_PERIOD_COUNT; period++) {
        enum tenant_period found = TENANT_PERIOD_COUNT;
        assert_true(
            tenant_period_find(span_of(tenant_period_name((enum tenant_period)period)), &found));
        assert_int_equal(found, period);
    }
    enum tenant_period found = TENANT_MONTH;
    assert_false(tenant_period_find(SPAN("year"), &found));
    assert_int_equal(found, TENANT_MONTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_plain),
        cmocka_unit_test(periods_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
