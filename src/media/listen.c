#include "media/listen.h"

#include "media/stream.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/samplefmt.h>
#include <math.h>

enum { FRAMES_AT_PLACE = 6, PACKETS_AT_PLACE = 200 };

static const double silent_below = 0.001;

struct source {
    struct stream stream;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    int track;
};

static bool source_open(int fd, const char *demuxer, struct source *source)
{
    source->packet = av_packet_alloc();
    source->frame = av_frame_alloc();
    source->format = avformat_alloc_context();
    if (!source->packet || !source->frame || !source->format ||
        !stream_open(fd, false, &source->stream))
        return false;
    source->format->pb = source->stream.io;
    source->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    const AVCodec *decoder = NULL;
    if (avformat_open_input(&source->format, NULL, av_find_input_format(demuxer), NULL) < 0 ||
        avformat_find_stream_info(source->format, NULL) < 0)
        return false;
    source->track = av_find_best_stream(source->format, AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
    source->codec = source->track >= 0 ? avcodec_alloc_context3(decoder) : NULL;
    return source->codec &&
           avcodec_parameters_to_context(source->codec,
                                         source->format->streams[source->track]->codecpar) >= 0 &&
           avcodec_open2(source->codec, decoder, NULL) >= 0;
}

static void source_close(struct source *source)
{
    avcodec_free_context(&source->codec);
    av_packet_free(&source->packet);
    av_frame_free(&source->frame);
    avformat_close_input(&source->format);
    stream_close(&source->stream);
}

static double loudness_of(const uint8_t *data, int index, enum AVSampleFormat format)
{
    switch ((int)format) {
    case AV_SAMPLE_FMT_U8:
        return fabs(data[index] - 128.0) / 128;
    case AV_SAMPLE_FMT_S16:
        return fabs((double)((const int16_t *)(const void *)data)[index]) / 32768;
    case AV_SAMPLE_FMT_S32:
        return fabs((double)((const int32_t *)(const void *)data)[index]) / 2147483648.0;
    case AV_SAMPLE_FMT_FLT:
        return fabs((double)((const float *)(const void *)data)[index]);
    case AV_SAMPLE_FMT_DBL:
        return fabs(((const double *)(const void *)data)[index]);
    default:
        return 1; /* what can't be judged is not called silent */
    }
}

static double peak_of(const AVFrame *frame)
{
    enum AVSampleFormat format = frame->format;
    int channels = frame->ch_layout.nb_channels;
    bool planar = av_sample_fmt_is_planar(format);
    int planes = planar ? channels : 1, count = frame->nb_samples * (planar ? 1 : channels);
    double peak = 0;
    for (int plane = 0; plane < planes; plane++) {
        for (int i = 0; i < count; i++)
            peak = fmax(peak, loudness_of(frame->extended_data[plane], i,
                                          av_get_packed_sample_fmt(format)));
    }
    return peak;
}

static void hear_place(struct source *source, struct listen *heard)
{
    int packets = 0, frames = 0;
    while (packets < PACKETS_AT_PLACE && frames < FRAMES_AT_PLACE) {
        int result = avcodec_receive_frame(source->codec, source->frame);
        if (result >= 0) {
            heard->decodes = true;
            heard->peak = fmax(heard->peak, peak_of(source->frame));
            frames++;
            continue;
        }
        if (result != AVERROR(EAGAIN) || av_read_frame(source->format, source->packet) < 0)
            return;
        packets++;
        if (source->packet->stream_index == source->track)
            (void)avcodec_send_packet(source->codec, source->packet);
        av_packet_unref(source->packet);
    }
}

struct listen listen_file(int fd, const char *demuxer)
{
    struct source source = {0};
    struct listen heard = {0};
    bool opened = source_open(fd, demuxer, &source);
    int64_t length = opened && source.format->duration > 0 ? source.format->duration : 0;
    for (int i = 0; opened && i < LISTEN_PLACES && listen_is_silent(&heard); i++) {
        if (i > 0 &&
            av_seek_frame(source.format, -1, length * i / LISTEN_PLACES, AVSEEK_FLAG_BACKWARD) >= 0)
            avcodec_flush_buffers(source.codec);
        hear_place(&source, &heard);
    }
    source_close(&source);
    return heard;
}

bool listen_is_silent(const struct listen *heard)
{
    return heard->peak < silent_below;
}
