#include "app/alert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { WALL = 1000000 };

static void test_once_in_ten_minutes(void **state)
{
    struct alerts alerts;
    enum alert_kind kind;
    alert_init(&alerts);
    assert_true(alert_next_at(&alerts) == MS_NEVER);
    assert_true(alert_raise(&alerts, ALERT_DISK, "Full.", 5, WALL));
    assert_false(alert_raise(&alerts, ALERT_DISK, "Full.", 6, WALL + 1));
    assert_true(alert_raise(&alerts, ALERT_DELIVERIES, "Fail.", 6, WALL)); /* another kind */
    assert_true(alert_take(&alerts, 5, &kind) && kind == ALERT_DISK);
    assert_false(alert_take(&alerts, 5, &kind));
    assert_true(alert_tried(&alerts, ALERT_DISK, true, 5));
    assert_false(alert_raise(&alerts, ALERT_DISK, "Full.", 7, WALL + ALERT_EVERY_MS - 1));
    assert_true(alert_raise(&alerts, ALERT_DISK, "Full.", 7, WALL + ALERT_EVERY_MS));
}

/* A clock that was set back must not silence it for long. */
static void test_clock_set_back(void **state)
{
    struct alerts alerts;
    alert_init(&alerts);
    assert_true(alert_raise(&alerts, ALERT_DISK, "Full.", 5, WALL));
    assert_true(alert_raise(&alerts, ALERT_DISK, "Full.", 6, WALL - 1));
}

static void test_three_tries_with_one_id(void **state)
{
    struct alerts alerts;
    enum alert_kind kind;
    alert_init(&alerts);
    assert_true(alert_raise(&alerts, ALERT_DELIVERIES, "Fail.", 0, WALL));
    assert_string_equal(alerts.list[ALERT_DELIVERIES].id, "msg_alert_deliveries_1000000");
    assert_true(alert_take(&alerts, 0, &kind));
    assert_true(alert_tried(&alerts, kind, false, 0));
    assert_int_equal(alert_next_at(&alerts), 10 * MS_SECOND);
    assert_false(alert_take(&alerts, 9999, &kind));
    assert_true(alert_take(&alerts, 10000, &kind));
    assert_true(alert_tried(&alerts, kind, false, 10000));
    assert_int_equal(alert_next_at(&alerts), 70 * MS_SECOND);
    assert_true(alert_take(&alerts, 70000, &kind));
    assert_string_equal(alerts.list[ALERT_DELIVERIES].id, "msg_alert_deliveries_1000000");
    assert_false(alert_tried(&alerts, kind, false, 70000));
    assert_true(alert_next_at(&alerts) == MS_NEVER);
}

/* What a budget comes to is said once only: nothing of it gets lost. */
static void test_budgets_are_told_together(void **state)
{
    struct alerts alerts;
    enum alert_kind kind;
    const struct alert *alert = &alerts.list[ALERT_BUDGET];
    alert_init(&alerts);
    assert_true(alert_raise(&alerts, ALERT_BUDGET, "Ann.", 5, WALL));
    assert_true(alert_take(&alerts, 5, &kind) && kind == ALERT_BUDGET);
    assert_true(alert_raise(&alerts, ALERT_BUDGET, "Bob.", 6, WALL + 1));
    assert_string_equal(alert->text, "Ann.");
    assert_true(alert_tried(&alerts, kind, true, 7));
    assert_true(alert_raise(&alerts, ALERT_BUDGET, "Zoe.", 8, WALL + 3));
    assert_false(alert_take(&alerts, 4 + ALERT_EVERY_MS, &kind));
    assert_true(alert_take(&alerts, 5 + ALERT_EVERY_MS, &kind));
    assert_string_equal(alert->text, "Bob. Zoe.");
    assert_string_equal(alert->id, "msg_alert_budget_1000001");
    assert_true(alert_tried(&alerts, kind, true, 5 + ALERT_EVERY_MS));
    assert_true(alert_next_at(&alerts) == MS_NEVER);
    for (int n = 0; n < 300; n++)
        assert_true(alert_raise(&alerts, ALERT_BUDGET, "Yan.", 9 + ALERT_EVERY_MS, WALL + 9));
    assert_int_equal(alert_next_at(&alerts), 5 + 2 * ALERT_EVERY_MS);
}

static void test_budget_in_words(void **state)
{
    struct budget_notice notice = {.percent = 80, .spent = 7500000};
    char text[ALERT_TEXT_SIZE];
    notice.account = (struct account){
        .name = "ann", .budget = 10000000, .period = TENANT_MONTH, .reserved = 600000};
    alert_budget(&notice, text);
    assert_string_equal(text, "The budget of tenant ann, $10.00 a month, is used up to 80 %: $7.50 "
                              "is spent and $0.60 reserved.");
    notice.percent = 100;
    notice.is_provider = true;
    alert_budget(&notice, text);
    assert_string_equal(text, "The budget of provider ann, $10.00 a month, is used up: $7.50 is "
                              "spent and $0.60 reserved.");
}

static void test_unwell_in_words(void **state)
{
    static const struct {
        enum error_code why;
        bool is_account;
        const char *text;
    } rows[] = {
        {ERROR_BAD_KEY, true, "The provider fal refuses our key: no job is sent to it for 600 s,"},
        {ERROR_OUT_OF_CREDIT, true, "The provider fal has no credit for us: no job is sent to it"},
        {ERROR_PROVIDER_UNAVAILABLE, false,
         "The provider fal failed several times in a row: no "
         "job is sent to it for 60 s, then one may try."},
    };
    (void)state;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char text[ALERT_TEXT_SIZE];
        const struct unwell_notice notice = {.provider = "fal", .why = rows[n].why};
        alert_unwell(&notice, text);
        assert_memory_equal(text, rows[n].text, strlen(rows[n].text));
        assert_int_equal(alert_is_account(&notice), rows[n].is_account);
    }
}

static void test_body(void **state)
{
    struct alerts alerts;
    struct buffer body;
    alert_init(&alerts);
    assert_true(alert_raise(&alerts, ALERT_DISK, "\"12\" MB are free.", 0, WALL));
    buffer_init(&body, 1000);
    alert_write(&alerts.list[ALERT_DISK], ALERT_DISK, &body);
    assert_string_equal(body.data,
                        "{\"event\":\"alert\",\"kind\":\"disk\",\"message\":\"\\\"12\\\" MB are "
                        "free.\",\"at\":\"1970-01-01T00:16:40.000Z\"}");
    buffer_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once_in_ten_minutes),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_three_tries_with_one_id),
        cmocka_unit_test(test_budgets_are_told_together),
        cmocka_unit_test(test_budget_in_words),
        cmocka_unit_test(test_unwell_in_words),
        cmocka_unit_test(test_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
