#include "app/board.h"

#include "app/turn.h"
#include "store/ram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A core in which jobs of two tenants and one model wait and run. */
struct scene {
    struct board *board;
    struct store *store;
    struct core *core;
    struct turn turn;
    struct arena arena;
};

static void ask(struct scene *scene, const char *tenant, const char *model)
{
    struct event event = {.kind = EVENT_ASKED};
    struct event *const events[] = {&event};
    event.asked = (struct asked){
        .token = 1, .tenant = tenant, .model = model, .provider = "local", .count = 1};
    event.asked.inputs[0] = SPAN("{}");
    assert_int_equal(turn_run(&scene->turn, events, 1, 1000000, UINT64_MAX), STORE_OK);
    turn_end(&scene->turn);
}

static int begin(void **state)
{
    static const struct core_limit models[] = {{.name = "m", .limit = 2}};
    static const struct core_vendor vendors[] = {{.traits = {.name = "cloud"}}};
    static const struct core_config config = {.limit_all = 3,
                                              .models = models,
                                              .model_count = 1,
                                              .vendors = vendors,
                                              .vendor_count = 1,
                                              .timeout = MS_MINUTE,
                                              .submit_timeout = MS_MINUTE,
                                              .seed = 7};
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->board = board_make();
    scene->store = ram_open();
    scene->core = core_make(&config);
    arena_init(&scene->arena);
    turn_init(&scene->turn, scene->core, scene->store);
    assert_int_equal(turn_recover(&scene->turn, 1000000), STORE_OK);
    turn_end(&scene->turn);
    *state = scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    turn_done(&scene->turn);
    core_free(scene->core);
    store_close(scene->store);
    board_free(scene->board);
    board_free(NULL);
    arena_done(&scene->arena);
    free(scene);
    return 0;
}

static void shows_how_things_stand(void **state)
{
    struct scene *scene = *state;
    struct board *board = scene->board;
    assert_false(board_ready(board));
    assert_false(board_full(board));
    board_set_ready(board, true);
    board_set_full(board, true);
    assert_true(board_ready(board));
    assert_true(board_full(board));
    board_set_full(board, false);
    assert_false(board_full(board));
    assert_int_equal(board_pace(board, "m"), 0);
    struct pace pace = {.model = "m", .count = 3, .mean = 4200};
    core_set_pace(scene->core, &pace);
    ask(scene, "ann", "m");
    assert_int_equal(board_pace(board, "m"), 0); /* until it is shown */
    board_show(board, scene->core, 5000);
    assert_int_equal(board_pace(board, "m"), 4200);
    assert_int_equal(board_pace(board, "other"), 0);
}

static void turn(struct scene *scene, ms_t at, struct event event)
{
    struct event *const events[] = {&event};
    assert_int_equal(turn_run(&scene->turn, events, 1, at, UINT64_MAX), STORE_OK);
    turn_end(&scene->turn);
}

static const struct answer_waiting *why(struct scene *scene, const struct job *job,
                                        int64_t position)
{
    static struct answer_waiting waiting;
    memset(&waiting, 0xA5, sizeof waiting);
    board_why(scene->board, job, position, &scene->arena, &waiting);
    return &waiting;
}

static void says_why_a_job_waits(void **state)
{
    struct scene *scene = *state;
    struct job job = {.state = STATE_WAITING, .waits_for = 1, .start_at = 777};
    (void)span_copy(SPAN("m"), job.model, sizeof job.model);
    (void)span_copy(SPAN("ann"), job.tenant, sizeof job.tenant);
    (void)span_copy(SPAN("local"), job.provider, sizeof job.provider);
    assert_string_equal(why(scene, &job, 0)->code, "dependency");
    assert_string_equal(why(scene, &job, 0)->message, "Waits for 1 other job to succeed.");
    job.waits_for = 2;
    assert_string_equal(why(scene, &job, 0)->message, "Waits for 2 other jobs to succeed.");
    job.waits_for = 0;
    assert_string_equal(why(scene, &job, 0)->code, "start_time");
    assert_int_equal(why(scene, &job, 0)->until, 777);
    assert_int_equal(why(scene, &job, 0)->position, 0);
    job.state = STATE_QUEUED;
    assert_string_equal(why(scene, &job, 5)->code, "position");
    assert_int_equal(why(scene, &job, 5)->position, 5);
    ask(scene, "ann", "m");
    ask(scene, "bob", "m");
    ask(scene, "bob", "m"); /* it has to wait */
    board_show(scene->board, scene->core, 5000);
    assert_string_equal(why(scene, &job, 1)->code, "model_limit");
    assert_non_null(why(scene, &job, 1)->message);
    assert_int_equal(why(scene, &job, 1)->position, 1);
    ask(scene, "bob", "n");
    board_show(scene->board, scene->core, 5000);
    assert_string_equal(why(scene, &job, 1)->code, "limit");
    static const enum state others[] = {STATE_SUBMITTING, STATE_UNCERTAIN, STATE_RUNNING,
                                        STATE_STORING,    STATE_SUCCEEDED, STATE_FAILED,
                                        STATE_CANCELED,   STATE_EXPIRED};
    for (size_t n = 0; n < sizeof others / sizeof others[0]; n++) {
        job.state = others[n];
        assert_null(why(scene, &job, 1)->code);
    }
}

