#include "media/mix.h"

#include "media/desk.h"
#include "media/limiter.h"
#include "media/loudness.h"
#include "media/sound.h"

#include <errno.h>
#include <libavutil/error.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The coder of the sound moves peaks a little, so they stay half a unit under what is promised. */
static const double ceiling = -2.0;
/* What is quieter than this can raise is left quieter, rather than made into noise. */
static const double gain_max = 30;

enum { TELL_BLOCKS = 1000, EDGE_IN = 240, EDGE_OUT = 1440 };

struct mix {
    struct mix_settings settings;
    struct desk *desk;
    struct limiter limiter;
    float gain;
    int64_t at, total;
    float block[DESK_BLOCK * SOUND_CHANNELS];
    int left; /* samples of the block that are not read yet */
};

/* How far the measuring is: so many runs of so many blocks. */
struct survey {
    const struct mix_settings *settings;
    int runs, run;
};

static bool measure(struct survey *survey, const double level[MIX_PARTS], struct failure *failure,
                    double *ret_loudness)
{
    const struct mix_settings *settings = survey->settings;
    struct desk *desk = desk_make(settings, level, failure);
    struct loudness *loudness = malloc(sizeof *loudness);
    int64_t blocks = (mix_length(settings->sequence) + DESK_BLOCK - 1) / DESK_BLOCK;
    bool done = desk && loudness;
    if (done)
        loudness_init(loudness);
    for (int64_t i = 0; i < blocks && done; i++) {
        float samples[DESK_BLOCK * SOUND_CHANNELS];
        done = desk_block(desk, samples, failure);
        if (done)
            loudness_add(loudness, samples, DESK_BLOCK);
        if (i % TELL_BLOCKS == 0 && settings->measured)
            settings->measured(settings->context,
                               (survey->run + (double)i / (double)blocks) / survey->runs);
    }
    survey->run++;
    if (done)
        *ret_loudness = loudness_integrated(loudness);
    free(loudness);
    desk_free(desk);
    return done || failure_set_av(failure, ERROR_INTERNAL, "mixing the sound", AVERROR(ENOMEM));
}

static double gain_for(double loudness, double wanted)
{
    double gain = isfinite(loudness) ? wanted - loudness : 0;
    return pow(10, fmin(gain, gain_max) / 20);
}

static bool is_there(const struct mix_settings *settings, int part)
{
    if (settings->volume[part] <= 0)
        return false;
    if (part == MIX_VOICE)
        return settings->voice.fd >= 0;
    if (part == MIX_MUSIC)
        return settings->music.fd >= 0;
    for (int i = 0; i < settings->sequence->count; i++) {
        if (settings->clips[i].file.fd >= 0)
            return true;
    }
    return false;
}

/* The gains that bring each part to the loudness that its volume asks for, and the sum of them to
 * the film's. */
static bool find_levels(const struct mix_settings *settings, struct failure *failure,
                        double level[MIX_PARTS], double *ret_gain)
{
    int parts = 0;
    for (int i = 0; i < MIX_PARTS; i++)
        parts += is_there(settings, i) ? 1 : 0;
    struct survey survey = {.settings = settings, .runs = parts > 1 ? parts + 1 : 1};
    double loudness = 0;
    for (int i = 0; i < MIX_PARTS; i++) {
        double alone[MIX_PARTS] = {0};
        level[i] = 0;
        if (!is_there(settings, i))
            continue;
        alone[i] = 1;
        if (!measure(&survey, alone, failure, &loudness))
            return false;
        level[i] = gain_for(loudness, settings->loudness) * (parts > 1 ? settings->volume[i] : 1);
    }
    *ret_gain = 1;
    if (parts > 1) {
        if (!measure(&survey, level, failure, &loudness))
            return false;
        *ret_gain = gain_for(loudness, settings->loudness);
    }
    return true;
}

bool mix_make(const struct mix_settings *settings, struct failure *failure, struct mix **ret_mix)
{
    bool any = false;
    for (int i = 0; i < MIX_PARTS; i++)
        any = any || is_there(settings, i);
    if (!any) {
        *ret_mix = NULL;
        return true;
    }
    struct mix *mix = calloc(1, sizeof *mix);
    double level[MIX_PARTS], gain;
    if (!mix)
        return failure_set_av(failure, ERROR_INTERNAL, "mixing the sound", AVERROR(ENOMEM));
    mix->settings = *settings;
    mix->total = mix_length(settings->sequence);
    limiter_init(&mix->limiter, ceiling);
    if (!find_levels(settings, failure, level, &gain) ||
        !(mix->desk = desk_make(&mix->settings, level, failure))) {
        mix_free(mix);
        return false;
    }
    mix->gain = (float)gain;
    mix->at = -LIMITER_DELAY;
    *ret_mix = mix;
    return true;
}

void mix_free(struct mix *mix)
{
    if (!mix)
        return;
    desk_free(mix->desk);
    free(mix);
}

/* The film begins and ends without a click. `at` is of the sound before the limiter. */
static float edge(const struct mix *mix, int64_t at)
{
    int64_t left = mix->total - at;
    float gain = 1;
    if (left <= 0)
        return 0;
    if (at < EDGE_IN)
        gain = ((float)at + 0.5f) / EDGE_IN;
    if (left < EDGE_OUT)
        gain *= (float)left / EDGE_OUT;
    return gain;
}

/* mix->at is the time of the next sample that leaves the limiter; what comes before zero is the
 * limiter's own delay. */
static bool next_block(struct mix *mix, struct failure *failure)
{
    if (!desk_block(mix->desk, mix->block, failure))
        return false;
    for (int i = 0; i < DESK_BLOCK; i++) {
        float gain = mix->gain * edge(mix, mix->at + LIMITER_DELAY + i);
        for (int c = 0; c < SOUND_CHANNELS; c++)
            mix->block[2 * i + c] *= gain;
    }
    limiter_run(&mix->limiter, mix->block, DESK_BLOCK);
    mix->left = DESK_BLOCK;
    mix->at += DESK_BLOCK;
    return true;
}

bool mix_read(struct mix *mix, float *samples, int count, struct failure *failure)
{
    while (count > 0) {
        if (mix->left == 0) {
            bool first = mix->at < 0;
            if (!next_block(mix, failure))
                return false;
            if (first)
                mix->left -= LIMITER_DELAY;
        }
        int take = mix->left < count ? mix->left : count;
        const float *from = mix->block + (ptrdiff_t)(DESK_BLOCK - mix->left) * SOUND_CHANNELS;
        memcpy(samples, from, (size_t)take * SOUND_CHANNELS * sizeof *samples);
        samples += (ptrdiff_t)take * SOUND_CHANNELS;
        mix->left -= take;
        count -= take;
    }
    return true;
}
