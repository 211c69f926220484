#include "core/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct job at_work = {
    .state = STATE_RUNNING,
    .attempt = {.state = ATTEMPT_ACCEPTED, .accepted_at = 1000, .expected = 60000},
};

static void comes_with_the_time(void **state)
{
    (void)state;
    static const struct {
        ms_t now;
        int progress;
        const char *words;
    } rows[] = {
        {0, 0, "Analyzing prompt"},       {1000, 0, "Analyzing prompt"},
        {9000, 11, "Initializing model"}, {31000, 44, "Generating frames"},
        {61000, 89, "Encoding video"},    {91000, 92, "Finalizing"},
        {MS_DAY, 98, "Finalizing"},       {MS_DAY * 10000, 98, "Finalizing"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        int progress = progress_of(&at_work, rows[n].now);
        assert_int_equal(progress, rows[n].progress);
        assert_string_equal(progress_words(progress), rows[n].words);
    }
}

static void never_falls(void **state)
{
    (void)state;
    struct job job = at_work;
    int last = 0;
    for (ms_t now = 0; now < 10 * MS_MINUTE; now += 50) {
        int progress = progress_of(&job, now);
        assert_true(progress >= last && progress < 100);
        last = progress;
    }
    /* What an attempt came to is where the next one begins. */
    job.progress = last;
    job.attempt.accepted_at = 20 * MS_MINUTE;
    assert_int_equal(progress_of(&job, 20 * MS_MINUTE), last);
    assert_true(progress_of(&job, 21 * MS_MINUTE) >= last);
}

static void is_a_guess_only_where_nobody_says(void **state)
{
    (void)state;
    struct job job = at_work;
    assert_true(progress_is_estimated(&job));
    job.attempt.expected = 0;
    job.progress = 30;
    assert_false(progress_is_estimated(&job));
    assert_int_equal(progress_of(&job, MS_DAY), 30);
    job = at_work;
    job.attempt.state = ATTEMPT_UNCERTAIN;
    assert_int_equal(progress_of(&job, MS_DAY), 0);
    job = at_work;
    job.state = STATE_FAILED;
    assert_int_equal(progress_of(&job, MS_DAY), 0);
}

static void says_what_is_left(void **state)
{
    (void)state;
    assert_int_equal(progress_left(&at_work, 0), 60000);
    assert_int_equal(progress_left(&at_work, 31000), 30000);
    assert_int_equal(progress_left(&at_work, 60000), 6000);
    assert_int_equal(progress_left(&at_work, MS_DAY), 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_with_the_time),
        cmocka_unit_test(never_falls),
        cmocka_unit_test(is_a_guess_only_where_nobody_says),
        cmocka_unit_test(says_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
