#include "media/layout.h"

#include "media/fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unicode/ustring.h>

static struct typesetter *typesetter;

/* The lines that a text is broken into, joined by "|". */
static void lines_of(const char *text, double width, int lines_max, char *result, size_t size)
{
    struct prose prose;
    struct layout layout;
    struct layout_wish wish = {.face = {.kind = FONT_SANS},
                               .width = width,
                               .height = 400,
                               .size_min = 20,
                               .size_max = 60,
                               .lines_max = lines_max};
    assert_true(prose_make(text, 420, &prose));
    assert_true(layout_make(typesetter, &prose, &wish, LAYOUT_START, &layout));
    assert_true(layout.width <= width + 1);
    assert_true(layout.height <= 400 + 1);
    result[0] = '\0';
    for (int i = 0; i < layout.count; i++) {
        char line[600];
        UErrorCode status = U_ZERO_ERROR;
        u_strToUTF8(line, sizeof line, NULL, prose.units + layout.line[i].from,
                    layout.line[i].to - layout.line[i].from, &status);
        size_t used = strlen(result);
        snprintf(result + used, size - used, "%s%s", i ? "|" : "", line);
    }
    layout_free(&layout);
    prose_free(&prose);
}

static void expect_lines(const char *text, double width, int lines, const char *expected)
{
    char result[2000];
    lines_of(text, width, lines, result, sizeof result);
    assert_string_equal(result, expected);
}

static void lines_break_where_each_script_allows(void **state)
{
    expect_lines("A lighthouse at dawn", 260, 2, "A lighthouse |at dawn");
    expect_lines("well-known semi-detached", 260, 2, "well-known |semi-detached");
    expect_lines("two words — and more", 260, 2, "two words — |and more");
    /* Thai and Khmer have no spaces: words come from a dictionary. */
    expect_lines("ประภาคารยามรุ่งอรุณ", 200, 2, "ประภาคาร|ยามรุ่งอรุณ");
    expect_lines("ស្ងប់ស្ងាត់ព្រឹកព្រលឹម", 200, 2, "ស្ងប់ស្ងាត់|ព្រឹកព្រលឹម");
    /* Chinese breaks anywhere, but not before its closing marks. */
    expect_lines("黎明时分，海上灯塔", 170, 2, "黎明时分，|海上灯塔");
    expect_lines("منارة عند الفجر فوق البحر", 260, 2, "منارة عند الفجر |فوق البحر");
    expect_lines("מגדלור עם שחר מעל הים", 260, 2, "מגדלור עם |שחר מעל הים");
}

