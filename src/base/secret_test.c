#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void compares(void **state)
{
    const struct {
        struct span secret, offered;
        bool equal;
    } rows[] = {
        {SPAN("hunter2"), SPAN("hunter2"), true},
        {SPAN("hunter2"), SPAN("hunter3"), false},
        {SPAN("hunter2"), SPAN("Hunter2"), false},
        {SPAN("hunter2"), SPAN("hunter"), false},
        {SPAN("hunter2"), SPAN("hunter22"), false},
        {SPAN("ab"), SPAN("abab"), false}, /* a repetition of it */
        {SPAN("hunter2"), SPAN(""), false},
        {SPAN("a\0b"), SPAN("a\0b"), true},
        {SPAN("a\0b"), SPAN("a\0c"), false},
        {SPAN(""), SPAN(""), false}, /* an unset secret lets nobody in */
        {SPAN(""), SPAN("a"), false},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct secret secret = secret_make(rows[n].secret);
        if (secret_equal(secret, rows[n].offered) != rows[n].equal)
            fail_msg("row %zu", n);
        secret_done(&secret);
    }
    struct secret none = {0};
    assert_false(secret_equal(none, SPAN("")));
    assert_false(secret_equal(none, (struct span){NULL, 0}));
}

static void is_gone_when_done(void **state)
{
    struct secret secret = secret_make(SPAN("hunter2"));
    assert_int_equal(secret.size, 7);
    secret_done(&secret);
    assert_null(secret.bytes);
    assert_int_equal(secret.size, 0);
    secret_done(&secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(is_gone_when_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
