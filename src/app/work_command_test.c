#include "app/work_private.h"

#include "base/memory.h"
#include "catalog/fixture.h"
#include "edge/clock.h"
#include "edge/warden.h"

#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "edge/await_test_rig.h"

static char home[] = "/tmp/reel-command-XXXXXX";

/* A model of each name, whose program is HOME/NAME. */
static const struct {
    const char *name, *script;
} programs[] = {
    {"m", "exit 0"},
    {"hangs", "exec sleep 100"},
    {"fails", "echo one >&2; printf 'tw\\001o \\377\\n' >&2; exit 4"},
    {"none", "exit 127"},
    {"dies", "kill -BUS $$"},
    {"memory", "echo CUDA Out of Memory. >&2; exit 1"},
    {"says", "echo '{\"error\":{\"message\":\"No.\",\"code\":\"content_policy\","
             "\"retryable\":true}}'"},
    {"shouts", "echo '{\"error\":\"Never.\"}'; exit 9"},
    {"makes", "mkdir deep; exit 0"},
};

enum { PROGRAMS = sizeof programs / sizeof programs[0] };

struct scene {
    struct catalog *catalog;
    struct children *children;
    struct depot *depot;
    struct works *works;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned running, ended;
    struct worked last, last_end;
    char text[JOB_ERROR_SIZE], stage[JOB_STAGE_SIZE];
};

static bool take_message(void *context, struct message *message)
{
    struct scene *scene = context;
    const struct worked *worked = &message->event.worked;
    (void)pthread_mutex_lock(&scene->mutex);
    scene->last = *worked;
    (void)snprintf(scene->text, sizeof scene->text, "%s", worked->text ? worked->text : "");
    (void)snprintf(scene->stage, sizeof scene->stage, "%s", worked->stage ? worked->stage : "");
    if (worked->kind != WORKED_RUNNING)
        scene->last_end = *worked;
    *(worked->kind == WORKED_RUNNING ? &scene->running : &scene->ended) += 1;
    (void)pthread_cond_broadcast(&scene->changed);
    (void)pthread_mutex_unlock(&scene->mutex);
    message_free(message);
    return true;
}

static void write_program(const char *name, const char *script)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

static struct catalog *make_catalog(void)
{
    struct buffer text;
    char fault[CATALOG_FAULT_SIZE] = "";
    buffer_init(&text, 65536);
    buffer_print(&text, "{'provider':{'name':'command','title':'Own','limit':2},'models':[");
    for (unsigned n = 0; n < PROGRAMS; n++)
        buffer_print(&text,
                     "%s{'id':'%s','family':'f','title':'T','summary':'S.','task':'t',"
                     "'output':'video','extensions':['mp4'],'limit':1,'time':{'baseSeconds':1},"
                     "'parameters':{'prompt':{'type':'text'},"
                     "'imageUrl':{'type':'url','media':['image']}},"
                     "'offers':[{'command':['%s/%s','-x'],'silenceSeconds':1}]}",
                     n ? "," : "", programs[n].name, home, programs[n].name);
    buffer_print(&text, "]}");
    buffer_add_byte(&text, '\0');
    struct catalog *catalog = fixture_with(text.data, fault);
    if (!catalog)
        fail_msg("%s", fault);
    buffer_done(&text);
    return catalog;
}

static int begin(void **state)
{
    static const char *const names[] = {"REEL_SEEN", "HOUSE_*"};
    static const struct config_list environment = {.items = names, .count = 2};
    char why[DEPOT_FAULT_SIZE];
    struct scene *scene = test_calloc(1, sizeof *scene);
    (void)pthread_mutex_init(&scene->mutex, NULL);
    (void)pthread_cond_init(&scene->changed, NULL);
    for (unsigned n = 0; n < PROGRAMS; n++)
        write_program(programs[n].name, programs[n].script);
    scene->catalog = make_catalog();
    scene->children = children_make();
    scene->depot = depot_make(home, why);
    const struct works_config config = {
        .catalog = scene->catalog,
        .depot = scene->depot,
        .children = scene->children,
        .command_environment = &environment,
        .output_max = 1 << 20,
        .post = take_message,
        .context = scene,
    };
    scene->works = works_make(&config);
    assert_non_null(scene->works);
    *state = scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    works_free(scene->works);
    children_free(scene->children);
    depot_free(scene->depot);
    catalog_free(scene->catalog);
    test_free(scene);
    return 0;
}

