#include "media/image.h"

#include "base/sniff.h"
#include "media/fixture.h"
#include "media/save.h"
#include "media/whole.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct fixture fixture;

static bool read_named(const char *name, struct failure *failure, struct picture *picture)
{
    int fd = fixture_open(&fixture, name);
    bool done = image_read(fd, "imageUrl", &image_limits_default, failure, picture);
    close(fd);
    return done;
}

static void expect_refused(const char *name, enum error_code code, const char *word)
{
    struct failure failure = {0};
    struct picture picture;
    assert_false(read_named(name, &failure, &picture));
    assert_string_equal(error_name(failure.code), error_name(code));
    assert_string_equal(failure.field, "imageUrl");
    if (!strstr(failure.text, word))
        fail_msg("%s: \"%s\" does not say \"%s\"", name, failure.text, word);
}

static void expect_quarters(const char *name, int near)
{
    struct failure failure = {0};
    struct picture picture;
    if (!read_named(name, &failure, &picture))
        fail_msg("%s: %s", name, failure.text);
    assert_int_equal(picture_width(&picture), 48);
    assert_int_equal(picture_height(&picture), 32);
    fixture_expect(&picture, 8, 6, 0xff0000, near);
    fixture_expect(&picture, 40, 6, 0x00ff00, near);
    fixture_expect(&picture, 40, 26, 0x0000ff, near);
    fixture_expect(&picture, 8, 26, 0xffffff, near);
    picture_free(&picture);
}

