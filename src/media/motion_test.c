#include "media/fixture.h"
#include "media/motion.h"

#include <math.h>
#include <string.h>

static void easing_begins_and_ends_at_rest_without_steps(void **state)
{
    assert_true(motion_ease(MOTION_EASE_IN_OUT, 0) == 0);
    assert_true(motion_ease(MOTION_EASE_IN_OUT, 1) == 1);
    assert_true(fabs(motion_ease(MOTION_EASE_IN_OUT, 0.5) - 0.5) < 1e-12);
    double last = 0, speed = 0;
    for (int i = 1; i <= 1000; i++) {
        double at = motion_ease(MOTION_EASE_IN_OUT, i / 1000.0);
        assert_true(at >= last);
        /* The greatest acceleration of a cosine flank, and no more. */
        assert_true(fabs(at - last - speed) < 1.0e-5);
        speed = at - last;
        last = at;
    }
    assert_true(motion_ease(MOTION_EASE_IN_OUT, 0.001) < 1e-6);
    assert_true(motion_ease(MOTION_LINEAR, 0.25) == 0.25);
}

static void views_keep_the_frame_s_shape_inside_the_picture(void **state)
{
    static const double sizes[][2] = {{1920, 1080}, {600, 2400}, {5000, 700}, {100, 100}};
    for (int kind = 0; kind < MOTION_KIND_COUNT; kind++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            struct motion_wish wish = {.kind = (enum motion_kind)kind,
                                       .easing = MOTION_EASE_IN_OUT,
                                       .zoom = 1.6,
                                       .duration = 8,
                                       .seed = s};
            struct motion motion = motion_plan(&wish, sizes[s][0], sizes[s][1], 16.0 / 9);
            for (int i = 0; i <= 20; i++) {
                struct motion_view view = motion_view_at(&motion, i / 20.0);
                assert_true(fabs(view.width / view.height - 16.0 / 9) < 1e-9);
                assert_true(view.x > -1e-6 && view.x + view.width < sizes[s][0] + 1e-6);
                assert_true(view.y > -1e-6 && view.y + view.height < sizes[s][1] + 1e-6);
            }
            assert_true(motion_moves(&motion));
        }
    }
}

static struct motion plan(enum motion_kind kind, double zoom, const char *prompt)
{
    struct motion_wish wish = {.kind = kind, .zoom = zoom, .duration = 5, .prompt = prompt};
    return motion_plan(&wish, 1600, 900, 16.0 / 9);
}

static void words_mean_what_they_say(void **state)
{
    struct motion motion = plan(MOTION_ZOOM_IN, 1.25, NULL);
    assert_true(fabs(motion.from.width / motion.to.width - 1.25) < 1e-9);
    motion = plan(MOTION_ZOOM_OUT, 2, NULL);
    assert_true(fabs(motion.to.width / motion.from.width - 2) < 1e-9);
    motion = plan(MOTION_PAN_LEFT, 1.25, NULL);
    assert_true(motion.to.x < motion.from.x && motion.to.y == motion.from.y);
    motion = plan(MOTION_PAN_DOWN, 1.25, NULL);
    assert_true(motion.to.y > motion.from.y && motion.to.x == motion.from.x);
    assert_false(plan(MOTION_PAN_UP, 1, NULL).from.y != 0);
    struct motion still = plan(MOTION_PAN_LEFT, 1, NULL);
    assert_false(motion_moves(&still));
}

static void a_prompt_can_name_the_movement(void **state)
{
    assert_int_equal(motion_from_prompt("Slow PUSH IN on the castle"), MOTION_ZOOM_IN);
    assert_int_equal(motion_from_prompt("the camera pulls back to reveal"), MOTION_ZOOM_OUT);
    assert_int_equal(motion_from_prompt("pan left, then hold"), MOTION_PAN_LEFT);
    assert_int_equal(motion_from_prompt("Japan left the summit"), MOTION_AUTO);
    assert_int_equal(motion_from_prompt(""), MOTION_AUTO);
    assert_int_equal(motion_from_prompt(NULL), MOTION_AUTO);
    struct motion motion = plan(MOTION_AUTO, 1.25, "tilt up to the stars");
    assert_true(motion.to.y < motion.from.y);
}

static void a_zoom_changes_by_equal_ratios(void **state)
{
    struct motion motion = plan(MOTION_ZOOM_IN, 2, NULL);
    motion.easing = MOTION_LINEAR;
    double ratio = motion_view_at(&motion, 0.1).width / motion_view_at(&motion, 0).width;
    for (int i = 1; i < 10; i++) {
        double next =
            motion_view_at(&motion, (i + 1) / 10.0).width / motion_view_at(&motion, i / 10.0).width;
        assert_true(fabs(next - ratio) < 1e-9);
    }
}

static void words_of_the_catalogue_are_known(void **state)
{
    enum motion_kind kind;
    enum motion_easing easing;
    for (int i = 0; i < MOTION_KIND_COUNT; i++) {
        assert_true(motion_kind_find(motion_kind_word((enum motion_kind)i), &kind));
        assert_int_equal(kind, i);
    }
    assert_true(motion_easing_find("linear", &easing));
    assert_true(motion_easing_find("ease-in-out", &easing));
    assert_false(motion_kind_find("zoom", &kind));
    assert_false(motion_easing_find("", &easing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(easing_begins_and_ends_at_rest_without_steps),
        cmocka_unit_test(views_keep_the_frame_s_shape_inside_the_picture),
        cmocka_unit_test(words_mean_what_they_say),
        cmocka_unit_test(a_prompt_can_name_the_movement),
        cmocka_unit_test(a_zoom_changes_by_equal_ratios),
        cmocka_unit_test(words_of_the_catalogue_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
