#include "app/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *nearest(const char *word)
{
    static const char *const candidates[] = {"limits.inFlight", "limits.queue", "listen", "home",
                                             "output.linkTtl"};
    struct nearest nearest;
    nearest_init(&nearest, span_of(word));
    for (size_t n = 0; n < sizeof candidates / sizeof candidates[0]; n++)
        nearest_offer(&nearest, candidates[n]);
    return nearest.best ? nearest.best : "";
}

static void test_nearest(void **state)
{
    assert_string_equal(nearest("listen"), "listen");
    assert_string_equal(nearest("lisetn"), "listen"); /* two letters swapped are one slip */
    assert_string_equal(nearest("LISTEN"), "listen");
    assert_string_equal(nearest("hme"), "home");
    assert_string_equal(nearest("limits.inFligt"), "limits.inFlight");
    assert_string_equal(nearest("inflight"), "limits.inFlight");
    assert_string_equal(nearest("linkTtl"), "output.linkTtl");
    assert_string_equal(nearest("unrelated"), "");
    assert_string_equal(nearest("x"), "");
    assert_string_equal(nearest(""), "");
    assert_string_equal(nearest("0123456789012345678901234567890123456789012345678901234567890123"
                                "4567890123456789"),
                        "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nearest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
