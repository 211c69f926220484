#include "media/burn.h"

#include "media/fixture.h"
#include "media/font.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 320, HEIGHT = 180 };

/* A white box of 100 × 60 from (40, 20), drawn as a shape, so that no font matters; half covered
 * from the second second on. */
static const char text[] =
    "[Script Info]\nScriptType: v4.00+\nPlayResX: 320\nPlayResY: 180\n\n"
    "[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, "
    "BorderStyle, Outline, Shadow, Alignment\n"
    "Style: D,Noto Sans,20,&H00FFFFFF,&H00000000,&H00000000,1,0,0,7\n\n"
    "[Events]\nFormat: Layer, Start, End, Style, Text\n"
    "Dialogue: 0,0:00:01.00,0:00:02.00,D,{\\pos(40,20)\\p1}m 0 0 l 100 0 100 60 0 60\n"
    "Dialogue: 0,0:00:02.00,0:00:03.00,D,{\\pos(40,20)\\alpha&H80&\\p1}m 0 0 l 100 0 100 60 0 60\n";

static void draw(struct burn *burn, int64_t ms, struct plane yuv[3])
{
    struct burn_layer *layer;
    for (int i = 0; i < 3; i++) {
        assert_true(plane_make(i ? WIDTH / 2 : WIDTH, i ? HEIGHT / 2 : HEIGHT, &yuv[i]));
        plane_fill(&yuv[i], i ? 90 : 16);
    }
    assert_true(burn_at(burn, ms, &layer));
    if (layer)
        burn_blend(layer, yuv);
    burn_let_go(layer);
}

static void expect(struct burn *burn, int64_t ms, int inside, int inside_chroma)
{
    struct plane yuv[3];
    draw(burn, ms, yuv);
    for (int y = 2; y < HEIGHT - 2; y++) {
        for (int x = 4; x < WIDTH - 4; x++) {
            bool edge = abs(x - 40) < 3 || abs(x - 140) < 3 || abs(y - 20) < 3 || abs(y - 80) < 3;
            bool in = x >= 40 && x < 140 && y >= 20 && y < 80;
            int luma = plane_row(&yuv[0], y)[x], chroma = plane_row(&yuv[2], y / 2)[x / 2];
            if (!edge &&
                (abs(luma - (in ? inside : 16)) > 1 || abs(chroma - (in ? inside_chroma : 90)) > 1))
                fail_msg("%d ms, (%d, %d): %d %d", (int)ms, x, y, luma, chroma);
        }
    }
    for (int i = 0; i < 3; i++)
        plane_free(&yuv[i]);
}

static void what_is_due_is_laid_over(void **state)
{
    struct failure failure = {0};
    struct burn *burn = burn_make(text, strlen(text), WIDTH, HEIGHT, &failure);
    assert_non_null(burn);
    expect(burn, 0, 16, 90);
    expect(burn, 999, 16, 90);
    expect(burn, 1000, 235, 128);
    expect(burn, 1999, 235, 128);
    expect(burn, 2000, (235 + 16) / 2, (128 + 90) / 2);
    expect(burn, 3000, 16, 90);
    burn_free(burn);
}

static void frames_share_a_layer_and_may_outlive_the_rest(void **state)
{
    struct failure failure = {0};
    struct burn_layer *first, *second, *none;
    struct burn *burn = burn_make(text, strlen(text), WIDTH, HEIGHT, &failure);
    assert_non_null(burn);
    assert_true(burn_at(burn, 0, &none));
    assert_null(none);
    assert_true(burn_at(burn, 1100, &first));
    assert_true(burn_at(burn, 1200, &second));
    assert_ptr_equal(first, second);
    assert_true(burn_at(burn, 3500, &none));
    assert_null(none);
    burn_free(burn);
    burn_let_go(first);
    burn_let_go(second);
}

/* Half outside the frame, and nonsense. */
static void nothing_leaves_the_frame(void **state)
{
    static const char *const texts[] = {
        "[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,{\\pos(-20,-20)\\p1}m "
        "0 0 l 900 0 900 900 0 900\n",
        "", "[Events]\nDialogue: nonsense", "\xff\xfe\x01"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct failure failure = {0};
        struct plane yuv[3];
        struct burn *burn = burn_make(texts[i], strlen(texts[i]), WIDTH, HEIGHT, &failure);
        if (!burn)
            continue;
        draw(burn, 1500, yuv);
        for (int k = 0; k < 3; k++)
            plane_free(&yuv[k]);
        burn_free(burn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_is_laid_over),
        cmocka_unit_test(frames_share_a_layer_and_may_outlive_the_rest),
        cmocka_unit_test(nothing_leaves_the_frame),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    font_done();
    return status;
}
