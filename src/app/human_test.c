#include "app/human.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_duration(void **state)
{
    static const struct {
        ms_t ms;
        const char *duration, *span;
    } cases[] = {
        {0, "0 ms", "0 s"},
        {-5, "-5 ms", "0 s"},
        {850, "850 ms", "0 s"},
        {4200, "4.2 s", "4 s"},
        {59000, "59 s", "59 s"},
        {60000, "1 min", "1 min"},
        {185000, "3 min 5 s", "3 min"},
        {7800000, "2 h 10 min", "2 h 10 min"},
        {3 * MS_DAY + 4 * MS_HOUR, "3 d 4 h", "3 d"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        char text[HUMAN_SIZE];
        human_duration(cases[n].ms, text);
        assert_string_equal(text, cases[n].duration);
        human_span(cases[n].ms, text);
        assert_string_equal(text, cases[n].span);
    }
}

static void test_size(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},         {999, "999 B"},         {1000, "1.0 KB"},
        {1440, "1.4 KB"},   {9960, "10 KB"},        {999499, "999 KB"},
        {999500, "1.0 MB"}, {1500000000, "1.5 GB"}, {UINT64_MAX, "18446744 TB"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        char text[HUMAN_SIZE];
        human_size(cases[n].bytes, text);
        assert_string_equal(text, cases[n].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
