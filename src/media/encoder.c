#include "media/encoder.h"

#include "media/stream.h"

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What an encoder without a constant quality gets: plenty for the web. */
static const double bits_per_pixel = 0.12;

struct encoder {
    struct stream output;
    struct stream reread; /* the muxer reads its own file back to move the index */
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *track;
    AVPacket *packet;
    int64_t next_frame;
    struct soundtrack *sound;
    const struct captions *captions;
    AVStream *captions_track;
    int next_caption;
};

/* The muxer asks for its own file by name to read it; it gets the descriptor that it has. */
static int open_again(AVFormatContext *format, AVIOContext **ret_io, const char *url, int flags,
                      AVDictionary **options)
{
    struct encoder *encoder = format->opaque;
    if (flags & AVIO_FLAG_WRITE)
        return AVERROR(EPERM);
    if (!stream_open(encoder->output.fd, false, &encoder->reread))
        return AVERROR(ENOMEM);
    *ret_io = encoder->reread.io;
    return 0;
}

static int close_again(AVFormatContext *format, AVIOContext *io)
{
    struct encoder *encoder = format->opaque;
    stream_close(&encoder->reread);
    return 0;
}

/* The muxer and x264 report a failed write in many words; the file's own errno is the truth. */
static bool fail(struct encoder *encoder, struct failure *failure, const char *doing, int av_error)
{
    if (encoder->output.error)
        av_error = AVERROR(encoder->output.error);
    return failure_set_av(failure, ERROR_INTERNAL, doing, av_error);
}

/* x264 by constant quality; others know that word by other names, and get a rate instead. */
static int tune(AVCodecContext *codec, const struct encoder_settings *settings)
{
    const char *preset = settings->choice.preset;
    if (strcmp(codec->codec->name, "libx264") != 0) {
        codec->bit_rate =
            (int64_t)(bits_per_pixel * settings->width * settings->height * settings->fps);
        return preset ? av_opt_set(codec->priv_data, "preset", preset, 0) : 0;
    }
    /* What we draw moves smoothly, so the quickest motion search loses nothing: on the bench's
     * texture 35 % less time than "veryfast" as it is, at the same size and likeness. */
    if (settings->dithered)
        av_opt_set(codec->priv_data, "x264-params",
                   "subme=1:me=dia:deadzone-inter=6:deadzone-intra=6", 0);
    else if (!settings->filmed)
        av_opt_set(codec->priv_data, "x264-params", "subme=1:me=dia", 0);
    av_opt_set(codec->priv_data, "crf", "20", 0);
    /* More bits for what is dark and smooth, where bands would show first. */
    if (!settings->filmed)
        av_opt_set(codec->priv_data, "aq-mode", "3", 0);
    return av_opt_set(codec->priv_data, "preset", preset ? preset : "veryfast", 0);
}

const char *encoder_name(const struct encoder_choice *choice)
{
    return choice->name ? choice->name : "libx264";
}

static int open_codec(struct encoder *encoder, const struct encoder_settings *settings)
{
    const AVCodec *coder = avcodec_find_encoder_by_name(encoder_name(&settings->choice));
    if (!coder || coder->id != AV_CODEC_ID_H264)
        return AVERROR_ENCODER_NOT_FOUND;
    AVCodecContext *codec = encoder->codec = avcodec_alloc_context3(coder);
    if (!codec)
        return AVERROR(ENOMEM);
    codec->width = settings->width;
    codec->height = settings->height;
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->time_base = (AVRational){1, settings->fps};
    codec->framerate = (AVRational){settings->fps, 1};
    codec->sample_aspect_ratio = (AVRational){1, 1};
    codec->color_range = AVCOL_RANGE_MPEG;
    codec->color_primaries = AVCOL_PRI_BT709;
    codec->color_trc = AVCOL_TRC_BT709;
    codec->colorspace = AVCOL_SPC_BT709;
    codec->chroma_sample_location = AVCHROMA_LOC_LEFT;
    /* A key frame every two seconds: players seek well, and thumbnails are found quickly. */
    codec->gop_size = 2 * settings->fps;
    codec->thread_count = settings->threads;
    codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    int result = tune(codec, settings);
    return result < 0 ? result : avcodec_open2(codec, coder, NULL);
}

static int open_beside(struct encoder *encoder, const struct encoder_settings *settings,
                       struct failure *failure)
{
    if (settings->sound &&
        !(encoder->sound = soundtrack_make(settings->sound, encoder->format, failure)))
        return AVERROR_EXTERNAL;
    encoder->captions = settings->captions;
    if (!encoder->captions)
        return 0;
    return captions_open(encoder->captions, encoder->format, settings->width, settings->height,
                         &encoder->captions_track);
}

