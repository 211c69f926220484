#include "media/desk.h"

#include "media/duck.h"
#include "media/sound.h"

#include <errno.h>
#include <libavutil/error.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = 3, /* clips in one block: two in a cross-fade, and one that just ends */
    FLOATS = DESK_BLOCK * SOUND_CHANNELS,
    RING = DUCK_AHEAD + 1,
    CUT_SAMPLES = 240,         /* a clip's ends are rounded off over 5 ms, against clicks */
    MUSIC_IN = SOUND_RATE / 2, /* the music's first and last fade */
    MUSIC_OUT = 2 * SOUND_RATE,
    MUSIC_REPEATED_MIN = SOUND_RATE /* shorter ones are played once */
};

/* One clip being heard: samples [first, end) of the film. */
struct lane {
    struct sound *sound;
    struct sequence_piece piece;
    int64_t first, end, fade_in, fade_out;
    bool used;
};

struct desk {
    const struct mix_settings *settings;
    double level[MIX_PARTS];
    int64_t at, total; /* samples */
    struct sound *voice, *music;
    int64_t music_at;         /* samples since it began last */
    float ring[RING][FLOATS]; /* of the voice: this block and those ahead */
    int64_t blocks;
    struct duck duck;
    double gain; /* of what is ducked, at the end of the last block */
    struct lane lane[LANES];
    struct sequence_piece next;
    bool has_next;
};

static int64_t sample_of(const struct sequence *sequence, int frame)
{
    return ((int64_t)frame * SOUND_RATE + sequence->fps / 2) / sequence->fps;
}

int64_t mix_length(const struct sequence *sequence)
{
    return sample_of(sequence, sequence->total);
}

static bool open_file(const struct mix_file *file, struct failure *failure,
                      struct sound **ret_sound)
{
    struct sound_wish wish = {.fd = file->fd, .field = file->field};
    return sound_open(&wish, failure, ret_sound);
}

/* Reads a block, zeros after the end. */
static bool read_block(struct sound *sound, float *samples, int count, struct failure *failure,
                       int *ret_count)
{
    int got = 0;
    if (sound && !sound_read(sound, samples, count, failure, &got))
        return false;
    memset(samples + (ptrdiff_t)got * SOUND_CHANNELS, 0,
           (size_t)(count - got) * SOUND_CHANNELS * sizeof *samples);
    *ret_count = got;
    return true;
}

static bool duck_ahead(struct desk *desk, int64_t block, struct failure *failure)
{
    float *samples = desk->ring[block % RING];
    int got;
    if (!read_block(desk->voice, samples, DESK_BLOCK, failure, &got))
        return false;
    double sum = 0;
    for (int i = 0; i < FLOATS; i++) {
        samples[i] *= (float)desk->level[MIX_VOICE];
        sum += (double)samples[i] * (double)samples[i];
    }
    desk->gain = duck_step(&desk->duck, sum / DESK_BLOCK);
    return true;
}

/* The voice is always so far ahead as the ducking must look. */
static bool begin(struct desk *desk, struct failure *failure)
{
    const struct mix_settings *settings = desk->settings;
    if (desk->level[MIX_VOICE] > 0 && !open_file(&settings->voice, failure, &desk->voice))
        return false;
    if (desk->level[MIX_MUSIC] > 0 && !open_file(&settings->music, failure, &desk->music))
        return false;
    desk->has_next = desk->level[MIX_CLIPS] > 0 && sequence_first(settings->sequence, &desk->next);
    for (int i = 0; i < DUCK_AHEAD; i++) {
        if (!duck_ahead(desk, i, failure))
            return false;
    }
    /* Who speaks at once has been waited for. */
    if (desk->duck.speaking > 0) {
        for (int i = 0; i < RING; i++)
            desk->gain = duck_step(&desk->duck, 1);
    }
    return true;
}

struct desk *desk_make(const struct mix_settings *settings, const double level[MIX_PARTS],
                       struct failure *failure)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk) {
        failure_note_av(failure, ERROR_INTERNAL, "mixing the sound", AVERROR(ENOMEM));
        return NULL;
    }
    desk->settings = settings;
    memcpy(desk->level, level, sizeof desk->level);
    desk->total = mix_length(settings->sequence);
    desk->gain = 1;
    if (begin(desk, failure))
        return desk;
    desk_free(desk);
    return NULL;
}

void desk_free(struct desk *desk)
{
    if (!desk)
        return;
    sound_free(desk->voice);
    sound_free(desk->music);
    for (int i = 0; i < LANES; i++)
        sound_free(desk->lane[i].sound);
    free(desk);
}

/* How loud is a sample that is `at` after a beginning and `left` before an end. */
static float edge(int64_t at, int64_t fade_in, int64_t left, int64_t fade_out)
{
    float gain = 1;
    if (at < fade_in)
        gain = sinf((float)M_PI_2 * ((float)at + 0.5f) / (float)fade_in);
    if (left <= fade_out)
        gain *= sinf((float)M_PI_2 * ((float)left - 0.5f) / (float)fade_out);
    return gain;
}

