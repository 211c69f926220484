/* What a provider sends, well and badly made, as a worker sees it. */
#include "media/foreign.h"

#include "base/json.h"
#include "media/fixture_film.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fixture fixture;

struct outcome {
    struct job job;
    struct report report;
    struct foreign foreign;
    bool done;
};

/* Inspects files of the folder "in"; ' stands for " in both texts. */
static void inspect(const char *files, const char *wish, struct outcome *ret_outcome)
{
    char text[1000], fault[JSON_FAULT_SIZE];
    struct outcome *outcome = ret_outcome;
    *outcome = (struct outcome){.report = {.fd = open("/dev/null", O_WRONLY | O_CLOEXEC)}};
    outcome->job = (struct job){
        .folder = &fixture.folder, .limits = &image_limits_default, .report = &outcome->report};
    (void)snprintf(text, sizeof text, "{'dir':'in','files':%s,'wish':%s}", files, wish);
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    json_t *request = json_read(span_of(text), fault);
    if (!request)
        fail_msg("%s: %s", text, fault);
    outcome->done = foreign_inspect(&outcome->job, request, &outcome->foreign);
    outcome->job.input = NULL;
    json_decref(request);
    (void)close(outcome->report.fd);
}

static void expect_invalid(const char *name, const char *part)
{
    struct outcome outcome;
    char files[64];
    (void)snprintf(files, sizeof files, "['%s']", name);
    inspect(files, "{'media':'video'}", &outcome);
    if (outcome.done)
        fail_msg("%s passed", name);
    if (outcome.job.failure.code != ERROR_OUTPUT_INVALID || !strstr(outcome.job.failure.text, part))
        fail_msg("%s: %s, %s", name, error_name(outcome.job.failure.code),
                 outcome.job.failure.text);
}

static const struct foreign_file *expect_good(const char *name, const char *wish,
                                              const char *warning, struct outcome *outcome)
{
    char files[64];
    (void)snprintf(files, sizeof files, "['%s']", name);
    inspect(files, wish, outcome);
    if (!outcome->done)
        fail_msg("%s: %s", name, outcome->job.failure.text);
    bool said = !warning && outcome->job.warning_count == 0;
    for (int i = 0; warning && i < outcome->job.warning_count; i++)
        said = said || strstr(outcome->job.warnings[i], warning);
    if (!said)
        fail_msg("%s: %s", name,
                 outcome->job.warning_count ? outcome->job.warnings[0] : "no warning");
    assert_int_equal(outcome->foreign.count, 1);
    return &outcome->foreign.files[0];
}

static void write_text(const char *name, const char *text)
{
    char path[64];
    (void)snprintf(path, sizeof path, "in/%s", name);
    fixture_write(&fixture, path, text, strlen(text));
}

/* The first `share` hundredths of a file. */
static void cut(const char *name, const char *source, size_t share)
{
    size_t size;
    uint8_t *bytes = fixture_read(&fixture, source, &size);
    fixture_write(&fixture, name, bytes, size * share / 100);
    free(bytes);
}

static bool is_there(const char *path)
{
    return faccessat(fixture.folder.fd, path, R_OK, 0) == 0;
}

static void a_film_is_known_whatever_it_is_called(void **state)
{
    struct outcome outcome;
    const struct foreign_file *file =
        expect_good("film",
                    "{'media':'video','duration':2,'width':320,'height':180,'fps':12,"
                    "'sound':true,'side':180,'aspect':1.7778}",
                    NULL, &outcome);
    assert_string_equal(file->file, "in/film");
    assert_string_equal(file->thumbnail, "in/thumbnail.jpg");
    assert_string_equal(file->probe.content_type, "video/mp4");
    assert_int_equal(file->probe.width, 320);
    assert_int_equal(file->probe.duration_ms, 2000);
    assert_true(is_there("in/thumbnail.jpg"));
    file = expect_good("film.webm", "{'media':'video'}", NULL, &outcome);
    assert_string_equal(file->probe.content_type, "video/webm");
}

