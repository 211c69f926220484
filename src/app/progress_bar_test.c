#include "app/progress_bar.h"

#include "app/glyph.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *draw(const struct progress_bar *bar, unsigned width, bool has_blocks)
{
    static char shown[1000];
    struct terminal terminal = {.is_terminal = true, .has_blocks = has_blocks, .width = width};
    struct buffer text;
    buffer_init(&text, sizeof shown - 1);
    progress_bar_write(bar, &terminal, &text);
    assert_true(span_copy(buffer_span(&text), shown, sizeof shown));
    buffer_done(&text);
    return shown;
}

static void test_bar(void **state)
{
    struct progress_bar bar = {
        .label = "gen_1", .percent = 50, .stage = "Rendering frames", .left = 4 * MS_SECOND};
    assert_string_equal(draw(&bar, 80, false), "gen_1  ##############--------------   50 %  "
                                               "Rendering frames, 4 s left");
    bar.is_estimated = true;
    bar.percent = 3;
    assert_string_equal(draw(&bar, 60, true), "gen_1  ▍░░░░░░░░░░░░ ~  3 %  "
                                              "Rendering frames · 4 s left");
    bar.percent = 300;
    bar.left = MS_NEVER;
    assert_string_equal(draw(&bar, 60, false), "gen_1  ############# ~100 %  Rendering frames");
}

/* Eighths of a column, and never more columns than there are. */
static void test_any_width(void **state)
{
    struct progress_bar bar = {.label = "gen_01m7ydch57000bs84t645vp8sw",
                               .stage = "Waits for the provider, whose limit is reached: 日本語",
                               .left = MS_HOUR};
    for (unsigned width = 20; width < 200; width++) {
        for (bar.percent = 0; bar.percent <= 100; bar.percent++) {
            const char *shown = draw(&bar, width, width % 2 == 0);
            assert_true(glyph_width(span_of(shown)) <= width);
        }
    }
}

static void test_colour(void **state)
{
    struct terminal terminal = {.is_terminal = true, .has_colour = true, .width = 40};
    struct progress_bar bar = {.label = "", .percent = 0, .left = MS_NEVER, .ink = TERMINAL_BLUE};
    struct buffer text;
    buffer_init(&text, 1000);
    progress_bar_write(&bar, &terminal, &text);
    assert_string_equal(text.data, "\033[34m------\033[0m    0 %  ");
    buffer_done(&text);
}

static void test_plain(void **state)
{
    struct progress_bar bar = {
        .label = "gen_1", .percent = 62, .stage = "Rendering\nframes", .left = 4 * MS_SECOND};
    struct buffer text;
    buffer_init(&text, 1000);
    progress_bar_write_plain(&bar, &text);
    assert_string_equal(text.data, "gen_1  62 %  Rendering frames, 4 s left");
    buffer_clear(&text);
    bar.is_estimated = true;
    bar.stage = NULL;
    progress_bar_write_plain(&bar, &text);
    assert_string_equal(text.data, "gen_1  ~62 %  4 s left");
    buffer_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bar),
        cmocka_unit_test(test_any_width),
        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_plain),
    };
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
