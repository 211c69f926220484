#include "media/sound.h"

#include "media/track.h"

#include <errno.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Times of packets are rounded to milliseconds and worse; only more than this is a real gap. */
static const double gap_seconds = 0.05;

enum {
    SAMPLES_MAX = 1 << 22, /* that one frame may become */
    CHANNELS_MAX = 64      /* libswresample's own limit */
};

struct sound {
    struct track *track;
    struct SwrContext *resampler;
    AVFrame *frame;
    int rate; /* of the frames that the resampler was made for */
    enum AVSampleFormat format;
    AVChannelLayout layout;
    float *ready; /* stereo */
    int ready_count, ready_at, ready_max;
    int64_t silence; /* samples of it before what is ready */
    int64_t drop;    /* samples to be thrown away first */
    int64_t made;    /* samples since zero, silence included */
    double zero;
    bool has_zero, ended;
};

bool sound_open(const struct sound_wish *wish, struct failure *failure, struct sound **ret_sound)
{
    struct sound *sound = calloc(1, sizeof *sound);
    struct track_wish track = {.fd = wish->fd,
                               .field = wish->field,
                               .type = AVMEDIA_TYPE_AUDIO,
                               .threads = 1,
                               .may_lack = wish->may_lack};
    if (!sound || !(sound->frame = av_frame_alloc())) {
        sound_free(sound);
        return failure_set_av(failure, ERROR_INTERNAL, "opening a sound", AVERROR(ENOMEM));
    }
    if (!track_open(&track, failure, &sound->track) || !sound->track) {
        bool lacks = failure->code == ERROR_NONE;
        sound_free(sound);
        if (lacks)
            *ret_sound = NULL;
        return lacks;
    }
    sound->has_zero = wish->has_zero;
    sound->zero = wish->zero;
    *ret_sound = sound;
    return true;
}

void sound_free(struct sound *sound)
{
    if (!sound)
        return;
    track_free(sound->track);
    swr_free(&sound->resampler);
    av_channel_layout_uninit(&sound->layout);
    av_frame_free(&sound->frame);
    free(sound->ready);
    free(sound);
}

/* Room for `count` more samples at the end of what is ready. */
static bool reserve(struct sound *sound, int count)
{
    int left = sound->ready_count - sound->ready_at;
    if (sound->ready_at > 0)
        memmove(sound->ready, sound->ready + (ptrdiff_t)sound->ready_at * SOUND_CHANNELS,
                (size_t)left * SOUND_CHANNELS * sizeof *sound->ready);
    sound->ready_at = 0;
    sound->ready_count = left;
    if (count > SAMPLES_MAX - left)
        return false;
    if (left + count <= sound->ready_max)
        return true;
    size_t size = (size_t)(left + count) * SOUND_CHANNELS * sizeof *sound->ready;
    float *larger = realloc(sound->ready, size);
    if (!larger)
        return false;
    sound->ready = larger;
    sound->ready_max = left + count;
    return true;
}

/* Converts a frame, or with NULL what the resampler still holds. */
static int convert(struct sound *sound, const AVFrame *frame)
{
    int in_count = frame ? frame->nb_samples : 0;
    int count = swr_get_out_samples(sound->resampler, in_count);
    if (count < 0 || !reserve(sound, count))
        return AVERROR(ENOMEM);
    uint8_t *target = (uint8_t *)(sound->ready + (ptrdiff_t)sound->ready_count * SOUND_CHANNELS);
    const uint8_t *source[CHANNELS_MAX] = {NULL};
    int planes = frame && av_sample_fmt_is_planar(sound->format) ? frame->ch_layout.nb_channels : 1;
    for (int i = 0; frame && i < planes && i < CHANNELS_MAX; i++)
        source[i] = frame->extended_data[i];
    int made = swr_convert(sound->resampler, &target, count, frame ? source : NULL, in_count);
    if (made < 0)
        return made;
    sound->ready_count += made;
    sound->made += made;
    return 0;
}

