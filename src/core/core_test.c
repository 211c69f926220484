/* What others ask of the core beside its turns, and the turns that are too large for a golden
 * trace. */
#include "core/core_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NOW = 1000000 };

static const struct core_limit models[] = {{.name = "still", .providers = {"local"}}};
static const struct core_vendor vendors[] = {{.traits = {.name = "cloud"}}};
static const struct core_config config = {
    .limit_all = 1,
    .models = models,
    .model_count = 1,
    .vendors = vendors,
    .vendor_count = 1,
    .timeout = 60000,
    .submit_timeout = 30000,
};

struct scene {
    struct core *core;
    struct output output;
};

static void begin(struct scene *scene)
{
    scene->core = core_make(&config);
    output_init(&scene->output);
    core_set_now(scene->core, NOW);
}

static void end(struct scene *scene)
{
    core_free(scene->core);
    output_done(&scene->output);
}

/* Gives the job's key. */
static int64_t ask(struct scene *scene, const char *model, int64_t on)
{
    struct event event = {.kind = EVENT_ASKED, .now = NOW, .disk_free = UINT64_MAX};
    event.asked = (struct asked){.token = 1,
                                 .tenant = "alice",
                                 .model = model,
                                 .provider = "local",
                                 .inputs = {SPAN("{}")},
                                 .count = 1,
                                 .depends_on = {on},
                                 .dependency_count = on != 0};
    core_step(scene->core, &event, &scene->output);
    const struct reply *reply = &scene->output.effects.list[scene->output.effects.count - 1].reply;
    assert_int_equal(reply->error, ERROR_NONE);
    return reply->jobs[0];
}

/* The queue is empty but for what was asked for in this turn: the core knows those rows. */
static void settle(struct scene *scene, const int64_t *keys, unsigned count)
{
    struct event event = {.kind = EVENT_GOT, .now = NOW};
    unsigned given = 0;
    core_flush(scene->core, &scene->output);
    while (core_want(scene->core, &event.got.want)) {
        event.got.head_at = event.got.next_due = MS_NEVER;
        event.got.row_count = event.got.item_count = 0;
        unsigned limit = event.got.want.kind == WANT_CLAIM || event.got.want.kind == WANT_DEPENDENTS
                             ? event.got.want.limit
                             : 0;
        for (; event.got.row_count < limit && given < count; given++) {
            struct job *row = job_make();
            row->key = keys[given];
            event.got.rows[event.got.row_count++] = row;
        }
        core_step(scene->core, &event, &scene->output);
        core_flush(scene->core, &scene->output);
    }
    assert_int_equal(given, count);
}

static void nothing_is_known_at_first(void **context)
{
    (void)context;
    struct scene scene;
    begin(&scene);
    size_t cursor = 0;
    const struct job *job = NULL;
    struct core_gauges gauges;
    assert_false(core_flight_next(scene.core, &cursor, &job));
    assert_null(job);
    assert_int_equal(core_pace(scene.core, "still"), 0);
    core_gauges(scene.core, &gauges);
    assert_int_equal(gauges.in_flight + gauges.hooks_in_flight, 0);
    assert_int_equal(gauges.limit, 1);
    end(&scene);
    core_free(NULL);
}

static unsigned count_gauges(const struct core *core, enum core_gauge_kind kind,
                             struct core_gauge *ret_last)
{
    size_t cursor = 0;
    unsigned count = 0;
    while (core_gauge_next(core, kind, &cursor, ret_last))
        count++;
    return count;
}

static void gauges_show_what_is_in_flight(void **context)
{
    (void)context;
    struct scene scene;
    begin(&scene);
    const struct pace pace = {.model = "still", .count = 2, .mean = 700};
    struct tenant_row row = tenant_row_make("alice");
    row.budget = 5000;
    core_set_pace(scene.core, &pace);
    core_set_tenant(scene.core, &row);
    int64_t key = ask(&scene, "still", 0);
    settle(&scene, &key, 1);
    core_end_turn(scene.core);
    core_check(scene.core);

    size_t cursor = 0;
    const struct job *job = NULL;
    struct core_gauge gauge;
    assert_true(core_flight_next(scene.core, &cursor, &job));
    assert_int_equal(job->key, key);
    assert_int_equal(core_pace(scene.core, "still"), 700);
    assert_int_equal(count_gauges(scene.core, CORE_GAUGE_TENANT, &gauge), 1);
    assert_string_equal(gauge.name, "alice");
    assert_int_equal(gauge.in_flight, 1);
    assert_int_equal(gauge.budget, 5000);
    assert_int_equal(count_gauges(scene.core, CORE_GAUGE_MODEL, &gauge), 1);
    assert_string_equal(gauge.name, "still");
    assert_int_equal(gauge.budget, TENANT_NO_BUDGET);
    assert_int_equal(count_gauges(scene.core, CORE_GAUGE_PROVIDER, &gauge), 1);
    assert_string_equal(gauge.name, "local");
    assert_int_equal(gauge.health.blocked_until, 0);

    const struct event pause = {.kind = EVENT_VENDOR_ASKED,
                                .now = NOW,
                                .vendor_asked = {.provider = "cloud", .pause = true}};
    core_step(scene.core, &pause, &scene.output);
    unsigned paused = 0;
    for (cursor = 0; core_gauge_next(scene.core, CORE_GAUGE_PROVIDER, &cursor, &gauge);)
        paused += gauge.health.is_paused;
    assert_int_equal(paused, 1);
    end(&scene);
}

/* More wait for one job than are brought at once: those that are left are wanted again. */
static void many_can_wait_for_one(void **context)
{
    (void)context;
    struct scene scene;
    static int64_t keys[WANT_ROWS_MAX + 1];
    begin(&scene);
    int64_t first = ask(&scene, "still", 0);
    for (size_t n = 0; n < sizeof keys / sizeof keys[0]; n++)
        keys[n] = ask(&scene, "still", first);
    const struct event cancel = {
        .kind = EVENT_CANCEL_ASKED, .now = NOW, .cancel_asked = {.tenant = "alice", .job = first}};
    core_step(scene.core, &cancel, &scene.output);
    settle(&scene, keys, WANT_ROWS_MAX + 1);
    unsigned failed = 0;
    for (size_t n = 0; n < sizeof keys / sizeof keys[0]; n++)
        failed += life_find(scene.core, keys[n])->state == STATE_FAILED;
    assert_int_equal(failed, WANT_ROWS_MAX + 1);
    core_end_turn(scene.core);
    core_check(scene.core);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(gauges_show_what_is_in_flight),
        cmocka_unit_test(many_can_wait_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
