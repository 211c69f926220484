#include "media/canvas.h"

#include "media/fixture_film.h"

#include <libswscale/swscale.h>
#include <stdlib.h>

static void make_planes(int width, int height, struct plane yuv[3])
{
    for (int i = 0; i < 3; i++) {
        assert_true(plane_make(i ? width / 2 : width, i ? height / 2 : height, &yuv[i]));
        plane_fill(&yuv[i], 1);
    }
}

static void free_planes(struct plane yuv[3])
{
    for (int i = 0; i < 3; i++)
        plane_free(&yuv[i]);
}

static void expect(const struct plane yuv[3], int x, int y, int luma, int blue, int red)
{
    int found[3] = {plane_row(&yuv[0], y)[x], plane_row(&yuv[1], y / 2)[x / 2],
                    plane_row(&yuv[2], y / 2)[x / 2]};
    if (abs(found[0] - luma) > 2 || abs(found[1] - blue) > 2 || abs(found[2] - red) > 2)
        fail_msg("at (%d, %d): %d %d %d, not %d %d %d", x, y, found[0], found[1], found[2], luma,
                 blue, red);
}

/* A frame of one RGB colour in any format and matrix. */
static AVFrame *make_frame(int width, int height, enum AVPixelFormat format, int space, bool full)
{
    AVFrame *frame = av_frame_alloc();
    frame->width = width;
    frame->height = height;
    frame->format = format;
    assert_true(av_frame_get_buffer(frame, 0) >= 0);
    uint8_t *rgb = malloc((size_t)width * (size_t)height * 3);
    assert_non_null(rgb);
    for (int i = 0; i < width * height; i++) {
        rgb[3 * i] = 200;
        rgb[3 * i + 1] = 60;
        rgb[3 * i + 2] = 90;
    }
    struct SwsContext *scaler = sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height,
                                               format, SWS_BICUBIC, NULL, NULL, NULL);
    assert_non_null(scaler);
    sws_setColorspaceDetails(scaler, sws_getCoefficients(SWS_CS_DEFAULT), 1,
                             sws_getCoefficients(space), full, 0, 1 << 16, 1 << 16);
    const uint8_t *data[4] = {rgb};
    const int stride[4] = {3 * width};
    sws_scale(scaler, data, stride, 0, height, frame->data, frame->linesize);
    sws_freeContext(scaler);
    free(rgb);
    frame->color_range = full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    return frame;
}

/* RGB (200, 60, 90) by BT.709, limited range. */
enum { LUMA = 95, BLUE = 127, RED = 188 };

static void every_format_and_matrix_gives_the_same_colour(void **state)
{
    static const struct {
        enum AVPixelFormat format;
        int space;
        enum AVColorSpace said;
        bool full;
    } cases[] = {
        {AV_PIX_FMT_YUV420P, SWS_CS_ITU709, AVCOL_SPC_BT709, false},
        {AV_PIX_FMT_YUV420P, SWS_CS_ITU709, AVCOL_SPC_BT709, true},
        {AV_PIX_FMT_YUV420P, SWS_CS_ITU601, AVCOL_SPC_SMPTE170M, false},
        {AV_PIX_FMT_YUV420P, SWS_CS_ITU601, AVCOL_SPC_UNSPECIFIED, false},
        {AV_PIX_FMT_YUV422P, SWS_CS_ITU709, AVCOL_SPC_BT709, false},
        {AV_PIX_FMT_YUV444P, SWS_CS_ITU601, AVCOL_SPC_BT470BG, true},
        {AV_PIX_FMT_YUV420P10LE, SWS_CS_ITU709, AVCOL_SPC_BT709, false},
        {AV_PIX_FMT_NV12, SWS_CS_ITU709, AVCOL_SPC_BT709, false},
        {AV_PIX_FMT_GBRP, SWS_CS_ITU709, AVCOL_SPC_RGB, true},
        {AV_PIX_FMT_RGBA, SWS_CS_ITU709, AVCOL_SPC_RGB, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct canvas_layout layout = {.width = 96, .height = 64, .fill = true};
        struct canvas *canvas = canvas_make(&layout);
        struct plane yuv[3];
        make_planes(96, 64, yuv);
        AVFrame *frame = make_frame(160, 90, cases[i].format, cases[i].space, cases[i].full);
        frame->colorspace = cases[i].said;
        struct canvas_frame layer = {.frame = frame, .pixel = {1, 1}, .orientation = 1};
        assert_true(canvas_draw(canvas, &layer, yuv));
        expect(yuv, 2, 2, LUMA, BLUE, RED);
        expect(yuv, 48, 32, LUMA, BLUE, RED);
        expect(yuv, 93, 61, LUMA, BLUE, RED);
        av_frame_free(&frame);
        free_planes(yuv);
        canvas_free(canvas);
    }
}

/* The ground covers all that the picture leaves, whatever the sizes, and frames may change theirs.
 */
static void nothing_is_left_undrawn(void **state)
{
    static const int sizes[][2] = {{160, 90}, {90, 160}, {33, 77}, {301, 20}, {2, 2}, {64, 64}};
    for (int ground = 0; ground < 2; ground++) {
        struct canvas_layout layout = {
            .width = 130, .height = 94, .ground = (enum canvas_ground)ground};
        struct canvas *canvas = canvas_make(&layout);
        for (size_t i = 0; i < 8 * sizeof sizes / sizeof sizes[0]; i++) {
            struct plane yuv[3];
            make_planes(130, 94, yuv);
            AVFrame *frame = make_frame(sizes[i / 8][0], sizes[i / 8][1], AV_PIX_FMT_YUV420P,
                                        SWS_CS_ITU709, false);
            frame->colorspace = AVCOL_SPC_BT709;
            struct canvas_frame layer = {
                .frame = frame, .pixel = {1, 1}, .orientation = 1 + (int)(i % 8), .lane = (int)i};
            assert_true(canvas_draw(canvas, &layer, yuv));
            for (int k = 0; k < 3; k++) {
                for (int y = 0; y < yuv[k].height; y++) {
                    for (int x = 0; x < yuv[k].width; x++)
                        assert_true(plane_row(&yuv[k], y)[x] > 10);
                }
            }
            expect(yuv, 64, 46, LUMA, BLUE, RED);
            av_frame_free(&frame);
            free_planes(yuv);
        }
        canvas_free(canvas);
    }
}

static void blending_is_exact_at_its_ends(void **state)
{
    struct plane a, b;
    assert_true(plane_make(37, 3, &a) && plane_make(37, 3, &b));
    for (int weight = 0; weight <= 4; weight++) {
        plane_fill(&a, 255);
        plane_fill(&b, 15);
        canvas_blend(&a, weight / 4.0, &b);
        for (int x = 0; x < 37; x++)
            assert_int_equal(plane_row(&b, 2)[x], 15 + 60 * weight);
    }
    plane_free(&a);
    plane_free(&b);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_and_matrix_gives_the_same_colour),
        cmocka_unit_test(nothing_is_left_undrawn),
        cmocka_unit_test(blending_is_exact_at_its_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
