#include "app/work_private.h"

#include "base/memory.h"
#include "catalog/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static char home[] = "/tmp/reel-output-XXXXXX";

struct scene {
    struct works works;
    struct work *work;
    struct message *posted; /* the newest */
    unsigned count;
};

static bool take_message(void *context, struct message *message)
{
    struct scene *scene = context;
    message_free(scene->posted);
    scene->posted = message;
    scene->count++;
    return true;
}

static void renew(struct scene *scene)
{
    struct work *work = scene->work;
    memory_free(work->warnings);
    memory_free(work->words);
    *work = (struct work){.works = &scene->works, .job = 7, .attempt = 2};
    (void)snprintf(work->job_id, sizeof work->job_id, "gen_1");
    work->request.data = work;
    assert_int_equal(depot_work_folder(scene->works.config.depot, SPAN("gen_1"), 2, work->folder),
                     DEPOT_OK);
}

static int begin(void **state)
{
    char why[DEPOT_FAULT_SIZE];
    struct scene *scene = test_calloc(1, sizeof *scene);
    scene->works.config = (struct works_config){
        .depot = depot_make(home, why), .post = take_message, .context = scene};
    assert_non_null(scene->works.config.depot);
    scene->work = memory_new(struct work);
    renew(scene);
    *state = scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    struct depot *depot = scene->works.config.depot;
    assert_int_equal(depot_remove_work(depot, SPAN("gen_1"), 2), DEPOT_OK);
    assert_int_equal(depot_remove_job(depot, SPAN("gen_1")), DEPOT_OK);
    depot_free(depot);
    memory_free(scene->work->warnings);
    memory_free(scene->work->words);
    memory_free(scene->work);
    message_free(scene->posted);
    test_free(scene);
    return 0;
}

/* ' stands for ". */
static void say(struct scene *scene, void (*read)(struct work *work, struct span line),
                const char *text)
{
    char *line = fixture_quote(text);
    read(scene->work, span_of(line));
    test_free(line);
}

