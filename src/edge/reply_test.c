#include "edge/reply.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DATE "Wed, 21 Jan 2026 21:00:00 GMT"

static void test_text(void **state)
{
    struct buffer text;
    struct http_response response = {.status = 418};
    buffer_init(&text, 10000);
    (void)http_response_add(&response, "Content-Type", SPAN("a/b"));
    (void)http_response_add(&response, "content-length", SPAN("9"));
    (void)http_response_add(&response, "DATE", SPAN("never"));
    (void)http_response_add(&response, "Keep-Alive", SPAN("x"));
    (void)http_response_add(&response, "Connection", SPAN("close"));
    (void)http_response_add(&response, "X-Request-Id", SPAN("y"));
    assert_true(reply_is_valid(&response));
    assert_true(reply_wants_close(&response));
    reply_add(&text, &(struct reply){.response = &response,
                                     .id = "id",
                                     .date = DATE,
                                     .framing = REPLY_LENGTH,
                                     .length = UINT64_MAX,
                                     .close = true});
    assert_true(span_is(buffer_span(&text),
                        "HTTP/1.1 418 Unknown\r\nDate: " DATE "\r\nX-Request-Id: id\r\n"
                        "Content-Type: a/b\r\nContent-Length: 18446744073709551615\r\n"
                        "Connection: close\r\n\r\n"));
    buffer_clear(&text);
    reply_add_chunk_size(&text, 0);
    reply_add_chunk_size(&text, 31);
    reply_add_chunk_size(&text, 0x123456789abcdef);
    assert_true(span_is(buffer_span(&text), "0\r\n1f\r\n123456789abcdef\r\n"));
    buffer_done(&text);
}

static void test_valid(void **state)
{
    const struct {
        const char *name;
        struct span value;
        bool valid;
    } rows[] = {
        {"A", SPAN(""), true},          {"A-b_1", SPAN("x\ty \xC3\xA9"), true},
        {"", SPAN("x"), false},         {"A b", SPAN("x"), false},
        {"A:", SPAN("x"), false},       {"A\r\nB", SPAN("x"), false},
        {"A", SPAN("x\ny"), false},     {"A", SPAN("x\ry"), false},
        {"A", SPAN("x\0y"), false},     {"A", SPAN("x\x7Fy"), false},
        {"\xC3\xA9", SPAN("x"), false},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct http_response response = {.status = 200};
        (void)http_response_add(&response, rows[n].name, rows[n].value);
        assert_int_equal(reply_is_valid(&response), rows[n].valid);
    }
    assert_false(reply_is_valid(&(struct http_response){.status = 0}));
    assert_false(reply_is_valid(&(struct http_response){.status = 101}));
    assert_false(reply_is_valid(&(struct http_response){.status = 600}));
    struct http_response response = {.status = 200, .part_count = 1};
    response.parts[0].kind = HTTP_PART_FILE_BASE64;
    assert_false(reply_is_valid(&response));
}

static void test_error(void **state)
{
    struct buffer text;
    buffer_init(&text, 10000);
    reply_add_error(&text, ERROR_TOO_LARGE, "\"So\" big.", "id");
    assert_true(
        span_is(buffer_span(&text),
                "{\"success\":false,\"error\":\"\\\"So\\\" big.\",\"errorCode\":\"too_large\","
                "\"details\":[],\"requestId\":\"id\"}"));
    buffer_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
