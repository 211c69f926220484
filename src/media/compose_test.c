/* Films from end to end: what goes in is made here, what comes out is decoded and looked at. */
#include "media/compose.h"

#include "media/fixture_compose.h"
#include "media/sound.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void clips_follow_each_other_to_the_frame(void **state)
{
    compose_make_film("count.mp4", 20, 20, fixture_counting);
    compose_make_film("white.mp4", 10, 20, fixture_white);
    struct job job = compose_expect_done(
        "{'videoUrls':['count.mp4','white.mp4','count.mp4']," COMPOSE_SMALL "}");
    assert_int_equal(job.output.frames, 50);
    assert_int_equal(job.output.duration_ms, 2500);
    assert_false(job.output.has_audio);
    struct seen seen = seen_open(20);
    for (int n = 0; n < 50; n++)
        assert_int_equal(seen_number(seen_frame(&seen, n)), n < 20 ? n : n < 30 ? 255 : n - 30);
    seen_close(&seen);
}

/* At another rate each frame is the nearest in time; Matroska's milliseconds do no harm. */
static void rates_are_changed_evenly(void **state)
{
    static const int rates[][2] = {{60, 30}, {24, 48}, {25, 30}, {30, 30}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        char request[200];
        int from = rates[i][0], to = rates[i][1], last = -1;
        compose_make_film("rate.mkv", from, from, fixture_counting);
        snprintf(request, sizeof request, "{'videoUrl':'rate.mkv'," COMPOSE_SMALL ",'fps':%d}", to);
        struct job job = compose_expect_done(request);
        assert_true(llabs(job.output.frames - to) <= 1);
        struct seen seen = seen_open(to);
        for (int n = 0; n < to - 1; n++) {
            int shown = seen_number(seen_frame(&seen, n));
            double wanted = (double)n * from / to;
            if (fabs(shown - wanted) > 0.51 + 0.05 * from / to || shown < last)
                fail_msg("%d to %d: frame %d shows %d after %d", from, to, n, shown, last);
            last = shown;
        }
        seen_close(&seen);
    }
}

static void a_cross_fade_meets_in_the_middle(void **state)
{
    compose_make_film("black.mp4", 20, 20, fixture_black);
    struct job job =
        compose_expect_done("{'videoUrls':['black.mp4','white.mp4'],'transition':'fade',"
                            "'transitionSeconds':0.25," COMPOSE_SMALL "}");
    assert_int_equal(job.output.frames, 25);
    struct seen seen = seen_open(20);
    seen_expect(seen_frame(&seen, 14), 0.5, 0.5, 16);
    seen_expect(seen_frame(&seen, 17), 0.5, 0.5, (16 + 235) / 2);
    seen_expect(seen_frame(&seen, 20), 0.5, 0.5, 235);
    seen_close(&seen);
}

static void the_film_is_as_long_as_the_voice(void **state)
{
    compose_make_sound("voice.wav", 1.71, fixture_tone);
    struct job job =
        compose_expect_done("{'videoUrl':'count.mp4','audioUrl':'voice.wav'," COMPOSE_SMALL "}");
    assert_int_equal(job.output.frames, 34);
    assert_true(job.output.has_audio);
    struct seen seen = seen_open(20);
    assert_int_equal(seen_number(seen_frame(&seen, 19)), 19);
    assert_int_equal(seen_number(seen_frame(&seen, 20)), 0);
    seen_close(&seen);
    job = compose_expect_done(
        "{'videoUrl':'count.mp4','audioUrl':'voice.wav','loop':false," COMPOSE_SMALL "}");
    assert_int_equal(job.output.frames, 34);
    seen = seen_open(20);
    assert_int_equal(seen_number(seen_frame(&seen, 33)), 19);
    seen_close(&seen);
    job = compose_expect_done(
        "{'videoUrl':'count.mp4','audioUrl':'voice.wav','duration':0.5," COMPOSE_SMALL "}");
    assert_int_equal(job.output.frames, 10);
    int count;
    float *samples = heard_all(&count);
    assert_true(count >= 24000 && count < 24000 + 1024);
    free(samples);
}

