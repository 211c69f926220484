/* The words of whole films: in the picture when they are spoken, as a track, and as files. */
#include "media/compose_words.h"

#include "media/fixture_compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_words(const char *name, const int *starts, int count)
{
    char text[1000] = "{\"language\":\"en\",\"words\":[";
    for (int i = 0; i < count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used,
                 "%s{\"word\":\"Word.\",\"startMs\":%d,\"endMs\":%d}", i ? "," : "", starts[i],
                 starts[i] + 250);
    }
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "]}");
    fixture_write(&composed, name, text, strlen(text));
}

/* Whether anything bright is in the picture. */
static bool has_text(const AVFrame *frame)
{
    for (int y = 0; y < frame->height; y++) {
        for (int x = 0; x < frame->width; x++) {
            if (frame->data[0][y * frame->linesize[0] + x] > 120)
                return true;
        }
    }
    return false;
}

static void words_appear_when_they_are_spoken(void **state)
{
    static const int starts[] = {340, 1733, 3000, 5250};
    enum { COUNT = sizeof starts / sizeof starts[0], FPS = 25 };
    static const char *const styles[] = {"plain", "karaoke", "boxed"};
    compose_make_film("black.mp4", 20, 20, fixture_black);
    make_words("words.json", starts, COUNT);
    compose_make_sound("six.wav", 6.5, fixture_low_tone);
    for (size_t style = 0; style < sizeof styles / sizeof styles[0]; style++) {
        char request[400];
        snprintf(request, sizeof request,
                 "{'videoUrl':'black.mp4','audioUrl':'six.wav','wordsUrl':'words.json',"
                 "'width':256,'height':256,'fps':%d,'subtitleStyle':'%s'}",
                 FPS, styles[style]);
        struct job job = compose_expect_done(request);
        assert_int_equal(job.extra_count, 3);
        assert_string_equal(job.extras[0].file, "out/output.srt");
        struct seen seen = seen_open(FPS);
        bool was = false;
        int found = 0;
        for (int n = 0; n < job.output.frames; n++) {
            bool is = has_text(seen_frame(&seen, n));
            double ms = n * 1000.0 / FPS;
            if (is && !was) {
                assert_true(found < COUNT);
                if (ms < starts[found] - 0.5 || ms > starts[found] + 1000.0 / FPS)
                    fail_msg("%s: word at %d is seen at %g", styles[style], starts[found], ms);
                found++;
            }
            was = is;
        }
        assert_int_equal(found, COUNT);
        seen_close(&seen);
    }
}

static void subtitles_may_be_a_track_or_files(void **state)
{
    size_t size;
    struct job job =
        compose_expect_done("{'videoUrl':'black.mp4','wordsUrl':'words.json','duration':6,"
                            "'subtitles':'track','width':256,'height':256}");
    assert_int_equal(job.extra_count, 3);
    struct seen seen = seen_open(20);
    for (int n = 0; n < 120; n += 7)
        assert_false(has_text(seen_frame(&seen, n)));
    seen_close(&seen);
    uint8_t *file = fixture_read(&composed, "out/output.mp4", &size);
    assert_non_null(memmem(file, size, "tx3g", 4));
    assert_non_null(memmem(file, size, "\0\5Word.", 7));
    free(file);
    file = fixture_read(&composed, "out/output.srt", &size);
    assert_non_null(memmem(file, size, "00:00:01,733 --> ", 17));
    free(file);
    compose_expect_done(
        "{'videoUrl':'black.mp4','wordsUrl':'words.json','subtitles':'file'," COMPOSE_SMALL "}");
    file = fixture_read(&composed, "out/output.mp4", &size);
    assert_null(memmem(file, size, "tx3g", 4));
    free(file);
    job = compose_expect_done(
        "{'videoUrl':'black.mp4','wordsUrl':'words.json','subtitles':'none'," COMPOSE_SMALL "}");
    assert_int_equal(job.extra_count, 0);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_appear_when_they_are_spoken),
        cmocka_unit_test(subtitles_may_be_a_track_or_files),
    };
    return cmocka_run_group_tests(tests, fixture_compose_open, fixture_compose_close);
}
