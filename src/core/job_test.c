#include "core/job.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void names_differ(void **context)
{
    (void)context;
    for (int n = 1; n < RECEIPT_COUNT; n++)
        assert_string_not_equal(receipt_name((enum receipt)n), receipt_name((enum receipt)(n - 1)));
    for (int n = 1; n < ATTEMPT_COUNT; n++)
        assert_string_not_equal(attempt_name((enum attempt_state)n),
                                attempt_name((enum attempt_state)(n - 1)));
}

static void a_job_frees_what_it_owns(void **context)
{
    (void)context;
    struct job *job = job_make();
    job->key = 7;
    job->input = memory_copy(SPAN("{}"));
    job->route = memory_copy(SPAN("fal\t1\tx\n"));
    job->words = memory_copy(SPAN("[]"));
    assert_true(list_empty(&job->link) && list_empty(&job->dirty_link));
    assert_int_equal(job_key_span(job).size, sizeof job->key);
    assert_memory_equal(job_key_span(job).data, &job->key, sizeof job->key);
    job_free(job); /* a sanitizer sees what is left */
    job_free(NULL);
}

static void what_came_late_is_no_result(void **context)
{
    (void)context;
    struct job job = {.output_count = 3};
    assert_int_equal(job_results(&job), 3);
    job.outputs[2].is_late = true;
    assert_int_equal(job_results(&job), 2);
    job.outputs[0].is_late = job.outputs[1].is_late = true;
    assert_int_equal(job_results(&job), 0);
    job.output_count = 0;
    assert_int_equal(job_results(&job), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_differ),
        cmocka_unit_test(a_job_frees_what_it_owns),
        cmocka_unit_test(what_came_late_is_no_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
