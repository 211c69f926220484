#include "base/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void each_scope_is_found_by_its_name(void **context)
{
    (void)context;
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        enum scope found = SCOPE_COUNT;
        assert_true(scope_find(span_of(scope_name((enum scope)scope)), &found));
        assert_int_equal(found, scope);
    }
}

static void another_word_is_none(void **context)
{
    (void)context;
    enum scope found = SCOPE_READ;
    assert_false(scope_find(SPAN("Read"), &found));
    assert_false(scope_find(SPAN("rea"), &found));
    assert_false(scope_find(SPAN(""), &found));
    assert_int_equal(found, SCOPE_READ);
}

static void all_holds_each_once(void **context)
{
    (void)context;
    unsigned bits = 0;
    for (int scope = 0; scope < SCOPE_COUNT; scope++)
        bits += SCOPE_BIT(scope);
    assert_int_equal(bits, SCOPE_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scope_is_found_by_its_name),
        cmocka_unit_test(another_word_is_none),
        cmocka_unit_test(all_holds_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
