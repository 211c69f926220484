/* How a fetch ends that met no server and no worker: the steps by hand, on a loop of the test's. */
#include "app/work_private.h"

#include "base/memory.h"
#include "catalog/fixture.h"

#include <unistd.h>

static char home[] = "/tmp/reel-fetch-XXXXXX";
static struct works own;      /* its thread is the test's */
static struct message *heard; /* the newest */
static unsigned heard_count;

static bool take_message(void *context, struct message *message)
{
    message_free(heard);
    heard = message;
    heard_count++;
    return true;
}

static struct work *make_by_hand(enum work_stage stage)
{
    struct work *work = memory_new(struct work);
    *work = (struct work){.works = &own, .job = 8, .attempt = 1, .is_fetch = true, .stage = stage};
    (void)snprintf(work->job_id, sizeof work->job_id, "gen_8");
    (void)snprintf(work->name, sizeof work->name, "gen_8.1");
    (void)snprintf(work->inputs[0].field, sizeof work->inputs[0].field, "The output");
    work->inputs[0].url = memory_copy(SPAN("https://example.com/film"));
    work->input_count = 1;
    map_set(&own.all, span_of(work->name), work);
    return work;
}

static void run_own(void)
{
    (void)uv_run(&own.loop, UV_RUN_DEFAULT);
    assert_null(map_get(&own.all, SPAN("gen_8.1")));
}

static void expect_failed(enum error_code error, bool again, const char *part)
{
    const struct worked *worked = &heard->event.worked;
    if (worked->kind != WORKED_FAILED || worked->error != error || worked->again != again ||
        !strstr(worked->text, part))
        fail_msg("%d %s, %sagain: %s", worked->kind, error_name(worked->error),
                 worked->again ? "" : "not ", worked->text ? worked->text : "");
}

static void answers_that_never_came_are_worth_another(void **state)
{
    static const struct {
        enum egress_outcome outcome;
        enum error_code error;
        bool again, passing;
    } rows[] = {
        {EGRESS_NOT_RESOLVED, ERROR_OUTPUT_LOST, true, true},
        {EGRESS_NOT_CONNECTED, ERROR_OUTPUT_LOST, true, true},
        {EGRESS_TLS_FAILED, ERROR_OUTPUT_LOST, true, true},
        {EGRESS_TIMED_OUT, ERROR_OUTPUT_LOST, true, true},
        {EGRESS_BROKEN, ERROR_OUTPUT_LOST, true, true},
        {EGRESS_DISK_BROKEN, ERROR_INTERNAL, true, false},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct egress_result result = {.outcome = rows[n].outcome, .sentence = "It went wrong."};
        struct work *work = make_by_hand(WORK_FETCHING);
        work->fetching = 1;
        work_fetch_got(work, 0, &result);
        run_own();
        expect_failed(rows[n].error, rows[n].again, "The output could not be");
        assert_int_equal(heard->event.worked.passing, rows[n].passing);
    }
}

/* Neither the download nor the inspection gives up; a stop, or the server's end, ends the wait. */
static void a_full_disk_is_waited_for(void **state)
{
    const struct egress_result full = {.outcome = EGRESS_DISK_FULL, .sentence = "It is full."};
    const struct worker_end failed = {.how = WORKER_FAILED};
    unsigned before = heard_count;
    struct work *work = make_by_hand(WORK_FETCHING);
    work->fetching = 1;
    work_fetch_got(work, 0, &full);
    assert_int_equal(work->error, ERROR_NONE);
    assert_true(uv_is_active((uv_handle_t *)&work->timer));
    work->stopped = true;
    run_own();
    assert_int_equal(heard_count, before + 1);
    assert_int_equal(heard->event.worked.kind, WORKED_STOPPED);
    work = make_by_hand(WORK_WORKING);
    work_fail(work, ERROR_STORAGE_FULL, true, "The disk is full.");
    work_fetch_inspected(work, &failed);
    assert_int_equal(work->error, ERROR_NONE);
    assert_true(uv_is_active((uv_handle_t *)&work->timer));
    work->dropped = true;
    run_own();
    assert_int_equal(heard_count, before + 1);
}

