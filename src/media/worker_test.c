/* The protocol as its caller sees it: lines in, lines out, files in the folder. */
#include "media/worker.h"

#include "base/json.h"
#include "media/fixture.h"
#include "media/font.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct fixture fixture;

/* Runs a worker over `requests` and gives all that it said; the caller frees. */
static char *converse(const char *requests)
{
    fixture_write(&fixture, "requests", requests, strlen(requests));
    struct worker worker = {.folder = fixture.folder, .limits = image_limits_default};
    worker.input = fixture_open(&fixture, "requests");
    worker.output = openat(fixture.folder.fd, "answers", O_RDWR | O_CREAT | O_TRUNC, 0600);
    worker_run(&worker);
    close(worker.input);
    close(worker.output);
    size_t size;
    char *answers = (char *)fixture_read(&fixture, "answers", &size);
    answers[size] = '\0';
    return answers;
}

/* The last answer of one request; the caller frees with json_decref. */
static json_t *last_answer(const char *request)
{
    char fault[JSON_FAULT_SIZE];
    char *answers = converse(request), *line = answers;
    json_t *last = NULL;
    while (*line) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        json_decref(last);
        last = json_read(span_make(line, (size_t)(end - line)), fault);
        assert_true(json_is_object(last));
        line = end + 1;
    }
    free(answers);
    assert_non_null(last);
    return last;
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static void expect_failed(const char *request, const char *code, const char *field)
{
    json_t *answer = last_answer(request);
    assert_string_equal(text(answer, "event"), "failed");
    assert_string_equal(text(answer, "code"), code);
    assert_string_equal(text(answer, "field"), field);
    assert_true(strlen(text(answer, "error")) > 10);
    json_decref(answer);
}

static void broken_requests_are_answered(void **state)
{
    expect_failed("nonsense\n", "validation", "");
    expect_failed("[1]\n", "validation", "");
    expect_failed("{\"op\":\"ping\"}\n", "validation", "id");
    expect_failed("{\"id\":\"1\"}\n", "validation", "op");
    expect_failed("{\"id\":\"1\",\"op\":5}\n", "validation", "op");
    expect_failed("{\"id\":\"1\",\"op\":\"render\"}\n", "validation", "renderer");
    expect_failed("{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"still\"}\n", "validation",
                  "input");
    expect_failed("{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"still\",\"input\":{},"
                  "\"dir\":\"../out\"}\n",
                  "validation", "dir");
    expect_failed("{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"still\",\"input\":{},"
                  "\"dir\":\"out\"}\n",
                  "validation", "prompt");
    expect_failed("{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"still\",\"dir\":\"out\","
                  "\"input\":{\"prompt\":\"x\",\"width\":\"wide\"}}\n",
                  "validation", "width");
    expect_failed("{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"still\",\"dir\":\"out\","
                  "\"input\":{\"prompt\":\"x\",\"look\":\"none\"}}\n",
                  "validation", "look");
    expect_failed("{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"animatic\",\"dir\":\"out\","
                  "\"input\":{\"prompt\":\"x\",\"duration\":61}}\n",
                  "validation", "duration");
    expect_failed("{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"kenburns\",\"dir\":\"out\","
                  "\"input\":{\"imageUrl\":\"/etc/passwd\"}}\n",
                  "validation", "imageUrl");
    expect_failed("{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"kenburns\",\"dir\":\"out\","
                  "\"input\":{\"imageUrl\":\"none.png\"}}\n",
                  "input_unreachable", "imageUrl");
    expect_failed("{\"id\":\"1\",\"op\":\"probe\"}\n", "validation", "file");
    expect_failed("{\"id\":\"1\",\"op\":\"probe\",\"file\":\"requests\"}\n", "output_invalid",
                  "file");
}

static void a_line_that_is_too_long_is_skipped(void **state)
{
    size_t size = WORKER_LINE_MAX + 300000;
    char *request = malloc(size + 64);
    assert_non_null(request);
    memset(request, 'x', size);
    snprintf(request + size, 64, "\n{\"id\":\"after\",\"op\":\"ping\"}\n");
    char *answers = converse(request);
    assert_non_null(strstr(answers, "1,048,576"));
    assert_non_null(strstr(answers, "{\"id\":\"after\",\"event\":\"done\",\"pong\":true}"));
    free(answers);
    free(request);
}

