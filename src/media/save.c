#include "media/save.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
#include <unistd.h>

enum { JPEG_QUALITY = 3 }; /* libav's quantiser: 1 best … 31 worst */

/* The picture's planes as libav's planar RGB (green, blue, red), without a copy. */
static void planes_of(const struct picture *picture, const uint8_t *data[4], int stride[4])
{
    static const int order[PICTURE_PLANES] = {PICTURE_GREEN, PICTURE_BLUE, PICTURE_RED};
    for (int i = 0; i < PICTURE_PLANES; i++) {
        data[i] = picture->plane[order[i]].data;
        stride[i] = (int)picture->plane[order[i]].stride;
    }
    data[3] = NULL;
    stride[3] = 0;
}

static AVFrame *to_frame(const struct picture *picture, enum AVPixelFormat format)
{
    int width = picture_width(picture), height = picture_height(picture);
    AVFrame *frame = av_frame_alloc();
    struct SwsContext *scaler = sws_getContext(
        width, height, AV_PIX_FMT_GBRP, width, height, format,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT, NULL, NULL, NULL);
    bool done = frame && scaler;
    if (done) {
        frame->width = width;
        frame->height = height;
        frame->format = format;
        done = av_frame_get_buffer(frame, 0) >= 0;
    }
    if (done) {
        const uint8_t *data[4];
        int stride[4];
        planes_of(picture, data, stride);
        done = sws_scale(scaler, data, stride, 0, height, frame->data, frame->linesize) == height;
    }
    sws_freeContext(scaler);
    if (!done)
        av_frame_free(&frame);
    return frame;
}

static int encode(const AVCodec *codec, const AVFrame *frame, AVPacket *packet)
{
    AVCodecContext *context = avcodec_alloc_context3(codec);
    if (!context)
        return AVERROR(ENOMEM);
    context->width = frame->width;
    context->height = frame->height;
    context->pix_fmt = frame->format;
    context->time_base = (AVRational){1, 25};
    context->thread_count = 1;
    if (codec->id == AV_CODEC_ID_MJPEG) {
        context->color_range = AVCOL_RANGE_JPEG;
        context->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
        context->global_quality = JPEG_QUALITY * FF_QP2LAMBDA;
    }
    int result = avcodec_open2(context, codec, NULL);
    if (result >= 0)
        result = avcodec_send_frame(context, frame);
    if (result >= 0)
        result = avcodec_send_frame(context, NULL);
    if (result >= 0)
        result = avcodec_receive_packet(context, packet);
    avcodec_free_context(&context);
    return result;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? AVERROR(errno) : AVERROR(ENOSPC);
        data += put;
        size -= (size_t)put;
    }
    return 0;
}

static bool save(const struct picture *picture, enum AVCodecID id, int fd, struct failure *failure)
{
    bool jpeg = id == AV_CODEC_ID_MJPEG;
    AVFrame *frame = to_frame(picture, jpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_RGB24);
    AVPacket *packet = av_packet_alloc();
    int result = AVERROR(ENOMEM);
    if (frame && packet) {
        frame->pts = 0;
        frame->quality = JPEG_QUALITY * FF_QP2LAMBDA;
        result = encode(avcodec_find_encoder(id), frame, packet);
    }
    if (result >= 0)
        result = write_all(fd, packet->data, (size_t)packet->size);
    av_frame_free(&frame);
    av_packet_free(&packet);
    return result >= 0 || failure_set_av(failure, ERROR_INTERNAL, "writing an image", result);
}

bool save_png(const struct picture *picture, int fd, struct failure *failure)
{
    return save(picture, AV_CODEC_ID_PNG, fd, failure);
}

bool save_jpeg(const struct picture *picture, int fd, struct failure *failure)
{
    return save(picture, AV_CODEC_ID_MJPEG, fd, failure);
}
