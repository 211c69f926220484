#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct span nothing = {NULL, 0};

static void compares(void **state)
{
    assert_true(span_is(span_of(NULL), ""));
    assert_true(span_is(nothing, ""));
    assert_true(span_equal(nothing, SPAN("")));
    assert_true(span_is(SPAN("abc"), "abc"));
    assert_false(span_is(SPAN("abc"), "ab"));
    assert_false(span_is(SPAN("ab"), "abc"));
    assert_false(span_is(SPAN("ab\0"), "ab"));
    assert_true(span_equal(SPAN("a\0b"), SPAN("a\0b")));
    assert_false(span_equal(SPAN("a\0b"), SPAN("a\0c")));
    assert_true(span_is_nocase(SPAN("Content-TYPE"), "content-type"));
    assert_false(span_is_nocase(SPAN("content\0type"), "content-type"));
    assert_false(span_is_nocase(SPAN("content"), "content-type"));
    assert_true(span_is_nocase(nothing, ""));
}

static void knows_starts_and_ends(void **state)
{
    assert_true(span_starts(SPAN("reel://x"), "reel://"));
    assert_true(span_starts(SPAN("reel://"), "reel://"));
    assert_false(span_starts(SPAN("reel:/"), "reel://"));
    assert_true(span_starts(nothing, ""));
    assert_false(span_starts(nothing, "a"));
    assert_true(span_ends(SPAN("clip.mp4"), ".mp4"));
    assert_true(span_ends(SPAN(".mp4"), ".mp4"));
    assert_false(span_ends(SPAN("mp4"), ".mp4"));
    assert_true(span_ends(nothing, ""));
}

static void trims(void **state)
{
    static const struct {
        const char *text, *trimmed;
    } rows[] = {
        {"", ""}, {" \t ", ""}, {"a", "a"}, {" a b\t", "a b"}, {"\na ", "\na"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        assert_true(span_is(span_trim(span_of(rows[n].text)), rows[n].trimmed));
    assert_true(span_is(span_trim(nothing), ""));
}

static void takes_parts(void **state)
{
    static const struct {
        const char *text, *parts; /* the parts with '|' between them */
    } rows[] = {
        {"", ""}, {"a", "a"}, {"a,b", "a|b"}, {",", "|"}, {"a,", "a|"}, {",a", "|a"}, {",,", "||"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct span rest = span_of(rows[n].text), part;
        char joined[16] = "";
        bool first = true;
        while (span_take(&rest, ',', &part)) {
            if (!first)
                joined[strlen(joined)] = '|';
            memcpy(joined + strlen(joined), part.data, part.size);
            first = false;
        }
        assert_string_equal(joined, rows[n].parts);
        assert_null(rest.data);
    }
    struct span rest = nothing, part = SPAN("kept");
    assert_false(span_take(&rest, ',', &part));
    assert_true(span_is(part, "kept"));
}

static void finds_bytes(void **state)
{
    assert_int_equal(span_find(SPAN("abca"), 'a'), 0);
    assert_int_equal(span_find(SPAN("abca"), 'c'), 2);
    assert_int_equal(span_find(SPAN("abc"), 'd'), -1);
    assert_int_equal(span_find(SPAN("ab\0"), '\0'), 2);
    assert_int_equal(span_find(nothing, 'a'), -1);
    /* Nothing behind the span is looked at. */
    assert_int_equal(span_find((struct span){"abc", 2}, 'c'), -1);
}

static void copies(void **state)
{
    char target[4] = "xyz";
    assert_true(span_copy(SPAN("abc"), target, sizeof target));
    assert_string_equal(target, "abc");
    assert_false(span_copy(SPAN("abcd"), target, sizeof target));
    assert_string_equal(target, "");
    assert_true(span_copy(nothing, target, sizeof target));
    assert_string_equal(target, "");
    assert_false(span_copy(SPAN("a\0b"), target, sizeof target));
    assert_string_equal(target, "");
    assert_true(span_copy(SPAN(""), target, 1));
    assert_false(span_copy(SPAN("a"), target, 1));
}

static void reads_integers(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"7", true, 7},
        {"007", true, 7},
        {"-12", true, -12},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"-+1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"- 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"0x10", false, 0},
        {"one", false, 0},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        int64_t value = 42;
        bool good = span_integer(span_of(rows[n].text), INT64_MIN, INT64_MAX, &value);
        if (good != rows[n].good || value != (good ? rows[n].value : 42))
            fail_msg("\"%s\": %d, %lld", rows[n].text, good, (long long)value);
    }
    int64_t value = 42;
    assert_false(span_integer(nothing, 0, 9, &value));
    assert_false(span_integer(SPAN("1\0"), 0, 9, &value));
    assert_false(span_integer(SPAN("10"), 0, 9, &value));
    assert_false(span_integer(SPAN("-1"), 0, 9, &value));
    assert_int_equal(value, 42);
    assert_true(span_integer(SPAN("9"), 0, 9, &value));
    assert_int_equal(value, 9);
}

