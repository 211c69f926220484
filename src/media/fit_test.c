#include "media/fit.h"

#include "media/fixture.h"

static void expect(struct fit_box box, int x, int y, int width, int height)
{
    if (box.x != x || box.y != y || box.width != width || box.height != height)
        fail_msg("(%d, %d) %d x %d, not (%d, %d) %d x %d", box.x, box.y, box.width, box.height, x,
                 y, width, height);
}

static void what_is_too_much_is_cut_on_both_sides(void **state)
{
    struct fit_picture wide = {1920, 1080, 1, 1};
    struct fit fit = fit_plan(&wide, 1080, 1920, true);
    expect(fit.source, 656, 0, 608, 1080);
    expect(fit.target, 0, 0, 1080, 1920);
    struct fit_picture tall = {720, 1280, 1, 1};
    fit = fit_plan(&tall, 640, 640, true);
    expect(fit.source, 0, 280, 720, 720);
}

static void the_whole_has_room_around(void **state)
{
    struct fit_picture wide = {1920, 1080, 1, 1};
    struct fit fit = fit_plan(&wide, 1080, 1920, false);
    expect(fit.source, 0, 0, 1920, 1080);
    expect(fit.target, 0, 656, 1080, 608);
    struct fit_picture tall = {720, 1280, 1, 1};
    fit = fit_plan(&tall, 1280, 720, false);
    expect(fit.target, 436, 0, 406, 720);
}

static void the_same_shape_is_left_alone(void **state)
{
    static const int sizes[][2] = {{1920, 1080}, {854, 480}, {640, 360}, {1919, 1080}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct fit_picture picture = {sizes[i][0], sizes[i][1], 1, 1};
        struct fit fit = fit_plan(&picture, 1280, 720, i % 2);
        expect(fit.source, 0, 0, sizes[i][0], sizes[i][1]);
        expect(fit.target, 0, 0, 1280, 720);
    }
}

/* A phone's film: stored lying, shown standing. A DVD's: stored 720 × 576, shown 16:9. */
static void turns_and_pixels_count(void **state)
{
    struct fit_picture phone = {1920, 1080, 1, 6};
    struct fit fit = fit_plan(&phone, 1080, 1920, true);
    expect(fit.source, 0, 0, 1920, 1080);
    fit = fit_plan(&phone, 720, 720, true);
    expect(fit.source, 420, 0, 1080, 1080);
    struct fit_picture disc = {720, 576, 64.0 / 45, 1};
    fit = fit_plan(&disc, 1280, 720, true);
    expect(fit.source, 0, 0, 720, 576);
    fit = fit_plan(&disc, 720, 720, false);
    expect(fit.target, 0, 156, 720, 406);
}

static void nothing_ever_leaves_its_frame(void **state)
{
    for (int width = 1; width < 4000; width = width * 3 + 1) {
        for (int height = 1; height < 4000; height = height * 5 + 2) {
            for (int way = 0; way < 16; way++) {
                struct fit_picture picture = {width, height, 1, 1 + way / 2};
                struct fit fit = fit_plan(&picture, 256, 128, way % 2);
                struct fit_box from = fit.source, to = fit.target;
                assert_true(from.x >= 0 && from.width >= 1 && from.x + from.width <= width);
                assert_true(from.y >= 0 && from.height >= 1 && from.y + from.height <= height);
                assert_true(to.x >= 0 && to.width >= 2 && to.x + to.width <= 256);
                assert_true(to.y >= 0 && to.height >= 2 && to.y + to.height <= 128);
                assert_true((to.x | to.y | to.width | to.height) % 2 == 0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_much_is_cut_on_both_sides),
        cmocka_unit_test(the_whole_has_room_around),
        cmocka_unit_test(the_same_shape_is_left_alone),
        cmocka_unit_test(turns_and_pixels_count),
        cmocka_unit_test(nothing_ever_leaves_its_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