static void pause(struct scene *scene, bool pause)
{
    struct event event = {.kind = EVENT_VENDOR_ASKED, .vendor_asked = {1, "cloud", pause}};
    struct event *const events[] = {&event};
    assert_int_equal(turn_run(&scene->turn, events, 1, 1000000, UINT64_MAX), STORE_OK);
    turn_end(&scene->turn);
    board_show(scene->board, scene->core, 5000);
}

static void shows_how_well_a_provider_is(void **state)
{
    struct scene *scene = *state;
    struct answer_provider cloud = {.name = "cloud"}, other = {.name = "other", .limit = 7};
    struct job job = {.state = STATE_QUEUED, .provider = "cloud"};
    pause(scene, true);
    board_provider(scene->board, &cloud);
    assert_true(cloud.health.is_paused);
    assert_string_equal(why(scene, &job, 1)->code, "provider_paused");
    job.state = STATE_SUBMITTING; /* its submission is under way, or it was put off */
    assert_null(why(scene, &job, 0)->code);
    job.attempt.state = ATTEMPT_REFUSED;
    assert_string_equal(why(scene, &job, 0)->code, "provider_paused");
    job.state = STATE_QUEUED;
    pause(scene, false);
    board_provider(scene->board, &cloud);
    assert_false(cloud.health.is_paused);
    assert_string_equal(why(scene, &job, 1)->code, "position");
    board_provider(scene->board, &other);
    assert_int_equal(other.limit, 0);
}

/* ---------------------------------------------------------------- Prometheus' text format */

/* The value of a sample, -1 when there is none. */
static double sample(const char *text, const char *name)
{
    char line[200];
    (void)snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(text, line);
    return at ? strtod(at + strlen(line), NULL) : -1;
}

static bool is_name(struct span text)
{
    for (size_t n = 0; n < text.size; n++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz_", text.data[n]))
            return false;
    }
    return text.size > 0;
}

/* Every sample is a name that was introduced, perhaps labels, and a number. */
static void check_format(const char *text)
{
    struct span rest = span_of(text), line;
    struct span family = SPAN("");
    assert_int_equal(rest.data[rest.size - 1], '\n');
    while (span_take(&rest, '\n', &line)) {
        struct span word, name;
        double value;
        if (line.size == 0 && !rest.data)
            break;
        if (span_starts(line, "# TYPE ")) {
            line = (struct span){line.data + 7, line.size - 7};
            assert_true(span_take(&line, ' ', &family) && is_name(family));
            continue;
        }
        if (span_starts(line, "# HELP "))
            continue;
        ptrdiff_t labels = span_find(line, '{'), behind = span_find(line, '}');
        if (labels >= 0) {
            assert_true(behind > labels && line.data[behind - 1] == '"');
            name = (struct span){line.data, (size_t)labels};
            word = (struct span){line.data + behind + 1, line.size - (size_t)behind - 1};
        } else {
            word = line;
            assert_true(span_take(&word, ' ', &name));
        }
        if (!is_name(name) || name.size < family.size ||
            memcmp(name.data, family.data, family.size) != 0 ||
            !span_number(span_trim(word), &value) || value < 0)
            fail_msg("%.*s", SPAN_PRINT(line));
    }
}