/* Makes the resampler anew when the first frame comes, and when a stream changes its form. */
static int adapt(struct sound *sound, const AVFrame *frame)
{
    if (sound->resampler && sound->rate == frame->sample_rate &&
        sound->format == (enum AVSampleFormat)frame->format &&
        av_channel_layout_compare(&sound->layout, &frame->ch_layout) == 0)
        return 0;
    int result = sound->resampler ? convert(sound, NULL) : 0;
    if (frame->ch_layout.nb_channels > CHANNELS_MAX)
        result = AVERROR(EINVAL);
    if (result < 0)
        return result;
    swr_free(&sound->resampler);
    AVChannelLayout stereo = AV_CHANNEL_LAYOUT_STEREO, source = {0};
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&source, frame->ch_layout.nb_channels);
    else
        result = av_channel_layout_copy(&source, &frame->ch_layout);
    if (result >= 0)
        result =
            swr_alloc_set_opts2(&sound->resampler, &stereo, AV_SAMPLE_FMT_FLT, SOUND_RATE, &source,
                                (enum AVSampleFormat)frame->format, frame->sample_rate, 0, NULL);
    av_channel_layout_uninit(&source);
    if (result >= 0)
        result = swr_init(sound->resampler);
    av_channel_layout_uninit(&sound->layout);
    if (result >= 0)
        result = av_channel_layout_copy(&sound->layout, &frame->ch_layout);
    sound->rate = frame->sample_rate;
    sound->format = (enum AVSampleFormat)frame->format;
    return result;
}

/* Silence or a cut where the frame's time is not where the samples so far have led. */
static void place(struct sound *sound, const AVFrame *frame)
{
    int64_t stamp = frame->best_effort_timestamp;
    if (stamp == AV_NOPTS_VALUE)
        return;
    double at = (double)stamp * av_q2d(track_stream(sound->track)->time_base);
    if (!sound->has_zero) {
        sound->has_zero = true;
        sound->zero = at;
    }
    double now = (double)(sound->made - sound->drop) / SOUND_RATE;
    if (sound->resampler)
        now += (double)swr_get_delay(sound->resampler, SOUND_RATE) / SOUND_RATE;
    double off = at - sound->zero - now;
    bool first = sound->made == 0 && sound->drop == 0;
    if (fabs(off) < (first ? 0 : gap_seconds) || fabs(off) > TRACK_SECONDS_MAX)
        return;
    int64_t samples = llround(off * SOUND_RATE);
    if (samples > 0) {
        sound->silence += samples;
        sound->made += samples;
    } else {
        sound->drop -= samples;
    }
}

static bool fill(struct sound *sound, struct failure *failure)
{
    bool end;
    if (!track_next(sound->track, failure, sound->frame, &end))
        return false;
    int result = 0;
    if (end) {
        sound->ended = true;
        if (sound->resampler)
            result = convert(sound, NULL);
    } else {
        /* Silence stands before what is ready, so nothing else may be. */
        place(sound, sound->frame);
        result = adapt(sound, sound->frame);
        if (result >= 0)
            result = convert(sound, sound->frame);
        av_frame_unref(sound->frame);
    }
    return result >= 0 || failure_set_av(failure, ERROR_INTERNAL, "reading a sound", result);
}

/* Takes what is to be dropped off what is there. */
static void drop(struct sound *sound)
{
    int64_t silent = sound->drop < sound->silence ? sound->drop : sound->silence;
    sound->silence -= silent;
    sound->drop -= silent;
    int64_t ready = sound->ready_count - sound->ready_at;
    int64_t loud = sound->drop < ready ? sound->drop : ready;
    sound->ready_at += (int)loud;
    sound->drop -= loud;
    sound->made -= silent + loud;
}

bool sound_read(struct sound *sound, float *samples, int count, struct failure *failure,
                int *ret_count)
{
    int done = 0;
    while (done < count) {
        drop(sound);
        int64_t take = count - done;
        float *target = samples + (ptrdiff_t)done * SOUND_CHANNELS;
        if (sound->silence > 0) {
            take = take < sound->silence ? take : sound->silence;
            memset(target, 0, (size_t)take * SOUND_CHANNELS * sizeof *target);
            sound->silence -= take;
        } else if (sound->ready_count > sound->ready_at) {
            int64_t ready = sound->ready_count - sound->ready_at;
            take = take < ready ? take : ready;
            memcpy(target, sound->ready + (ptrdiff_t)sound->ready_at * SOUND_CHANNELS,
                   (size_t)take * SOUND_CHANNELS * sizeof *target);
            sound->ready_at += (int)take;
        } else if (sound->ended) {
            break;
        } else {
            if (!fill(sound, failure))
                return false;
            continue;
        }
        done += (int)take;
    }
    *ret_count = done;
    return true;
}

bool sound_length(const struct sound_wish *wish, double max, struct failure *failure,
                  double *ret_seconds)
{
    enum { PORTION = 4800 };
    float samples[PORTION * SOUND_CHANNELS];
    struct sound *sound;
    int64_t total = 0;
    int got = PORTION;
    if (!sound_open(wish, failure, &sound))
        return false;
    bool done = true;
    while (done && got == PORTION && (double)total < max * SOUND_RATE) {
        done = sound_read(sound, samples, PORTION, failure, &got);
        total += done ? got : 0;
    }
    sound_free(sound);
    if (done)
        *ret_seconds = (double)total / SOUND_RATE;
    return done;
}