static void shapes_are_cut_or_shown_whole(void **state)
{
    struct fixture_film film = {.name = "corners.mp4",
                                .format = "mp4",
                                .width = 320,
                                .height = 180,
                                .frames = 3,
                                .fps = 12,
                                .draw = fixture_corners};
    fixture_film(&composed, &film);
    struct job job = compose_expect_done("{'videoUrl':'corners.mp4','width':144,'height':256}");
    assert_int_equal(job.output.width, 144);
    assert_int_equal(job.output.height, 256);
    struct seen seen = seen_open(12);
    const AVFrame *frame = seen_frame(&seen, 0);
    seen_expect(frame, 0.02, 0.02, 40);
    seen_expect(frame, 0.98, 0.02, 90);
    seen_expect(frame, 0.02, 0.98, 200);
    seen_expect(frame, 0.98, 0.98, 140);
    seen_expect(frame, 0.47, 0.47, 40);
    seen_close(&seen);
    compose_expect_done("{'videoUrl':'corners.mp4','width':144,'height':256,'fit':'fit',"
                        "'background':'black'}");
    seen = seen_open(12);
    frame = seen_frame(&seen, 0);
    seen_expect(frame, 0.5, 0.1, 16);
    seen_expect(frame, 0.5, 0.9, 16);
    seen_expect(frame, 0.02, 0.36, 40);
    seen_expect(frame, 0.98, 0.64, 140);
    seen_close(&seen);
    compose_expect_done("{'videoUrl':'corners.mp4','width':144,'height':256,'fit':'fit'}");
    seen = seen_open(12);
    frame = seen_frame(&seen, 0);
    /* The ground is the picture too, darker. */
    seen_expect(frame, 0.05, 0.05, 16 + (40 - 16) * 140 / 256);
    seen_expect(frame, 0.05, 0.95, 16 + (200 - 16) * 140 / 256);
    seen_close(&seen);
    job = compose_expect_done("{'videoUrl':'corners.mp4','aspectRatio':'1:1','resolution':'480p'}");
    assert_int_equal(job.output.width, 480);
    assert_int_equal(job.output.height, 480);
}

static void a_turned_film_is_upright(void **state)
{
    /* The corners' lumas clockwise from the upper left, after turning clockwise. */
    static const int wanted[4][4] = {
        {40, 90, 140, 200}, {200, 40, 90, 140}, {140, 200, 40, 90}, {90, 140, 200, 40}};
    for (int quarter = 0; quarter < 4; quarter++) {
        struct fixture_film film = {.name = "turned.mp4",
                                    .format = "mp4",
                                    .width = 320,
                                    .height = 160,
                                    .frames = 3,
                                    .fps = 12,
                                    .turn = 90 * quarter,
                                    .draw = fixture_corners};
        fixture_film(&composed, &film);
        struct job job = compose_expect_done("{'videoUrl':'turned.mp4'}");
        assert_int_equal(job.output.width, quarter % 2 ? 160 : 320);
        assert_int_equal(job.output.height, quarter % 2 ? 320 : 160);
        struct seen seen = seen_open(12);
        const AVFrame *frame = seen_frame(&seen, 1);
        seen_expect(frame, 0.1, 0.1, wanted[quarter][0]);
        seen_expect(frame, 0.9, 0.1, wanted[quarter][1]);
        seen_expect(frame, 0.9, 0.9, wanted[quarter][2]);
        seen_expect(frame, 0.1, 0.9, wanted[quarter][3]);
        seen_close(&seen);
    }
}

static void wide_pixels_and_other_formats_are_understood(void **state)
{
    struct fixture_film film = {.name = "disc.mp4",
                                .format = "mp4",
                                .width = 180,
                                .height = 144,
                                .frames = 2,
                                .fps = 25,
                                .pixels = AV_PIX_FMT_YUV444P,
                                .pixel = {64, 45},
                                .draw = fixture_corners};
    fixture_film(&composed, &film);
    struct job job = compose_expect_done("{'videoUrl':'disc.mp4'}");
    assert_int_equal(job.output.width, 256);
    assert_int_equal(job.output.height, 144);
    struct seen seen = seen_open(25);
    seen_expect(seen_frame(&seen, 0), 0.25, 0.25, 40);
    seen_expect(seen_frame(&seen, 0), 0.75, 0.75, 140);
    seen_close(&seen);
}

