#include "media/fixture_film.h"

#include <fcntl.h>
#include <libavutil/display.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct maker {
    const struct fixture_film *film;
    AVFormatContext *format;
    AVCodecContext *picture, *sound;
    AVStream *picture_track, *sound_track;
    int64_t written; /* samples */
};

static AVCodecContext *open_codec(enum AVCodecID id, const AVFormatContext *format)
{
    const AVCodec *codec = avcodec_find_encoder(id);
    assert_non_null(codec);
    AVCodecContext *context = avcodec_alloc_context3(codec);
    assert_non_null(context);
    if (format->oformat->flags & AVFMT_GLOBALHEADER)
        context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    context->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    return context;
}

static AVStream *add_track(AVFormatContext *format, AVCodecContext *codec, const char *options)
{
    AVDictionary *dictionary = NULL;
    av_dict_parse_string(&dictionary, options, "=", ":", 0);
    assert_true(avcodec_open2(codec, NULL, &dictionary) >= 0);
    av_dict_free(&dictionary);
    AVStream *track = avformat_new_stream(format, NULL);
    assert_non_null(track);
    assert_true(avcodec_parameters_from_context(track->codecpar, codec) >= 0);
    track->time_base = codec->time_base;
    return track;
}

static void open_picture(struct maker *maker)
{
    const struct fixture_film *film = maker->film;
    AVCodecContext *codec = open_codec(film->codec ? film->codec : AV_CODEC_ID_H264, maker->format);
    codec->width = film->width;
    codec->height = film->height;
    codec->pix_fmt = film->pixels ? film->pixels : AV_PIX_FMT_YUV420P;
    codec->time_base = (AVRational){1, film->fps};
    codec->framerate = (AVRational){film->fps, 1};
    codec->sample_aspect_ratio = film->pixel.num ? film->pixel : (AVRational){1, 1};
    codec->thread_count = 1;
    codec->bit_rate = 4000000;
    maker->picture = codec;
    maker->picture_track =
        add_track(maker->format, codec, "preset=ultrafast:crf=8:bf=2:deadline=realtime:cpu-used=8");
    maker->picture_track->sample_aspect_ratio = codec->sample_aspect_ratio;
    maker->picture_track->avg_frame_rate = codec->framerate;
    if (film->turn) {
        int32_t *matrix = (int32_t *)(void *)av_stream_new_side_data(
            maker->picture_track, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
        assert_non_null(matrix);
        av_display_rotation_set(matrix, film->turn);
    }
}

static void open_sound(struct maker *maker)
{
    const struct fixture_film *film = maker->film;
    AVCodecContext *codec = open_codec(film->sound_codec, maker->format);
    codec->sample_rate = film->rate;
    codec->sample_fmt = codec->codec->sample_fmts[0];
    codec->time_base = (AVRational){1, film->rate};
    av_channel_layout_default(&codec->ch_layout, film->channels);
    codec->bit_rate = 64000 * film->channels;
    maker->sound = codec;
    maker->sound_track = add_track(maker->format, codec, "");
}

static void encode(struct maker *maker, AVCodecContext *codec, const AVStream *track,
                   AVFrame *frame)
{
    AVPacket *packet = av_packet_alloc();
    assert_true(avcodec_send_frame(codec, frame) >= 0);
    while (avcodec_receive_packet(codec, packet) >= 0) {
        if (codec == maker->picture)
            packet->duration = 1;
        av_packet_rescale_ts(packet, codec->time_base, track->time_base);
        packet->stream_index = track->index;
        assert_true(av_interleaved_write_frame(maker->format, packet) >= 0);
    }
    av_packet_free(&packet);
}

static void write_pictures(struct maker *maker)
{
    for (int n = 0; n < maker->film->frames; n++) {
        AVFrame *frame = av_frame_alloc();
        frame->width = maker->picture->width;
        frame->height = maker->picture->height;
        frame->format = maker->picture->pix_fmt;
        assert_true(av_frame_get_buffer(frame, 0) >= 0);
        maker->film->draw(frame, n);
        frame->pts = n;
        encode(maker, maker->picture, maker->picture_track, frame);
        av_frame_free(&frame);
    }
    encode(maker, maker->picture, maker->picture_track, NULL);
}

static void put_sample(AVFrame *frame, int channel, int at, double value)
{
    bool planar = av_sample_fmt_is_planar((enum AVSampleFormat)frame->format);
    uint8_t *plane = frame->extended_data[planar ? channel : 0];
    int place = planar ? at : at * frame->ch_layout.nb_channels + channel;
    enum AVSampleFormat packed = av_get_packed_sample_fmt((enum AVSampleFormat)frame->format);
    if (packed == AV_SAMPLE_FMT_FLT)
        ((float *)(void *)plane)[place] = (float)value;
    else if (packed == AV_SAMPLE_FMT_S16)
        ((int16_t *)(void *)plane)[place] = (int16_t)lrint(value * 32767);
    else
        fail_msg("sample format %d", frame->format);
}

static void write_sound(struct maker *maker)
{
    AVCodecContext *codec = maker->sound;
    int64_t total = llround(maker->film->seconds * codec->sample_rate);
    int size = codec->frame_size ? codec->frame_size : 1024;
    while (maker->written < total) {
        AVFrame *frame = av_frame_alloc();
        int64_t left = total - maker->written;
        frame->nb_samples = left < size ? (int)left : size;
        frame->format = codec->sample_fmt;
        frame->sample_rate = codec->sample_rate;
        assert_true(av_channel_layout_copy(&frame->ch_layout, &codec->ch_layout) >= 0);
        assert_true(av_frame_get_buffer(frame, 0) >= 0);
        for (int i = 0; i < frame->nb_samples; i++) {
            double at = (double)(maker->written + i) / codec->sample_rate;
            for (int c = 0; c < codec->ch_layout.nb_channels; c++)
                put_sample(frame, c, i, maker->film->sample(at, c));
        }
        frame->pts = maker->written;
        maker->written += frame->nb_samples;
        encode(maker, codec, maker->sound_track, frame);
        av_frame_free(&frame);
    }
    encode(maker, codec, maker->sound_track, NULL);
}

void fixture_film(const struct fixture *fixture, const struct fixture_film *film)
{
    char path[200];
    struct maker maker = {.film = film};
    snprintf(path, sizeof path, "%s/%s", fixture->path, film->name);
    assert_true(avformat_alloc_output_context2(&maker.format, NULL, film->format, path) >= 0);
    if (film->frames > 0)
        open_picture(&maker);
    if (film->seconds > 0)
        open_sound(&maker);
    assert_true(avio_open(&maker.format->pb, path, AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(maker.format, NULL) >= 0);
    if (film->frames > 0)
        write_pictures(&maker);
    if (film->seconds > 0)
        write_sound(&maker);
    assert_true(av_write_trailer(maker.format) >= 0);
    avio_closep(&maker.format->pb);
    avcodec_free_context(&maker.picture);
    avcodec_free_context(&maker.sound);
    avformat_free_context(maker.format);
}

void fixture_fill(AVFrame *frame, int y, int u, int v)
{
    const int values[3] = {y, u, v};
    for (int i = 0; i < 3 && frame->data[i]; i++) {
        int rows =
            i && frame->format != AV_PIX_FMT_YUV444P ? (frame->height + 1) / 2 : frame->height;
        memset(frame->data[i], values[i], (size_t)frame->linesize[i] * (size_t)rows);
    }
}

void fixture_black(AVFrame *frame, int n)
{
    fixture_fill(frame, 16, 128, 128);
}

void fixture_white(AVFrame *frame, int n)
{
    fixture_fill(frame, 235, 128, 128);
}

void fixture_counting(AVFrame *frame, int n)
{
    fixture_black(frame, 0);
    for (int y = 0; y < frame->height; y++) {
        for (int x = 0; x < frame->width; x++) {
            if (n >> (x * 8 / frame->width) & 1)
                frame->data[0][y * frame->linesize[0] + x] = 235;
        }
    }
}

void fixture_corners(AVFrame *frame, int n)
{
    fixture_fill(frame, 0, 128, 128);
    for (int y = 0; y < frame->height; y++) {
        for (int x = 0; x < frame->width; x++) {
            bool right = x >= frame->width / 2, low = y >= frame->height / 2;
            frame->data[0][y * frame->linesize[0] + x] = (uint8_t)(low     ? (right ? 140 : 200)
                                                                   : right ? 90
                                                                           : 40);
        }
    }
}

double fixture_tone(double seconds, int channel)
{
    return 0.1 * sin(2 * M_PI * 440 * seconds);
}

double fixture_low_tone(double seconds, int channel)
{
    return 0.1 * sin(2 * M_PI * 100 * seconds);
}

double fixture_silence(double seconds, int channel)
{
    return 0;
}
