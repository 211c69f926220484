/* Loudness against another meter: libavfilter's ebur128. */
#include "media/loudness.h"

#include "base/rng.h"
#include "media/fixture.h"
#include "media/limiter.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 48000 };

struct meter {
    AVFilterGraph *graph;
    AVFilterContext *source, *sink;
};

static struct meter open_meter(void)
{
    struct meter meter = {.graph = avfilter_graph_alloc()};
    AVFilterContext *middle;
    assert_int_equal(avfilter_graph_create_filter(
                         &meter.source, avfilter_get_by_name("abuffer"), "in",
                         "sample_rate=48000:sample_fmt=flt:channel_layout=stereo:time_base=1/48000",
                         NULL, meter.graph),
                     0);
    assert_int_equal(avfilter_graph_create_filter(&middle, avfilter_get_by_name("ebur128"), "meter",
                                                  "metadata=1:peak=true", NULL, meter.graph),
                     0);
    assert_int_equal(avfilter_graph_create_filter(&meter.sink, avfilter_get_by_name("abuffersink"),
                                                  "out", NULL, NULL, meter.graph),
                     0);
    assert_int_equal(avfilter_link(meter.source, 0, middle, 0), 0);
    assert_int_equal(avfilter_link(middle, 0, meter.sink, 0), 0);
    assert_true(avfilter_graph_config(meter.graph, NULL) >= 0);
    return meter;
}

/* What the other meter says of the samples: loudness, and the highest true peak in dB. */
static double other_meter(const float *samples, int count, double *ret_peak)
{
    struct meter meter = open_meter();
    AVFrame *frame = av_frame_alloc(), *out = av_frame_alloc();
    double loudness = 0, peak = 0;
    frame->format = AV_SAMPLE_FMT_FLT;
    frame->sample_rate = RATE;
    frame->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_STEREO;
    frame->nb_samples = count;
    frame->pts = 0;
    assert_true(av_frame_get_buffer(frame, 0) >= 0);
    memcpy(frame->data[0], samples, (size_t)count * 2 * sizeof *samples);
    assert_true(av_buffersrc_add_frame(meter.source, frame) >= 0);
    assert_true(av_buffersrc_add_frame(meter.source, NULL) >= 0);
    while (av_buffersink_get_frame(meter.sink, out) >= 0) {
        const AVDictionaryEntry *entry = av_dict_get(out->metadata, "lavfi.r128.I", NULL, 0);
        if (entry)
            loudness = strtod(entry->value, NULL);
        entry = av_dict_get(out->metadata, "lavfi.r128.true_peaks_ch0", NULL, 0);
        if (entry)
            peak = strtod(entry->value, NULL);
        av_frame_unref(out);
    }
    av_frame_free(&frame);
    av_frame_free(&out);
    avfilter_graph_free(&meter.graph);
    if (ret_peak)
        *ret_peak = 20 * log10(peak);
    return loudness;
}

static double ours(const float *samples, int count)
{
    struct loudness *loudness = malloc(sizeof *loudness);
    assert_non_null(loudness);
    loudness_init(loudness);
    /* In uneven portions: where they end makes no difference. */
    for (int at = 0, step = 1; at < count; at += step, step = step * 7 % 5003)
        loudness_add(loudness, samples + 2 * (ptrdiff_t)at, step < count - at ? step : count - at);
    double units = loudness_integrated(loudness);
    free(loudness);
    return units;
}

/* BS.1770-4, annex 1: a sine of 997 Hz at full scale on one side is -3.01. */
static void a_sine_is_as_loud_as_the_standard_says(void **state)
{
    enum { COUNT = 3 * RATE };
    float *samples = calloc(COUNT * 2, sizeof *samples);
    for (int i = 0; i < COUNT; i++)
        samples[2 * i] = sinf(2 * (float)M_PI * 997 * (float)i / RATE);
    assert_true(fabs(ours(samples, COUNT) + 3.01) < 0.02);
    free(samples);
}

/* Noise whose strength goes up and down, with pauses: gates matter. */
static void another_meter_agrees(void **state)
{
    enum { COUNT = 12 * RATE };
    float *samples = malloc(COUNT * 2 * sizeof *samples);
    struct rng rng;
    rng_init(&rng, 5);
    for (int i = 0; i < COUNT; i++) {
        double at = (double)i / RATE;
        double strength = fmod(at, 3) < 1 ? 0.001 : 0.2 * (1.2 + sin(at));
        for (int c = 0; c < 2; c++)
            samples[2 * i + c] = (float)(strength * (rng_unit(&rng) - 0.5));
    }
    double theirs = other_meter(samples, COUNT, NULL), mine = ours(samples, COUNT);
    if (fabs(theirs - mine) > 0.1)
        fail_msg("%g LUFS, the other meter says %g", mine, theirs);
    free(samples);
}

static void silence_and_moments_have_a_loudness_too(void **state)
{
    float samples[2 * 4800] = {0};
    assert_true(isinf(ours(samples, 4800)) && ours(samples, 4800) < 0);
    assert_true(isinf(ours(samples, 0)));
    for (int i = 0; i < 4800; i++)
        samples[2 * i] = sinf(2 * (float)M_PI * 997 * (float)i / RATE);
    assert_true(fabs(ours(samples, 4800) + 3.01) < 0.2);
}

/* Peaks between the samples are found, brought under the ceiling, and the rest is left alone. */
static void true_peaks_stay_under_the_ceiling(void **state)
{
    enum { COUNT = 2 * RATE };
    float *samples = calloc((COUNT + LIMITER_DELAY) * 2, sizeof *samples);
    struct limiter *limiter = malloc(sizeof *limiter);
    limiter_init(limiter, -2);
    for (int i = 0; i < COUNT; i++) {
        /* A quarter of the rate, between the samples' times: 3 dB more than any sample shows. */
        double strength = i < RATE ? 0.5 : i < RATE * 3 / 2 ? 1.3 : 0.5;
        samples[2 * i] = (float)(strength * sin(M_PI / 2 * i + M_PI / 4));
        samples[2 * i + 1] = 0.1f;
    }
    limiter_run(limiter, samples, COUNT + LIMITER_DELAY);
    double peak;
    other_meter(samples + (ptrdiff_t)2 * LIMITER_DELAY, COUNT, &peak);
    assert_true(peak <= -1.9);
    assert_true(peak >= -3);
    for (int i = RATE / 4; i < RATE / 2; i++) {
        float wanted = (float)(0.5 * sin(M_PI / 2 * i + M_PI / 4));
        assert_true(fabsf(samples[2 * (i + LIMITER_DELAY)] - wanted) < 1e-5f);
    }
    free(limiter);
    free(samples);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sine_is_as_loud_as_the_standard_says),
        cmocka_unit_test(another_meter_agrees),
        cmocka_unit_test(silence_and_moments_have_a_loudness_too),
        cmocka_unit_test(true_peaks_stay_under_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
