#include "app/table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct table_column columns[] = {
    {"JOB", false, false, 0},
    {"MODEL", false, true, 5},
    {"AGE", true, false, 0},
    {"NOTE", false, true, 0},
};

static void expect(unsigned width, bool has_colour, const char *expected)
{
    static const struct table_cell rows[][4] = {
        {{"gen_1", TERMINAL_PLAIN},
         {"local/kenburns", TERMINAL_PLAIN},
         {"5 s", TERMINAL_PLAIN},
         {"a note that is rather long", TERMINAL_PLAIN}},
        {{"gen_22", TERMINAL_GREEN},
         {"ltx2", TERMINAL_PLAIN},
         {"12 min", TERMINAL_PLAIN},
         {NULL, TERMINAL_PLAIN}},
    };
    struct table table;
    struct buffer text;
    table_init(&table, columns, 4);
    buffer_init(&text, 10000);
    for (size_t n = 0; n < 2; n++)
        table_add(&table, rows[n]);
    table_write(&table, width, has_colour, &text);
    assert_string_equal(text.data, expected);
    buffer_done(&text);
    table_done(&table);
}

static void test_wide(void **state)
{
    expect(0, false,
           "JOB     MODEL              AGE  NOTE\n"
           "gen_1   local/kenburns     5 s  a note that is rather long\n"
           "gen_22  ltx2            12 min\n");
}

/* The widest column that may shrink gives first. */
static void test_narrow(void **state)
{
    expect(46, false,
           "JOB     MODEL              AGE  NOTE\n"
           "gen_1   local/kenburns     5 s  a note that i…\n"
           "gen_22  ltx2            12 min\n");
    expect(34, false,
           "JOB     MODEL        AGE  NOTE\n"
           "gen_1   local/k…     5 s  a note …\n"
           "gen_22  ltx2      12 min\n");
    /* Where nothing is left to give, the line is longer than the terminal. */
    expect(10, false,
           "JOB     MODEL     AGE\n"
           "gen_1   loca…     5 s\n"
           "gen_22  ltx2   12 min\n");
}

static void test_colour(void **state)
{
    struct table table;
    struct buffer text;
    static const struct table_column one[] = {{"A", false, false, 0}, {"B", false, false, 0}};
    static const struct table_cell row[] = {{"x", TERMINAL_RED}, {"y\033[2J", TERMINAL_PLAIN}};
    table_init(&table, one, 2);
    buffer_init(&text, 1000);
    table_add(&table, row);
    table_write(&table, 80, true, &text);
    assert_string_equal(text.data, "\033[2mA\033[0m  \033[2mB\033[0m\n"
                                   "\033[31mx\033[0m  y [2J\n");
    buffer_done(&text);
    table_done(&table);
}

static void test_empty(void **state)
{
    struct table table;
    struct buffer text;
    table_init(&table, columns, 4);
    buffer_init(&text, 1000);
    table_write(&table, 80, false, &text);
    assert_string_equal(text.data, "JOB  MODEL  AGE  NOTE\n");
    buffer_done(&text);
    table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_empty),
    };
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
