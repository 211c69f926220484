#include "app/job_view.h"

#include "app/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_ends(void **state)
{
    static const struct {
        const char *json, *word, *stage, *fault;
        int exit;
        bool ended;
        unsigned percent;
    } cases[] = {
        {"{\"status\":\"queued\"}", "queued", "queued", "", COMMAND_SUCCEEDED, false, 0},
        {"{\"status\":\"queued\",\"waitingFor\":{\"code\":\"x\",\"message\":\"Third in line.\"}}",
         "queued", "Third in line.", "", COMMAND_SUCCEEDED, false, 0},
        {"{\"status\":\"processing\",\"progress\":40,\"stage\":\"Encoding\",\"etaSeconds\":3}",
         "processing", "Encoding", "", COMMAND_SUCCEEDED, false, 40},
        {"{\"status\":\"processing\",\"uncertain\":true}", "uncertain", "uncertain", "",
         COMMAND_SUCCEEDED, false, 0},
        {"{\"status\":\"completed\"}", "completed", "done", "", COMMAND_SUCCEEDED, true, 100},
        {"{\"status\":\"failed\",\"error\":\"Too bad.\",\"errorCode\":\"timeout\"}", "failed",
         "Too bad. (timeout)", "Too bad. (timeout)", COMMAND_FAILED, true, 0},
        {"{\"status\":\"failed\",\"errorCode\":\"expired\"}", "expired",
         "The job failed. (expired)", "The job failed. (expired)", COMMAND_EXPIRED, true, 0},
        {"{\"status\":\"failed\",\"error\":\"Lost.\",\"errorCode\":\"submission_uncertain\"}",
         "failed", "Lost. (submission_uncertain)", "Lost. (submission_uncertain)",
         COMMAND_UNCERTAIN, true, 0},
        {"{\"status\":\"canceled\",\"receipt\":\"stopped\"}", "canceled", "canceled",
         "The job was canceled (stopped).", COMMAND_CANCELED, true, 0},
        {"{}", "", "", "", COMMAND_SUCCEEDED, false, 0},
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        struct arena arena;
        char why[JSON_FAULT_SIZE];
        arena_init(&arena);
        json_t *status = json_read(span_of(cases[n].json), why);
        assert_non_null(status);
        struct progress_bar bar = job_view_bar(status, &arena);
        assert_string_equal(job_view_word(status), cases[n].word);
        assert_string_equal(bar.stage, cases[n].stage);
        assert_int_equal(bar.percent, cases[n].percent);
        assert_string_equal(job_view_fault(status, &arena), cases[n].fault);
        assert_int_equal(job_view_exit(status), cases[n].exit);
        assert_int_equal(job_view_ended(status), cases[n].ended);
        json_decref(status);
        arena_done(&arena);
    }
}

static void test_fields(void **state)
{
    char why[JSON_FAULT_SIZE];
    json_t *status = json_read(SPAN("{\"a\":\"2026-01-21T21:00:00.000Z\",\"n\":2.9,\"m\":7}"), why);
    assert_int_equal(job_view_time(status, "a"), 1769029200000);
    assert_int_equal(job_view_time(status, "n"), 0);
    assert_int_equal(job_view_number(status, "n", 0), 2);
    assert_int_equal(job_view_number(status, "m", 0), 7);
    assert_int_equal(job_view_number(status, "a", -1), -1);
    assert_string_equal(job_view_text(status, "m"), "");
    assert_string_equal(job_view_text(NULL, "m"), "");
    json_decref(status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