/* The music from its beginning again, as often as needed. */
static bool read_music(struct desk *desk, float *samples, struct failure *failure)
{
    int done = 0;
    while (done < DESK_BLOCK && desk->music) {
        int got;
        if (!sound_read(desk->music, samples + (ptrdiff_t)done * SOUND_CHANNELS, DESK_BLOCK - done,
                        failure, &got))
            return false;
        done += got;
        desk->music_at += got;
        if (done == DESK_BLOCK)
            break;
        sound_free(desk->music);
        desk->music = NULL;
        if (desk->music_at >= MUSIC_REPEATED_MIN &&
            !open_file(&desk->settings->music, failure, &desk->music))
            return false;
        desk->music_at = 0;
    }
    memset(samples + (ptrdiff_t)done * SOUND_CHANNELS, 0,
           (size_t)(DESK_BLOCK - done) * SOUND_CHANNELS * sizeof *samples);
    return true;
}

static bool add_music(struct desk *desk, float *samples, struct failure *failure)
{
    float music[FLOATS];
    if (!read_music(desk, music, failure))
        return false;
    int64_t quarter = desk->total / 4 + 1;
    int64_t in = MUSIC_IN < quarter ? MUSIC_IN : quarter;
    int64_t out = MUSIC_OUT < quarter ? MUSIC_OUT : quarter;
    for (int i = 0; i < DESK_BLOCK; i++) {
        int64_t at = desk->at + i;
        float gain = at < desk->total ? edge(at, in, desk->total - at, out) : 0;
        for (int c = 0; c < SOUND_CHANNELS; c++)
            samples[2 * i + c] += music[2 * i + c] * gain * (float)desk->level[MIX_MUSIC];
    }
    return true;
}

static bool enter(struct desk *desk, struct lane *lane, struct failure *failure)
{
    const struct mix_settings *settings = desk->settings;
    const struct sequence *sequence = settings->sequence;
    const struct mix_clip *clip = &settings->clips[desk->next.clip];
    const struct sequence_piece *piece = &desk->next;
    *lane = (struct lane){.piece = *piece, .used = true};
    lane->first = sample_of(sequence, piece->first);
    lane->end = sample_of(sequence, piece->first + piece->frames);
    int64_t in = sample_of(sequence, piece->fade_in), out = sample_of(sequence, piece->fade_out);
    lane->fade_in = in > CUT_SAMPLES ? in : CUT_SAMPLES;
    lane->fade_out = out > CUT_SAMPLES ? out : CUT_SAMPLES;
    desk->has_next = sequence_next(sequence, piece, &desk->next);
    if (clip->file.fd < 0)
        return true;
    struct sound_wish wish = {.fd = clip->file.fd,
                              .field = clip->file.field,
                              .may_lack = true,
                              .has_zero = true,
                              .zero = clip->start};
    return sound_open(&wish, failure, &lane->sound);
}

static bool add_lane(struct desk *desk, struct lane *lane, float *samples, struct failure *failure)
{
    float own[FLOATS];
    int64_t from = lane->first > desk->at ? lane->first - desk->at : 0;
    int64_t to = lane->end - desk->at < DESK_BLOCK ? lane->end - desk->at : DESK_BLOCK;
    int got = 0;
    if (from < to && !read_block(lane->sound, own, (int)(to - from), failure, &got))
        return false;
    for (int64_t i = from; i < from + got; i++) {
        int64_t at = desk->at + i;
        float gain = edge(at - lane->first, lane->fade_in, lane->end - at, lane->fade_out);
        for (int c = 0; c < SOUND_CHANNELS; c++)
            samples[2 * i + c] += own[2 * (i - from) + c] * gain * (float)desk->level[MIX_CLIPS];
    }
    if (lane->end <= desk->at + DESK_BLOCK) {
        sound_free(lane->sound);
        *lane = (struct lane){0};
    }
    return true;
}

static bool add_clips(struct desk *desk, float *samples, struct failure *failure)
{
    const struct sequence *sequence = desk->settings->sequence;
    for (int i = 0; i < LANES; i++) {
        if (desk->lane[i].used && !add_lane(desk, &desk->lane[i], samples, failure))
            return false;
    }
    for (int i = 0; i < LANES; i++) {
        bool due = desk->has_next && sample_of(sequence, desk->next.first) < desk->at + DESK_BLOCK;
        if (!desk->lane[i].used && due &&
            (!enter(desk, &desk->lane[i], failure) ||
             !add_lane(desk, &desk->lane[i], samples, failure)))
            return false;
    }
    return true;
}

bool desk_block(struct desk *desk, float *samples, struct failure *failure)
{
    double before = desk->gain;
    memset(samples, 0, FLOATS * sizeof *samples);
    if (desk->level[MIX_MUSIC] > 0 && !add_music(desk, samples, failure))
        return false;
    if (desk->level[MIX_CLIPS] > 0 && !add_clips(desk, samples, failure))
        return false;
    if (desk->level[MIX_VOICE] > 0) {
        if (!duck_ahead(desk, desk->blocks + DUCK_AHEAD, failure))
            return false;
        const float *voice = desk->ring[desk->blocks % RING];
        for (int i = 0; i < FLOATS; i++) {
            double step = (double)(i / SOUND_CHANNELS + 1) / DESK_BLOCK;
            double gain = desk->settings->ducking ? before + (desk->gain - before) * step : 1;
            samples[i] = samples[i] * (float)gain + voice[i];
        }
    }
    desk->at += DESK_BLOCK;
    desk->blocks++;
    return true;
}
