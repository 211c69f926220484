#include "media/sound.h"

#include "media/fixture_film.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fixture fixture;

/* All samples of a file, at most four seconds; the caller frees. */
static float *read_all(const struct sound_wish *wish, int *ret_count)
{
    enum { MAX = 4 * SOUND_RATE };
    struct sound *sound;
    struct failure failure = {0};
    float *samples = malloc(MAX * SOUND_CHANNELS * sizeof *samples);
    if (!sound_open(wish, &failure, &sound))
        fail_msg("%s", failure.text);
    assert_non_null(sound);
    int done = 0, got = 1;
    for (int portion = 1; got > 0 && done < MAX; portion = portion * 5 % 3001 + 1) {
        int want = portion < MAX - done ? portion : MAX - done;
        if (!sound_read(sound, samples + (ptrdiff_t)2 * done, want, &failure, &got))
            fail_msg("%s", failure.text);
        done += got;
    }
    sound_free(sound);
    *ret_count = done;
    return samples;
}

static double strength(const float *samples, int from, int to, int channel)
{
    double sum = 0;
    for (int i = from; i < to; i++)
        sum += pow((double)samples[2 * i + channel], 2);
    return sqrt(sum / (to - from));
}

static const struct form {
    const char *name, *format;
    enum AVCodecID codec;
    int rate, channels;
    double slack; /* seconds by which its length may be off */
} forms[] = {
    {"mono.wav", "wav", AV_CODEC_ID_PCM_S16LE, 22050, 1, 0.0001},
    {"stereo.wav", "wav", AV_CODEC_ID_PCM_F32LE, 96000, 2, 0.0001},
    {"six.wav", "wav", AV_CODEC_ID_PCM_S16LE, 48000, 6, 0.0001},
    {"a.flac", "flac", AV_CODEC_ID_FLAC, 44100, 2, 0.0001},
    {"a.m4a", "mp4", AV_CODEC_ID_AAC, 44100, 2, 0.024},
    {"six.m4a", "mp4", AV_CODEC_ID_AAC, 48000, 6, 0.022},
    {"a.aac", "adts", AV_CODEC_ID_AAC, 44100, 1, 0.05},
    {"a.ogg", "ogg", AV_CODEC_ID_VORBIS, 44100, 2, 0.03},
    {"a.webm", "webm", AV_CODEC_ID_OPUS, 48000, 2, 0.03},
};

static void every_form_becomes_48_khz_stereo(void **state)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const struct form *form = &forms[i];
        struct fixture_film film = {.name = form->name,
                                    .format = form->format,
                                    .sound_codec = form->codec,
                                    .rate = form->rate,
                                    .channels = form->channels,
                                    .seconds = 1.5,
                                    .sample = fixture_tone};
        if (!avcodec_find_encoder(form->codec))
            continue;
        fixture_film(&fixture, &film);
        int count, fd = fixture_open(&fixture, form->name);
        struct sound_wish wish = {.fd = fd, .field = "audioUrl"};
        float *samples = read_all(&wish, &count);
        if (fabs((double)count / SOUND_RATE - 1.5) > form->slack)
            fail_msg("%s has %d samples", form->name, count);
        for (int c = 0; c < 2; c++) {
            double rms = strength(samples, 12000, 60000, c);
            /* Six like channels are as strong as their sum, mixed down. */
            if (rms < 0.045 || rms > 0.2)
                fail_msg("%s, channel %d: %g", form->name, c, rms);
        }
        double seconds;
        struct failure failure = {0};
        assert_true(sound_length(&wish, 100, &failure, &seconds));
        assert_true(fabs(seconds - (double)count / SOUND_RATE) < 1e-9);
        free(samples);
        close(fd);
    }
}

/* What lies before the zero is left out, what begins after it has silence before it. */
static void a_film_says_where_zero_is(void **state)
{
    struct fixture_film film = {.name = "tone.wav",
                                .format = "wav",
                                .sound_codec = AV_CODEC_ID_PCM_S16LE,
                                .rate = 48000,
                                .channels = 1,
                                .seconds = 1,
                                .sample = fixture_tone};
    fixture_film(&fixture, &film);
    int count, fd = fixture_open(&fixture, "tone.wav");
    struct sound_wish wish = {.fd = fd, .field = "audioUrl", .has_zero = true, .zero = 0.25};
    float *samples = read_all(&wish, &count);
    assert_int_equal(count, 36000);
    free(samples);
    wish.zero = -0.5;
    samples = read_all(&wish, &count);
    assert_int_equal(count, 72000);
    assert_true(strength(samples, 0, 24000, 0) == 0);
    assert_true(strength(samples, 24000, 72000, 0) > 0.04);
    free(samples);
    close(fd);
}

static void expect_refused(const char *name, const char *part)
{
    struct failure failure = {0};
    struct sound *sound = NULL;
    int got = 1, fd = fixture_open(&fixture, name);
    struct sound_wish wish = {.fd = fd, .field = "audioUrl"};
    float samples[2 * 1000];
    bool done = sound_open(&wish, &failure, &sound);
    while (done && got > 0)
        done = sound_read(sound, samples, 1000, &failure, &got);
    sound_free(sound);
    close(fd);
    if (done)
        fail_msg("%s was read", name);
    assert_int_equal(failure.code, ERROR_VALIDATION);
    assert_string_equal(failure.field, "audioUrl");
    if (!strstr(failure.text, part))
        fail_msg("%s: %s", name, failure.text);
}

static void what_is_no_sound_is_refused(void **state)
{
    static const char list[] = "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n";
    static const char concat[] = "ffconcat version 1.0\nfile /etc/passwd\n";
    fixture_write(&fixture, "empty", "", 0);
    fixture_write(&fixture, "list.m3u8", list, sizeof list - 1);
    fixture_write(&fixture, "list.txt", concat, sizeof concat - 1);
    fixture_write(&fixture, "text.mp3", "ID3 but then only words and words", 33);
    expect_refused("empty", "empty");
    expect_refused("list.m3u8", "playlist");
    expect_refused("list.txt", "playlist");
    expect_refused("text.mp3", "MP3");
    size_t size;
    uint8_t *data = fixture_read(&fixture, "tone.wav", &size);
    fixture_write(&fixture, "cut.wav", data, size / 3);
    free(data);
    expect_refused("cut.wav", "cut off");
    struct fixture_film silent = {.name = "silent.mp4",
                                  .format = "mp4",
                                  .width = 32,
                                  .height = 32,
                                  .frames = 5,
                                  .fps = 10,
                                  .draw = fixture_black};
    fixture_film(&fixture, &silent);
    expect_refused("silent.mp4", "no sound");
}

static int open_folder(void **state)
{
    fixture_init(&fixture);
    return 0;
}

static int close_folder(void **state)
{
    fixture_done(&fixture);
    return 0;
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_becomes_48_khz_stereo),
        cmocka_unit_test(a_film_says_where_zero_is),
        cmocka_unit_test(what_is_no_sound_is_refused),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
