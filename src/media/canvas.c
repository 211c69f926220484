#include "media/canvas.h"

#include "media/fit.h"
#include "media/orient.h"

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = 2,
    GROUND_SHRINK = 8, /* the ground is blurred at an eighth of the size */
    GROUND_ROUNDS = 3,
    GROUND_LIGHT = 140, /* of 256: the picture in front should stand out */
    BLACK = 16,
    GREY = 128,
    ONE = 256
};

/* A scaler, for as long as the frames stay what they are. */
enum { KEY_SIZE = 7 };
struct scaler {
    struct SwsContext *context;
    int key[KEY_SIZE];
};

struct lane {
    struct scaler front, ground;
};

struct canvas {
    struct canvas_layout layout;
    struct lane lane[LANES];
    struct scaler enlarge;  /* the ground, to the frame's size */
    struct plane turned[3]; /* what is scaled but not yet upright */
    struct plane ground[3];
};

struct canvas *canvas_make(const struct canvas_layout *layout)
{
    struct canvas *canvas = calloc(1, sizeof *canvas);
    if (canvas)
        canvas->layout = *layout;
    return canvas;
}

void canvas_free(struct canvas *canvas)
{
    if (!canvas)
        return;
    for (int i = 0; i < LANES; i++) {
        sws_freeContext(canvas->lane[i].front.context);
        sws_freeContext(canvas->lane[i].ground.context);
    }
    sws_freeContext(canvas->enlarge.context);
    for (int i = 0; i < 3; i++) {
        plane_free(&canvas->turned[i]);
        plane_free(&canvas->ground[i]);
    }
    free(canvas);
}

static int space_of(const AVFrame *frame)
{
    switch ((int)frame->colorspace) {
    case AVCOL_SPC_BT709:
        return SWS_CS_ITU709;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return SWS_CS_BT2020;
    case AVCOL_SPC_FCC:
        return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
        return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        return SWS_CS_ITU601;
    default:
        /* Unsaid: as players take it, by size. */
        return frame->height >= 720 || frame->width >= 1280 ? SWS_CS_ITU709 : SWS_CS_ITU601;
    }
}

static bool is_full_range(const AVFrame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
    return frame->color_range == AVCOL_RANGE_JPEG || strncmp(format->name, "yuvj", 4) == 0 ||
           (format->flags & AV_PIX_FMT_FLAG_RGB);
}

static bool set_scaler(struct scaler *scaler, const AVFrame *frame, const struct fit_box *from,
                       int to_width, int to_height, int flags)
{
    int space = space_of(frame), range = is_full_range(frame);
    const int key[KEY_SIZE] = {from->width, from->height, frame->format, space,
                               range,       to_width,     to_height};
    if (scaler->context && memcmp(scaler->key, key, sizeof key) == 0)
        return true;
    sws_freeContext(scaler->context);
    memcpy(scaler->key, key, sizeof key);
    scaler->context = sws_getContext(from->width, from->height, (enum AVPixelFormat)frame->format,
                                     to_width, to_height, AV_PIX_FMT_YUV420P,
                                     flags | SWS_ACCURATE_RND | SWS_BITEXACT, NULL, NULL, NULL);
    if (!scaler->context)
        return false;
    sws_setColorspaceDetails(scaler->context, sws_getCoefficients(space), range,
                             sws_getCoefficients(SWS_CS_ITU709), 0, 0, 1 << 16, 1 << 16);
    return true;
}

/* Where the part begins in each plane; x and y are even, so chroma has its place too. */
static void planes_from(const AVFrame *frame, const struct fit_box *box, const uint8_t *ret_data[4])
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
    bool planar = format->flags & AV_PIX_FMT_FLAG_PLANAR;
    for (int i = 0; i < 4; i++) {
        ret_data[i] = frame->data[i];
        if (!frame->data[i] || (i == 1 && (format->flags & AV_PIX_FMT_FLAG_PAL)))
            continue;
        bool chroma = (i == 1 || i == 2) && !(format->flags & AV_PIX_FMT_FLAG_RGB);
        int component = 0;
        while (component < format->nb_components - 1 && format->comp[component].plane != i)
            component++;
        int x = chroma && planar ? box->x >> format->log2_chroma_w : box->x;
        int y = chroma ? box->y >> format->log2_chroma_h : box->y;
        ret_data[i] += (ptrdiff_t)frame->linesize[i] * y + x * format->comp[component].step;
    }
}

