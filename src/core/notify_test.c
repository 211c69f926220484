/* Webhooks are told in golden traces (notify*.txt); here is what would make those too long. */
#include "core/core_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The number of deliveries that a progress event makes of a job with so many. */
static size_t made_by_progress(unsigned hooks)
{
    const struct core_config config = {.timeout = 1000};
    struct core *core = core_make(&config);
    struct output output;
    output_init(&output);
    core_set_now(core, MS_DAY);
    struct job *job = job_make();
    job->key = 7;
    job->hook_lane = 1;
    job->hook_events = 1u << NOTIFY_PROGRESS | 1u << NOTIFY_COMPLETED;
    job->hooks = hooks;
    notify_job(core, &output, job, NOTIFY_PROGRESS);
    size_t made = job->hooks - hooks;
    notify_job(core, &output, job, NOTIFY_COMPLETED); /* the end is told all the same */
    assert_int_equal(job->hooks, hooks + made + 1);
    core_free(core);
    job_free(job);
    output_done(&output);
    return made;
}

static void a_job_tells_of_its_progress_so_often(void **context)
{
    (void)context;
    assert_int_equal(made_by_progress(0), 1);
    assert_int_equal(made_by_progress(NOTIFY_EVENTS_MAX - 1), 1);
    assert_int_equal(made_by_progress(NOTIFY_EVENTS_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_tells_of_its_progress_so_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