static void common_types_and_depths_are_read(void **state)
{
    struct picture quarters = fixture_quarters(48, 32);
    static const struct {
        const char *name;
        enum AVCodecID codec;
        enum AVPixelFormat format;
        int near;
    } cases[] = {
        {"rgb.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGB24, 0},
        {"rgba.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 0},
        {"rgb48.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGB48BE, 1},
        {"yuv.jpg", AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ420P, 6},
        {"yuv444.jpg", AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ444P, 6},
        {"rgb.bmp", AV_CODEC_ID_BMP, AV_PIX_FMT_BGR24, 0},
        {"rgb.tiff", AV_CODEC_ID_TIFF, AV_PIX_FMT_RGB24, 0},
        {"rgb48.tiff", AV_CODEC_ID_TIFF, AV_PIX_FMT_RGB48LE, 1},
        {"yuv.webp", AV_CODEC_ID_WEBP, AV_PIX_FMT_YUV420P, 20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_encode(&fixture, cases[i].name, &quarters, cases[i].codec, cases[i].format);
        expect_quarters(cases[i].name, cases[i].near);
    }
    /* The name is not asked. */
    fixture_encode(&fixture, "really-png.jpg", &quarters, AV_CODEC_ID_PNG, AV_PIX_FMT_RGB24);
    expect_quarters("really-png.jpg", 0);
    fixture_encode(&fixture, "grey.png", &quarters, AV_CODEC_ID_PNG, AV_PIX_FMT_GRAY8);
    struct failure failure = {0};
    struct picture grey;
    assert_true(read_named("grey.png", &failure, &grey));
    fixture_expect(&grey, 8, 26, 0xffffff, 1);
    picture_free(&grey);
    picture_free(&quarters);
}

/* A GIF of one red pixel, a palette of two. */
static const uint8_t tiny_gif[] = {
    'G', 'I',  'F', '8', '9', 'a', 1, 0, 1, 0, 0x80, 0, 0, 0xff, 0, 0, 0,    0,
    0,   0x2c, 0,   0,   0,   0,   1, 0, 1, 0, 0,    2, 2, 0x44, 1, 0, 0x3b,
};

static void the_first_frame_of_a_gif_is_read(void **state)
{
    struct failure failure = {0};
    struct picture picture;
    fixture_write(&fixture, "tiny.gif", tiny_gif, sizeof tiny_gif);
    if (!read_named("tiny.gif", &failure, &picture))
        fail_msg("%s", failure.text);
    assert_int_equal(picture_width(&picture), 1);
    fixture_expect(&picture, 0, 0, 0xff0000, 0);
    picture_free(&picture);
    fixture_write(&fixture, "cut.gif", tiny_gif, sizeof tiny_gif - 3);
    expect_refused("cut.gif", ERROR_VALIDATION, "cut off");
}

/* A JPEG of 8 × 8 points of cyan ink, as printers' programs write it: four components, inverted. */
static void write_ink(const char *name, uint8_t transform, const void *scan, size_t scan_size)
{
    static const uint8_t head[] = {0xff, 0xd8, 0xff, 0xee, 0x00, 0x0e, 0x41, 0x64,
                                   0x6f, 0x62, 0x65, 0x00, 0x64, 0x00, 0x00, 0x00,
                                   0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00};
    static const uint8_t middle[] = {
        0xff, 0xc0, 0x00, 0x14, 0x08, 0x00, 0x08, 0x00, 0x08, 0x04, 0x01, 0x11, 0x00, 0x02, 0x11,
        0x00, 0x03, 0x11, 0x00, 0x04, 0x11, 0x00, 0xff, 0xc4, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x00,
        0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
        0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0xff, 0xc4, 0x00, 0x14, 0x10, 0x01, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff,
        0xda, 0x00, 0x0e, 0x04, 0x01, 0x00, 0x02, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x3f, 0x00};
    uint8_t file[256];
    size_t size = sizeof head;
    memcpy(file, head, sizeof head);
    file[17] = transform;
    memset(file + size, 8, 64); /* the quantisation table */
    size += 64;
    memcpy(file + size, middle, sizeof middle);
    size += sizeof middle;
    memcpy(file + size, scan, scan_size);
    fixture_write(&fixture, name, file, size + scan_size);
}

static void ink_becomes_light(void **state)
{
    static const uint8_t cmyk[] = {0x87, 0xf3, 0xff, 0x00, 0x3f, 0xf3,
                                   0xff, 0x00, 0x7f, 0xff, 0xd9};
    static const uint8_t ycck[] = {0x62, 0xcc, 0xa1, 0xff, 0x00, 0x9f, 0xfb, 0xff, 0xd9};
    static const char *const names[] = {"cmyk.jpg", "ycck.jpg"};
    write_ink(names[0], 0, cmyk, sizeof cmyk);
    write_ink(names[1], 2, ycck, sizeof ycck);
    for (int i = 0; i < 2; i++) {
        struct failure failure = {0};
        struct picture picture;
        if (!read_named(names[i], &failure, &picture))
            fail_msg("%s", failure.text);
        fixture_expect(&picture, 4, 4, 0x00ffff, 4);
        picture_free(&picture);
    }
}

static void files_that_end_early_are_refused(void **state)
{
    static const char *const names[] = {"rgb.png", "yuv.jpg", "rgb.bmp", "rgb.tiff", "yuv.webp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size;
        uint8_t *data = fixture_read(&fixture, names[i], &size);
        for (int part = 1; part < 8; part++) {
            fixture_write(&fixture, "cut", data, size * (size_t)part / 8);
            expect_refused("cut", ERROR_VALIDATION, "imageUrl");
        }
        free(data);
    }
}

/* Bytes changed at random may give another picture or a refusal, nothing else. */
static void damaged_files_never_crash(void **state)
{
    static const char *const names[] = {"rgb.png", "yuv.jpg", "rgb.bmp", "rgb.tiff", "yuv.webp"};
    unsigned seed = 4;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size;
        uint8_t *data = fixture_read(&fixture, names[i], &size);
        for (int n = 0; n < 40; n++) {
            uint8_t *copy = malloc(size);
            assert_non_null(copy);
            memcpy(copy, data, size);
            for (int k = 0; k < 6; k++)
                copy[(size_t)rand_r(&seed) % size] = (uint8_t)rand_r(&seed);
            fixture_write(&fixture, "damaged", copy, size);
            free(copy);
            struct failure failure = {0};
            struct picture picture;
            if (read_named("damaged", &failure, &picture))
                picture_free(&picture);
            else
                assert_int_not_equal(failure.code, ERROR_NONE);
        }
        free(data);
    }
}

static void what_is_no_image_is_refused_by_name(void **state)
{
    static const struct {
        const char *bytes, *word;
    } cases[] = {
        {"hello, world", "an unknown type"},
        {"#EXTM3U\nfile:///etc/passwd\n", "a playlist"},
        {"ffconcat version 1.0\nfile /etc/passwd\n", "a playlist"},
        {"<?xml version=\"1.0\"?><svg xmlns=\"x\"/>", "SVG"},
        {"<!DOCTYPE html><title>404</title>", "a web page"},
        {"%PDF-1.7 ", "PDF"},
        {"\x1a\x45\xdf\xa3 webm", "WebM"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_write(&fixture, "other.png", cases[i].bytes, strlen(cases[i].bytes));
        expect_refused("other.png", ERROR_VALIDATION, cases[i].word);
    }
    fixture_write(&fixture, "empty.png", "", 0);
    expect_refused("empty.png", ERROR_VALIDATION, "empty");
}

static void put_be32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void huge_ones_are_refused_by_their_header(void **state)
{
    size_t size;
    uint8_t *data = fixture_read(&fixture, "rgb.png", &size);
    put_be32(data + 16, 40000);
    put_be32(data + 20, 40000);
    fixture_write(&fixture, "huge.png", data, size);
    expect_refused("huge.png", ERROR_VALIDATION, "40000 × 40000");
    put_be32(data + 16, 16385);
    put_be32(data + 20, 1);
    fixture_write(&fixture, "wide.png", data, size);
    expect_refused("wide.png", ERROR_VALIDATION, "16384 a side");
    free(data);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
#ifndef REEL_SANITIZED
    assert_true(usage.ru_maxrss < 120 * 1024);
#endif
}

/* Red that can be seen only half, and a light logo that white would swallow. */
static void transparency_is_laid_over_a_ground(void **state)
{
    struct failure failure = {0};
    struct picture picture, white = fixture_quarters(8, 8);
    for (int i = 0; i < PICTURE_PLANES; i++)
        plane_fill(&white.plane[i], 255);
    size_t size;
    /* libav lets alpha be 255; an 8 × 8 BMP of 32 bits has it in the clear. */
    fixture_encode(&fixture, "alpha.bmp", &white, AV_CODEC_ID_BMP, AV_PIX_FMT_BGRA);
    uint8_t *data = fixture_read(&fixture, "alpha.bmp", &size);
    for (size_t i = size - 8 * 8 * 4 + 3; i < size; i += 4)
        data[i] = i < size - 128 ? 0 : 255;
    fixture_write(&fixture, "alpha.bmp", data, size);
    free(data);
    assert_true(read_named("alpha.bmp", &failure, &picture));
    fixture_expect(&picture, 2, 1, 0xffffff, 0);
    fixture_expect(&picture, 2, 6, 0x121212, 0);
    picture_free(&picture);
    picture_free(&white);
}

static int open_folder(void **state)
{
    fixture_init(&fixture);
    return 0;
}

static int close_folder(void **state)
{
    fixture_done(&fixture);
    return 0;
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(common_types_and_depths_are_read),
        cmocka_unit_test(the_first_frame_of_a_gif_is_read),
        cmocka_unit_test(ink_becomes_light),
        cmocka_unit_test(files_that_end_early_are_refused),
        cmocka_unit_test(damaged_files_never_crash),
        cmocka_unit_test(what_is_no_image_is_refused_by_name),
        cmocka_unit_test(huge_ones_are_refused_by_their_header),
        cmocka_unit_test(transparency_is_laid_over_a_ground),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
