#include "base/json.h"

#include "base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void reads_and_says_why_not(void **state)
{
    const struct {
        struct span text;
        const char *fault; /* a part of the sentence; NULL: it is read */
    } rows[] = {
        {SPAN("{}"), NULL},
        {SPAN(" [1, 2.5, \"x\", true, null] \n"), NULL},
        {SPAN("\"alone\""), NULL},
        {SPAN("7"), NULL},
        {SPAN("null"), NULL},
        {SPAN("{\"a\":{\"b\":1},\"c\":{\"b\":1}}"), NULL},
        {SPAN("\"\\ud83c\\udfac\""), NULL},
        {SPAN(""), "broken"},
        {{NULL, 0}, "broken"},
        {SPAN("  "), "broken"},
        {SPAN("{"), "broken"},
        {SPAN("[1,]"), "broken"},
        {SPAN("{\"a\":1,}"), "broken"},
        {SPAN("{a:1}"), "broken"},
        {SPAN("{'a':1}"), "broken"},
        {SPAN("{\"a\":1} x"), "broken at line 1"},
        {SPAN("{}{}"), "broken"},
        {SPAN("{\n\"a\":tru}"), "broken at line 2"},
        {SPAN("{\"a\":1,\"a\":2}"), "duplicate"},
        {SPAN("{\"a\":1,\"\\u0061\":2}"), "duplicate"},
        {SPAN("01"), "broken"},
        {SPAN("+1"), "broken"},
        {SPAN(".5"), "broken"},
        {SPAN("1."), "broken"},
        {SPAN("NaN"), "broken"},
        {SPAN("1e400"), "broken"},
        {SPAN("// no\n1"), "broken"},
        {SPAN("\xEF\xBB\xBF{}"), "broken"}, /* a byte order mark */
        {SPAN("\"a\tb\""), "broken"},
        {SPAN("\"\\x\""), "broken"},
        {SPAN("\"open"), "broken"},
        {SPAN("\"open\\"), "broken"},
        {SPAN("\"\\u0000\""), "broken"},
        {SPAN("\"\\ud800\""), "broken"},
        {SPAN("\"\\udc00\\ud800\""), "broken"},
        {SPAN("{\"a\0\":1}"), "UTF-8"},
        {SPAN("{}\0"), "UTF-8"},
        {SPAN("\"\xFF\""), "UTF-8"},
        {SPAN("\"\xC0\x80\""), "UTF-8"},
        {SPAN("\"\xED\xA0\x80\""), "UTF-8"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char fault[JSON_FAULT_SIZE] = "";
        json_t *value = json_read(rows[n].text, fault);
        if (!!value == !!rows[n].fault || (!value && !strstr(fault, rows[n].fault)))
            fail_msg("row %zu: %s", n, value ? "was read" : fault);
        json_decref(value);
    }
}

static void bounds_depth(void **state)
{
    char fault[JSON_FAULT_SIZE];
    for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        char text[2 * JSON_DEPTH_MAX + 2];
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        json_t *value = json_read((struct span){text, 2 * depth}, fault);
        assert_int_equal(!!value, depth <= JSON_DEPTH_MAX);
        json_decref(value);
    }
    assert_non_null(strstr(fault, "deeper than 32"));
    /* A million of them cost nothing either; brackets in a text are no depth. */
    struct buffer deep;
    buffer_init(&deep, 2000000);
    for (int n = 0; n < 200000; n++)
        buffer_add_text(&deep, "{\"a\":");
    assert_null(json_read(buffer_span(&deep), fault));
    buffer_done(&deep);
    json_t *value = json_read(SPAN("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[\""), fault);
    assert_non_null(value);
    json_decref(value);
}

