#include "media/flatten.h"

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

enum { BACKGROUND_LIGHT = 255, BACKGROUND_DARK = 18, TOO_LIGHT = 200 };

static bool has_alpha(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *descriptor = av_pix_fmt_desc_get(format);
    return descriptor && (descriptor->flags & AV_PIX_FMT_FLAG_ALPHA);
}

/* Tells the scaler which matrix and range the file declared; it would assume BT.601 otherwise. */
static void set_colours(struct SwsContext *scaler, const AVFrame *frame)
{
    const AVPixFmtDescriptor *descriptor = av_pix_fmt_desc_get(frame->format);
    if (!descriptor || (descriptor->flags & AV_PIX_FMT_FLAG_RGB) || descriptor->nb_components < 3)
        return;
    int space = frame->colorspace == AVCOL_SPC_BT709        ? SWS_CS_ITU709
                : frame->colorspace == AVCOL_SPC_BT2020_NCL ? SWS_CS_BT2020
                                                            : SWS_CS_ITU601;
    int *inverse, *table, from_full, to_full, brightness, contrast, saturation;
    if (sws_getColorspaceDetails(scaler, &inverse, &from_full, &table, &to_full, &brightness,
                                 &contrast, &saturation) < 0)
        return;
    if (frame->color_range == AVCOL_RANGE_JPEG)
        from_full = 1;
    sws_setColorspaceDetails(scaler, sws_getCoefficients(space), from_full, table, 1, brightness,
                             contrast, saturation);
}

/* libav's planar RGB has the order green, blue, red, alpha. */
static bool convert(const AVFrame *frame, struct picture *picture, struct plane *alpha)
{
    enum AVPixelFormat format = alpha->data ? AV_PIX_FMT_GBRAP : AV_PIX_FMT_GBRP;
    struct SwsContext *scaler = sws_getContext(
        frame->width, frame->height, frame->format, frame->width, frame->height, format,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT,
        NULL, NULL, NULL);
    if (!scaler)
        return false;
    set_colours(scaler, frame);
    struct plane *planes[4] = {&picture->plane[PICTURE_GREEN], &picture->plane[PICTURE_BLUE],
                               &picture->plane[PICTURE_RED], alpha};
    uint8_t *data[4];
    int stride[4];
    for (int i = 0; i < 4; i++) {
        data[i] = planes[i]->data;
        stride[i] = (int)planes[i]->stride;
    }
    int rows = sws_scale(scaler, (const uint8_t *const *)frame->data, frame->linesize, 0,
                         frame->height, data, stride);
    sws_freeContext(scaler);
    return rows == frame->height;
}

/* Mean lightness of what can be seen, each sample counted by its alpha. */
static unsigned visible_lightness(const struct picture *picture, const struct plane *alpha)
{
    uint64_t light = 0, weight = 0;
    for (int y = 0; y < alpha->height; y++) {
        const uint8_t *a = plane_row(alpha, y);
        const uint8_t *r = plane_row(&picture->plane[PICTURE_RED], y);
        const uint8_t *g = plane_row(&picture->plane[PICTURE_GREEN], y);
        const uint8_t *b = plane_row(&picture->plane[PICTURE_BLUE], y);
        for (int x = 0; x < alpha->width; x++) {
            light += (uint64_t)a[x] * (54u * r[x] + 183u * g[x] + 19u * b[x]);
            weight += a[x];
        }
    }
    return weight ? (unsigned)(light / weight / 256) : 0;
}

static void lay_over(struct picture *picture, const struct plane *alpha)
{
    bool light = visible_lightness(picture, alpha) > TOO_LIGHT;
    unsigned background = light ? BACKGROUND_DARK : BACKGROUND_LIGHT;
    for (int i = 0; i < PICTURE_PLANES; i++) {
        for (int y = 0; y < alpha->height; y++) {
            const uint8_t *a = plane_row(alpha, y);
            uint8_t *c = plane_row(&picture->plane[i], y);
            for (int x = 0; x < alpha->width; x++)
                c[x] = (uint8_t)((c[x] * a[x] + background * (255u - a[x]) + 127) / 255);
        }
    }
}

static bool is_opaque(const struct plane *alpha)
{
    for (int y = 0; y < alpha->height; y++) {
        const uint8_t *a = plane_row(alpha, y);
        for (int x = 0; x < alpha->width; x++) {
            if (a[x] != 255)
                return false;
        }
    }
    return true;
}

bool flatten_frame(const AVFrame *frame, struct picture *ret_picture)
{
    struct picture picture = {0};
    struct plane alpha = {0};
    bool done = picture_make(frame->width, frame->height, &picture);
    if (done && has_alpha(frame->format))
        done = plane_make(frame->width, frame->height, &alpha);
    done = done && convert(frame, &picture, &alpha);
    if (done && alpha.data && !is_opaque(&alpha))
        lay_over(&picture, &alpha);
    plane_free(&alpha);
    if (!done) {
        picture_free(&picture);
        return false;
    }
    *ret_picture = picture;
    return true;
}
