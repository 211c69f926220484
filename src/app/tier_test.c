#include "app/tier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static bool read(const char *const *items, unsigned count, struct tier *ret_tiers,
                 unsigned *ret_count, struct buffer *faults)
{
    const struct config_list list = {items, count, ""};
    buffer_init(faults, 10000);
    return tier_read(&list, ret_tiers, ret_count, faults);
}

static void tiers_have_weights(void **context)
{
    (void)context;
    const char *const items[] = {"free=1", "pro = 1000"};
    struct tier tiers[TIER_MAX];
    unsigned count;
    struct buffer faults;
    assert_true(read(items, 2, tiers, &count, &faults));
    assert_int_equal(count, 2);
    assert_string_equal(tiers[0].name, "free");
    assert_string_equal(tiers[1].name, "pro");
    assert_int_equal(tiers[1].weight, 1000);
    assert_true(read(items, 0, tiers, &count, &faults));
    assert_int_equal(count, 0);
}

static void what_is_none_is_named(void **context)
{
    (void)context;
    static const char *const bad[] = {
        "free",   "free=",   "free=0",  "free=1001", "=1",
        "free=x", "fr ee=1", "-free=1", "free=1.5",  "a-name-that-is-far-too-long=1"};
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        struct tier tiers[TIER_MAX];
        unsigned count;
        struct buffer faults;
        assert_false(read(&bad[n], 1, tiers, &count, &faults));
        assert_non_null(strstr(faults.data, bad[n]));
        buffer_done(&faults);
    }
}

static void a_name_comes_once(void **context)
{
    (void)context;
    const char *const items[] = {"free=1", "free=2"};
    struct tier tiers[TIER_MAX];
    unsigned count;
    struct buffer faults;
    assert_false(read(items, 2, tiers, &count, &faults));
    assert_non_null(strstr(faults.data, "free=2"));
    buffer_done(&faults);
}

static void there_are_not_too_many(void **context)
{
    (void)context;
    const char *items[TIER_MAX + 1];
    for (int n = 0; n <= TIER_MAX; n++)
        items[n] = "a=1";
    struct tier tiers[TIER_MAX];
    unsigned count;
    struct buffer faults;
    assert_false(read(items, TIER_MAX + 1, tiers, &count, &faults));
    assert_non_null(strstr(faults.data, "allowed are 32"));
    buffer_done(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiers_have_weights),
        cmocka_unit_test(what_is_none_is_named),
        cmocka_unit_test(a_name_comes_once),
        cmocka_unit_test(there_are_not_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