static void scale(struct scaler *scaler, const AVFrame *frame, const struct fit_box *from,
                  struct plane to[3])
{
    const uint8_t *data[4];
    uint8_t *target[4] = {to[0].data, to[1].data, to[2].data, NULL};
    int strides[4] = {(int)to[0].stride, (int)to[1].stride, (int)to[2].stride, 0};
    planes_from(frame, from, data);
    sws_scale(scaler->context, data, frame->linesize, 0, from->height, target, strides);
}

/* Planes of a frame of this size, made when they are not there yet. */
static bool have_planes(struct plane planes[3], int width, int height)
{
    if (planes[0].width == width && planes[0].height == height)
        return true;
    for (int i = 0; i < 3; i++) {
        plane_free(&planes[i]);
        if (!plane_make(i ? (width + 1) / 2 : width, i ? (height + 1) / 2 : height, &planes[i]))
            return false;
    }
    return true;
}

/* Scales a part of a frame to the target's size and turns it upright. */
static bool scale_upright(struct canvas *canvas, struct scaler *scaler,
                          const struct canvas_frame *frame, const struct fit_box *from,
                          struct plane to[3])
{
    bool small = scaler == &canvas->lane[frame->lane % LANES].ground;
    bool within = !small && to[0].width < canvas->layout.width;
    int flags = small ? SWS_AREA : SWS_BICUBIC;
    bool exchange = frame->orientation >= 5;
    int width = exchange ? to[0].height : to[0].width;
    int height = exchange ? to[0].width : to[0].height;
    if (!set_scaler(scaler, frame->frame, from, width, height, flags))
        return false;
    /* libswscale's vectors write past the end of a row, where only a whole row has room. */
    if (frame->orientation <= ORIENT_UPRIGHT && !within) {
        scale(scaler, frame->frame, from, to);
        return true;
    }
    if (!have_planes(canvas->turned, width, height))
        return false;
    scale(scaler, frame->frame, from, canvas->turned);
    for (int i = 0; i < 3; i++)
        orient_plane(&canvas->turned[i], frame->orientation, &to[i]);
    return true;
}

static void average_row(const uint8_t *from, int count, int reach, uint8_t *to)
{
    int span = 2 * reach + 1, sum = from[0] * reach;
    for (int i = 0; i < reach; i++)
        sum += from[i < count ? i : count - 1];
    for (int i = 0; i < count; i++) {
        int in = i + reach < count ? i + reach : count - 1, out = i - reach - 1;
        sum += from[in];
        to[i] = (uint8_t)((sum + span / 2) / span);
        sum -= from[out + 1 > 0 ? out + 1 : 0];
    }
}

/* Each row averaged over its neighbours and laid down as a column, so that twice is both ways. */
static bool soften(struct plane *plane, int reach)
{
    for (int round = 0; round < 2 * GROUND_ROUNDS; round++) {
        struct plane turned = {0};
        uint8_t row[PLANE_SIDE_MAX];
        if (!plane_make(plane->height, plane->width, &turned))
            return false;
        for (int y = 0; y < plane->height; y++) {
            average_row(plane_row(plane, y), plane->width, reach, row);
            for (int x = 0; x < plane->width; x++)
                plane_row(&turned, x)[y] = row[x];
        }
        plane_free(plane);
        *plane = turned;
    }
    return true;
}

static void darken(struct plane *luma)
{
    for (int y = 0; y < luma->height; y++) {
        uint8_t *row = plane_row(luma, y);
        for (int x = 0; x < luma->width; x++)
            row[x] = (uint8_t)(BLACK + ((row[x] - BLACK) * GROUND_LIGHT >> 8));
    }
}