static void reads_numbers(void **state)
{
    static const struct {
        const char *text;
        bool good;
        double value;
    } rows[] = {
        {"0", true, 0},      {"-1.5", true, -1.5}, {"2e3", true, 2000}, {"2E-1", true, 0.2},
        {"", false, 0},      {"1e400", false, 0},  {"nan", false, 0},   {"inf", false, 0},
        {"0x1p3", false, 0}, {"1 ", false, 0},     {" 1", false, 0},    {"1,5", false, 0},
        {"e5", false, 0},    {"1.2.3", false, 0},  {"-", false, 0},     {".", false, 0},
        {"--1", false, 0},   {"1e", false, 0},     {"1e+", false, 0},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        double value = 42;
        bool good = span_number(span_of(rows[n].text), &value);
        if (good != rows[n].good || value != (good ? rows[n].value : 42))
            fail_msg("\"%s\": %d, %g", rows[n].text, good, value);
    }
}

static void knows_utf8(void **state)
{
    const struct {
        struct span text;
        bool good;
    } rows[] = {
        {{"", 0}, true},
        {{NULL, 0}, true},
        {SPAN("plain"), true},
        {SPAN("a\0b"), false}, /* NUL */
        {SPAN("\xC2\x80"), true},
        {SPAN("\xC3\xA9t\xC3\xA9"), true},
        {SPAN("\xE0\xA0\x80"), true},
        {SPAN("\xED\x9F\xBF"), true},      /* U+D7FF */
        {SPAN("\xEE\x80\x80"), true},      /* U+E000 */
        {SPAN("\xEF\xBF\xBF"), true},      /* U+FFFF */
        {SPAN("\xF0\x90\x80\x80"), true},  /* U+10000 */
        {SPAN("\xF4\x8F\xBF\xBF"), true},  /* U+10FFFF */
        {SPAN("\x80"), false},             /* a continuation alone */
        {SPAN("\xC0\x80"), false},         /* overlong NUL */
        {SPAN("\xC1\xBF"), false},         /* overlong */
        {SPAN("\xE0\x9F\xBF"), false},     /* overlong */
        {SPAN("\xF0\x8F\xBF\xBF"), false}, /* overlong */
        {SPAN("\xED\xA0\x80"), false},     /* U+D800, a surrogate */
        {SPAN("\xED\xBF\xBF"), false},     /* U+DFFF */
        {SPAN("\xF4\x90\x80\x80"), false}, /* U+110000 */
        {SPAN("\xF5\x80\x80\x80"), false},
        {SPAN("\xFF"), false},
        {SPAN("\xC3"), false}, /* cut short */
        {SPAN("\xE2\x82"), false},
        {SPAN("\xF0\x9F\x8E"), false},
        {SPAN("\xC3"
              "a"),
         false},
        {SPAN("\xE2\x82"
              "a"),
         false},
        {SPAN("\xF0\x9F\x8E"
              "a"),
         false},
        {SPAN("ok \xF0\x9F\x8E\xAC ok"), true},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        if (span_is_utf8(rows[n].text) != rows[n].good)
            fail_msg("row %zu", n);
    }
    /* A sequence is never read past the span's end. */
    assert_false(span_is_utf8((struct span){"\xE2\x82\xAC", 2}));
}

static void measures_utf8(void **state)
{
    assert_int_equal(span_utf8(SPAN("ab")), 1);
    assert_int_equal(span_utf8(SPAN("\xC3\xA9"
                                    "b")),
                     2);
    assert_int_equal(span_utf8(SPAN("\xE2\x82\xAC")), 3);
    assert_int_equal(span_utf8(SPAN("\xF0\x9F\x8E\xAC")), 4);
    assert_int_equal(span_utf8(SPAN("\xFF")), 0);
    assert_int_equal(span_utf8(SPAN("\0")), 0);
    assert_int_equal(span_utf8(nothing), 0);
    assert_int_equal(span_utf8((struct span){"\xE2\x82\xAC", 2}), 0);
}

static void hashes(void **state)
{
    /* Published values of FNV-1a, 64 bits. */
    assert_true(span_hash(nothing) == 0xCBF29CE484222325u);
    assert_true(span_hash(SPAN("a")) == 0xAF63DC4C8601EC8Cu);
    assert_true(span_hash(SPAN("foobar")) == 0x85944171F73967E8u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),       cmocka_unit_test(knows_starts_and_ends),
        cmocka_unit_test(trims),          cmocka_unit_test(takes_parts),
        cmocka_unit_test(finds_bytes),    cmocka_unit_test(copies),
        cmocka_unit_test(reads_integers), cmocka_unit_test(reads_numbers),
        cmocka_unit_test(knows_utf8),     cmocka_unit_test(measures_utf8),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
