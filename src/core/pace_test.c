#include "core/core_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NOW = 1000000000 };

static const struct core_vendor vendors[] = {{.traits = {.name = "cloud",
                                                         .result_kept = 3 * MS_HOUR,
                                                         .url_kept = MS_HOUR,
                                                         .poll_min = MS_SECOND,
                                                         .poll_first = 5 * MS_SECOND,
                                                         .poll_last = 30 * MS_SECOND}}};

struct scene {
    struct core *core;
    struct output output;
    struct job job;
};

static void begin(struct scene *scene)
{
    const struct core_config config = {.vendors = vendors, .vendor_count = 1, .timeout = 1000};
    scene->core = core_make(&config);
    core_set_now(scene->core, NOW);
    output_init(&scene->output);
    scene->job = (struct job){.model = "film", .attempt = {.provider = "cloud"}};
}

static void end(struct scene *scene)
{
    core_free(scene->core);
    output_done(&scene->output);
}

static ms_t mean_after(struct scene *scene, ms_t took)
{
    scene->job.started_at = NOW - took;
    scene->job.ended_at = NOW;
    pace_add(scene->core, &scene->output, &scene->job);
    return core_pace(scene->core, "film");
}

static void old_durations_fade(void **context)
{
    (void)context;
    struct scene scene;
    begin(&scene);
    assert_int_equal(mean_after(&scene, 1000), 1000);
    assert_int_equal(mean_after(&scene, 2000), 1500);
    for (int n = 0; n < 400; n++)
        (void)mean_after(&scene, 1000);
    /* Of the last twenty and the new one, each counts the same. */
    assert_int_equal(mean_after(&scene, 22000), 2000);
    end(&scene);
}

/* It is seen to have ended so long after it was accepted; gives how long the next one waits. */
static ms_t first_wait_after(struct scene *scene, ms_t took)
{
    scene->job.attempt.accepted_at = NOW - took;
    scene->job.flight.heard_at = NOW;
    pace_learn(scene->core, &scene->output, &scene->job);
    scene->job.attempt.accepted_at = NOW;
    return pace_planned(scene->core, &scene->job);
}

/* A plan that is still good enough is not made anew with each end. */
static void plans_hold_for_a_while(void **context)
{
    (void)context;
    struct scene scene;
    begin(&scene);
    assert_int_equal(pace_planned(scene.core, &scene.job), 5000); /* blind */
    for (int n = 0; n < 160; n++)
        (void)first_wait_after(&scene, 90000 + n % 2 * 20000);
    unsigned changes = 0;
    ms_t last = pace_planned(scene.core, &scene.job);
    assert_true(last > 30000 && last < 90000);
    for (int n = 0; n < 60; n++) {
        ms_t next = first_wait_after(&scene, 30000 + n % 2 * 5000);
        changes += next != last;
        last = next;
    }
    assert_in_range(changes, 2, 3); /* every twenty ends, of sixty */
    end(&scene);
}

static void results_are_not_waited_out(void **context)
{
    (void)context;
    struct scene scene;
    begin(&scene);
    assert_int_equal(pace_longest(scene.core, &scene.job), 20 * MS_MINUTE); /* of the links' hour */
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_durations_fade),
        cmocka_unit_test(plans_hold_for_a_while),
        cmocka_unit_test(results_are_not_waited_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