static void direction_comes_from_the_first_letter(void **state)
{
    static const struct {
        const char *text;
        bool right_to_left;
    } cases[] = {
        {"Hello שלום", false}, {"שלום Hello", true}, {"35 منارة", true}, {"35", false}, {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct prose prose;
        assert_true(prose_make(cases[i].text, 100, &prose));
        assert_int_equal(prose.right_to_left, cases[i].right_to_left);
        prose_free(&prose);
    }
}

static double ink(const char *text)
{
    struct prose prose;
    struct typeface face = {.kind = FONT_SANS};
    assert_true(prose_make(text, 400, &prose));
    struct typeset_text all = {prose.units, prose.size, prose.right_to_left};
    double width = typeset_width(typesetter, &face, 40, all);
    prose_free(&prose);
    return width;
}

static void nothing_in_the_text_is_a_command(void **state)
{
    /* Had libass obeyed, the braces' content would be gone or the letters be huge. */
    assert_true(ink("{\\fs200}a") > 5 * ink("a"));
    assert_true(ink("{\\fs200}a") < 14 * ink("a"));
    assert_true(ink("a\\Nb") > ink("ab") + 10);
    assert_true(ink("a\\hb") > ink("ab") + 10);
    assert_true(ink("{}") > 5);
}

static void strange_characters_are_left_out(void **state)
{
    struct prose prose;
    assert_true(prose_make("  a\t\n b\x01\xc2\x85 \xe2\x80\xae"
                           "c\xef\xb8\x8f ",
                           100, &prose));
    static const UChar expected[] = {'a', ' ', 'b', ' ', 'c'};
    assert_int_equal(prose.size, 5);
    assert_memory_equal(prose.units, expected, sizeof expected);
    prose_free(&prose);
    /* Broken UTF-8 and a tower of accents. */
    assert_true(prose_make("\xff\xfe"
                           "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
                           100, &prose));
    assert_int_equal(prose.size, 2 + 1 + 4);
    prose_free(&prose);
    /* An emoji, a family of four, a flag: set without a crash whether or not a font has them. */
    char lines[200];
    lines_of("🚀 to the 👨‍👩‍👧‍👦 moon 🇫🇷", 300, 3, lines, sizeof lines);
    lines_of("🚀", 300, 3, lines, sizeof lines);
    lines_of("", 300, 3, lines, sizeof lines);
}

static void too_long_is_cut_with_an_ellipsis(void **state)
{
    struct prose prose;
    struct layout layout;
    char text[4000] = "";
    for (int i = 0; i < 300; i++)
        memcpy(text + 11 * i, "many words ", 12);
    assert_true(prose_make(text, 400, &prose));
    assert_int_equal(prose.units[prose.size - 1], 0x2026);
    assert_true(prose.size <= 400);
    struct layout_wish wish = {.face = {.kind = FONT_SERIF},
                               .width = 200,
                               .height = 100,
                               .size_min = 20,
                               .size_max = 60,
                               .lines_max = 3};
    assert_true(layout_make(typesetter, &prose, &wish, LAYOUT_CENTRE, &layout));
    assert_true(layout.cut);
    assert_true(layout.width <= 201 && layout.height <= 101);
    assert_true(layout.size >= 18);
    layout_free(&layout);
    prose_free(&prose);
    /* One word wider than the box has no break: the letters shrink. */
    memset(text, 'W', 90);
    text[90] = '\0';
    assert_true(prose_make(text, 400, &prose));
    assert_true(layout_make(typesetter, &prose, &wish, LAYOUT_START, &layout));
    assert_true(layout.width <= 201);
    layout_free(&layout);
    prose_free(&prose);
}

static void lines_are_balanced(void **state)
{
    static const double full[] = {5, 3, 3, 5, 2}, bare[] = {4, 2, 2, 4, 2};
    int ends[3];
    assert_true(fabs(layout_balance(full, bare, 5, 1, ends) - 18) < 1e-9);
    assert_int_equal(ends[0], 5);
    assert_true(fabs(layout_balance(full, bare, 5, 2, ends) - 10) < 1e-9);
    assert_int_equal(ends[0], 3);
    assert_true(fabs(layout_balance(full, bare, 5, 3, ends) - 7) < 1e-9);
    assert_int_equal(ends[2], 5);
}

static void missing_scripts_are_named(void **state)
{
    static const UChar latin[] = {'a', ' ', '5'};
    assert_null(typeset_missing((struct typeset_text){latin, 3, false}));
    static const UChar han[] = {0x4e2d};
    const char *missing = typeset_missing((struct typeset_text){han, 1, false});
    if (font_find(USCRIPT_HAN, FONT_SANS, 0x4e2d))
        assert_null(missing);
    else
        assert_string_equal(missing, "Han");
    assert_true(font_check_count() > 10);
    assert_string_equal(font_check(0).script, "Latin");
}

static int open_typesetter(void **state)
{
    typesetter = typeset_make();
    return typesetter ? 0 : -1;
}

static int close_typesetter(void **state)
{
    typeset_free(typesetter);
    font_done();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_break_where_each_script_allows),
        cmocka_unit_test(direction_comes_from_the_first_letter),
        cmocka_unit_test(nothing_in_the_text_is_a_command),
        cmocka_unit_test(strange_characters_are_left_out),
        cmocka_unit_test(too_long_is_cut_with_an_ellipsis),
        cmocka_unit_test(lines_are_balanced),
        cmocka_unit_test(missing_scripts_are_named),
    };
    return cmocka_run_group_tests(tests, open_typesetter, close_typesetter);
}
