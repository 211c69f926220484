#include "media/colour.h"

#include "media/fixture.h"

#include <stdlib.h>

/* BT.709's own numbers for the corners of the cube. */
static void corners_have_the_standard_s_values(void **state)
{
    static const struct {
        int r, g, b, y, u, v;
    } cases[] = {
        {0, 0, 0, 16, 128, 128},  {255, 255, 255, 235, 128, 128}, {255, 0, 0, 63, 102, 240},
        {0, 255, 0, 173, 42, 26}, {0, 0, 255, 32, 240, 118},      {128, 128, 128, 126, 128, 128},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct picture picture;
        struct plane full[3], half[3];
        assert_true(picture_make(6, 4, &picture));
        plane_fill(&picture.plane[PICTURE_RED], (uint8_t)cases[i].r);
        plane_fill(&picture.plane[PICTURE_GREEN], (uint8_t)cases[i].g);
        plane_fill(&picture.plane[PICTURE_BLUE], (uint8_t)cases[i].b);
        for (int k = 0; k < 3; k++) {
            assert_true(plane_make(6, 4, &full[k]));
            assert_true(plane_make(k ? 3 : 6, k ? 2 : 4, &half[k]));
        }
        colour_to_yuv444(&picture, full);
        colour_to_yuv420(&picture, half);
        const int wanted[3] = {cases[i].y, cases[i].u, cases[i].v};
        for (int k = 0; k < 3; k++) {
            assert_true(abs(plane_row(&full[k], 3)[5] - wanted[k]) <= 1);
            assert_int_equal(plane_row(&half[k], 1)[2], plane_row(&full[k], 3)[5]);
            plane_free(&full[k]);
            plane_free(&half[k]);
        }
        picture_free(&picture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corners_have_the_standard_s_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