static void name_job(struct job *job, int64_t key, const char *model)
{
    static char nothing[] = "{}";
    *job = (struct job){.key = key, .attempt = {.number = 1}, .input = nothing};
    (void)snprintf(job->id, sizeof job->id, "gen_%d", (int)key);
    (void)snprintf(job->model, sizeof job->model, "%s", model);
    (void)snprintf(job->provider, sizeof job->provider, CATALOG_COMMAND);
}

static void start(struct scene *scene, int64_t key, const char *model)
{
    struct job job;
    name_job(&job, key, model);
    works_start(scene->works, &job);
}

static void wait_for(struct scene *scene, const unsigned *counter, unsigned value)
{
    await_count(&scene->mutex, &scene->changed, counter, value);
}

static void failures_say_why(void **state)
{
    static const struct {
        const char *model;
        enum error_code error;
        bool again;
        const char *text;
    } rows[] = {
        {"fails", ERROR_PROVIDER_FAILED, true, "fails ended with status 4: one tw o ?"},
        {"none", ERROR_PROVIDER_FAILED, false, "none ended with status 127."},
        {"dies", ERROR_PROVIDER_FAILED, true, "dies died of signal 7."},
        {"memory", ERROR_OUT_OF_MEMORY, false, "memory failed: CUDA Out of Memory."},
        {"says", ERROR_CONTENT_POLICY, true, "No."},
        {"shouts", ERROR_PROVIDER_FAILED, false, "Never."},
        {"makes", ERROR_OUTPUT_INVALID, true, "The program made no mp4."},
        {"hangs", ERROR_PROVIDER_FAILED, true, "hangs said nothing for 1 seconds and was ended."},
    };
    struct scene *scene = *state;
    for (unsigned n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        start(scene, n + 1, rows[n].model);
        wait_for(scene, &scene->ended, n + 1);
        assert_int_equal(scene->last.kind, WORKED_FAILED);
        assert_string_equal(scene->text, rows[n].text);
        assert_int_equal(scene->last.error, rows[n].error);
        assert_int_equal(scene->last.again, rows[n].again);
        assert_int_equal(scene->running, n + 1);
    }
    scene->ended = 0;
    start(scene, 99, "local/still"); /* it has no command */
    wait_for(scene, &scene->ended, 1);
    assert_string_equal(scene->text, "The catalogue has no command for this job any more.");
}

/* The provider has two places and the model one, also for what was stopped and lives on. */
static void places_are_held_until_the_end(void **state)
{
    struct scene *scene = *state;
    struct job job;
    write_program("m", "trap 'sleep 1; exit 0' TERM; "
                       "echo '{}'; while :; do sleep 0.1; echo; done");
    start(scene, 1, "m");
    wait_for(scene, &scene->running, 1);
    start(scene, 2, "m");
    (void)usleep(300000);
    assert_int_equal(scene->running, 1);
    name_job(&job, 1, "m");
    ms_t began = clock_monotonic();
    works_stop(scene->works, &job, 1);
    wait_for(scene, &scene->ended, 1);
    assert_int_equal(scene->last_end.kind, WORKED_STOPPED);
    assert_true(clock_monotonic() - began >= 900);
    wait_for(scene, &scene->running, 2);
    start(scene, 3, "fails");
    wait_for(scene, &scene->ended, 2);
    /* One that waits for its place can be stopped too. */
    start(scene, 4, "m");
    name_job(&job, 4, "m");
    works_stop(scene->works, &job, 1);
    wait_for(scene, &scene->ended, 3);
    assert_int_equal(scene->last_end.kind, WORKED_STOPPED);
    assert_int_equal(scene->last_end.job, 4);
    /* The second still runs; the end of the works is its end. */
    write_program("m", programs[0].script);
}

