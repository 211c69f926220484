#include "media/paint.h"

#include "media/fixture.h"

#include <math.h>
#include <stdlib.h>

static struct picture canvas(uint8_t value)
{
    struct picture picture;
    assert_true(picture_make(100, 80, &picture));
    for (int i = 0; i < PICTURE_PLANES; i++)
        plane_fill(&picture.plane[i], value);
    return picture;
}

static double total(const struct picture *picture)
{
    double sum = 0;
    for (int y = 0; y < picture_height(picture); y++) {
        for (int x = 0; x < picture_width(picture); x++)
            sum += plane_row(&picture->plane[PICTURE_RED], y)[x];
    }
    return sum / 255;
}

static const struct colour white = {1, 1, 1};

/* The light of a shape is its area, wherever between the pixels it stands. */
static void shapes_cover_their_area(void **state)
{
    for (int i = 0; i < 8; i++) {
        double shift = i / 8.0;
        struct picture picture = canvas(0);
        struct paint_disc disc = {50 + shift, 40 - shift, 20, 0, 1};
        paint_disc(&picture, &disc, white, 1);
        assert_true(fabs(total(&picture) - 3.14159265 * 400) < 6);
        picture_free(&picture);
        picture = canvas(0);
        struct paint_box box = {10 + shift, 20.25, 30.5 + shift, 41};
        paint_box(&picture, &box, white, 1);
        assert_true(fabs(total(&picture) - 20.5 * 20.75) < 3);
        picture_free(&picture);
        picture = canvas(0);
        struct paint_box tile = {20, 20, 60, 60};
        paint_quarter(&picture, &tile, i % 4, white, 1);
        assert_true(fabs(total(&picture) - 3.14159265 * 400) < 6);
        picture_free(&picture);
    }
}

static void what_lies_outside_is_cut(void **state)
{
    struct picture picture = canvas(0);
    static const double far[] = {-1000, -30, 0, 79.5, 130, 1e6};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        for (size_t k = 0; k < sizeof far / sizeof far[0]; k++) {
            struct paint_disc disc = {far[i], far[k], 25, 12, 3};
            struct paint_box box = {far[i], far[k], far[i] + 33.3, far[k] + 44.4};
            struct paint_box tile = {round(far[i]), round(far[k]), round(far[i]) + 40,
                                     round(far[k]) + 40};
            paint_disc(&picture, &disc, white, 0.5);
            paint_box(&picture, &box, white, 0.5);
            paint_quarter(&picture, &tile, (int)k % 4, white, 0.5);
        }
    }
    picture_free(&picture);
}

static struct colour slope(const void *context, double u, double v)
{
    return (struct colour){(float)(0.2 + 0.1 * u), (float)v, 0.5f};
}

/* A gentle slope keeps its mean in every column: the dither hides steps and adds nothing. */
static void fields_are_dithered_around_their_value(void **state)
{
    struct picture picture;
    assert_true(picture_make(253, 191, &picture));
    paint_field(&picture, slope, NULL);
    for (int x = 0; x < 253; x++) {
        double sum = 0;
        for (int y = 0; y < 191; y++)
            sum += plane_row(&picture.plane[PICTURE_RED], y)[x];
        double wanted = 255 * (0.2 + 0.1 * x / 253);
        assert_true(fabs(sum / 191 - wanted) < 0.4);
    }
    picture_free(&picture);
}

static void masks_move_by_fractions_and_are_wiped(void **state)
{
    uint8_t dot[25] = {0};
    dot[12] = 255;
    struct typeset_mask mask = {dot, 0, 0, 5, 5};
    struct picture picture = canvas(0);
    struct paint_ink ink = {.x = 10, .y = 10, .colour = white, .opacity = 1, .reveal = 1};
    paint_mask(&picture, &mask, &ink);
    assert_int_equal(plane_row(&picture.plane[0], 12)[12], 255);
    ink.x = 40.5;
    paint_mask(&picture, &mask, &ink);
    assert_in_range(plane_row(&picture.plane[0], 12)[42], 126, 129);
    assert_in_range(plane_row(&picture.plane[0], 12)[43], 126, 129);
    ink.x = 70;
    ink.reveal = 0.01;
    paint_mask(&picture, &mask, &ink);
    assert_true(plane_row(&picture.plane[0], 12)[72] < 40);
    struct typeset_mask soft;
    assert_true(paint_blur(&mask, 2, &soft));
    assert_int_equal(soft.width, 17);
    assert_int_equal(soft.x, -6);
    typeset_mask_free(&soft);
    picture_free(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_cover_their_area),
        cmocka_unit_test(what_lies_outside_is_cut),
        cmocka_unit_test(fields_are_dithered_around_their_value),
        cmocka_unit_test(masks_move_by_fractions_and_are_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
