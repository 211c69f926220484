#include "base/http.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void names_methods(void **state)
{
    for (int method = HTTP_GET; method < HTTP_OTHER; method++) {
        const char *name = http_method_name((enum http_method)method);
        assert_int_equal(http_method_find(span_of(name)), method);
    }
    assert_int_equal(http_method_find(SPAN("get")), HTTP_OTHER);
    assert_int_equal(http_method_find(SPAN("GETS")), HTTP_OTHER);
    assert_int_equal(http_method_find(SPAN("")), HTTP_OTHER);
    assert_int_equal(http_method_find(SPAN("OTHER")), HTTP_OTHER);
}

static void names_statuses(void **state)
{
    assert_string_equal(http_status_name(200), "OK");
    assert_string_equal(http_status_name(202), "Accepted");
    assert_string_equal(http_status_name(507), "Insufficient Storage");
    assert_string_equal(http_status_name(299), "Unknown");
    assert_string_equal(http_status_name(-1), "Unknown");
}

static void finds_headers(void **state)
{
    struct http_request request = {
        .headers = {{SPAN("Host"), SPAN("a")},
                    {SPAN("X-Two"), SPAN("1")},
                    {SPAN("x-two"), SPAN("2")}},
        .header_count = 3,
    };
    struct span value = SPAN("kept");
    assert_false(http_request_header(&request, "absent", &value));
    assert_false(http_request_header(&request, "hos", &value));
    assert_true(span_is(value, "kept"));
    assert_true(http_request_header(&request, "host", &value));
    assert_true(span_is(value, "a"));
    assert_true(http_request_header(&request, "X-TWO", &value));
    assert_true(span_is(value, "1"));
}

static void bounds_headers(void **state)
{
    struct http_response response = {0};
    for (int n = 0; n < HTTP_HEADERS_MAX; n++)
        assert_true(http_response_add(&response, "name", SPAN("value")));
    assert_false(http_response_add(&response, "name", SPAN("value")));
    assert_int_equal(response.header_count, HTTP_HEADERS_MAX);
}

static void decodes(void **state)
{
    const struct {
        struct span text;
        bool plus;
        const char *decoded; /* NULL: refused */
    } rows[] = {
        {SPAN(""), true, ""},           {{NULL, 0}, true, ""},
        {SPAN("plain"), true, "plain"}, {SPAN("a+b"), true, "a b"},
        {SPAN("a+b"), false, "a+b"},    {SPAN("a%2Bb%2bc"), true, "a+b+c"},
        {SPAN("%41"), false, "A"},      {SPAN("%E2%82%AC"), false, "\xE2\x82\xAC"},
        {SPAN("%"), false, NULL},       {SPAN("%4"), false, NULL},
        {{"%41", 2}, false, NULL}, /* what stands behind the text is not looked at */
        {SPAN("%4g"), false, NULL},     {SPAN("%g4"), false, NULL},
        {SPAN("%%41"), false, NULL},    {SPAN("a%00b"), false, NULL},
        {SPAN("a\0b"), false, NULL},    {SPAN("%ff"), false, NULL},
        {SPAN("%C0%80"), false, NULL},  {SPAN("%ED%A0%80"), false, NULL},
        {SPAN("%252f"), false, "%2f"}, /* once only */
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct span text = SPAN("kept");
        bool good = http_decode(rows[n].text, rows[n].plus, &arena, &text);
        if (good != !!rows[n].decoded || !span_is(text, good ? rows[n].decoded : "kept"))
            fail_msg("row %zu: %d \"%.*s\"", n, good, SPAN_PRINT(text));
    }
    arena_done(&arena);
}

static void reads_queries(void **state)
{
    static const struct {
        const char *query, *name, *value; /* NULL: absent or broken */
    } rows[] = {
        {"wait=30", "wait", "30"},
        {"a=1&wait=30&b=2", "wait", "30"},
        {"wait=1&wait=2", "wait", "1"},
        {"wait", "wait", ""},
        {"wait=", "wait", ""},
        {"wait=a=b", "wait", "a=b"},
        {"wa%69t=1", "wait", "1"},
        {"q=a+b%20c", "q", "a b c"},
        {"&&wait=1&", "wait", "1"},
        {"%zz=1&wait=2", "wait", "2"}, /* a broken key is nobody's */
        {"", "wait", NULL},
        {"waiting=1", "wait", NULL},
        {"Wait=1", "wait", NULL},
        {"wait=%zz", "wait", NULL},
        {"wait=%00", "wait", NULL},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct span value = SPAN("kept");
        bool good = http_query(span_of(rows[n].query), rows[n].name, &arena, &value);
        if (good != !!rows[n].value || !span_is(value, good ? rows[n].value : "kept"))
            fail_msg("%s: %d \"%.*s\"", rows[n].query, good, SPAN_PRINT(value));
    }
    struct span value;
    assert_false(http_query((struct span){NULL, 0}, "wait", &arena, &value));
    arena_done(&arena);
}

static void reads_retry_after(void **state)
{
    const ms_t longest = INT32_MAX * MS_SECOND;
    static const char date[] = "Mon, 21 Sep 2026 14:13:20 GMT";
    const ms_t now = 1790000000000; /* the same */
    const struct {
        const char *value, *date;
        ms_t now, after;
    } rows[] = {
        {"30", NULL, now, 30000},
        {"0", NULL, now, 0},
        {"31536000", NULL, now, 31536000000},
        {"2147483647", NULL, now, longest},
        {"99999999999999999999", NULL, now, longest},
        {"-1", NULL, now, 0},
        {"1.5", NULL, now, 0},
        {"soon", NULL, now, 0},
        {"", NULL, now, 0},
        {NULL, NULL, now, 0},
        {"Mon, 21 Sep 2026 14:14:20 GMT", NULL, now, 60000},
        {"Mon, 21 Sep 2026 14:14:20 GMT", NULL, 0, 0},
        {"Mon, 21 Sep 2026 14:14:20 GMT", date, 0, 60000},
        {"Mon, 21 Sep 2026 14:14:20 GMT", date, now + 50000, 60000},
        {"Mon, 21 Sep 2026 14:14:20 GMT", "today", now, 60000},
        {"Mon, 21 Sep 2026 14:12:20 GMT", date, now, 0},
        {"Mon, 01 Jan 1900 00:00:00 GMT", date, now, 0},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct http_response response = {.status = 429};
        if (rows[n].value)
            (void)http_response_add(&response, "Retry-After", span_of(rows[n].value));
        if (rows[n].date)
            (void)http_response_add(&response, "Date", span_of(rows[n].date));
        assert_int_equal(http_retry_after(&response, rows[n].now), rows[n].after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_methods), cmocka_unit_test(names_statuses),
        cmocka_unit_test(finds_headers), cmocka_unit_test(bounds_headers),
        cmocka_unit_test(decodes),       cmocka_unit_test(reads_retry_after),
        cmocka_unit_test(reads_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
