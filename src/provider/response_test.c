#include "provider/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Reliability 3.1: what refuses a submission for certain, and what leaves it open. */
static void test_statuses_of_a_submission(void **state)
{
    static const struct {
        int status;
        enum told_kind kind;
    } rows[] = {
        {400, TOLD_REFUSED}, {401, TOLD_REFUSED}, {402, TOLD_REFUSED}, {403, TOLD_REFUSED},
        {404, TOLD_REFUSED}, {413, TOLD_REFUSED}, {422, TOLD_REFUSED}, {429, TOLD_LATER},
        {200, TOLD_NOTHING}, {302, TOLD_NOTHING}, {408, TOLD_NOTHING}, {409, TOLD_NOTHING},
        {425, TOLD_NOTHING}, {500, TOLD_NOTHING}, {502, TOLD_NOTHING}, {503, TOLD_NOTHING},
        {504, TOLD_NOTHING}, {529, TOLD_NOTHING}, {418, TOLD_NOTHING},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct http_response response = {.status = rows[n].status};
        struct told told;
        told_init(&told);
        response_status(PROVIDER_CALL_SUBMIT, &response, &told);
        assert_int_equal(told.kind, rows[n].kind);
    }
}

static void test_statuses_of_a_read(void **state)
{
    for (int status = 200; status < 600; status++) {
        struct http_response response = {.status = status};
        struct told told;
        told_init(&told);
        response_status(PROVIDER_CALL_POLL, &response, &told);
        assert_int_equal(told.kind, status == 404 || status == 410 ? TOLD_GONE : TOLD_NOTHING);
        /* That a search or a cancel finds nothing says nothing of the job. */
        response_status(PROVIDER_CALL_FIND, &response, &told);
        assert_int_equal(told.kind, TOLD_NOTHING);
        response_status(PROVIDER_CALL_CANCEL, &response, &told);
        assert_int_equal(told.kind, TOLD_NOTHING);
    }
}

static void test_progress_of_logs(void **state)
{
    static const struct {
        const char *logs;
        int progress;
    } rows[] = {
        {"", -1},
        {"Generating 50% done", -1},
        {" 35%|███▌      | 7/20 [00:09<00:17,  1.31s/it]", 35},
        {"  0%|          | 0/20 [00:00<?, ?it/s]", 0},
        {"100%|██████████| 20/20", 100},
        {"100% | x | 20/20", 100},
        {" 35%|███▌", -1},
        {" 35%|███▌ | seven/20", -1},
        {"135%|███▌| 7/20", -1},
        {" 10%|█| 2/20\n 90%|█| 18/20\n 5%|█| 1/20", 5},
        {" 90%|█| 18/20\nuploading", 90},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        assert_int_equal(response_progress(span_of(rows[n].logs)), rows[n].progress);
}

static void test_escapes(void **state)
{
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(request_escape(&arena, "aZ09-._~"), "aZ09-._~");
    assert_string_equal(request_escape(&arena, "a/b?c=d&e #%é"),
                        "a%2Fb%3Fc%3Dd%26e%20%23%25%C3%A9");
    assert_string_equal(request_escape(&arena, ""), "");
    arena_done(&arena);
}

static void test_equal_inputs(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"{\"a\":1,\"b\":[1,2]}", "{\"b\":[1.0,2],\"a\":1.0}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":null}", false},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":\"1\"}", "{\"a\":1}", false},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1,2,3]", false},
        {"0.1", "0.10000000000000001", true},
        {"true", "true", true},
        {"true", "false", false},
        {"null", "null", true},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char fault[JSON_FAULT_SIZE];
        json_t *a = json_read(span_of(rows[n].a), fault), *b = json_read(span_of(rows[n].b), fault);
        assert_int_equal(response_same(a, b), rows[n].same);
        assert_int_equal(response_same(b, a), rows[n].same);
        json_decref(a);
        json_decref(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses_of_a_submission),
        cmocka_unit_test(test_statuses_of_a_read),
        cmocka_unit_test(test_progress_of_logs),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_equal_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
