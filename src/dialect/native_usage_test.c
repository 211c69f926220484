/* GET /api/v1/usage, asked and answered. */
#include "dialect/native_usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

enum { NOV_1 = 20758, NOV_29 = NOV_1 + 28 /* of 2026 */ };

static bool read(const char *query, const char *accept, struct call *ret_call,
                 struct faults *ret_faults)
{
    static struct arena arena;
    const struct dialect_scene scene = {.arena = &arena, .now = NOV_29 * MS_DAY + 5 * MS_HOUR};
    struct http_request request = {.query = span_of(query)};
    if (accept) {
        request.headers[0] = (struct http_header){SPAN("Accept"), span_of(accept)};
        request.header_count = 1;
    }
    arena_init(&arena);
    *ret_call = (struct call){.kind = CALL_USAGE};
    faults_init(ret_faults, &arena);
    native_usage_read(&scene, &request, ret_faults, ret_call);
    bool is_good = !faults_any(ret_faults);
    arena_done(&arena);
    return is_good;
}

static void this_month_by_day_unless_told(void **context)
{
    (void)context;
    struct call call;
    struct faults faults;
    assert_true(read("", NULL, &call, &faults));
    assert_int_equal(call.usage.from, NOV_1);
    assert_int_equal(call.usage.to, NOV_29);
    assert_int_equal(call.usage.by, SPEND_BY_DAY);
    assert_false(call.usage.as_csv);
    assert_true(read("from=2026-11-02&to=2026-11-03T23:59:59%2B01:00&groupBy=model&format=csv",
                     NULL, &call, &faults));
    assert_int_equal(call.usage.from, NOV_1 + 1);
    assert_int_equal(call.usage.to, NOV_1 + 2);
    assert_int_equal(call.usage.by, SPEND_BY_MODEL);
    assert_true(call.usage.as_csv);
    assert_true(read("from=2025-11-29", NULL, &call, &faults)); /* 366 days */
}

static void accept_may_want_csv(void **context)
{
    (void)context;
    static const struct {
        const char *query, *accept;
        bool as_csv;
    } rows[] = {
        {"", "text/csv", true},
        {"", "application/json, text/csv", false},
        {"", "text/html, text/csv;q=0.9, application/json", true},
        {"", "*/*", false},
        {"format=json", "text/csv", false},
        {"format=csv", "application/json", true},
    };
    struct call call;
    struct faults faults;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        assert_true(read(rows[n].query, rows[n].accept, &call, &faults));
        assert_int_equal(call.usage.as_csv, rows[n].as_csv);
    }
}

static void bad_questions_are_refused(void **context)
{
    (void)context;
    static const char *const bad[] = {
        "from=yesterday",  "to=2026-13-01",   "groupBy=week",    "format=xml",
        "from=2026-11-30", "from=2025-11-28", "from=1970-01-01", "from=2026-11-05&to=2026-11-04"};
    struct call call;
    struct faults faults;
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++)
        assert_false(read(bad[n], NULL, &call, &faults));
}

static void assert_written(enum spend_by by, bool as_csv, const struct answer_usage *usage,
                           const char *expected)
{
    const struct call call = {.kind = CALL_USAGE, .usage = {NOV_1, NOV_29, by, as_csv}};
    struct buffer body;
    buffer_init(&body, 10000);
    struct span type = native_usage_write(&call, usage, &body);
    assert_true(span_is(type, as_csv ? "text/csv; charset=utf-8" : "application/json"));
    buffer_add_byte(&body, '\0');
    assert_string_equal(body.data, expected);
    buffer_done(&body);
}

static void figures_are_written(void **context)
{
    (void)context;
    const struct spend_row rows[] = {
        {.tenant = "ann", .jobs = 3, .succeeded = 2, .failed = 1, .spent = 1234567},
        {.tenant = "b\"o,b", .jobs = 1, .spent = 0, .reserved = 500000},
    };
    const struct answer_usage usage = {
        rows,
        2,
        false,
        {.jobs = 4, .succeeded = 2, .failed = 1, .spent = 1234567, .reserved = 500000}};
    assert_written(SPEND_BY_TENANT, true, &usage,
                   "tenant,jobs,succeeded,failed,spent,reserved,currency\r\n"
                   "ann,3,2,1,1.234567,0,USD\r\n"
                   "\"b\"\"o,b\",1,0,0,0,0.5,USD\r\n");
    const struct spend_row days[] = {{.day = NOV_1, .jobs = 1, .succeeded = 1, .spent = 10000}};
    const struct answer_usage by_day = {
        days, 1, true, {.jobs = 1, .succeeded = 1, .spent = 10000, .reserved = 20000}};
    assert_written(SPEND_BY_DAY, true, &by_day,
                   "day,jobs,succeeded,failed,spent,reserved,currency\r\n"
                   "2026-11-01,1,1,0,0.01,,USD\r\n");
    assert_written(
        SPEND_BY_DAY, false, &by_day,
        "{\"from\":\"2026-11-01\",\"to\":\"2026-11-29\",\"groupBy\":\"day\",\"items\":[{\"day\":"
        "\"2026-11-01\",\"jobs\":1,\"succeeded\":1,\"failed\":0,\"spent\":{\"amount\":0.01,"
        "\"currency\":\"USD\"}}],\"more\":true,\"total\":{\"jobs\":1,\"succeeded\":1,\"failed\":0,"
        "\"spent\":{\"amount\":0.01,\"currency\":\"USD\"},\"reserved\":{\"amount\":0.02,"
        "\"currency\":\"USD\"}}}");
}

static void budgets_say_what_is_left(void **context)
{
    (void)context;
    struct json_writer writer;
    struct buffer body;
    const struct answer_budget budget = {true,    10000000, TENANT_DAY,
                                         2500000, 500000,   NOV_29 * MS_DAY};
    buffer_init(&body, 10000);
    json_writer_init(&writer, &body);
    json_open_object(&writer, NULL);
    native_usage_write_budget(&budget, &writer);
    json_close_object(&writer);
    buffer_add_byte(&body, '\0');
    assert_string_equal(body.data,
                        "{\"budget\":{\"amount\":10,\"currency\":\"USD\",\"period\":\"day\","
                        "\"spent\":{\"amount\":2.5,\"currency\":\"USD\"},\"reserved\":{\"amount\":"
                        "0.5,\"currency\":\"USD\"},\"left\":{\"amount\":7,\"currency\":\"USD\"},"
                        "\"renewsAt\":\"2026-11-29T00:00:00.000Z\"}}");
    buffer_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_month_by_day_unless_told), cmocka_unit_test(accept_may_want_csv),
        cmocka_unit_test(bad_questions_are_refused),     cmocka_unit_test(figures_are_written),
        cmocka_unit_test(budgets_say_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