static void the_same_request_gives_the_same_frames(void **state)
{
    const char *request = "{'videoUrls':['count.mp4','corners.mp4'],'transition':'fade','fit':"
                          "'fit','width':144,'height':256,'duration':3}";
    struct job first = compose_expect_done(request), second = compose_expect_done(request);
    assert_string_equal(first.frames_hash, second.frames_hash);
}

static void cut_file(const char *from, const char *to, double part)
{
    size_t size;
    uint8_t *data = fixture_read(&composed, from, &size);
    fixture_write(&composed, to, data, (size_t)((double)size * part));
    free(data);
}

static void what_can_not_be_used_is_refused_by_its_name(void **state)
{
    static const char list[] = "#EXTM3U\n/etc/passwd\n";
    fixture_write(&composed, "list", list, sizeof list - 1);
    fixture_write(&composed, "bad.json", "{\"words\":[{\"word\":1}]}", 22);
    compose_make_film("long.mkv", 120, 20, fixture_counting);
    cut_file("count.mp4", "cut.mp4", 0.9);
    cut_file("long.mkv", "cut.mkv", 0.5);
    compose_expect_refused("{}", "videoUrl", "missing");
    compose_expect_refused("{'videoUrls':[]}", "videoUrls", "1 to 20");
    compose_expect_refused("{'videoUrls':['black.mp4',5]}", "videoUrls[1]", "text");
    compose_expect_refused("{'videoUrls':['black.mp4','list']}", "videoUrls[1]", "playlist");
    compose_expect_refused("{'videoUrl':'cut.mp4'}", "videoUrl", "cut off");
    compose_expect_refused("{'videoUrl':'cut.mkv'}", "videoUrl", "cut off");
    compose_expect_refused("{'videoUrl':'voice.wav'}", "videoUrl", "WAV");
    compose_expect_refused("{'videoUrl':'../black.mp4'}", "videoUrl", "relative");
    compose_expect_refused("{'videoUrl':'black.mp4','audioUrl':'black.mp4'}", "audioUrl",
                           "no sound");
    compose_expect_refused("{'videoUrl':'black.mp4','audioUrl':'bad.json'}", "audioUrl", "unknown");
    compose_expect_refused("{'videoUrl':'black.mp4','wordsUrl':'bad.json'}", "wordsUrl", "");
    compose_expect_refused("{'videoUrl':'black.mp4','subtitles':'burn'}", "wordsUrl", "missing");
    compose_expect_refused("{'videoUrl':'black.mp4','fit':'stretch'}", "fit", "crop, fit");
    compose_expect_refused("{'videoUrl':'black.mp4','duration':0.1}", "duration", "0.5");
    compose_expect_refused("{'videoUrl':'black.mp4','loop':1}", "loop", "true or false");
    compose_expect_refused("{'videoUrl':'black.mp4','width':100}", "width", "128");
    compose_expect_refused("{'videoUrl':'black.mp4','loudness':0}", "loudness", "-9");
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clips_follow_each_other_to_the_frame),
        cmocka_unit_test(rates_are_changed_evenly),
        cmocka_unit_test(a_cross_fade_meets_in_the_middle),
        cmocka_unit_test(the_film_is_as_long_as_the_voice),
        cmocka_unit_test(shapes_are_cut_or_shown_whole),
        cmocka_unit_test(a_turned_film_is_upright),
        cmocka_unit_test(wide_pixels_and_other_formats_are_understood),
        cmocka_unit_test(the_same_request_gives_the_same_frames),
        cmocka_unit_test(what_can_not_be_used_is_refused_by_its_name),
    };
    return cmocka_run_group_tests(tests, fixture_compose_open, fixture_compose_close);
}