static void an_inspection_that_died_is_worth_another(void **state)
{
    const struct worker_end died = {.how = WORKER_DIED, .sentence = "The media worker died."};
    const struct worker_end ended = {.how = WORKER_STOPPED, .sentence = "It was stopped."};
    work_fetch_inspected(make_by_hand(WORK_WORKING), &died);
    run_own();
    expect_failed(ERROR_INTERNAL, true, "The media worker died.");
    /* The server shuts down: the next one asks the provider again. */
    unsigned before = heard_count;
    work_fetch_inspected(make_by_hand(WORK_WORKING), &ended);
    run_own();
    const struct egress_result canceled = {.outcome = EGRESS_CANCELED, .sentence = "It ended."};
    struct work *work = make_by_hand(WORK_FETCHING);
    work->fetching = 1;
    work_fetch_got(work, 0, &canceled);
    run_own();
    assert_int_equal(heard_count, before);
}

/* Who stands in line has no folder, no call and no worker yet. */
static void who_stands_in_line_can_be_dropped(void **state)
{
    struct place other = {0};
    unsigned before = heard_count;
    place_take(&own.lines, "fal", 1, &other);
    struct work *work = make_by_hand(WORK_PREPARING);
    (void)snprintf(work->provider, sizeof work->provider, "fal");
    work->fetches_max = 1;
    work_fetch_start(work);
    (void)uv_run(&own.loop, UV_RUN_DEFAULT); /* it came to another, so not at once */
    assert_true(work->place.line && !work->place.is_had);
    work->dropped = true;
    work_halt(work);
    run_own();
    assert_int_equal(heard_count, before);
    assert_null(place_leave(&other));
}

static void keep(const char *name)
{
    char path[DEPOT_PATH_SIZE], file[DEPOT_PATH_SIZE + 16];
    struct depot_kept kept;
    assert_int_equal(depot_work_folder(own.config.depot, SPAN("gen_8"), 2, path), DEPOT_OK);
    (void)snprintf(file, sizeof file, "%s/made", path);
    FILE *made = fopen(file, "we");
    assert_non_null(made);
    assert_true(fputs("a film", made) >= 0);
    assert_int_equal(fclose(made), 0);
    assert_int_equal(depot_keep(own.config.depot, file, SPAN("gen_8"), span_of(name), &kept),
                     DEPOT_OK);
    assert_int_equal(depot_remove_work(own.config.depot, SPAN("gen_8"), 2), DEPOT_OK);
}

static bool is_kept(const char *name)
{
    char path[DEPOT_PATH_SIZE];
    assert_int_equal(depot_path(own.config.depot, SPAN("gen_8"), span_of(name), path), DEPOT_OK);
    return access(path, F_OK) == 0;
}

static void what_an_older_attempt_adds_leaves_the_result_alone(void **state)
{
    keep("output.mp4");
    keep("output-2.mp4");
    struct work *work = make_by_hand(WORK_KEEPING);
    work->files_before = 1;
    work_fail(work, ERROR_OUTPUT_LOST, true, "It could not be stored.");
    work_over(work);
    run_own();
    expect_failed(ERROR_OUTPUT_LOST, true, "could not be stored");
    assert_true(is_kept("output.mp4"));
    assert_false(is_kept("output-2.mp4"));
    work = make_by_hand(WORK_PREPARING);
    memory_free(work->inputs[0].url);
    work->input_count = 0;
    work->files_before = JOB_OUTPUTS_MAX;
    work_fetch_start(work);
    run_own();
    expect_failed(ERROR_OUTPUT_INVALID, false, "as many outputs as it may have");
    assert_true(is_kept("output.mp4"));
    assert_int_equal(depot_remove_job(own.config.depot, SPAN("gen_8")), DEPOT_OK);
}

static int begin_all(void **state)
{
    char why[DEPOT_FAULT_SIZE];
    assert_non_null(mkdtemp(home));
    own.config = (struct works_config){.depot = depot_make(home, why), .post = take_message};
    assert_non_null(own.config.depot);
    map_init(&own.all);
    map_init(&own.lines);
    return uv_loop_init(&own.loop);
}

static int end_all(void **state)
{
    static const char *const folders[] = {"outputs", "work", "uploads/staging", "uploads"};
    depot_free(own.config.depot);
    map_done(&own.all);
    place_done(&own.lines);
    message_free(heard);
    assert_int_equal(uv_loop_close(&own.loop), 0);
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
        cmocka_unit_test(answers_that_never_came_are_worth_another),
        cmocka_unit_test(a_full_disk_is_waited_for),
        cmocka_unit_test(an_inspection_that_died_is_worth_another),
        cmocka_unit_test(who_stands_in_line_can_be_dropped),
        cmocka_unit_test(what_an_older_attempt_adds_leaves_the_result_alone),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