static void write_file(struct scene *scene, const char *name, const char *text)
{
    char path[DEPOT_PATH_SIZE + 64];
    (void)snprintf(path, sizeof path, "%s/%s", scene->work->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void progress(struct scene *scene, const char *text, ms_t now)
{
    char *line = fixture_quote(text);
    work_read_progress(scene->work, span_of(line), now);
    test_free(line);
}

/* A new stage at once, numbers not too often. */
static void passes_progress_on(void **state)
{
    struct scene *scene = *state;
    progress(scene, "{'percent':5,'stage':'Drawing'}", 1000);
    assert_int_equal(scene->count, 1);
    assert_int_equal(scene->posted->event.kind, EVENT_WORKED);
    const struct worked *told = &scene->posted->event.worked;
    assert_int_equal(told->kind, WORKED_RUNNING);
    assert_int_equal(told->job, 7);
    assert_int_equal(told->attempt, 2);
    assert_int_equal(told->progress, 5);
    assert_string_equal(told->stage, "Drawing");
    progress(scene, "{'percent':6,'stage':'Drawing'}", 1100);
    assert_int_equal(scene->count, 1);
    progress(scene, "{'percent':7,'stage':'Encoding'}", 1200);
    assert_int_equal(scene->count, 2);
    progress(scene, "{'percent':8,'stage':'Encoding'}", 1200 + WORK_PROGRESS_MS);
    assert_int_equal(scene->count, 3);
    assert_int_equal(scene->posted->event.worked.progress, 8);
    assert_int_equal(scene->work->error, ERROR_NONE);
}

static void brings_files_into_the_depot(void **state)
{
    struct scene *scene = *state;
    say(scene, work_read_done,
        "{'outputs':[{'file':'gen_1.2/made.mp4','thumbnail':'gen_1.2/thumb.jpg','contentType':"
        "'video/mp4','durationMs':5005,'width':640,'height':480,'fps':29.97},"
        "{'file':'words.srt','contentType':'application/x-subrip'}],'warnings':['Dark.']}");
    assert_int_equal(scene->work->error, ERROR_NONE);
    assert_int_equal(scene->work->file_count, 2);
    write_file(scene, "made.mp4", "hello");
    write_file(scene, "thumb.jpg", "small");
    write_file(scene, "words.srt", "1");
    for (int again = 0; again < 2; again++) { /* as after a full disk */
        work_store(&scene->work->request);
        assert_int_equal(scene->work->error, ERROR_NONE);
        assert_false(scene->work->disk_full);
        work_tell_kept(scene->work);
    }
    const struct worked *told = &scene->posted->event.worked;
    assert_int_equal(told->kind, WORKED_KEPT);
    assert_int_equal(told->output_count, 2);
    assert_string_equal(told->outputs[0].name, "output.mp4");
    assert_string_equal(told->outputs[0].thumbnail, "thumbnail.jpg");
    assert_string_equal(told->outputs[0].sha256,
                        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_int_equal(told->outputs[0].size, 5);
    assert_int_equal(told->outputs[0].duration, 5005);
    assert_int_equal(told->outputs[0].fps_milli, 29970);
    assert_string_equal(told->outputs[1].name, "output-2.srt");
    assert_string_equal(told->outputs[1].thumbnail, "");
    assert_true(span_is(told->warnings, "[\"Dark.\"]"));
}

/* In the order of the fields that people read, without what is none of theirs. */
static void passes_words_on(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *words, *told;
    } rows[] = {
        {"[{'endMs':300,'startMs':20,'word':'One'},{'word':'\xe4\xba\x8c','startMs':300,'endMs':"
         "410,'joined':true,'odd':[[]]}]",
         "[{\"word\":\"One\",\"startMs\":20,\"endMs\":300},{\"word\":\"\xe4\xba\x8c\","
         "\"startMs\":300,\"endMs\":410,\"joined\":true}]"},
        {"[]", ""},
        {"7", ""},
        {"{'word':'One','startMs':20,'endMs':300}", ""},
        {"[{'word':'','startMs':20,'endMs':300}]", ""},
        {"[{'word':'One','startMs':20.5,'endMs':300}]", ""},
        {"[{'word':'One','startMs':20,'endMs':300},7]", ""},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char line[600];
        renew(scene);
        (void)snprintf(line, sizeof line, "{'outputs':[{'file':'a.wav'}],'words':%s}",
                       rows[n].words);
        say(scene, work_read_done, line);
        assert_int_equal(scene->work->error, ERROR_NONE);
        work_tell_kept(scene->work);
        if (!span_is(scene->posted->event.worked.words, rows[n].told))
            fail_msg("%s: %.*s", rows[n].words, SPAN_PRINT(scene->posted->event.worked.words));
    }
}

/* More than an answer may carry stay in their file. */
static void leaves_endless_words_out(void **state)
{
    struct scene *scene = *state;
    struct buffer line;
    buffer_init(&line, 1 << 20);
    buffer_add_text(&line, "{\"outputs\":[{\"file\":\"a.wav\"}],\"words\":[");
    for (int n = 0; n < 10000; n++)
        buffer_print(&line, "%s{\"word\":\"one\",\"startMs\":%d,\"endMs\":%d}", n ? "," : "", n, n);
    buffer_add_text(&line, "]}");
    assert_false(line.failed);
    work_read_done(scene->work, buffer_span(&line));
    assert_int_equal(scene->work->error, ERROR_NONE);
    assert_null(scene->work->words);
    assert_int_equal(scene->work->file_count, 1);
    buffer_done(&line);
}

/* A worker is caged, and what it says is judged all the same. */
static void judges_what_the_worker_says(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *line;
        enum error_code error;
    } rows[] = {
        {"", ERROR_INTERNAL},
        {"[]", ERROR_INTERNAL},
        {"{", ERROR_INTERNAL},
        {"{}", ERROR_OUTPUT_INVALID},
        {"{'outputs':[]}", ERROR_OUTPUT_INVALID},
        {"{'outputs':7}", ERROR_OUTPUT_INVALID},
        {"{'outputs':[7]}", ERROR_OUTPUT_INVALID},
        {"{'outputs':[{'file':'made'}]}", ERROR_OUTPUT_INVALID},
        {"{'outputs':[{'file':'x/'}]}", ERROR_OUTPUT_INVALID},
        {"{'outputs':[{'file':'x/..'}]}", ERROR_OUTPUT_INVALID},
        {"{'outputs':[{'file':'.mp4'}]}", ERROR_OUTPUT_INVALID},
        {"{'outputs':[{'file':'a.mp4'},{'file':''}]}", ERROR_OUTPUT_INVALID},
        {"{'outputs':[{'file':'1.png'},{'file':'2.png'},{'file':'3.png'},{'file':'4.png'},"
         "{'file':'5.png'},{'file':'6.png'},{'file':'7.png'},{'file':'8.png'},{'file':'9.png'}]}",
         ERROR_OUTPUT_INVALID},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        renew(scene);
        say(scene, work_read_done, rows[n].line);
        if (scene->work->error != rows[n].error)
            fail_msg("%s: %s", rows[n].line, error_name(scene->work->error));
        assert_true(scene->work->file_count <= JOB_OUTPUTS_MAX);
    }
    /* A type that is none of ours, a link out of the folder, a file that is not there. */
    static const char *const outputs[] = {"made.exe", "link.mp4", "missing.mp4"};
    for (size_t n = 0; n < 3; n++) {
        char line[100], path[DEPOT_PATH_SIZE + 64];
        renew(scene);
        write_file(scene, "made.exe", "x");
        (void)snprintf(path, sizeof path, "%s/link.mp4", scene->work->folder);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        (void)snprintf(line, sizeof line, "{'outputs':[{'file':'%s'}]}", outputs[n]);
        say(scene, work_read_done, line);
        assert_int_equal(scene->work->error, ERROR_NONE);
        work_store(&scene->work->request);
        assert_int_equal(scene->work->error, ERROR_OUTPUT_LOST);
    }
}

static void reads_failures(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *line, *text;
        enum error_code error;
        bool again;
    } rows[] = {
        {"{'code':'validation','error':'It is no image.','field':'imageUrl'}",
         "imageUrl: It is no image.", ERROR_VALIDATION, false},
        {"{'code':'validation','error':'imageUrl is no image.','field':'imageUrl'}",
         "imageUrl is no image.", ERROR_VALIDATION, false},
        {"{'code':'internal','error':'Oh.'}", "Oh.", ERROR_INTERNAL, true},
        {"{'code':'storage_full','error':'Full.'}", "Full.", ERROR_STORAGE_FULL, true},
        {"{'code':'none','error':'Odd.'}", "Odd.", ERROR_INTERNAL, false},
        {"{'code':'no such','error':'Odd.'}", "Odd.", ERROR_INTERNAL, true},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        renew(scene);
        say(scene, work_read_failed, rows[n].line);
        assert_int_equal(scene->work->error, rows[n].error);
        assert_string_equal(scene->work->text, rows[n].text);
        assert_true(scene->work->again == rows[n].again);
    }
    renew(scene);
    say(scene, work_read_failed, "nonsense");
    assert_int_equal(scene->work->error, ERROR_INTERNAL);
    assert_true(scene->work->text[0] != '\0');
}

static int begin_all(void **state)
{
    return mkdtemp(home) ? 0 : -1;
}

static int end_all(void **state)
{
    static const char *const folders[] = {"outputs", "work", "uploads/staging", "uploads"};
    for (size_t n = 0; n < 4; n++) {
        char path[200];
        (void)snprintf(path, sizeof path, "%s/%s", home, folders[n]);
        if (rmdir(path) != 0)
            return -1;
    }
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(passes_progress_on, begin, end),
        cmocka_unit_test_setup_teardown(brings_files_into_the_depot, begin, end),
        cmocka_unit_test_setup_teardown(passes_words_on, begin, end),
        cmocka_unit_test_setup_teardown(leaves_endless_words_out, begin, end),
        cmocka_unit_test_setup_teardown(judges_what_the_worker_says, begin, end),
        cmocka_unit_test_setup_teardown(reads_failures, begin, end),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