static void a_failed_job_leaves_the_worker_fit_for_the_next(void **state)
{
    char *answers = converse("{\"id\":\"a\",\"op\":\"thumbnail\",\"file\":\"requests\","
                             "\"output\":\"t.jpg\"}\n"
                             "{{{\n\n"
                             "{\"id\":\"b\",\"op\":\"ping\"}");
    assert_non_null(strstr(answers, "\"id\":\"a\",\"event\":\"failed\""));
    assert_non_null(strstr(answers, "\"id\":\"\",\"event\":\"failed\""));
    assert_non_null(strstr(answers, "\"id\":\"b\",\"event\":\"done\""));
    free(answers);
}

static json_t *expect_done(const char *request)
{
    json_t *answer = last_answer(request);
    if (strcmp(text(answer, "event"), "done") != 0)
        fail_msg("%s: %s", request, text(answer, "error"));
    return answer;
}

static const json_t *output_of(const json_t *answer)
{
    return json_array_get(json_object_get(answer, "outputs"), 0);
}

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void a_still_becomes_a_png_with_a_thumbnail(void **state)
{
    json_t *answer =
        expect_done("{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"still\",\"dir\":\"s/1\","
                    "\"seed\":5,\"input\":{\"prompt\":\"Hi\",\"width\":301,\"height\":260}}\n");
    const json_t *output = output_of(answer);
    assert_string_equal(text(output, "file"), "s/1/output.png");
    assert_string_equal(text(output, "contentType"), "image/png");
    assert_string_equal(text(output, "thumbnail"), "s/1/thumbnail.jpg");
    assert_int_equal(number(output, "width"), 301);
    assert_int_equal(number(output, "height"), 260);
    assert_true(number(output, "bytes") > 500);
    json_decref(answer);
    answer = expect_done("{\"id\":\"2\",\"op\":\"probe\",\"file\":\"s/1/thumbnail.jpg\"}\n");
    assert_string_equal(text(output_of(answer), "contentType"), "image/jpeg");
    assert_int_equal(number(output_of(answer), "width"), 301);
    json_decref(answer);
}

static void films_have_the_length_and_size_asked_for(void **state)
{
    struct picture quarters = fixture_quarters(400, 300);
    fixture_encode(&fixture, "in.png", &quarters, AV_CODEC_ID_PNG, AV_PIX_FMT_RGB24);
    picture_free(&quarters);
    json_t *answer = expect_done(
        "{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"kenburns\",\"dir\":\"k\",\"seed\":9,"
        "\"input\":{\"imageUrl\":\"in.png\",\"width\":257,\"height\":259,\"fps\":12,"
        "\"duration\":1.25,\"motion\":\"zoom-in\"}}\n");
    const json_t *output = output_of(answer);
    assert_string_equal(text(output, "file"), "k/output.mp4");
    assert_int_equal(number(output, "width"), 256);
    assert_int_equal(number(output, "height"), 258);
    assert_int_equal(number(output, "frames"), 15);
    assert_int_equal(number(output, "durationMs"), 1250);
    assert_int_equal(number(output, "fps"), 12);
    assert_int_equal(json_array_size(json_object_get(answer, "warnings")), 1);
    assert_int_equal(strlen(text(answer, "framesHash")), 32);
    json_decref(answer);
}

static char *frames_hash(const char *prompt, int seed)
{
    char request[400];
    snprintf(request, sizeof request,
             "{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"animatic\",\"dir\":\"a\",\"seed\":%d,"
             "\"input\":{\"prompt\":\"%s\",\"width\":256,\"height\":256,\"fps\":12,"
             "\"duration\":1}}\n",
             seed, prompt);
    json_t *answer = expect_done(request);
    char *hash = strdup(text(answer, "framesHash"));
    json_decref(answer);
    return hash;
}