static void writes_metrics(void **state)
{
    struct scene *scene = *state;
    struct board_counters *counters = board_counters(scene->board);
    struct buffer text;
    static const ms_t times[] = {-5, 0, 1, 2, 5, 6, 3600000, 3600001, MS_NEVER / 4};
    for (size_t n = 0; n < sizeof times / sizeof times[0]; n++)
        board_observe(&counters->commit, times[n]);
    atomic_fetch_add(&counters->requests[2], 3);
    atomic_fetch_add(&counters->ended[STATE_FAILED], 2);
    atomic_fetch_add(&counters->asked, 4);
    atomic_fetch_add(&counters->hooks[BOARD_HOOK_GONE], 2);
    board_set_hooks(scene->board, 12);
    ask(scene, "ann", "m");
    ask(scene, "ann", "m");
    ask(scene, "ann", "m");
    board_show(scene->board, scene->core, 1ull << 40);
    buffer_init(&text, 1 << 20);
    board_count_stream(scene->board, "cloud", 1);
    board_count_stream(scene->board, "cloud", 1);
    board_count_stream(scene->board, "cloud", -1);
    board_write(scene->board, &text);
    assert_false(text.failed);
    check_format(text.data);
    assert_true(sample(text.data, "reel_commit_seconds_bucket{le=\"0.001\"}") == 3);
    assert_true(sample(text.data, "reel_commit_seconds_bucket{le=\"0.005\"}") == 5);
    assert_true(sample(text.data, "reel_commit_seconds_bucket{le=\"0.01\"}") == 6);
    assert_true(sample(text.data, "reel_commit_seconds_bucket{le=\"3600\"}") == 7);
    assert_true(sample(text.data, "reel_commit_seconds_bucket{le=\"+Inf\"}") == 9);
    assert_true(sample(text.data, "reel_commit_seconds_count") == 9);
    assert_true(sample(text.data, "reel_http_requests_total{status=\"2xx\"}") == 3);
    assert_true(sample(text.data, "reel_jobs_ended_total{state=\"failed\"}") == 2);
    assert_true(sample(text.data, "reel_jobs_ended_total{state=\"succeeded\"}") == 0);
    assert_true(sample(text.data, "reel_jobs_asked_total") == 4);
    assert_true(sample(text.data, "reel_webhook_deliveries_total{result=\"gone\"}") == 2);
    assert_true(sample(text.data, "reel_webhook_deliveries_total{result=\"delivered\"}") == 0);
    assert_true(sample(text.data, "reel_webhook_pending") == 12);
    assert_true(sample(text.data, "reel_provider_streams{provider=\"cloud\"}") == 1);
    assert_true(sample(text.data, "reel_webhook_in_flight") == 0);
    assert_true(sample(text.data, "reel_jobs_queued") == 1);
    assert_true(sample(text.data, "reel_jobs_in_flight") == 2);
    assert_true(sample(text.data, "reel_model_in_flight{model=\"m\"}") == 2);
    assert_true(sample(text.data, "reel_model_queued{model=\"m\"}") == 1);
    assert_true(sample(text.data, "reel_tenant_in_flight{tenant=\"ann\"}") == 2);
    assert_true(sample(text.data, "reel_provider_in_flight{provider=\"local\"}") == 2);
    assert_true(sample(text.data, "reel_disk_free_bytes") == 1099511627776.0);
    buffer_done(&text);
}

static void says_that_a_provider_is_sent_less(void **state)
{
    struct scene *scene = *state;
    struct job job = {.state = STATE_QUEUED, .model = "film", .tenant = "ann", .provider = "cloud"};
    struct event event = {.kind = EVENT_ASKED};
    event.asked = (struct asked){.token = 1,
                                 .tenant = "ann",
                                 .model = "film",
                                 .provider = "cloud",
                                 .count = 1,
                                 .route = SPAN("cloud\t0\tslug\n")};
    event.asked.inputs[0] = SPAN("{}");
    turn(scene, 1000000, event);
    size_t cursor = 0;
    const struct job *sent;
    assert_true(core_flight_next(scene->core, &cursor, &sent));
    struct told told;
    told_init(&told);
    told.kind = TOLD_LATER;
    turn(scene, 1000100,
         (struct event){.kind = EVENT_TOLD,
                        .heard = {.job = sent->key, .attempt = 1, .sent = true, .told = &told}});
    board_show(scene->board, scene->core, 1000100);
    assert_string_equal(why(scene, &job, 1)->code, "rate_limit");
    assert_int_equal(why(scene, &job, 1)->until, 1001100);
    /* Nothing is out yet, so one may leave; then it is. */
    turn(scene, 1001100, (struct event){.kind = EVENT_DUE});
    board_show(scene->board, scene->core, 1001100);
    assert_string_equal(why(scene, &job, 1)->code, "position");
    turn(scene, 1003000, (struct event){.kind = EVENT_DUE});
    board_show(scene->board, scene->core, 1003000);
    assert_string_equal(why(scene, &job, 1)->code, "rate_limit");
    assert_int_equal(why(scene, &job, 1)->until, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shows_how_things_stand, begin, end),
        cmocka_unit_test_setup_teardown(says_why_a_job_waits, begin, end),
        cmocka_unit_test_setup_teardown(says_that_a_provider_is_sent_less, begin, end),
        cmocka_unit_test_setup_teardown(shows_how_well_a_provider_is, begin, end),
        cmocka_unit_test_setup_teardown(writes_metrics, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
