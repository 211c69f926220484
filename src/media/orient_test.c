#include "media/orient.h"

#include "media/fixture.h"

#include <stdio.h>
#include <string.h>

/* A TIFF directory of one entry: orientation. */
static size_t directory(uint8_t *at, bool little, int orientation)
{
    static const uint8_t intel[26] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1};
    static const uint8_t motorola[26] = {'M', 'M', 0,    42, 0, 0, 0, 8, 0,
                                         1,   1,   0x12, 0,  3, 0, 0, 0, 1};
    memcpy(at, little ? intel : motorola, 26);
    at[little ? 18 : 19] = (uint8_t)orientation;
    return 26;
}

static void tags_are_found_in_every_container(void **state)
{
    for (int tag = 1; tag <= 8; tag++) {
        for (int little = 0; little < 2; little++) {
            uint8_t jpeg[64] = {0xff, 0xd8, 0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f'};
            directory(jpeg + 12, little, tag);
            assert_int_equal(orient_find(SNIFF_JPEG, jpeg, 60), tag);
            uint8_t png[64] = "\x89PNG\r\n\x1a\n\0\0\0\x1a"
                              "eXIf";
            directory(png + 16, little, tag);
            assert_int_equal(orient_find(SNIFF_PNG, png, 60), tag);
            uint8_t webp[64] = "RIFF\x40\0\0\0WEBPEXIF\x1a";
            directory(webp + 20, little, tag);
            assert_int_equal(orient_find(SNIFF_WEBP, webp, 60), tag);
            uint8_t tiff[64];
            size_t size = directory(tiff, little, tag);
            assert_int_equal(orient_find(SNIFF_TIFF, tiff, size), tag);
        }
    }
}

static void nonsense_is_upright(void **state)
{
    uint8_t tiff[32];
    directory(tiff, true, 9);
    assert_int_equal(orient_find(SNIFF_TIFF, tiff, 26), ORIENT_UPRIGHT);
    directory(tiff, true, 6);
    for (size_t size = 0; size < 19; size++)
        assert_int_equal(orient_find(SNIFF_TIFF, tiff, size), ORIENT_UPRIGHT);
    assert_int_equal(orient_find(SNIFF_GIF, tiff, 26), ORIENT_UPRIGHT);
    memset(tiff + 4, 0xff, 4);
    assert_int_equal(orient_find(SNIFF_TIFF, tiff, 26), ORIENT_UPRIGHT);
}

/* What is upper left, upper right, lower right and lower left once upright; the stored picture has
 * red, green, blue and white there. */
static void all_eight_turn_as_exif_says(void **state)
{
    enum { R = 0xff0000, G = 0x00ff00, B = 0x0000ff, W = 0xffffff };
    static const uint32_t corners[9][4] = {
        {0},          {R, G, B, W}, {G, R, W, B}, {B, W, R, G}, {W, B, G, R},
        {R, W, B, G}, {W, R, G, B}, {B, G, R, W}, {G, B, W, R},
    };
    for (int tag = 1; tag <= 8; tag++) {
        struct picture picture = fixture_quarters(150, 70);
        assert_true(orient_apply(&picture, tag));
        int width = tag >= 5 ? 70 : 150, height = tag >= 5 ? 150 : 70;
        assert_int_equal(picture_width(&picture), width);
        assert_int_equal(picture_height(&picture), height);
        fixture_expect(&picture, 3, 3, corners[tag][0], 0);
        fixture_expect(&picture, width - 4, 3, corners[tag][1], 0);
        fixture_expect(&picture, width - 4, height - 4, corners[tag][2], 0);
        fixture_expect(&picture, 3, height - 4, corners[tag][3], 0);
        picture_free(&picture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_found_in_every_container),
        cmocka_unit_test(nonsense_is_upright),
        cmocka_unit_test(all_eight_turn_as_exif_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