static int open_file(struct encoder *encoder, const struct encoder_settings *settings,
                     struct failure *failure)
{
    if (!stream_open(settings->fd, true, &encoder->output))
        return AVERROR(ENOMEM);
    int result = avformat_alloc_output_context2(&encoder->format, NULL, "mp4", NULL);
    if (result < 0)
        return result;
    AVFormatContext *format = encoder->format;
    format->opaque = encoder;
    format->io_open = open_again;
    format->io_close2 = close_again;
    format->pb = encoder->output.io;
    format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    encoder->track = avformat_new_stream(format, NULL);
    if (!encoder->track)
        return AVERROR(ENOMEM);
    encoder->track->time_base = encoder->codec->time_base;
    encoder->track->avg_frame_rate = encoder->codec->framerate;
    encoder->track->sample_aspect_ratio = encoder->codec->sample_aspect_ratio;
    result = avcodec_parameters_from_context(encoder->track->codecpar, encoder->codec);
    return result < 0 ? result : open_beside(encoder, settings, failure);
}

bool encoder_try(const struct encoder_choice *choice, struct failure *failure)
{
    struct encoder encoder = {0};
    const struct encoder_settings settings = {
        .width = 1280, .height = 720, .fps = 30, .choice = *choice};
    int result = open_codec(&encoder, &settings);
    avcodec_free_context(&encoder.codec);
    return result >= 0 ||
           failure_set_av(failure, ERROR_INTERNAL, "opening the video encoder", result);
}

static int write_head(struct encoder *encoder)
{
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags", "+faststart", 0);
    int result = avformat_write_header(encoder->format, &options);
    av_dict_free(&options);
    return result;
}

struct encoder *encoder_make(const struct encoder_settings *settings, struct failure *failure)
{
    struct encoder *encoder = calloc(1, sizeof *encoder);
    int result = AVERROR(ENOMEM);
    if (encoder && (encoder->packet = av_packet_alloc()))
        result = open_codec(encoder, settings);
    if (result >= 0)
        result = open_file(encoder, settings, failure);
    if (result >= 0)
        result = write_head(encoder);
    if (result >= 0)
        return encoder;
    if (encoder)
        fail(encoder, failure, "starting the video encoder", result);
    else
        failure_note_av(failure, ERROR_INTERNAL, "starting the video encoder", result);
    encoder_free(encoder);
    return NULL;
}

/* Writes what goes with the pictures before `seconds`. */
static int write_beside(struct encoder *encoder, double seconds, struct failure *failure)
{
    if (encoder->sound && !soundtrack_write(encoder->sound, seconds, failure))
        return AVERROR_EXTERNAL;
    if (!encoder->captions)
        return 0;
    return captions_write(encoder->captions, encoder->format, encoder->captions_track, seconds,
                          &encoder->next_caption);
}

/* Writes what the codec has ready, and before each picture what goes with those before it. */
static int drain(struct encoder *encoder, struct failure *failure)
{
    int result;
    while ((result = avcodec_receive_packet(encoder->codec, encoder->packet)) >= 0) {
        encoder->packet->duration = 1;
        double seconds = (double)encoder->packet->dts * av_q2d(encoder->codec->time_base);
        result = write_beside(encoder, seconds, failure);
        if (result < 0) {
            av_packet_unref(encoder->packet);
            return result;
        }
        av_packet_rescale_ts(encoder->packet, encoder->codec->time_base, encoder->track->time_base);
        encoder->packet->stream_index = encoder->track->index;
        result = av_write_frame(encoder->format, encoder->packet);
        av_packet_unref(encoder->packet);
        if (result < 0 || encoder->output.error)
            return result < 0 ? result : AVERROR(encoder->output.error);
    }
    return result == AVERROR(EAGAIN) || result == AVERROR_EOF ? 0 : result;
}

bool encoder_write(struct encoder *encoder, const AVFrame *frame, struct failure *failure)
{
    AVFrame *numbered = av_frame_clone(frame);
    int result = AVERROR(ENOMEM);
    if (numbered) {
        numbered->pts = encoder->next_frame++;
        result = avcodec_send_frame(encoder->codec, numbered);
        av_frame_free(&numbered);
    }
    if (result >= 0)
        result = drain(encoder, failure);
    return result >= 0 || fail(encoder, failure, "encoding the video", result);
}

bool encoder_finish(struct encoder *encoder, struct failure *failure)
{
    int result = avcodec_send_frame(encoder->codec, NULL);
    if (result >= 0)
        result = drain(encoder, failure);
    if (result >= 0)
        result = write_beside(encoder, INFINITY, failure);
    if (result >= 0)
        result = av_write_trailer(encoder->format);
    if (result >= 0 && encoder->output.error)
        result = AVERROR(encoder->output.error);
    return result >= 0 || fail(encoder, failure, "completing the video", result);
}

void encoder_free(struct encoder *encoder)
{
    if (!encoder)
        return;
    soundtrack_free(encoder->sound);
    avcodec_free_context(&encoder->codec);
    av_packet_free(&encoder->packet);
    avformat_free_context(encoder->format);
    stream_close(&encoder->reread);
    stream_close(&encoder->output);
    free(encoder);
}
