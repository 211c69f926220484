#include "base/json_cut.h"

#include "base/json.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* `before`, a piece again and again up to `size` bytes, `after`. */
static struct buffer make(const char *before, const char *piece, size_t size, const char *after)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_add_text(&text, before);
    for (size_t start = text.size; text.size < start + size;)
        buffer_add_text(&text, piece);
    buffer_add_text(&text, after);
    return text;
}

static void expect_cuts(struct buffer text, unsigned count)
{
    struct json_cuts cuts;
    json_cut(buffer_span(&text), &cuts);
    if (cuts.count != count)
        fail_msg("%u instead of %u cut out of %.80s", cuts.count, count, text.data);
    assert_true(count == 0 || cuts.rest.size < text.size / 2);
    json_cut_done(&cuts);
    buffer_done(&text);
}

static void cuts_long_values(void **state)
{
    expect_cuts(make("{\"a\":\"", "x", 128, "\"}"), 1);
    expect_cuts(make("{\"a\":\"", "x", 127, "\"}"), 0);
    expect_cuts(make("[\"", "\\/\\\\\\\"\\n\xC3\xA9", 5000, "\",\"short\"]"), 1);
    expect_cuts(make("\"", "x", 5000, "\""), 1);
    expect_cuts(make("{\"", "x", 5000, "\" \n:1}"), 0); /* a key */
    expect_cuts(make("[\"", "\\u0041", 5000, "\"]"), 0);
    expect_cuts(make("[\"", "\\x", 5000, "\"]"), 0); /* for jansson to refuse */
    expect_cuts(make("[\"", "x\t", 5000, "\"]"), 0);
    expect_cuts(make("[\"", "x", 5000, ""), 0); /* no end */
    expect_cuts(make("[\"", "x", 5000, "\\\"]"), 0);
    expect_cuts(make("[\"\\u0001\",\"", "x", 5000, "\"]"), 0);
    expect_cuts(make("[\"\",", "\"\",", 300000, "1]"), 0);
}

/* As jansson alone would have read it. */
static void gives_the_same_value(void **state)
{
    static const char *const pieces[] = {"x", "\\/+", "\\\\\\\"", "\\n\\t\\b\\f\\r",
                                         "\xE4\xBA\x8C"};
    for (size_t n = 0; n < sizeof pieces / sizeof pieces[0]; n++) {
        char fault[JSON_FAULT_SIZE];
        struct buffer text =
            make("{\"b\":[\"\\u00010\",{\"a\":\"", pieces[n], 9000, "\"}],\"c\":1}");
        for (int marked = 1; marked >= 0; marked--) {
            if (!marked)
                memcpy(memmem(text.data, text.size, "\\u0001", 6), "\\u0002", 6);
            json_t *whole = json_loadb(text.data, text.size, 0, NULL);
            json_t *read = json_read(buffer_span(&text), fault);
            assert_non_null(whole);
            assert_non_null(read);
            assert_true(json_equal(whole, read));
            json_decref(whole);
            json_decref(read);
        }
        buffer_done(&text);
    }
}

static void gives_many_back(void **state)
{
    enum { MANY = 70 };
    char fault[JSON_FAULT_SIZE];
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int n = 0; n < MANY; n++)
        buffer_print(&text, "%c\"%05d%05000d\"", n ? ',' : '[', n, 0);
    buffer_add_byte(&text, ']');
    json_t *list = json_read(buffer_span(&text), fault);
    assert_int_equal(json_array_size(list), MANY);
    for (int n = 0; n < MANY; n++) {
        char expected[8];
        const json_t *item = json_array_get(list, (size_t)n);
        (void)snprintf(expected, sizeof expected, "%05d", n);
        assert_int_equal(json_string_length(item), 5005);
        assert_memory_equal(json_string_value(item), expected, 5);
    }
    json_decref(list);
    buffer_done(&text);
}

static void says_where_it_is_broken(void **state)
{
    char fault[JSON_FAULT_SIZE];
    struct buffer text = make("{\"a\":\"", "\xC3\xA9", 300, "\",\n\"b\":\"\xC3\xA9\",nothing}");
    assert_null(json_read(buffer_span(&text), fault));
    if (!strstr(fault, "at line 2, column 15: "))
        fail_msg("%s", fault);
    buffer_done(&text);
}

static void bounds_what_is_not_cut(void **state)
{
    char fault[JSON_FAULT_SIZE];
    struct buffer plain = make("[\"", "x", 100000, "\"]");
    struct buffer escaped = make("[\"", "\\u00e9", 100000, "\"]");
    const struct json_bounds bounds = {.values = 100, .bytes = 50000};
    json_t *read = json_read_bounded(buffer_span(&plain), &bounds, fault);
    assert_int_equal(json_string_length(json_array_get(read, 0)), 100000);
    json_decref(read);
    assert_null(json_read_bounded(buffer_span(&escaped), &bounds, fault));
    assert_string_equal(fault,
                        "The JSON has more than 50000 bytes, not counting texts of 128 bytes "
                        "and more without \\u escapes.");
    buffer_done(&plain);
    buffer_done(&escaped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_long_values),       cmocka_unit_test(gives_the_same_value),
        cmocka_unit_test(gives_many_back),        cmocka_unit_test(says_where_it_is_broken),
        cmocka_unit_test(bounds_what_is_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
