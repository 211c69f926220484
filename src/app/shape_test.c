#include "app/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_sides(void **state)
{
    static const struct {
        const char *text;
        int64_t side;
    } rows[] = {{"720p", 720}, {"1080P", 1080}, {"4k", 2160}, {"4K", 2160}, {"p", 0},
                {"", 0},       {"auto", 0},     {"720", 0},   {"0p", 0},    {"9000p", 0}};
    (void)state;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        assert_int_equal(shape_side(span_of(rows[n].text)), rows[n].side);
}

static void test_aspects(void **state)
{
    static const struct {
        const char *text;
        double aspect;
    } rows[] = {{"16:9", 16.0 / 9}, {"9:16", 9.0 / 16}, {"1:1", 1}, {"auto", 0},
                {"16:0", 0},        {":9", 0},          {"16:", 0}, {"", 0}};
    (void)state;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        assert_true(shape_aspect(span_of(rows[n].text)) == rows[n].aspect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sides),
        cmocka_unit_test(test_aspects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