static void what_differs_from_the_wish_is_said(void **state)
{
    struct outcome outcome;
    static const struct {
        const char *name, *wish, *warning;
    } rows[] = {
        {"film", "{'duration':5}", "2.00 s long, 5.00 s were asked for"},
        {"film", "{'duration':2.4}", NULL},
        {"film", "{'width':640,'height':360}", "640 × 360 were asked for"},
        {"film", "{'side':720}", "720 on the shorter side"},
        {"film", "{'side':200}", NULL},
        {"film", "{'aspect':0.5625}", "not the shape"},
        {"film", "{'media':'image','duration':5}", "video/mp4, a file of another kind"},
        {"film.webm", "{'sound':true}", "no sound"},
        {"black", "{}", "black"},
        {"picture", "{'media':'video','duration':5}", "image/png, a file of another kind"},
        {"tone.wav", "{'media':'audio','width':64,'aspect':2,'sound':true}", NULL},
        {"tone.wav", "{'media':'audio','duration':9}", "9.00 s were asked for"},
        {"quiet.wav", "{'media':'audio'}", "silent"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        (void)expect_good(rows[n].name, rows[n].wish, rows[n].warning, &outcome);
}

static void sounds_and_pictures_are_outputs_too(void **state)
{
    struct outcome outcome;
    static const struct {
        const char *name, *type;
        bool is_seen;
    } rows[] = {
        {"tone.wav", "audio/wav", false}, {"tone.flac", "audio/flac", false},
        {"tone.ogg", "audio/ogg", false}, {"tone.m4a", "audio/mp4", false},
        {"picture", "image/png", true},   {"picture.jpg", "image/jpeg", true},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        const struct foreign_file *file = expect_good(rows[n].name, "{}", NULL, &outcome);
        assert_string_equal(file->probe.content_type, rows[n].type);
        assert_string_equal(file->thumbnail, rows[n].is_seen ? "in/thumbnail.jpg" : "");
        if (!rows[n].is_seen)
            assert_in_range(file->probe.duration_ms, 950, 1100);
    }
}

static void several_files_have_a_thumbnail_each(void **state)
{
    struct outcome outcome;
    inspect("['film','picture']", "{'media':'video'}", &outcome);
    assert_true(outcome.done);
    assert_int_equal(outcome.foreign.count, 2);
    assert_string_equal(outcome.foreign.files[0].thumbnail, "in/thumbnail.jpg");
    assert_string_equal(outcome.foreign.files[1].thumbnail, "in/thumbnail-2.jpg");
    assert_true(is_there("in/thumbnail-2.jpg"));
    assert_int_equal(outcome.job.warning_count, 1);
    assert_non_null(strstr(outcome.job.warnings[0], "output 2: The output is image/png"));
}

/* A server that answers 200 with something else than it should; and worse. */
static void what_is_no_media_is_refused(void **state)
{
    write_text("page.mp4", "<!DOCTYPE html><html><body>Not found</body></html>");
    write_text("error.mp4", "\n {\"detail\":\"expired\"}");
    write_text("denied.mp4", "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>");
    write_text("list.mp4", "#EXTM3U\n#EXTINF:1,\nhttp://169.254.169.254/latest/\n");
    write_text("concat.mp4", "ffconcat version 1.0\nfile /etc/passwd\n");
    write_text("drawing.png", "<svg xmlns='http://www.w3.org/2000/svg'></svg>");
    write_text("script.mp4", "#!/bin/sh\necho\n");
    write_text("empty.mp4", "");
    write_text("brand.mp4", "\x01\x01\x01\x10"
                            "ftypisom and nothing that follows it");
    expect_invalid("page.mp4", "is a web page");
    expect_invalid("error.mp4", "is JSON");
    expect_invalid("denied.mp4", "is XML");
    expect_invalid("list.mp4", "is a playlist");
    expect_invalid("concat.mp4", "is a playlist");
    expect_invalid("drawing.png", "is SVG");
    expect_invalid("script.mp4", "is an unknown type");
    expect_invalid("empty.mp4", "is empty");
    expect_invalid("brand.mp4", "output");
    assert_false(is_there("in/passwd"));
}

static void what_is_cut_off_or_broken_is_refused(void **state)
{
    cut("in/tail.mp4", "in/film", 60);
    cut("in/nearly.mp4", "in/front", 97);
    cut("in/half.png", "in/picture", 50);
    expect_invalid("tail.mp4", "cut off");
    expect_invalid("nearly.mp4", "cut off");
    expect_invalid("half.png", "cut off");
    write_text("noise.flac", "fLaC this is no stream of anything");
    write_text("noise.ogg", "OggS this is no stream of anything");
    expect_invalid("noise.flac", "output");
    expect_invalid("noise.ogg", "output");
}

/* Films that are slow, or whose sound goes on, are whole; of one whose end is missing, what is
 * there was paid for. */
static void where_the_frames_end_is_no_reason_to_refuse(void **state)
{
    struct outcome outcome;
    (void)expect_good("slow", "{}", NULL, &outcome);
    cut("in/part.webm", "in/film.webm", 60);
    (void)expect_good("sung.webm", "{}", "may break off", &outcome);
    (void)expect_good("part.webm", "{}", "may break off", &outcome);
}

/* It was paid for; that we can't look at it is our affair. */
static void an_image_too_large_to_be_looked_at_is_kept(void **state)
{
    static const struct image_limits small = {.pixels_max = 100, .side_max = 10, .file_max = 1000};
    struct outcome outcome = {.report = {.fd = open("/dev/null", O_WRONLY | O_CLOEXEC)}};
    json_t *request = json_pack("{s:s,s:[s]}", "dir", "in", "files", "picture");
    outcome.job =
        (struct job){.folder = &fixture.folder, .limits = &small, .report = &outcome.report};
    assert_true(foreign_inspect(&outcome.job, request, &outcome.foreign));
    assert_string_equal(outcome.foreign.files[0].thumbnail, "");
    assert_int_equal(outcome.job.warning_count, 1);
    assert_non_null(strstr(outcome.job.warnings[0], "too large"));
    json_decref(request);
    (void)close(outcome.report.fd);
}

static void odd_requests_are_refused(void **state)
{
    static const struct {
        const char *files, *wish;
        enum error_code code;
    } rows[] = {
        {"[]", "{}", ERROR_VALIDATION},
        {"'film'", "{}", ERROR_VALIDATION},
        {"['1','2','3','4','5','6','7','8','9']", "{}", ERROR_VALIDATION},
        {"[7]", "{}", ERROR_VALIDATION},
        {"['../film']", "{}", ERROR_VALIDATION},
        {"['/etc/passwd']", "{}", ERROR_VALIDATION},
        {"['film']", "7", ERROR_VALIDATION},
        {"['film']", "{'duration':'long'}", ERROR_VALIDATION},
        {"['film']", "{'width':-1}", ERROR_VALIDATION},
        {"['none']", "{}", ERROR_INPUT_UNREACHABLE},
        {"['link']", "{}", ERROR_VALIDATION},
    };
    assert_int_equal(symlinkat("/etc/passwd", fixture.folder.fd, "in/link"), 0);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct outcome outcome;
        inspect(rows[n].files, rows[n].wish, &outcome);
        assert_false(outcome.done);
        if (outcome.job.failure.code != rows[n].code)
            fail_msg("%s: %s", rows[n].files, outcome.job.failure.text);
    }
}

static void make_film(struct fixture_film film)
{
    film.fps = film.fps ? film.fps : 12;
    if (film.frames) {
        film.width = 320;
        film.height = 180;
    }
    if (film.seconds > 0) {
        film.rate = 48000;
        film.channels = 1;
    }
    fixture_film(&fixture, &film);
}

static void draw(void *context, int thread, int frame, struct plane yuv[3])
{
    plane_fill(&yuv[1], 128);
    plane_fill(&yuv[2], 128);
    for (int y = 0; y < 144; y++) {
        for (int x = 0; x < 256; x++)
            plane_row(&yuv[0], y)[x] = (uint8_t)(40 + ((x + 3 * frame) / 16 + y / 16) % 2 * 150);
    }
}

/* As our own films are: what tells where the frames lie comes before them. */
static void make_front(void)
{
    char hash[FILM_HASH_SIZE];
    struct failure failure = {0};
    const struct film film = {
        .width = 256, .height = 144, .fps = 12, .frames = 24, .threads = 1, .draw = draw};
    int fd = fixture_open(&fixture, "in/front");
    assert_true(film_make(&film, fd, &failure, hash));
    (void)close(fd);
}

static int make_files(void **state)
{
    fixture_init(&fixture);
    assert_int_equal(mkdirat(fixture.folder.fd, "in", 0700), 0);
    make_film((struct fixture_film){.name = "in/film",
                                    .format = "mp4",
                                    .frames = 24,
                                    .draw = fixture_counting,
                                    .sound_codec = AV_CODEC_ID_AAC,
                                    .seconds = 2,
                                    .sample = fixture_tone});
    make_film((struct fixture_film){.name = "in/film.webm",
                                    .format = "webm",
                                    .frames = 24,
                                    .draw = fixture_counting,
                                    .codec = AV_CODEC_ID_VP8});
    make_film((struct fixture_film){
        .name = "in/black", .format = "mp4", .frames = 24, .draw = fixture_black});
    make_film((struct fixture_film){.name = "in/tone.wav",
                                    .format = "wav",
                                    .seconds = 1,
                                    .sound_codec = AV_CODEC_ID_PCM_S16LE,
                                    .sample = fixture_tone});
    make_film((struct fixture_film){.name = "in/quiet.wav",
                                    .format = "wav",
                                    .seconds = 1,
                                    .sound_codec = AV_CODEC_ID_PCM_S16LE,
                                    .sample = fixture_silence});
    make_film((struct fixture_film){.name = "in/tone.flac",
                                    .format = "flac",
                                    .seconds = 1,
                                    .sound_codec = AV_CODEC_ID_FLAC,
                                    .sample = fixture_tone});
    make_film((struct fixture_film){.name = "in/tone.ogg",
                                    .format = "ogg",
                                    .seconds = 1,
                                    .sound_codec = AV_CODEC_ID_FLAC,
                                    .sample = fixture_tone});
    make_film((struct fixture_film){.name = "in/tone.m4a",
                                    .format = "mp4",
                                    .seconds = 1,
                                    .sound_codec = AV_CODEC_ID_AAC,
                                    .sample = fixture_tone});
    make_film((struct fixture_film){
        .name = "in/slow", .format = "mp4", .frames = 2, .fps = 2, .draw = fixture_counting});
    make_film((struct fixture_film){.name = "in/sung.webm",
                                    .format = "webm",
                                    .frames = 12,
                                    .draw = fixture_counting,
                                    .codec = AV_CODEC_ID_VP8,
                                    .sound_codec = AV_CODEC_ID_OPUS,
                                    .seconds = 3,
                                    .sample = fixture_tone});
    make_front();
    struct picture quarters = fixture_quarters(64, 48);
    fixture_encode(&fixture, "in/picture", &quarters, AV_CODEC_ID_PNG, AV_PIX_FMT_RGB24);
    fixture_encode(&fixture, "in/picture.jpg", &quarters, AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ444P);
    picture_free(&quarters);
    return 0;
}

static int remove_files(void **state)
{
    fixture_done(&fixture);
    return 0;
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_film_is_known_whatever_it_is_called),
        cmocka_unit_test(what_differs_from_the_wish_is_said),
        cmocka_unit_test(sounds_and_pictures_are_outputs_too),
        cmocka_unit_test(several_files_have_a_thumbnail_each),
        cmocka_unit_test(what_is_no_media_is_refused),
        cmocka_unit_test(what_is_cut_off_or_broken_is_refused),
        cmocka_unit_test(where_the_frames_end_is_no_reason_to_refuse),
        cmocka_unit_test(an_image_too_large_to_be_looked_at_is_kept),
        cmocka_unit_test(odd_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
