#include "media/image.h"

#include "base/sniff.h"
#include "media/flatten.h"
#include "media/orient.h"
#include "media/stream.h"
#include "media/whole.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct image_limits image_limits_default = {
    .pixels_max = (int64_t)8192 * 8192,
    .side_max = PLANE_SIDE_MAX,
    .file_max = (int64_t)256 << 20,
};

/* What one read needs at each step. */
struct reading {
    int fd;
    const char *field;
    const struct image_limits *limits;
    struct failure *failure;
    AVPacket *packet; /* the whole file, padded as decoders want it */
    struct sniff sniff;
};

static bool load(struct reading *reading)
{
    struct stat status;
    if (fstat(reading->fd, &status) != 0)
        return failure_set(reading->failure, ERROR_INPUT_UNREACHABLE, reading->field,
                           "The file of %s could not be read: %s.", reading->field,
                           strerror(errno));
    if (status.st_size == 0)
        return failure_set(reading->failure, ERROR_VALIDATION, reading->field,
                           "The file of %s is empty; an image is needed.", reading->field);
    if (status.st_size > reading->limits->file_max)
        return failure_set(reading->failure, ERROR_TOO_LARGE, reading->field,
                           "The file of %s has %lld bytes; at most %lld are allowed.",
                           reading->field, (long long)status.st_size,
                           (long long)reading->limits->file_max);
    reading->packet = av_packet_alloc();
    if (!reading->packet || av_new_packet(reading->packet, (int)status.st_size) < 0)
        return failure_set_av(reading->failure, ERROR_INTERNAL, "reading an image",
                              AVERROR(ENOMEM));
    size_t done = 0;
    while (done < (size_t)reading->packet->size) {
        ssize_t got = pread(reading->fd, reading->packet->data + done,
                            (size_t)reading->packet->size - done, (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return failure_set(reading->failure, ERROR_INPUT_UNREACHABLE, reading->field,
                               "The file of %s could not be read to its end.", reading->field);
        done += (size_t)got;
    }
    return true;
}

static bool size_fits(struct reading *reading, int64_t width, int64_t height)
{
    const struct image_limits *limits = reading->limits;
    if (width <= limits->side_max && height <= limits->side_max &&
        width * height <= limits->pixels_max)
        return true;
    return failure_set(reading->failure, ERROR_VALIDATION, reading->field,
                       "The image of %s has %lld × %lld pixels; at most %.0f million pixels in "
                       "all and %d a side are allowed.",
                       reading->field, (long long)width, (long long)height,
                       (double)limits->pixels_max / 1e6, limits->side_max);
}

static bool broken(struct reading *reading, const char *how)
{
    return failure_set(reading->failure, ERROR_VALIDATION, reading->field,
                       "The %s image of %s is %s and can not be decoded.",
                       sniff_word(reading->sniff.kind), reading->field, how);
}

static enum AVCodecID codec_of(enum sniff_kind kind)
{
    static const enum AVCodecID codecs[SNIFF_KIND_COUNT] = {
        [SNIFF_JPEG] = AV_CODEC_ID_MJPEG, [SNIFF_PNG] = AV_CODEC_ID_PNG,
        [SNIFF_GIF] = AV_CODEC_ID_GIF,    [SNIFF_WEBP] = AV_CODEC_ID_WEBP,
        [SNIFF_BMP] = AV_CODEC_ID_BMP,    [SNIFF_TIFF] = AV_CODEC_ID_TIFF,
        [SNIFF_AVIF] = AV_CODEC_ID_AV1,
    };
    return codecs[kind];
}

static bool header_is_sound(struct reading *reading)
{
    reading->sniff = sniff_bytes(reading->packet->data, (size_t)reading->packet->size);
    enum sniff_kind kind = reading->sniff.kind;
    if (codec_of(kind) == AV_CODEC_ID_NONE)
        return failure_set(reading->failure, ERROR_VALIDATION, reading->field,
                           "The file of %s is %s; JPEG, PNG, WebP, GIF, BMP, TIFF and AVIF images "
                           "are allowed.",
                           reading->field, sniff_word(kind));
    if (!size_fits(reading, reading->sniff.width, reading->sniff.height))
        return false;
    if (!whole_image(kind, reading->packet->data, (size_t)reading->packet->size))
        return broken(reading, "cut off");
    return true;
}

static AVCodecContext *open_decoder(const struct reading *reading, const AVCodecParameters *extra)
{
    const AVCodec *codec = avcodec_find_decoder(codec_of(reading->sniff.kind));
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!context)
        return NULL;
    /* libav compares the coded size, which may be a block larger than the picture. */
    context->max_pixels = reading->limits->pixels_max + reading->limits->pixels_max / 8;
    context->thread_count = 1;
    context->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER;
    /* Cameras and scanners bend the rules of these two; what is missing was found by whole_image.
     */
    if (reading->sniff.kind != SNIFF_JPEG && reading->sniff.kind != SNIFF_TIFF)
        context->err_recognition |= AV_EF_EXPLODE;
    if ((extra && avcodec_parameters_to_context(context, extra) < 0) ||
        avcodec_open2(context, codec, NULL) < 0)
        avcodec_free_context(&context);
    return context;
}

static int decode_packet(AVCodecContext *context, const AVPacket *packet, AVFrame *frame)
{
    int result = avcodec_send_packet(context, packet);
    if (result < 0)
        return result;
    result = avcodec_receive_frame(context, frame);
    if (result == AVERROR(EAGAIN)) {
        avcodec_send_packet(context, NULL);
        result = avcodec_receive_frame(context, frame);
    }
    if (result >= 0 && frame->decode_error_flags)
        return AVERROR_INVALIDDATA;
    return result;
}

/* AVIF lies in boxes, so it needs a demuxer: this one, over this file. */
static int decode_boxes(struct reading *reading, AVFrame *frame)
{
    struct stream stream;
    if (!stream_open(reading->fd, false, &stream))
        return AVERROR(ENOMEM);
    AVFormatContext *format = avformat_alloc_context();
    AVPacket *packet = av_packet_alloc();
    AVCodecContext *context = NULL;
    int result = AVERROR(ENOMEM);
    if (format && packet) {
        format->pb = stream.io;
        format->flags |= AVFMT_FLAG_CUSTOM_IO;
        result = avformat_open_input(&format, NULL, av_find_input_format("mov"), NULL);
    }
    if (result >= 0 && format->nb_streams > 0)
        result = av_read_frame(format, packet);
    if (result >= 0) {
        context = open_decoder(reading, format->streams[packet->stream_index]->codecpar);
        result = context ? decode_packet(context, packet, frame) : AVERROR_INVALIDDATA;
    }
    avcodec_free_context(&context);
    av_packet_free(&packet);
    avformat_close_input(&format);
    stream_close(&stream);
    return result;
}

static bool decode(struct reading *reading, AVFrame *frame)
{
    int result;
    if (reading->sniff.kind == SNIFF_AVIF) {
        result = decode_boxes(reading, frame);
    } else {
        AVCodecContext *context = open_decoder(reading, NULL);
        result = context ? decode_packet(context, reading->packet, frame) : AVERROR(ENOMEM);
        avcodec_free_context(&context);
    }
    if (result == AVERROR(ENOMEM))
        return failure_set_av(reading->failure, ERROR_INTERNAL, "decoding an image", result);
    if (result < 0 || frame->width < 1 || frame->height < 1)
        return broken(reading, "broken or cut off");
    return size_fits(reading, frame->width, frame->height);
}

bool image_read(int fd, const char *field, const struct image_limits *limits,
                struct failure *failure, struct picture *ret_picture)
{
    struct reading reading = {.fd = fd, .field = field, .limits = limits, .failure = failure};
    struct picture picture = {0};
    AVFrame *frame = av_frame_alloc();
    bool done = frame && load(&reading) && header_is_sound(&reading) && decode(&reading, frame);
    if (done) {
        int orientation =
            orient_find(reading.sniff.kind, reading.packet->data, (size_t)reading.packet->size);
        av_packet_free(&reading.packet);
        done = flatten_frame(frame, &picture);
        av_frame_free(&frame);
        done = done && orient_apply(&picture, orientation);
    }
    av_packet_free(&reading.packet);
    av_frame_free(&frame);
    if (!done) {
        picture_free(&picture);
        return failure_set_av(failure, ERROR_INTERNAL, "preparing an image", AVERROR(ENOMEM));
    }
    *ret_picture = picture;
    return true;
}