static struct fit_picture picture_of(const struct canvas_frame *frame)
{
    AVRational pixel = frame->frame->sample_aspect_ratio;
    double shape = pixel.num > 0 && pixel.den > 0 ? av_q2d(pixel) : 0;
    return (struct fit_picture){.width = frame->frame->width,
                                .height = frame->frame->height,
                                .pixel = shape >= 0.1 && shape <= 10 ? shape : av_q2d(frame->pixel),
                                .orientation = frame->orientation};
}

/* The frame's own picture, filling all, out of focus and darker. */
static bool draw_ground(struct canvas *canvas, const struct canvas_frame *frame,
                        struct plane yuv[3])
{
    int width = canvas->layout.width / GROUND_SHRINK / 2 * 2;
    int height = canvas->layout.height / GROUND_SHRINK / 2 * 2;
    width = width < 2 ? 2 : width;
    height = height < 2 ? 2 : height;
    struct fit_picture picture = picture_of(frame);
    struct fit fit = fit_plan(&picture, width, height, true);
    struct scaler *scaler = &canvas->lane[frame->lane % LANES].ground;
    if (!have_planes(canvas->ground, width, height) ||
        !scale_upright(canvas, scaler, frame, &fit.source, canvas->ground))
        return false;
    int reach = (width < height ? width : height) / 24 + 1;
    for (int i = 0; i < 3; i++) {
        if (!soften(&canvas->ground[i], i ? (reach + 1) / 2 : reach))
            return false;
    }
    darken(&canvas->ground[0]);
    AVFrame small = {.width = width,
                     .height = height,
                     .format = AV_PIX_FMT_YUV420P,
                     .colorspace = AVCOL_SPC_BT709};
    for (int i = 0; i < 3; i++) {
        small.data[i] = canvas->ground[i].data;
        small.linesize[i] = (int)canvas->ground[i].stride;
    }
    struct fit_box all = {0, 0, width, height};
    if (!set_scaler(&canvas->enlarge, &small, &all, yuv[0].width, yuv[0].height, SWS_BICUBIC))
        return false;
    scale(&canvas->enlarge, &small, &all, yuv);
    return true;
}

static bool fill_around(struct canvas *canvas, const struct canvas_frame *frame,
                        struct plane yuv[3])
{
    if (canvas->layout.ground == CANVAS_BLUR)
        return draw_ground(canvas, frame, yuv);
    for (int i = 0; i < 3; i++)
        plane_fill(&yuv[i], i ? GREY : BLACK);
    return true;
}

bool canvas_draw(struct canvas *canvas, const struct canvas_frame *frame, struct plane yuv[3])
{
    const struct canvas_layout *layout = &canvas->layout;
    struct fit_picture picture = picture_of(frame);
    struct fit fit = fit_plan(&picture, layout->width, layout->height, layout->fill);
    bool covers = fit.target.width == layout->width && fit.target.height == layout->height;
    if (!covers && !fill_around(canvas, frame, yuv))
        return false;
    struct plane part[3];
    for (int i = 0; i < 3; i++) {
        int half = i ? 2 : 1;
        part[i] = yuv[i];
        part[i].data += yuv[i].stride * (fit.target.y / half) + fit.target.x / half;
        part[i].width = fit.target.width / half;
        part[i].height = fit.target.height / half;
    }
    struct scaler *scaler = &canvas->lane[frame->lane % LANES].front;
    return scale_upright(canvas, scaler, frame, &fit.source, part);
}

void canvas_blend(const struct plane *over, double weight, struct plane *target)
{
    int share = (int)lround(weight * ONE);
    for (int y = 0; y < target->height; y++) {
        const uint8_t *from = plane_row(over, y);
        uint8_t *to = plane_row(target, y);
        for (int x = 0; x < target->width; x++)
            to[x] = (uint8_t)((to[x] * (ONE - share) + from[x] * share + ONE / 2) >> 8);
    }
}
