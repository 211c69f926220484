#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_code_is_whole(void **state)
{
    for (int code = 0; code < ERROR_COUNT; code++) {
        const char *sentence = error_sentence((enum error_code)code);
        struct span name = span_of(error_name((enum error_code)code));
        int status = error_status((enum error_code)code);
        assert_true(name.size > 0);
        for (size_t n = 0; n < name.size; n++)
            assert_true(name.data[n] == '_' || (name.data[n] >= 'a' && name.data[n] <= 'z'));
        assert_true(strlen(sentence) > 5 && sentence[strlen(sentence) - 1] == '.');
        assert_true(code == ERROR_NONE ? status == 200 : status >= 400 && status <= 599);
    }
}

static void finds_names(void **state)
{
    enum error_code found = ERROR_COUNT;
    for (int code = 0; code < ERROR_COUNT; code++) {
        assert_true(error_find(span_of(error_name((enum error_code)code)), &found));
        assert_string_equal(error_name(found), error_name((enum error_code)code));
        assert_true((int)found <= code);
    }
    /* Two codes share a name; the first is found. */
    assert_true(error_find(SPAN("not_authorized"), &found));
    assert_int_equal(found, ERROR_NOT_AUTHORIZED);
    found = ERROR_TIMEOUT;
    assert_false(error_find(SPAN("no_such_error"), &found));
    assert_false(error_find(SPAN(""), &found));
    assert_false(error_find(SPAN("VALIDATION"), &found));
    assert_int_equal(found, ERROR_TIMEOUT);
}

/* What clients have been promised (SPEC 3). */
static void keeps_its_promises(void **state)
{
    static const struct {
        enum error_code code;
        const char *name;
        int status;
        bool retryable;
    } rows[] = {
        {ERROR_VALIDATION, "validation", 400, false},
        {ERROR_NOT_FOUND, "not_found", 404, false},
        {ERROR_NOT_AUTHORIZED, "not_authorized", 401, false},
        {ERROR_OVER_BUDGET, "over_budget", 402, false},
        {ERROR_RATE_LIMITED, "rate_limited", 429, true},
        {ERROR_TOO_LARGE, "too_large", 413, false},
        {ERROR_CONFLICT, "conflict", 409, false},
        {ERROR_IDEMPOTENCY_CONFLICT, "idempotency_conflict", 409, false},
        {ERROR_PROVIDER_UNAVAILABLE, "provider_unavailable", 503, true},
        {ERROR_SUBMISSION_UNCERTAIN, "submission_uncertain", 502, false},
        {ERROR_STORAGE_FULL, "storage_full", 503, true},
        {ERROR_INTERNAL, "internal", 500, true},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        assert_string_equal(error_name(rows[n].code), rows[n].name);
        assert_int_equal(error_status(rows[n].code), rows[n].status);
        assert_int_equal(error_retryable(rows[n].code), rows[n].retryable);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_is_whole),
        cmocka_unit_test(finds_names),
        cmocka_unit_test(keeps_its_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
