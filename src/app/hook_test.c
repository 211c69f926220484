/* How answers of receivers are read. Sending itself is in tests/e2e/webhook.test.mjs. */
#include "app/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#define NOW ((ms_t)1790000000000)

static struct hook_outcome read(int status, enum egress_outcome outcome, const char *sentence,
                                const char *retry_after)
{
    struct egress_result result = {.outcome = outcome, .times = {.total = 7}};
    struct hook_outcome read;
    result.response.status = status;
    (void)span_copy(span_of(sentence), result.sentence, sizeof result.sentence);
    if (retry_after)
        (void)http_response_add(&result.response, "Retry-After", span_of(retry_after));
    hook_read_outcome(&result, NOW, &read);
    return read;
}

static void test_statuses(void **state)
{
    static const struct {
        int status;
        enum hooked_kind kind;
        const char *error;
    } rows[] = {
        {200, HOOKED_DELIVERED, ""},
        {204, HOOKED_DELIVERED, ""},
        {299, HOOKED_DELIVERED, ""},
        {301, HOOKED_FAILED, "It answered 301 (Moved Permanently); redirects are not followed."},
        {404, HOOKED_FAILED, "It answered 404 (Not Found)."},
        {410, HOOKED_GONE, "It answered 410 (Gone): nothing more is sent."},
        {500, HOOKED_FAILED, "It answered 500 (Internal Server Error)."},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct hook_outcome outcome = read(rows[n].status, EGRESS_ANSWERED, "", NULL);
        assert_int_equal(outcome.kind, rows[n].kind);
        assert_int_equal(outcome.status, rows[n].status);
        assert_int_equal(outcome.took, 7);
        assert_string_equal(outcome.error, rows[n].error);
    }
}

/* A status is enough, whatever became of the rest. */
static void test_bodies_do_not_matter(void **state)
{
    static const enum egress_outcome outcomes[] = {EGRESS_TOO_LARGE, EGRESS_CANCELED,
                                                   EGRESS_TIMED_OUT, EGRESS_BROKEN};
    for (size_t n = 0; n < sizeof outcomes / sizeof outcomes[0]; n++) {
        assert_int_equal(read(200, outcomes[n], "It broke.", NULL).kind, HOOKED_DELIVERED);
        assert_int_equal(read(500, outcomes[n], "It broke.", NULL).kind, HOOKED_FAILED);
        assert_int_equal(read(410, outcomes[n], "It broke.", NULL).kind, HOOKED_GONE);
    }
}

static void test_without_an_answer(void **state)
{
    struct hook_outcome outcome =
        read(0, EGRESS_NOT_RESOLVED, "example.test could not be found.", NULL);
    assert_int_equal(outcome.kind, HOOKED_FAILED);
    assert_int_equal(outcome.status, 0);
    assert_string_equal(outcome.error, "example.test could not be found.");
    assert_int_equal(read(100, EGRESS_BROKEN, "It broke.", NULL).status, 0);
    assert_int_equal(read(0, EGRESS_CANCELED, "", NULL).kind, HOOKED_UNSENT);
    char text[EGRESS_SENTENCE_SIZE];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(strlen(read(0, EGRESS_BROKEN, text, NULL).error), NOTIFY_ERROR_SIZE - 1);
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *text;
        ms_t after;
    } rows[] = {
        {"0", 0},
        {"120", 120000},
        {"99999999999", INT32_MAX * MS_SECOND}, /* the schedule has a limit of its own */
        {"-5", 0},
        {"soon", 0},
        {"", 0},
        {"1.5", 0}, /* NOW is Mon, 21 Sep 2026 14:13:20 GMT */
        {"Mon, 21 Sep 2026 14:14:20 GMT", 60000},
        {"Mon, 21 Sep 2026 14:12:20 GMT", 0},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        assert_int_equal(read(503, EGRESS_ANSWERED, "", rows[n].text).retry_after, rows[n].after);
    assert_int_equal(read(200, EGRESS_ANSWERED, "", "120").retry_after, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_bodies_do_not_matter),
        cmocka_unit_test(test_without_an_answer),
        cmocka_unit_test(test_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
