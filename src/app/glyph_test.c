#include "app/glyph.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *fit(const char *text, unsigned width, bool right)
{
    static char shown[200];
    struct buffer buffer;
    buffer_init(&buffer, sizeof shown - 1);
    glyph_fit(&buffer, span_of(text), width, right);
    assert_true(span_copy(buffer_span(&buffer), shown, sizeof shown));
    assert_int_equal(glyph_width(span_of(shown)), width);
    buffer_done(&buffer);
    return shown;
}

static void test_width(void **state)
{
    assert_int_equal(glyph_width(SPAN("")), 0);
    assert_int_equal(glyph_width(SPAN("abc")), 3);
    assert_int_equal(glyph_width(SPAN("äöü")), 3);
    assert_int_equal(glyph_width(SPAN("e\xCC\x81")), 1); /* a combining accent */
    assert_int_equal(glyph_width(SPAN("日本")), 4);
    assert_int_equal(glyph_width(SPAN("\xFF\xFE")), 2);
    assert_int_equal(glyph_width(SPAN("a\tb")), 3);
}

static void test_fit(void **state)
{
    assert_string_equal(fit("abc", 5, false), "abc  ");
    assert_string_equal(fit("abc", 5, true), "  abc");
    assert_string_equal(fit("abcdef", 6, false), "abcdef");
    assert_string_equal(fit("abcdefg", 6, false), "abcde…");
    assert_string_equal(fit("abcdefg", 1, false), "…");
    assert_string_equal(fit("日本語", 4, false), "日… ");
    assert_string_equal(fit("日本語", 6, false), "日本語");
    assert_string_equal(fit("", 2, false), "  ");
    assert_string_equal(fit("abc", 0, false), "");
}

/* Nothing that a stranger wrote moves the cursor or turns the line around. */
static void test_harmless(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 200);
    glyph_add(&buffer, SPAN("a\x1B[2Jb\r\nc\x07"
                            "d\xC2\x9B"
                            "e\xE2\x80\xAE"
                            "f\xFFg\x7F"));
    assert_string_equal(buffer.data, "a [2Jb  c d e f?g ");
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_harmless),
    };
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
