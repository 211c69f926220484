#include "core/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { JAN_31 = 20484, FEB_1, FEB_2, MARCH_1 = 20513 /* of 2026 */ };

static struct account account_with(int64_t budget, enum tenant_period period)
{
    return (struct account){.name = "ann", .budget = budget, .period = period};
}

static void spends_by_day_month_and_in_all(void **context)
{
    (void)context;
    struct account account = account_with(TENANT_NO_BUDGET, TENANT_MONTH);
    account_spend(&account, JAN_31, 1);
    account_spend(&account, FEB_1, 10);
    account_spend(&account, FEB_2, 100);
    assert_int_equal(account_spent(&account, TENANT_DAY, FEB_2), 100);
    assert_int_equal(account_spent(&account, TENANT_MONTH, FEB_2), 110);
    assert_int_equal(account_spent(&account, TENANT_TOTAL, FEB_2), 111);
    /* Time goes on, and nothing is spent. */
    assert_int_equal(account_spent(&account, TENANT_DAY, FEB_2 + 1), 0);
    assert_int_equal(account_spent(&account, TENANT_MONTH, FEB_2 + 26), 110);
    assert_int_equal(account_spent(&account, TENANT_MONTH, MARCH_1), 0);
    assert_int_equal(account_spent(&account, TENANT_TOTAL, MARCH_1), 111);
    /* As the rows of a start come, in any order. */
    account_spend(&account, FEB_1, 1000);
    account_spend(&account, JAN_31, 10000);
    assert_int_equal(account_spent(&account, TENANT_DAY, FEB_2), 100);
    assert_int_equal(account_spent(&account, TENANT_MONTH, FEB_2), 1110);
    assert_int_equal(account_spent(&account, TENANT_TOTAL, FEB_2), 11111);
}

static void fits_what_is_left(void **context)
{
    (void)context;
    struct account account = account_with(1000, TENANT_DAY);
    assert_int_equal(account_fits(&account, 1000, FEB_1), ACCOUNT_FITS);
    assert_int_equal(account_fits(&account, 1001, FEB_1), ACCOUNT_NEVER);
    account.reserved = 300;
    account_spend(&account, FEB_1, 200);
    assert_int_equal(account_used(&account, FEB_1), 500);
    assert_int_equal(account_fits(&account, 500, FEB_1), ACCOUNT_FITS);
    assert_int_equal(account_fits(&account, 501, FEB_1), ACCOUNT_LATER);
    assert_int_equal(account_fits(&account, 700, FEB_2), ACCOUNT_FITS); /* reserved all the same */
    assert_int_equal(account_fits(&account, 701, FEB_2), ACCOUNT_LATER);
    assert_int_equal(account_fits(&account, ACCOUNT_UNKNOWN, FEB_1), ACCOUNT_FITS);
    account.reserved = 800;
    assert_int_equal(account_fits(&account, ACCOUNT_UNKNOWN, FEB_1), ACCOUNT_LATER);
    assert_int_equal(account_fits(&account, 0, FEB_1), ACCOUNT_FITS);
    account.budget = 0;
    assert_int_equal(account_fits(&account, ACCOUNT_UNKNOWN, FEB_1), ACCOUNT_NEVER);
    assert_int_equal(account_fits(&account, 0, FEB_1), ACCOUNT_FITS);
    account.budget = TENANT_NO_BUDGET;
    assert_int_equal(account_fits(&account, INT64_MAX, FEB_1), ACCOUNT_FITS);
}

static void tells_once_a_period(void **context)
{
    (void)context;
    struct account account = account_with(1000, TENANT_DAY);
    account_spend(&account, FEB_1, 799);
    assert_int_equal(account_tells(&account, FEB_1), 0);
    account.reserved = 1;
    assert_int_equal(account_tells(&account, FEB_1), 80);
    assert_int_equal(account_tells(&account, FEB_1), 0);
    account.reserved = 0;
    assert_int_equal(account_tells(&account, FEB_1), 0);
    account.reserved = 500;
    assert_int_equal(account_tells(&account, FEB_1), 100);
    account.reserved = 201;
    assert_int_equal(account_tells(&account, FEB_1), 0);
    assert_int_equal(account_tells(&account, FEB_2), 0); /* what is reserved is not so much */
    account_spend(&account, FEB_2, 900);
    assert_int_equal(account_tells(&account, FEB_2), 100); /* both at once: one word */
    account.budget = INT64_MAX;
    assert_int_equal(account_tells(&account, FEB_2), 0);
    account.budget = TENANT_NO_BUDGET;
    assert_int_equal(account_tells(&account, FEB_2 + 1), 0);
}

static void takes_back_what_it_knows_of(void **context)
{
    (void)context;
    struct account account = account_with(TENANT_NO_BUDGET, TENANT_MONTH);
    account_spend(&account, JAN_31, 1000);
    account_spend(&account, FEB_1, 100);
    account_spend(&account, FEB_2, 10);
    account_unspend(&account, FEB_2, 3);
    account_unspend(&account, FEB_1, 20);
    account_unspend(&account, JAN_31, 400);
    assert_int_equal(account_spent(&account, TENANT_DAY, FEB_2), 7);
    assert_int_equal(account_spent(&account, TENANT_MONTH, FEB_2), 87);
    assert_int_equal(account_spent(&account, TENANT_TOTAL, FEB_2), 687);
    /* As a key's after a start: only the whole is known. */
    account = account_with(1000, TENANT_TOTAL);
    account.spent[TENANT_TOTAL] = 500;
    account_unspend(&account, FEB_1, 200);
    account_spend(&account, FEB_1, 50);
    account_unspend(&account, FEB_1, 100);
    assert_int_equal(account_spent(&account, TENANT_TOTAL, FEB_1), 250);
    assert_int_equal(account_spent(&account, TENANT_DAY, FEB_1), 0);
}

static void renews_with_the_period(void **context)
{
    (void)context;
    struct account account = account_with(1, TENANT_DAY);
    assert_int_equal(account_renews(&account, JAN_31), FEB_1 * MS_DAY);
    account.period = TENANT_MONTH;
    assert_int_equal(account_renews(&account, JAN_31), FEB_1 * MS_DAY);
    assert_int_equal(account_renews(&account, FEB_1), MARCH_1 * MS_DAY);
    account.period = TENANT_TOTAL;
    assert_int_equal(account_renews(&account, FEB_1), 0);
}

static void writes_dollars(void **context)
{
    (void)context;
    static const struct {
        int64_t micros;
        const char *text;
    } rows[] = {{0, "$0.00"},         {1, "$0.000001"},
                {12500000, "$12.50"}, {12512000, "$12.512"},
                {-1000000, "-$1.00"}, {10000, "$0.01"},
                {100, "$0.0001"},     {1000000000000000, "$1000000000.00"}};
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char text[ACCOUNT_TEXT_SIZE];
        account_write(rows[n].micros, text);
        assert_string_equal(text, rows[n].text);
    }
    struct account account = account_with(5000000, TENANT_MONTH);
    char text[ACCOUNT_BUDGET_SIZE];
    account_write_budget(&account, text);
    assert_string_equal(text, "$5.00 a month");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spends_by_day_month_and_in_all),
        cmocka_unit_test(fits_what_is_left),
        cmocka_unit_test(tells_once_a_period),
        cmocka_unit_test(takes_back_what_it_knows_of),
        cmocka_unit_test(renews_with_the_period),
        cmocka_unit_test(writes_dollars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