static void the_same_seed_gives_the_same_frames(void **state)
{
    char *first = frames_hash("A quiet sea", 7), *again = frames_hash("A quiet sea", 7);
    char *other = frames_hash("A quiet sea", 8), *words = frames_hash("A loud sea", 7);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_string_not_equal(first, words);
    free(first);
    free(again);
    free(other);
    free(words);
}

static void progress_never_falls_and_ends_at_100(void **state)
{
    char fault[JSON_FAULT_SIZE];
    char *answers = converse(
        "{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"animatic\",\"dir\":\"p\",\"seed\":1,"
        "\"input\":{\"prompt\":\"x\",\"width\":256,\"height\":256,\"fps\":12,\"duration\":1}}\n");
    int64_t last = -1;
    int lines = 0;
    for (char *line = answers, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
        json_t *answer = json_read(span_make(line, (size_t)(end - line)), fault);
        assert_string_equal(text(answer, "id"), "1");
        if (lines == 0)
            assert_string_equal(text(answer, "event"), "started");
        if (strcmp(text(answer, "event"), "progress") == 0) {
            assert_true(number(answer, "percent") >= last);
            last = number(answer, "percent");
        }
        json_decref(answer);
    }
    assert_int_equal(last, 100);
    free(answers);
}

/* The last line of an inspection is that of a rendering, with each file in its place. */
static void files_of_others_are_inspected(void **state)
{
    json_t *answer = expect_done("{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"still\",\"dir\":"
                                 "\"o\",\"seed\":5,\"input\":{\"prompt\":\"Hi\"}}\n");
    json_decref(answer);
    answer = expect_done(
        "{\"id\":\"2\",\"op\":\"inspect\",\"dir\":\"o\",\"files\":[\"output.png\","
        "\"thumbnail.jpg\"],\"wish\":{\"media\":\"image\",\"width\":40,\"height\":40}}\n");
    const json_t *output = json_array_get(json_object_get(answer, "outputs"), 1);
    assert_string_equal(text(output_of(answer), "file"), "o/output.png");
    assert_string_equal(text(output_of(answer), "contentType"), "image/png");
    assert_string_equal(text(output, "file"), "o/thumbnail.jpg");
    assert_string_equal(text(output, "contentType"), "image/jpeg");
    assert_string_equal(text(output, "thumbnail"), "o/thumbnail-2.jpg");
    assert_int_equal(json_array_size(json_object_get(answer, "warnings")), 2);
    json_decref(answer);
    expect_failed("{\"id\":\"3\",\"op\":\"inspect\",\"dir\":\".\",\"files\":[\"requests\"]}\n",
                  "validation", "dir");
    expect_failed("{\"id\":\"4\",\"op\":\"inspect\",\"dir\":\"o\"}\n", "validation", "files");
}

/* A failed job leaves no half-written output. */
static void what_failed_is_cleared_away(void **state)
{
    struct rlimit old, small = {3000, RLIM_INFINITY};
    fixture_write(&fixture, "requests", "", 0);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    const char *request =
        "{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"still\",\"dir\":\"f\",\"seed\":1,"
        "\"input\":{\"prompt\":\"x\",\"width\":512,\"height\":512}}\n";
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    json_t *answer = last_answer(request);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_string_equal(text(answer, "code"), "too_large");
    json_decref(answer);
    assert_int_equal(faccessat(fixture.folder.fd, "f/output.png", F_OK, 0), -1);
}

static int open_folder(void **state)
{
    fixture_init(&fixture);
    return 0;
}

static int close_folder(void **state)
{
    fixture_done(&fixture);
    font_done();
    return 0;
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_requests_are_answered),
        cmocka_unit_test(a_line_that_is_too_long_is_skipped),
        cmocka_unit_test(a_failed_job_leaves_the_worker_fit_for_the_next),
        cmocka_unit_test(a_still_becomes_a_png_with_a_thumbnail),
        cmocka_unit_test(films_have_the_length_and_size_asked_for),
        cmocka_unit_test(the_same_seed_gives_the_same_frames),
        cmocka_unit_test(progress_never_falls_and_ends_at_100),
        cmocka_unit_test(files_of_others_are_inspected),
        cmocka_unit_test(what_failed_is_cleared_away),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
