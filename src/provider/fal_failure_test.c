#include "provider/fal_failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_what_follows_from_a_type(void **state)
{
    static const struct {
        const char *type;
        int status;
        enum error_code error;
        bool again, billed;
    } rows[] = {
        {"content_policy_violation", 422, ERROR_CONTENT_POLICY, false, true},
        {"image_too_small", 422, ERROR_PROVIDER_REJECTED, false, true},
        {"", 422, ERROR_PROVIDER_REJECTED, false, true},
        {"runner_disconnected", 503, ERROR_PROVIDER_UNAVAILABLE, true, false},
        /* Wherever it stands, it is their own machine that failed. */
        {"runner_disconnected", 422, ERROR_PROVIDER_UNAVAILABLE, true, false},
        {"generation_timeout", 504, ERROR_TIMEOUT, true, false},
        {"never_heard_of", 500, ERROR_PROVIDER_FAILED, true, false},
        {"client_cancelled", 499, ERROR_CANCELED, false, false},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct told told;
        told_init(&told);
        told.kind = TOLD_FAILED;
        fal_failure_say(span_of(rows[n].type), rows[n].status, &told);
        assert_int_equal(told.error, rows[n].error);
        assert_int_equal(told.again, rows[n].again);
        assert_int_equal(told.billed, rows[n].billed);
        assert_int_equal(told.kind, rows[n].error == ERROR_CANCELED ? TOLD_STOPPED : TOLD_FAILED);
    }
}

static void test_where_the_sentence_stands(void **state)
{
    static const struct {
        const char *body, *text, *type;
    } rows[] = {
        {"{\"detail\":\"plain\"}", "plain", ""},
        {"{\"detail\":{\"msg\":\"object\",\"type\":\"t\"}}", "object", "t"},
        {"{\"detail\":[{\"msg\":\"list\",\"type\":\"t\"},{\"msg\":\"second\"}]}", "list", "t"},
        {"{\"detail\":\"x\",\"error_type\":\"outer\"}", "x", "outer"},
        {"{\"error\":\"of the status\",\"error_type\":\"t\"}", "of the status", "t"},
        {"{\"detail\":[]}", "", ""},
        {"{}", "", ""},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char fault[JSON_FAULT_SIZE];
        struct told told;
        struct span type = SPAN("");
        json_t *body = json_read(span_of(rows[n].body), fault);
        told_init(&told);
        fal_failure_read(body, &told, &type);
        assert_string_equal(told.text, rows[n].text);
        assert_true(span_is(type, rows[n].type));
        json_decref(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_follows_from_a_type),
        cmocka_unit_test(test_where_the_sentence_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