/* `count` numbers, each with a key of its own that starts with `key` when there is one. */
static bool reads_many(const char *open, const char *key, const char *close, int count)
{
    char fault[JSON_FAULT_SIZE] = "";
    struct buffer text;
    buffer_init(&text, 4000000);
    buffer_add_text(&text, open);
    for (int n = 0; n < count; n++) {
        buffer_add_text(&text, n ? "," : "");
        if (key)
            buffer_print(&text, "\"%s%d\":", key, n);
        buffer_add_byte(&text, '0');
    }
    buffer_add_text(&text, close);
    json_t *value = json_read(buffer_span(&text), fault);
    assert_true(value || strstr(fault, "more than 100000 values"));
    buffer_done(&text);
    bool good = value;
    json_decref(value);
    return good;
}

static void bounds_values(void **state)
{
    assert_true(reads_many("[", NULL, "]", JSON_VALUES_MAX - 1));
    assert_false(reads_many("[", NULL, "]", JSON_VALUES_MAX));
    assert_true(reads_many("{", "key", "}", JSON_VALUES_MAX - 1));
    assert_false(reads_many("{", "key", "}", JSON_VALUES_MAX));
    assert_true(reads_many("\"", NULL, "\"", JSON_VALUES_MAX + 1)); /* all of it one text */
}

/* Reading a number takes time that grows with its digits, and none of use has that many. */
static void bounds_digits(void **state)
{
    char digits[JSON_DIGITS_MAX + 2], fault[JSON_FAULT_SIZE] = "";
    memset(digits, '0', sizeof digits);
    digits[JSON_DIGITS_MAX] = '\0';
    struct buffer text;
    buffer_init(&text, 10000);
    buffer_print(&text, "[0.%s,\"%s0\"]", digits, digits);
    json_t *value = json_read(buffer_span(&text), fault);
    assert_non_null(value);
    json_decref(value);
    buffer_clear(&text);
    buffer_print(&text, "[0.%s0]", digits);
    assert_null(json_read(buffer_span(&text), fault));
    assert_string_equal(fault, "The JSON has a number of more than 400 digits at byte 403.");
    buffer_done(&text);
}

static void escapes_a_byte_wherever_it_stands(void **state)
{
    for (size_t at = 0; at < 20; at++) {
        for (int byte = 1; byte < 0x80; byte++) {
            char text[21] = "abcdefghijklmnopqrst", fault[JSON_FAULT_SIZE] = "";
            struct json_writer writer;
            struct buffer json;
            buffer_init(&json, 200);
            json_writer_init(&writer, &json);
            text[at] = (char)byte;
            json_text(&writer, NULL, span_of(text));
            json_t *read = json_read(buffer_span(&json), fault);
            if (!json_is_string(read) || strcmp(json_string_value(read), text) != 0)
                fail_msg("byte %d at %zu: %.*s %s", byte, at, SPAN_PRINT(buffer_span(&json)),
                         fault);
            json_decref(read);
            buffer_done(&json);
        }
    }
}

