/* The sound of whole films: in time, as loud as asked for, the voice over the music. */
#include "media/mix.h"

#include "media/fixture_compose.h"
#include "media/loudness.h"
#include "media/sound.h"

#include <math.h>
#include <stdlib.h>

enum { FLASH_AT = 13 /* frame of 20 a second */ };

static void draw_flash(AVFrame *frame, int n)
{
    fixture_fill(frame, n == FLASH_AT ? 235 : 16, 128, 128);
}

static double sample_beep(double seconds, int channel)
{
    return seconds >= FLASH_AT / 20.0 && seconds < FLASH_AT / 20.0 + 0.1
               ? 0.5 * sin(2 * M_PI * 1000 * seconds)
               : 0;
}

static void make_flash(const char *name, const char *format, enum AVCodecID codec,
                       enum AVCodecID sound, int rate)
{
    struct fixture_film film = {.name = name,
                                .format = format,
                                .width = 160,
                                .height = 128,
                                .frames = 30,
                                .fps = 20,
                                .codec = codec,
                                .draw = draw_flash,
                                .sound_codec = sound,
                                .rate = rate,
                                .channels = 2,
                                .seconds = 1.5,
                                .sample = sample_beep};
    fixture_film(&composed, &film);
}

static void picture_and_sound_stay_together(void **state)
{
    make_flash("flash.mp4", "mp4", AV_CODEC_ID_H264, AV_CODEC_ID_AAC, 44100);
    make_flash("flash.webm", "webm", AV_CODEC_ID_VP8, AV_CODEC_ID_OPUS, 48000);
    make_flash("flash.mkv", "matroska", AV_CODEC_ID_H264, AV_CODEC_ID_FLAC, 32000);
    struct job job = compose_expect_done(
        "{'videoUrls':['flash.mp4','flash.webm','flash.mkv']," COMPOSE_SMALL ",'fps':40}");
    int count;
    assert_true(llabs(job.output.frames - 180) <= 2);
    float *samples = heard_all(&count);
    struct seen seen = seen_open(40);
    double heard = -1, shown = -1;
    int flashes = 0, beeps = 0, dark = 1;
    for (int n = 0; n < job.output.frames; n++) {
        if (dark && seen_luma(seen_frame(&seen, n), 0.5, 0.5) > 128) {
            shown = n / 40.0;
            flashes++;
            /* The beep that belongs to it begins within a frame of 20 a second. */
            for (int i = (int)((shown - 0.2) * SOUND_RATE); i < count; i++) {
                if (fabsf(samples[2 * i]) > 0.1f) {
                    heard = (double)i / SOUND_RATE;
                    beeps++;
                    break;
                }
            }
            if (fabs(heard - shown) > 0.026)
                fail_msg("flash at %g, beep at %g", shown, heard);
        }
        dark = seen_luma(seen_frame(&seen, n), 0.5, 0.5) <= 128;
    }
    assert_int_equal(flashes, 3);
    assert_int_equal(beeps, 3);
    seen_close(&seen);
    free(samples);
}

/* Something like speech: syllables of a low voice, a pause of a second every three. */
static double sample_voice(double seconds, int channel)
{
    if (fmod(seconds, 4) > 2.6)
        return 0;
    return 0.05 * sin(2 * M_PI * 300 * seconds) * (0.6 + 0.4 * sin(2 * M_PI * 4 * seconds));
}

static double sample_music(double seconds, int channel)
{
    return 0.4 * sin(2 * M_PI * 1000 * seconds);
}

static double loudness_of(const float *samples, int count)
{
    struct loudness *loudness = malloc(sizeof *loudness);
    loudness_init(loudness);
    loudness_add(loudness, samples, count);
    double units = loudness_integrated(loudness);
    free(loudness);
    return units;
}

static void expect_loudness(const char *parameters, double wanted)
{
    int count;
    compose_expect_done(parameters);
    float *samples = heard_all(&count);
    double found = loudness_of(samples, count);
    free(samples);
    if (fabs(found - wanted) > 1)
        fail_msg("%s: %g LUFS", parameters, found);
}

static void films_are_as_loud_as_asked_for(void **state)
{
    compose_make_film("black.mp4", 20, 20, fixture_black);
    compose_make_sound("speech.wav", 8, sample_voice);
    compose_make_sound("music.wav", 3, sample_music);
    expect_loudness("{'videoUrl':'black.mp4','audioUrl':'speech.wav'," COMPOSE_SMALL "}", -16);
    expect_loudness(
        "{'videoUrl':'black.mp4','audioUrl':'speech.wav','musicUrl':'music.wav'," COMPOSE_SMALL "}",
        -16);
    expect_loudness("{'videoUrl':'black.mp4','musicUrl':'music.wav','duration':6," COMPOSE_SMALL
                    ",'loudness':-23}",
                    -23);
    expect_loudness("{'videoUrl':'flash.mp4'," COMPOSE_SMALL ",'loudness':-27}", -27);
}

static void music_gives_way_to_the_voice(void **state)
{
    int count;
    const char *with = "{'videoUrl':'black.mp4','audioUrl':'speech.wav','musicUrl':'music.wav',"
                       "'musicVolume':1," COMPOSE_SMALL "}";
    compose_expect_done(with);
    float *samples = heard_all(&count);
    double under = heard_strength_of(samples, 1, 2.4, 1000);
    double alone = heard_strength_of(samples, 3.7, 3.79, 1000);
    double again = heard_strength_of(samples, 5, 6.4, 1000);
    free(samples);
    if (20 * log10(alone / under) < 6 || 20 * log10(alone / again) < 6)
        fail_msg("music: %g alone, %g and %g under the voice", alone, under, again);
    compose_expect_done("{'videoUrl':'black.mp4','audioUrl':'speech.wav','musicUrl':'music.wav',"
                        "'musicVolume':1,'ducking':false," COMPOSE_SMALL "}");
    samples = heard_all(&count);
    under = heard_strength_of(samples, 1, 2.4, 1000);
    alone = heard_strength_of(samples, 3.7, 3.79, 1000);
    assert_true(fabs(20 * log10(alone / under)) < 1);
    /* The end is faded out. */
    assert_true(heard_strength(samples, 7.95, 8) < heard_strength(samples, 6.8, 7) / 3);
    free(samples);
}

static void silence_stays_silent(void **state)
{
    compose_make_sound("silent.wav", 1, fixture_silence);
    struct job job =
        compose_expect_done("{'videoUrl':'black.mp4','audioUrl':'silent.wav'," COMPOSE_SMALL "}");
    int count;
    assert_true(job.output.has_audio);
    float *samples = heard_all(&count);
    assert_true(heard_strength(samples, 0, 0.9) < 1e-5);
    free(samples);
    job = compose_expect_done("{'videoUrl':'flash.mp4','clipVolume':0," COMPOSE_SMALL "}");
    assert_false(job.output.has_audio);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picture_and_sound_stay_together),
        cmocka_unit_test(films_are_as_loud_as_asked_for),
        cmocka_unit_test(music_gives_way_to_the_voice),
        cmocka_unit_test(silence_stays_silent),
    };
    return cmocka_run_group_tests(tests, fixture_compose_open, fixture_compose_close);
}
