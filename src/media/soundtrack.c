#include "media/soundtrack.h"

#include "media/sound.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <stdlib.h>

enum { BITS_PER_SECOND = 160000, FRAME_MAX = 4096 };

struct soundtrack {
    const struct soundtrack_source *source;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *track;
    AVFrame *frame;
    AVPacket *packet;
    int64_t read; /* samples */
    double heard; /* until when packets were written, seconds */
    bool ended;
};

static int open_codec(struct soundtrack *soundtrack)
{
    const AVCodec *aac = avcodec_find_encoder_by_name("aac");
    AVCodecContext *codec = soundtrack->codec = aac ? avcodec_alloc_context3(aac) : NULL;
    if (!codec)
        return AVERROR_ENCODER_NOT_FOUND;
    codec->sample_fmt = AV_SAMPLE_FMT_FLTP;
    codec->sample_rate = SOUND_RATE;
    codec->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_STEREO;
    codec->bit_rate = BITS_PER_SECOND;
    codec->time_base = (AVRational){1, SOUND_RATE};
    codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    int result = avcodec_open2(codec, aac, NULL);
    if (result >= 0 && (codec->frame_size < 1 || codec->frame_size > FRAME_MAX))
        result = AVERROR_BUG;
    return result;
}

static int make_frame(struct soundtrack *soundtrack)
{
    AVFrame *frame = soundtrack->frame = av_frame_alloc();
    if (!frame)
        return AVERROR(ENOMEM);
    frame->format = AV_SAMPLE_FMT_FLTP;
    frame->sample_rate = SOUND_RATE;
    frame->nb_samples = soundtrack->codec->frame_size;
    frame->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_STEREO;
    return av_frame_get_buffer(frame, 0);
}

static int add_track(struct soundtrack *soundtrack)
{
    soundtrack->track = avformat_new_stream(soundtrack->format, NULL);
    if (!soundtrack->track)
        return AVERROR(ENOMEM);
    soundtrack->track->time_base = soundtrack->codec->time_base;
    return avcodec_parameters_from_context(soundtrack->track->codecpar, soundtrack->codec);
}

struct soundtrack *soundtrack_make(const struct soundtrack_source *source, AVFormatContext *format,
                                   struct failure *failure)
{
    struct soundtrack *soundtrack = calloc(1, sizeof *soundtrack);
    int result = AVERROR(ENOMEM);
    if (soundtrack && (soundtrack->packet = av_packet_alloc())) {
        soundtrack->source = source;
        soundtrack->format = format;
        result = open_codec(soundtrack);
    }
    if (result >= 0)
        result = make_frame(soundtrack);
    if (result >= 0)
        result = add_track(soundtrack);
    if (result >= 0)
        return soundtrack;
    failure_note_av(failure, ERROR_INTERNAL, "starting the sound encoder", result);
    soundtrack_free(soundtrack);
    return NULL;
}

void soundtrack_free(struct soundtrack *soundtrack)
{
    if (!soundtrack)
        return;
    avcodec_free_context(&soundtrack->codec);
    av_frame_free(&soundtrack->frame);
    av_packet_free(&soundtrack->packet);
    free(soundtrack);
}

/* Hands the coder its next samples, or the end. */
static bool feed(struct soundtrack *soundtrack, struct failure *failure)
{
    float samples[FRAME_MAX * SOUND_CHANNELS];
    AVFrame *frame = soundtrack->frame;
    int64_t left = soundtrack->source->samples - soundtrack->read;
    int count = soundtrack->codec->frame_size;
    count = left < count ? (int)left : count;
    int result = av_frame_make_writable(frame);
    if (count > 0 && result >= 0) {
        if (!soundtrack->source->read(soundtrack->source->context, samples, count, failure))
            return false;
        for (int c = 0; c < SOUND_CHANNELS; c++) {
            float *plane = (float *)(void *)frame->data[c];
            for (int i = 0; i < count; i++)
                plane[i] = samples[2 * i + c];
        }
        frame->nb_samples = count;
        frame->pts = soundtrack->read;
        soundtrack->read += count;
    }
    if (result >= 0)
        result = avcodec_send_frame(soundtrack->codec, count > 0 ? frame : NULL);
    return result >= 0 || failure_set_av(failure, ERROR_INTERNAL, "encoding the sound", result);
}

static int write_packet(struct soundtrack *soundtrack)
{
    AVPacket *packet = soundtrack->packet;
    soundtrack->heard = (double)(packet->pts + packet->duration) / SOUND_RATE;
    av_packet_rescale_ts(packet, soundtrack->codec->time_base, soundtrack->track->time_base);
    packet->stream_index = soundtrack->track->index;
    return av_write_frame(soundtrack->format, packet);
}

bool soundtrack_write(struct soundtrack *soundtrack, double seconds, struct failure *failure)
{
    while (!soundtrack->ended && soundtrack->heard < seconds) {
        int result = avcodec_receive_packet(soundtrack->codec, soundtrack->packet);
        if (result == AVERROR(EAGAIN)) {
            if (!feed(soundtrack, failure))
                return false;
            continue;
        }
        soundtrack->ended = result == AVERROR_EOF;
        if (result >= 0) {
            result = write_packet(soundtrack);
            av_packet_unref(soundtrack->packet);
        }
        if (result < 0 && !soundtrack->ended)
            return failure_set_av(failure, ERROR_INTERNAL, "encoding the sound", result);
    }
    return true;
}
