#include "media/sample.h"

#include "media/flatten.h"
#include "media/stream.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <string.h>

enum {
    GREY_WIDTH = 160,
    GREY_HEIGHT = 90,
    PARTS_ACROSS = 16,
    PARTS_DOWN = 9,
    /* Frames and packets read to come from one place to the next; a file that needs more is looked
     * at where it gets to. */
    FRAMES_BETWEEN = 130,
    PACKETS_BETWEEN = 2000,
    LIGHTNESSES = 256,
    KEYS_MIN = 4, /* with fewer key frames, those between are looked at too */
    KEYS_MAX = 16,
    TAIL_FRAMES = 6,
};

_Static_assert(KEYS_MAX + TAIL_FRAMES <= SAMPLE_FRAMES, "each place has room for its frame");

/* What counts as black, as one colour, and as standing still, in steps of lightness. */
static const double black_below = 32, blank_below = 2.0, frozen_below = 1.5;

struct source {
    struct stream stream;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame, *best;
    struct SwsContext *scaler;
    struct plane grey;
    uint8_t first[GREY_WIDTH * GREY_HEIGHT];
    int track;
    bool drained;
};

static int source_open(int fd, const char *demuxer, const struct image_limits *limits,
                       struct source *source)
{
    source->packet = av_packet_alloc();
    source->frame = av_frame_alloc();
    source->best = av_frame_alloc();
    source->format = avformat_alloc_context();
    if (!source->packet || !source->frame || !source->best || !source->format ||
        !plane_make(GREY_WIDTH, GREY_HEIGHT, &source->grey) ||
        !stream_open(fd, false, &source->stream))
        return AVERROR(ENOMEM);
    source->format->pb = source->stream.io;
    source->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    int result = avformat_open_input(&source->format, NULL, av_find_input_format(demuxer), NULL);
    if (result >= 0)
        result = avformat_find_stream_info(source->format, NULL);
    const AVCodec *decoder = NULL;
    if (result >= 0)
        result = av_find_best_stream(source->format, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (result < 0)
        return result;
    source->track = result;
    source->codec = avcodec_alloc_context3(decoder);
    if (!source->codec)
        return AVERROR(ENOMEM);
    source->codec->max_pixels = limits->pixels_max;
    source->codec->thread_count = 2;
    /* Frames that no other needs are half of a film, and as good as their neighbours; what rounds
     * off the blocks of the others is not seen on a small picture. */
    source->codec->skip_frame = AVDISCARD_NONREF;
    source->codec->skip_loop_filter = AVDISCARD_NONKEY;
    result = avcodec_parameters_to_context(source->codec,
                                           source->format->streams[source->track]->codecpar);
    return result < 0 ? result : avcodec_open2(source->codec, decoder, NULL);
}

static void source_close(struct source *source)
{
    sws_freeContext(source->scaler);
    plane_free(&source->grey);
    avcodec_free_context(&source->codec);
    av_packet_free(&source->packet);
    av_frame_free(&source->frame);
    av_frame_free(&source->best);
    avformat_close_input(&source->format);
    stream_close(&source->stream);
}

static double seconds_of(const struct source *source, int64_t moment)
{
    const AVStream *track = source->format->streams[source->track];
    int64_t start = track->start_time == AV_NOPTS_VALUE ? 0 : track->start_time;
    return moment == AV_NOPTS_VALUE ? 0 : (double)(moment - start) * av_q2d(track->time_base);
}

/* ---------------------------------------------------------------- one frame */

struct sample_frame sample_measure(const struct plane *grey)
{
    struct sample_frame seen = {0};
    unsigned many[LIGHTNESSES] = {0};
    double sum = 0, squares = 0, steps = 0, count = (double)grey->width * grey->height;
    for (int y = 0; y < grey->height; y++) {
        const uint8_t *row = plane_row(grey, y);
        const uint8_t *above = plane_row(grey, y > 0 ? y - 1 : 0);
        for (int x = 0; x < grey->width; x++) {
            int value = row[x];
            sum += value;
            squares += (double)value * value;
            steps += abs(value - row[x > 0 ? x - 1 : 0]) + abs(value - above[x]);
            many[value]++;
        }
    }
    seen.mean = sum / count;
    seen.deviation = sqrt(fmax(squares / count - seen.mean * seen.mean, 0));
    seen.detail = steps / (2 * count);
    double brighter = 0;
    int level = LIGHTNESSES - 1;
    for (; level > 0 && brighter < count / 100; level--)
        brighter += many[level];
    seen.brightest = level;
    return seen;
}

double sample_worth(const struct sample_frame *frame)
{
    /* Half the worth is gone 75 steps from the middle. */
    double off = (frame->mean - 118) / 75;
    double exposure = 1 / (1 + off * off);
    double contrast = fmin(frame->deviation / 30, 1);
    return (0.2 + exposure) * (0.05 + contrast) * (0.5 + fmin(frame->detail, 12));
}

/* The largest mean difference of any part of the picture from the first frame. */
static double difference(const uint8_t *first, const struct plane *grey)
{
    enum { ACROSS = GREY_WIDTH / PARTS_ACROSS, DOWN = GREY_HEIGHT / PARTS_DOWN };
    double largest = 0;
    for (int part = 0; part < PARTS_ACROSS * PARTS_DOWN; part++) {
        int left = part % PARTS_ACROSS * ACROSS, top = part / PARTS_ACROSS * DOWN, sum = 0;
        for (int y = top; y < top + DOWN; y++) {
            const uint8_t *row = plane_row(grey, y) + left, *other = first + y * GREY_WIDTH + left;
            for (int x = 0; x < ACROSS; x++)
                sum += abs(row[x] - other[x]);
        }
        largest = fmax(largest, (double)sum / (ACROSS * DOWN));
    }
    return largest;
}

static bool look_at_frame(struct source *source, struct sample *sample)
{
    const AVFrame *frame = source->frame;
    struct plane *grey = &source->grey;
    source->scaler =
        sws_getCachedContext(source->scaler, frame->width, frame->height, frame->format, GREY_WIDTH,
                             GREY_HEIGHT, AV_PIX_FMT_GRAY8, SWS_AREA, NULL, NULL, NULL);
    uint8_t *data[4] = {grey->data};
    int stride[4] = {(int)grey->stride};
    if (!source->scaler || sws_scale(source->scaler, (const uint8_t *const *)frame->data,
                                     frame->linesize, 0, frame->height, data, stride) <= 0)
        return false;
    struct sample_frame seen = sample_measure(grey);
    seen.seconds = seconds_of(source, frame->best_effort_timestamp);
    if (sample->count == 0) {
        for (int y = 0; y < GREY_HEIGHT; y++)
            memcpy(source->first + y * GREY_WIDTH, plane_row(grey, y), GREY_WIDTH);
    }
    sample->change = fmax(sample->change, difference(source->first, grey));
    double best = 0;
    for (int i = 0; i < sample->count; i++)
        best = fmax(best, sample_worth(&sample->frames[i]));
    sample->frames[sample->count++] = seen;
    /* The next frame must be clearly better, so that among equals an early one is taken. */
    if (sample->count == 1 || sample_worth(&seen) > best * 1.03) {
        av_frame_unref(source->best);
        return av_frame_ref(source->best, source->frame) >= 0;
    }
    return true;
}

/* ---------------------------------------------------------------- from frame to frame */

static int feed(struct source *source)
{
    int result = av_read_frame(source->format, source->packet);
    if (result == AVERROR_EOF) {
        source->drained = true;
        return avcodec_send_packet(source->codec, NULL);
    }
    if (result < 0)
        return result;
    if (source->packet->stream_index == source->track)
        result = avcodec_send_packet(source->codec, source->packet);
    av_packet_unref(source->packet);
    return result;
}

/* Leaves the first frame at or after `target` in source->frame; 1 when there is one, 0 at the end,
 * or an error. */
static int advance(struct source *source, struct sample *sample, double target)
{
    for (int packets = 0, frames = 0; packets < PACKETS_BETWEEN && frames < FRAMES_BETWEEN;) {
        int result = avcodec_receive_frame(source->codec, source->frame);
        if (result == AVERROR_EOF)
            return 0;
        if (result == AVERROR(EAGAIN)) {
            packets++;
            result = feed(source);
            if (result < 0)
                return result;
            continue;
        }
        if (result < 0)
            return result;
        frames++;
        sample->faults += source->frame->decode_error_flags != 0;
        sample->reaches = seconds_of(source, source->frame->best_effort_timestamp);
        if (sample->reaches >= target)
            return 1;
    }
    return 1;
}

/* Jumps ahead when a key frame lies between here and there. */
static void jump(struct source *source, double target, double here)
{
    AVStream *track = source->format->streams[source->track];
    int64_t start = track->start_time == AV_NOPTS_VALUE ? 0 : track->start_time;
    int64_t wanted = start + (int64_t)(target / av_q2d(track->time_base));
    int index = av_index_search_timestamp(track, wanted, AVSEEK_FLAG_BACKWARD);
    const AVIndexEntry *entry = index < 0 ? NULL : avformat_index_get_entry(track, index);
    if (!entry || seconds_of(source, entry->timestamp) <= here + 0.2)
        return;
    if (av_seek_frame(source->format, source->track, wanted, AVSEEK_FLAG_BACKWARD) >= 0) {
        avcodec_flush_buffers(source->codec);
        source->drained = false;
    }
}

static double length_of(const struct source *source)
{
    const AVStream *track = source->format->streams[source->track];
    if (track->duration > 0)
        return (double)track->duration * av_q2d(track->time_base);
    return source->format->duration > 0 ? (double)source->format->duration / AV_TIME_BASE : 0;
}

/* The first frame at or after `target`; as advance. */
static int look_at(struct source *source, struct sample *sample, double target)
{
    av_frame_unref(source->frame);
    int result = advance(source, sample, target);
    if (result > 0 && !look_at_frame(source, sample))
        return AVERROR(ENOMEM);
    sample->faults += result < 0;
    /* One bad place does not spoil the rest. */
    if (result < 0 && sample->count > 0 && sample->faults < SAMPLE_FRAMES / 2)
        result = 1;
    return result;
}

static int look_evenly(struct source *source, struct sample *sample)
{
    double length = length_of(source);
    int result = 1;
    for (int i = 0; i < SAMPLE_FRAMES && result > 0; i++) {
        double target = length * i / (SAMPLE_FRAMES - 0.5);
        if (i > 0)
            jump(source, target, sample->reaches);
        result = look_at(source, sample, target);
    }
    return result;
}

/* ---------------------------------------------------------------- from key frame to key frame */

/* Where the key frames are that shall be looked at; their number, 0 when there are too few. */
static int find_keys(const AVStream *track, int64_t ret_keys[static KEYS_MAX])
{
    int entries = avformat_index_get_entries_count(track), total = 0, count = 0;
    for (int i = 0; i < entries; i++)
        total += (avformat_index_get_entry((AVStream *)(uintptr_t)track, i)->flags &
                  AVINDEX_KEYFRAME) != 0;
    if (total < KEYS_MIN)
        return 0;
    for (int i = 0, key = 0; i < entries && count < KEYS_MAX; i++) {
        const AVIndexEntry *entry = avformat_index_get_entry((AVStream *)(uintptr_t)track, i);
        if (!(entry->flags & AVINDEX_KEYFRAME))
            continue;
        int64_t next = total > KEYS_MAX ? (int64_t)(total - 1) * count / (KEYS_MAX - 1) : count;
        if (key++ == next)
            ret_keys[count++] = entry->timestamp;
    }
    return count;
}

static int go_to(struct source *source, int64_t moment)
{
    int result = av_seek_frame(source->format, source->track, moment, AVSEEK_FLAG_BACKWARD);
    avcodec_flush_buffers(source->codec);
    source->drained = false;
    return result;
}

/* Key frames alone, which need no others, and then the way from the last one to the end, where it
 * shows whether there is one. */
static int look_at_keys(struct source *source, struct sample *sample, const int64_t *keys,
                        int count)
{
    int result = 1;
    source->codec->skip_frame = AVDISCARD_NONKEY;
    for (int i = 0; i < count && result > 0; i++) {
        result = go_to(source, keys[i]);
        result = result < 0 ? result : look_at(source, sample, 0);
    }
    source->codec->skip_frame = AVDISCARD_NONREF;
    double from = seconds_of(source, keys[count - 1]), length = length_of(source);
    if (result > 0)
        result = go_to(source, keys[count - 1]);
    for (int i = 1; i <= TAIL_FRAMES && result >= 0; i++) {
        result = look_at(source, sample, from + (length - from) * i / (TAIL_FRAMES + 0.5));
        if (result == 0)
            break;
    }
    return result;
}

static int look_around(struct source *source, struct sample *sample)
{
    int64_t keys[KEYS_MAX];
    int count = find_keys(source->format->streams[source->track], keys);
    int result =
        count > 0 ? look_at_keys(source, sample, keys, count) : look_evenly(source, sample);
    return sample->count > 0 ? 0 : result < 0 ? result : AVERROR_INVALIDDATA;
}

bool sample_video(int fd, const char *demuxer, const struct image_limits *limits,
                  struct failure *failure, struct sample *ret_sample)
{
    struct source source = {0};
    struct sample sample = {0};
    int result = source_open(fd, demuxer, limits, &source);
    if (result >= 0)
        result = look_around(&source, &sample);
    if (result >= 0 && !flatten_frame(source.best, &sample.best))
        result = AVERROR(ENOMEM);
    source_close(&source);
    if (result < 0)
        return failure_set_av(failure, ERROR_OUTPUT_INVALID, "decoding the video", result);
    *ret_sample = sample;
    return true;
}

void sample_done(struct sample *sample)
{
    picture_free(&sample->best);
}

bool sample_is_black(const struct sample *sample)
{
    for (int i = 0; i < sample->count; i++) {
        if (sample->frames[i].brightest >= black_below)
            return false;
    }
    return sample->count > 0;
}

bool sample_is_blank(const struct sample *sample)
{
    for (int i = 0; i < sample->count; i++) {
        if (sample->frames[i].deviation >= blank_below)
            return false;
    }
    return sample->count > 0;
}

bool sample_is_frozen(const struct sample *sample)
{
    return sample->count > 2 && sample->change < frozen_below;
}
