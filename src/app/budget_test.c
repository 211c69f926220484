#include "app/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void amounts_are_exact(void **context)
{
    (void)context;
    static const struct {
        const char *text;
        int64_t micros;
    } good[] = {{"0", 0},          {"0.000001", 1},        {"12.5", 12500000},
                {"1.10", 1100000}, {"0.1", 100000},        {"1000000000", 1000000000000000},
                {"007", 7000000},  {"19.999999", 19999999}};
    static const char *const bad[] = {
        "",    ".",     ".5",        "1.",           "-1",
        "1e3", "1,5",   "0.0000001", "1000000000.1", "1000000001",
        " 1",  "1.2.3", "$1",        "none",         "99999999999999"};
    int64_t micros = -7;
    for (size_t n = 0; n < sizeof good / sizeof good[0]; n++) {
        assert_true(budget_amount(span_of(good[n].text), &micros));
        assert_int_equal(micros, good[n].micros);
    }
    micros = -7;
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++)
        assert_false(budget_amount(span_of(bad[n]), &micros));
    assert_int_equal(micros, -7);
}

static void budgets_name_a_provider(void **context)
{
    (void)context;
    static const char *const bad[] = {
        "fal",     "fal=",         "fal=10",      "fal=10/",        "fal=10/week",
        "=10/day", "local=10/day", "fall=10/day", "fal=10/day/day", "fal=x/day"};
    struct core_budget budget;
    struct arena arena;
    arena_init(&arena);
    assert_true(budget_read(SPAN("fal=20.5/day"), &arena, &budget));
    assert_string_equal(budget.provider, "fal");
    assert_int_equal(budget.amount, 20500000);
    assert_int_equal(budget.period, TENANT_DAY);
    assert_true(budget_read(SPAN("replicate = 0 / total"), &arena, &budget));
    assert_int_equal(budget.amount, 0);
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++)
        assert_false(budget_read(span_of(bad[n]), &arena, &budget));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_exact),
        cmocka_unit_test(budgets_name_a_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