static void takes_a_bound(void **state)
{
    char fault[JSON_FAULT_SIZE] = "";
    const struct json_bounds bounds = {.values = 4, .bytes = 100};
    json_t *value = json_read_bounded(SPAN("[1,2,3]"), &bounds, fault);
    assert_non_null(value);
    json_decref(value);
    assert_null(json_read_bounded(SPAN("[1,2,3,4]"), &bounds, fault));
    assert_string_equal(fault, "The JSON has more than 4 values.");
    assert_null(json_read_bounded(SPAN("\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""), &bounds, fault));
    assert_string_equal(fault, "The JSON has more than 4 values.");
}

static void keeps_integers(void **state)
{
    const struct span text = SPAN("{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":5,"
                                  "\"d\":9223372036854775808,\"e\":-99999999999999999999,"
                                  "\"f\":\"99999999999999999999 \\\" 99999999999999999999\","
                                  "\"g\":9007199254740993,\"h\":1.5,"
                                  "\"i\":[99999999999999999999],\"j\":9e18}");
    char fault[JSON_FAULT_SIZE] = "";
    json_t *value = json_read(text, fault);
    assert_string_equal(fault, "");
    assert_true(json_is_integer(json_object_get(value, "a")));
    assert_true(json_integer_value(json_object_get(value, "a")) == INT64_MAX);
    assert_true(json_integer_value(json_object_get(value, "b")) == INT64_MIN);
    /* One number beyond 64 bits does not change its neighbours. */
    assert_true(json_is_integer(json_object_get(value, "c")));
    assert_int_equal(json_integer_value(json_object_get(value, "c")), 5);
    assert_true(json_is_real(json_object_get(value, "d")));
    assert_true(json_real_value(json_object_get(value, "d")) == 9223372036854775808.0);
    assert_true(json_real_value(json_object_get(value, "e")) == -1e20);
    assert_string_equal(json_string_value(json_object_get(value, "f")),
                        "99999999999999999999 \" 99999999999999999999");
    assert_int_equal(json_integer_value(json_object_get(value, "g")), 9007199254740993);
    assert_true(json_real_value(json_object_get(value, "h")) == 1.5);
    assert_true(json_is_real(json_array_get(json_object_get(value, "i"), 0)));
    assert_true(json_is_real(json_object_get(value, "j")));
    json_decref(value);
    assert_null(json_read(SPAN("[99999999999999999999,01]"), fault));
    assert_null(json_read(SPAN("[99999999999999999999"), fault));
    assert_null(json_read(SPAN("[99999999999999999999,\"\\"), fault));
}

static void is_canonical(void **state)
{
    static const struct {
        const char *text, *canonical;
    } rows[] = {
        {"{ \"b\" : 1, \"a\" : [ 1.50, true ] }", "{\"a\":[1.5,true],\"b\":1}"},
        {"0.1", "0.1"},
        {"\"\\u00e9\\/\"", "\"\xC3\xA9/\""},
        {"-0.0", "-0.0"},
        {"1e2", "100.0"},
        {"100", "100"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char fault[JSON_FAULT_SIZE];
        struct buffer buffer;
        buffer_init(&buffer, 100);
        json_t *value = json_read(span_of(rows[n].text), fault);
        json_canonical(value, &buffer);
        assert_true(span_is(buffer_span(&buffer), rows[n].canonical));
        buffer_done(&buffer);
        buffer_init(&buffer, strlen(rows[n].canonical) - 1);
        json_canonical(value, &buffer);
        assert_true(buffer.failed);
        buffer_done(&buffer);
        json_decref(value);
    }
}

static void writes(void **state)
{
    struct buffer buffer;
    struct json_writer writer;
    char fault[JSON_FAULT_SIZE];
    buffer_init(&buffer, 1000);
    json_writer_init(&writer, &buffer);
    json_open_object(&writer, NULL);
    json_text(&writer, "text", SPAN("a"));
    json_text_if(&writer, "empty", "");
    json_text_if(&writer, "none", NULL);
    json_text_if(&writer, "some", "b");
    json_number(&writer, "least", INT64_MIN);
    json_open_array(&writer, "list");
    json_number(&writer, NULL, 1);
    json_open_object(&writer, NULL);
    json_close_object(&writer);
    json_open_array(&writer, NULL);
    json_close_array(&writer);
    json_bool(&writer, NULL, true);
    json_null_value(&writer, NULL);
    json_close_array(&writer);
    json_bool(&writer, "no", false);
    json_time(&writer, "never", 0);
    json_time(&writer, "at", 1);
    json_raw(&writer, "raw", SPAN("{\"x\":1}"));
    json_t *value = json_read(SPAN("[1,{\"z\":2}]"), fault);
    json_value(&writer, "value", value);
    json_decref(value);
    json_close_object(&writer);
    assert_string_equal(buffer.data,
                        "{\"text\":\"a\",\"some\":\"b\",\"least\":-9223372036854775808,"
                        "\"list\":[1,{},[],true,null],\"no\":false,"
                        "\"at\":\"1970-01-01T00:00:00.001Z\",\"raw\":{\"x\":1},"
                        "\"value\":[1,{\"z\":2}]}");
    assert_int_equal(writer.depth, 0);
    buffer_done(&buffer);
}

static void writes_reals(void **state)
{
    static const struct {
        double number;
        const char *text;
    } rows[] = {
        {0, "0"},
        {8, "8"},
        {-2.5, "-2.5"},
        {0.1, "0.1"},
        {1e15, "1e+15"},
        {1e-9, "1e-09"},
        {0.1 + 0.2, "0.3"},
        {123456789012345, "123456789012345"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct buffer buffer;
        struct json_writer writer;
        buffer_init(&buffer, 100);
        json_writer_init(&writer, &buffer);
        json_real_number(&writer, NULL, rows[n].number);
        assert_string_equal(buffer.data, rows[n].text);
        buffer_done(&buffer);
    }
}

/* What the writer wrote of `text`, read back by the parser. */
static void expect_read_back(struct span text, struct span expected)
{
    char fault[JSON_FAULT_SIZE] = "";
    struct buffer buffer;
    struct json_writer writer;
    buffer_init(&buffer, 100000);
    json_writer_init(&writer, &buffer);
    json_open_array(&writer, NULL);
    json_text(&writer, NULL, text);
    json_close_array(&writer);
    json_t *value = json_read(buffer_span(&buffer), fault);
    assert_string_equal(fault, "");
    assert_true(span_equal(json_span(json_array_get(value, 0)), expected));
    json_decref(value);
    buffer_done(&buffer);
}

static void escapes_so_that_it_reads_back(void **state)
{
    static const char euro[] = "\xE2\x82\xAC", broken[] = "\xEF\xBF\xBD";
    char text[512];
    expect_read_back(SPAN(""), SPAN(""));
    expect_read_back((struct span){NULL, 0}, SPAN(""));
    for (int byte = 1; byte < 128; byte++) {
        char one[3] = {'<', (char)byte, '>'};
        expect_read_back((struct span){one, 3}, (struct span){one, 3});
        text[byte - 1] = (char)byte;
    }
    expect_read_back((struct span){text, 127}, (struct span){text, 127});
    expect_read_back(span_of(euro), span_of(euro));
    expect_read_back(SPAN("\\\"\n\t\x7F\xF0\x9F\x8E\xAC\\"),
                     SPAN("\\\"\n\t\x7F\xF0\x9F\x8E\xAC\\"));
    /* Bytes that are no character become U+FFFD, so that what we write is always JSON. */
    expect_read_back(SPAN("\xFF"), span_of(broken));
    expect_read_back(SPAN("a\xE2\x82"), SPAN("a\xEF\xBF\xBD\xEF\xBF\xBD"));
    expect_read_back(SPAN("\xC3"
                          "a"),
                     SPAN("\xEF\xBF\xBD"
                          "a"));
    expect_read_back(SPAN("\xED\xA0\x80"), SPAN("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"));
}

static void escapes_nul(void **state)
{
    struct buffer buffer;
    struct json_writer writer;
    buffer_init(&buffer, 100);
    json_writer_init(&writer, &buffer);
    json_text(&writer, NULL, SPAN("a\0b"));
    assert_string_equal(buffer.data, "\"a\\u0000b\"");
    buffer_done(&buffer);
}

static void lends_text(void **state)
{
    json_t *text = json_string("abc"), *number = json_integer(1);
    assert_true(span_is(json_span(text), "abc"));
    assert_true(span_is(json_span(number), ""));
    assert_true(span_is(json_span(NULL), ""));
    json_decref(text);
    json_decref(number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_says_why_not),
        cmocka_unit_test(bounds_depth),
        cmocka_unit_test(bounds_values),
        cmocka_unit_test(bounds_digits),
        cmocka_unit_test(takes_a_bound),
        cmocka_unit_test(escapes_a_byte_wherever_it_stands),
        cmocka_unit_test(keeps_integers),
        cmocka_unit_test(is_canonical),
        cmocka_unit_test(writes),
        cmocka_unit_test(writes_reals),
        cmocka_unit_test(escapes_so_that_it_reads_back),
        cmocka_unit_test(escapes_nul),
        cmocka_unit_test(lends_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
