#include "media/fixture_compose.h"

#include "media/compose.h"
#include "media/font.h"
#include "media/sound.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture composed;

int fixture_compose_open(void **state)
{
    fixture_init(&composed);
    return 0;
}

int fixture_compose_close(void **state)
{
    fixture_done(&composed);
    font_done();
    return 0;
}

/* Composes; the parameters are JSON with ' for ". */
static struct job compose(const char *parameters, bool *ret_done)
{
    char text[1000];
    snprintf(text, sizeof text, "%s", parameters);
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    json_t *input = json_loads(text, 0, NULL);
    assert_non_null(input);
    struct report report = {.fd = openat(composed.folder.fd, "answers", O_WRONLY | O_CREAT, 0600)};
    struct job job = {.folder = &composed.folder,
                      .limits = &image_limits_default,
                      .directory = "out",
                      .input = input,
                      .report = &report};
    *ret_done = compose_render(&job);
    close(report.fd);
    json_decref(input);
    return job;
}

struct job compose_expect_done(const char *parameters)
{
    bool done;
    struct job job = compose(parameters, &done);
    if (!done)
        fail_msg("%s: %s", parameters, job.failure.text);
    return job;
}

void compose_expect_refused(const char *parameters, const char *field, const char *part)
{
    bool done;
    struct job job = compose(parameters, &done);
    if (done)
        fail_msg("%s was composed", parameters);
    if (strcmp(job.failure.field, field) != 0 || !strstr(job.failure.text, part))
        fail_msg("%s: %s: %s", parameters, job.failure.field, job.failure.text);
    job_discard(&job);
}

struct seen seen_open(int fps)
{
    struct failure failure = {0};
    struct seen seen = {.fd = fixture_open(&composed, "out/output.mp4")};
    seen.source = (struct clip_source){.fd = seen.fd, .field = "output"};
    assert_true(clip_measure(seen.fd, "output", &failure, &seen.source.facts));
    assert_true(clip_open(&seen.source, fps, 1, &failure, &seen.clip));
    return seen;
}

void seen_close(struct seen *seen)
{
    clip_free(seen->clip);
    clip_facts_free(&seen->source.facts);
    close(seen->fd);
}

const AVFrame *seen_frame(struct seen *seen, int index)
{
    struct failure failure = {0};
    const AVFrame *frame = NULL;
    assert_true(clip_frame(seen->clip, index, &failure, &frame));
    return frame;
}

int seen_luma(const AVFrame *frame, double x, double y)
{
    int column = (int)(x * frame->width), row = (int)(y * frame->height);
    return frame->data[0][row * frame->linesize[0] + column];
}

void seen_expect(const AVFrame *frame, double x, double y, int wanted)
{
    int found = seen_luma(frame, x, y);
    if (abs(found - wanted) > 5)
        fail_msg("at (%g, %g) of %d x %d: %d, not %d", x, y, frame->width, frame->height, found,
                 wanted);
}

int seen_number(const AVFrame *frame)
{
    int number = 0;
    for (int i = 0; i < 8; i++)
        number |= (seen_luma(frame, (i + 0.5) / 8, 0.5) > 128) << i;
    return number;
}

float *heard_all(int *ret_count)
{
    enum { MAX = 20 * SOUND_RATE };
    struct failure failure = {0};
    struct sound *sound;
    int fd = fixture_open(&composed, "out/output.mp4");
    struct sound_wish wish = {.fd = fd, .field = "output", .has_zero = true};
    float *samples = malloc(MAX * SOUND_CHANNELS * sizeof *samples);
    assert_true(sound_open(&wish, &failure, &sound));
    assert_true(sound_read(sound, samples, MAX, &failure, ret_count));
    sound_free(sound);
    close(fd);
    return samples;
}

double heard_strength(const float *samples, double from, double to)
{
    double sum = 0;
    int first = (int)(from * SOUND_RATE), last = (int)(to * SOUND_RATE);
    for (int i = first; i < last; i++)
        sum += (double)samples[2 * i] * (double)samples[2 * i];
    return sqrt(sum / (last - first));
}

double heard_strength_of(const float *samples, double from, double to, double hertz)
{
    double real = 0, imaginary = 0;
    int first = (int)(from * SOUND_RATE), last = (int)(to * SOUND_RATE);
    for (int i = first; i < last; i++) {
        double turn = 2 * M_PI * hertz * i / SOUND_RATE;
        real += (double)samples[2 * i] * cos(turn);
        imaginary += (double)samples[2 * i] * sin(turn);
    }
    return hypot(real, imaginary) / (last - first);
}

void compose_make_film(const char *name, int frames, int fps, void (*draw)(AVFrame *, int))
{
    struct fixture_film film = {.name = name,
                                .format = strstr(name, "mkv") ? "matroska" : "mp4",
                                .width = 160,
                                .height = 128,
                                .frames = frames,
                                .fps = fps,
                                .draw = draw};
    fixture_film(&composed, &film);
}

void compose_make_sound(const char *name, double seconds, double (*sample)(double, int))
{
    struct fixture_film film = {.name = name,
                                .format = "wav",
                                .sound_codec = AV_CODEC_ID_PCM_S16LE,
                                .rate = 24000,
                                .channels = 1,
                                .seconds = seconds,
                                .sample = sample};
    fixture_film(&composed, &film);
}
