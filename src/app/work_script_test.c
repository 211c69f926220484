/* Attempts that a script ends: the steps by hand, on a loop of the test's. */
#include "app/work_private.h"

#include "base/memory.h"
#include "catalog/fixture.h"

#include <unistd.h>

static char home[] = "/tmp/reel-workscript-XXXXXX", still[60];
static const char id[] = "gen_01kg0000000000000000000000";
static struct works own; /* its thread is the test's */
static struct message *heard[8];
static unsigned heard_count;

static bool take_message(void *context, struct message *message)
{
    (void)context;
    assert_true(heard_count < 8);
    heard[heard_count++] = message;
    return true;
}

static void forget(void)
{
    while (heard_count > 0)
        message_free(heard[--heard_count]);
}

static struct work *make(const char *options)
{
    char *quoted = fixture_quote(options);
    struct job job = {.key = 8, .options = quoted};
    struct work *work = memory_new(struct work);
    *work = (struct work){.works = &own, .job = 8, .attempt = 1};
    (void)snprintf(work->job_id, sizeof work->job_id, "%s", id);
    (void)snprintf(work->name, sizeof work->name, "%s.1", id);
    work->model = fixture_model(own.config.catalog, "veo3/text-to-video");
    work->input = fixture_json("{'prompt':'a fox','duration':4}");
    map_set(&own.all, span_of(work->name), work);
    work_script_take(work, &job);
    test_free(quoted);
    return work;
}

/* What is gone has freed itself. */
static void run_own(void)
{
    (void)uv_run(&own.loop, UV_RUN_DEFAULT);
}

static void expect_kinds(unsigned count, enum worked_kind first, enum worked_kind second)
{
    assert_int_equal(heard_count, count);
    assert_int_equal(heard[0]->event.worked.kind, first);
    if (count > 1)
        assert_int_equal(heard[1]->event.worked.kind, second);
}

static void failures_are_told(void **state)
{
    static const struct {
        const char *options;
        enum error_code error;
        const char *text;
    } rows[] = {
        {"{'sandbox':{'end':'fail','after':5,'text':'No.'}}", ERROR_PROVIDER_FAILED, "No."},
        {"{'sandbox':{'end':'fail','after':0}}", ERROR_PROVIDER_FAILED, "The model failed"},
        {"{'sandbox':{'end':'moderation','after':0}}", ERROR_CONTENT_POLICY, "flagged"},
    };
    (void)state;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        work_script_start(make(rows[n].options));
        run_own();
        expect_kinds(2, WORKED_RUNNING, WORKED_FAILED);
        const struct worked *worked = &heard[1]->event.worked;
        assert_int_equal(worked->error, rows[n].error);
        assert_false(worked->again);
        assert_non_null(strstr(worked->text, rows[n].text));
        forget();
    }
}

static void a_file_lies_ready(void **state)
{
    char options[300];
    (void)state;
    (void)snprintf(options, sizeof options,
                   "{'sandbox':{'end':'canned','after':1,'file':'%s','type':'image/png'}}", still);
    struct work *work = make(options);
    work_script_start(work);
    run_own();
    expect_kinds(2, WORKED_RUNNING, WORKED_MADE);
    assert_int_equal(work->file_count, 1);
    assert_string_equal(work->files[0].output.name, "output.png");
    forget();
    work_keep(work);
    run_own();
    expect_kinds(1, WORKED_KEPT, WORKED_KEPT);
    assert_int_equal(heard[0]->event.worked.outputs[0].size, 5);
    assert_string_equal(heard[0]->event.worked.outputs[0].content_type, "image/png");
    assert_int_equal(access(still, W_OK), 0); /* a copy was kept, and yours is as it was */
    forget();
    work->stopped = true;
    work_over(work);
    run_own();
    forget();
}

static void a_file_that_has_gone(void **state)
{
    (void)state;
    work_script_start(make("{'sandbox':{'end':'canned','file':'/tmp/reel-nowhere.png',"
                           "'type':'image/png'}}"));
    run_own();
    expect_kinds(2, WORKED_RUNNING, WORKED_FAILED);
    assert_int_equal(heard[1]->event.worked.error, ERROR_OUTPUT_LOST);
    forget();
}

static void a_stop_is_not_waited_for(void **state)
{
    (void)state;
    struct work *work = make("{'sandbox':{'end':'fail','after':600000}}");
    work_script_start(work);
    work->stopped = true;
    work_halt(work);
    run_own();
    expect_kinds(2, WORKED_RUNNING, WORKED_STOPPED);
    forget();
}

static void without_an_end_it_is_rendered(void **state)
{
    (void)state;
    struct work *work = make("{'sandbox':{'provider':'fal'}}");
    assert_null(work->script);
    assert_string_equal(work->model->id, "local/animatic");
    assert_string_equal(json_string_value(json_object_get(work->input, "prompt")), "a fox");
    assert_int_equal(work->error, ERROR_NONE);
    work->stopped = true;
    work_over(work);
    run_own();
    forget();
}

static int begin(void **state)
{
    char fault[DEPOT_FAULT_SIZE];
    (void)state;
    if (!mkdtemp(home))
        return -1;
    (void)snprintf(still, sizeof still, "%s/still.png", home);
    FILE *file = fopen(still, "w");
    if (!file || fputs("still", file) < 0 || fclose(file) != 0)
        return -1;
    own.config.depot = depot_make(home, fault);
    own.config.catalog = fixture_catalog();
    own.config.post = take_message;
    map_init(&own.all);
    return own.config.depot ? uv_loop_init(&own.loop) : -1;
}

static int end(void **state)
{
    static const char *const folders[] = {"outputs", "work", "uploads/staging", "uploads"};
    (void)state;
    (void)depot_remove_job(own.config.depot, span_of(id));
    catalog_free((struct catalog *)(uintptr_t)own.config.catalog);
    depot_free(own.config.depot);
    map_done(&own.all);
    for (size_t n = 0; n < 4; n++) {
        char path[200];
        (void)snprintf(path, sizeof path, "%s/%s", home, folders[n]);
        if (rmdir(path) != 0)
            return -1;
    }
    return uv_loop_close(&own.loop) || unlink(still) || rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(a_file_lies_ready),
        cmocka_unit_test(a_file_that_has_gone),
        cmocka_unit_test(a_stop_is_not_waited_for),
        cmocka_unit_test(without_an_end_it_is_rendered),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