static void progress_is_told_as_it_was_last(void **state)
{
    struct scene *scene = *state;
    struct work work = {.works = scene->works, .job = 3, .command = work_command_make()};
    static const char *const lines[] = {"not JSON",
                                        "[1]",
                                        "{\"progress\":\"7\"}",
                                        "{\"progress\":41.9,\"stage\":\"Sampling\"}",
                                        "{\"stage\":\"A stage that is named with sixty-two bytes, "
                                        "and then strange: \303\244\303\266\303\274\"}",
                                        "{\"progress\":3e9,\"outputs\":[\"b.mp4\"]}"};
    for (unsigned n = 0; n < 3; n++)
        work_command_line(&work, span_of(lines[n]));
    work_command_tell(&work);
    assert_int_equal(scene->running, 0);
    work_command_line(&work, span_of(lines[3]));
    work_command_tell(&work);
    work_command_tell(&work);
    assert_int_equal(scene->running, 1);
    assert_int_equal(scene->last.progress, 41);
    assert_string_equal(scene->stage, "Sampling");
    work_command_line(&work, span_of(lines[4]));
    work_command_line(&work, span_of(lines[5]));
    work_command_tell(&work);
    assert_int_equal(scene->running, 2);
    assert_int_equal(scene->last.progress, 100);
    /* Cut to 63 bytes, not in the middle of a character. */
    assert_string_equal(scene->stage,
                        "A stage that is named with sixty-two bytes, and then strange: ");
    assert_non_null(json_object_get(work.command->word, "outputs"));
    work_command_free(&work);
}

static void gives_paths_and_few_variables(void **state)
{
    struct scene *scene = *state;
    struct works *works = scene->works;
    struct work work = {.works = works, .attempt = 2, .input_count = 1};
    struct arena arena;
    struct buffer text;
    (void)snprintf(work.job_id, sizeof work.job_id, "gen_5");
    (void)snprintf(work.tenant, sizeof work.tenant, "default");
    (void)snprintf(work.folder, sizeof work.folder, "/works/gen_5.2");
    (void)snprintf(work.inputs[0].field, sizeof work.inputs[0].field, "imageUrl");
    (void)snprintf(work.inputs[0].name, sizeof work.inputs[0].name, "input-0");
    work.model = fixture_model(scene->catalog, "m");
    work.input = fixture_json("{'imageUrl':'https://example.com/a.png','prompt':'x'}");
    buffer_init(&text, 4096);
    work_command_request(&work, &text);
    char *wanted = fixture_quote(
        "{'jobId':'gen_5','attempt':2,'model':'m','tenant':'default','input':{'imageUrl':"
        "'/works/gen_5.2/input-0','prompt':'x'},'outputFolder':'/works/gen_5.2/"
        "outputs'}\n");
    assert_int_equal(text.size, strlen(wanted));
    assert_memory_equal(text.data, wanted, text.size);
    test_free(wanted);
    buffer_done(&text);
    json_decref(work.input);

    static const char *const set[][2] = {{"REEL_SEEN", "1"},    {"REEL_SEEN_NOT", "1"},
                                         {"HOUSE_", "1"},       {"HOUSE_A", "1"},
                                         {"HOUS", "1"},         {"CUDA_VISIBLE_DEVICES", "0"},
                                         {"FAL_KEY", "secret"}, {"TMPDIR", "/elsewhere"}};
    for (unsigned n = 0; n < sizeof set / sizeof set[0]; n++)
        assert_int_equal(setenv(set[n][0], set[n][1], 1), 0);
    arena_init(&arena);
    unsigned seen = 0;
    const char *const *list = work_command_environment(&work, &arena);
    for (; *list; list++) {
        assert_false(strncmp(*list, "FAL_KEY", 7) == 0 ||
                     strncmp(*list, "REEL_SEEN_NOT", 13) == 0 || strncmp(*list, "HOUS=", 5) == 0 ||
                     strcmp(*list, "TMPDIR=/elsewhere") == 0);
        seen += strcmp(*list, "REEL_SEEN=1") == 0 || strcmp(*list, "HOUSE_=1") == 0 ||
                strcmp(*list, "HOUSE_A=1") == 0 || strcmp(*list, "CUDA_VISIBLE_DEVICES=0") == 0 ||
                strcmp(*list, "TMPDIR=/works/gen_5.2/temporary") == 0;
    }
    assert_int_equal(seen, 5);
    arena_done(&arena);
}

static int make_home(void **state)
{
    return mkdtemp(home) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    return remove(path);
}

static int remove_home(void **state)
{
    return nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(int count, char **words)
{
    if (warden_is_meant(count, words))
        warden_run(count, words);
    const struct CMUnitTest tests[] = {
        TEST(failures_say_why),
        TEST(places_are_held_until_the_end),
        TEST(progress_is_told_as_it_was_last),
        TEST(gives_paths_and_few_variables),
    };
    return cmocka_run_group_tests(tests, make_home, remove_home);
}
