#include "provider/question.h"

#include "catalog/fixture.h"

struct rig {
    struct catalog *catalog;
    struct arena arena;
};

static struct question question_of(struct rig *rig, const char *model, enum provider_call call)
{
    const struct offer *offer = fixture_model(rig->catalog, model)->offers[0];
    return (struct question){
        .provider = provider_find(span_of(offer->provider->name)),
        .ask = {.offer = offer,
                .base_url = "http://r.ex",
                .endpoint = "",
                .job_id = "gen_x",
                .mark = "m",
                .hook_url = "http://me.ex/h",
                .sent_at = 1790000000000,
                .asked_at = 1790000060000,
                .arena = &rig->arena},
        .call = call,
        .remote_id = "r1",
        .handle = "",
        .page = "",
    };
}

static bool read_text(struct question *question, int status, const char *text,
                      struct told *ret_told)
{
    struct http_response answer = {.status = status, .body = span_of(text)};
    (void)http_response_add(&answer, "Date", SPAN("Sun, 01 Nov 2026 10:02:00 GMT"));
    return question_read(question, &answer, ret_told);
}

static void assert_target(const struct question *question, const char *expected)
{
    struct http_request request;
    question_request(question, &request);
    if (!span_is(request.target, expected))
        fail_msg("%.*s, not %s", SPAN_PRINT(request.target), expected);
}

static int make(void **state)
{
    static struct rig rig;
    rig.catalog = fixture_catalog();
    arena_init(&rig.arena);
    *state = &rig;
    return 0;
}

static int drop(void **state)
{
    struct rig *rig = *state;
    arena_done(&rig->arena);
    catalog_free(rig->catalog);
    return 0;
}

static void test_files_are_asked_for_where_they_have_a_call_of_their_own(void **state)
{
    struct question question = question_of(*state, "veo3/text-to-video", PROVIDER_CALL_POLL);
    struct told told;
    assert_target(&question, "http://r.ex/fal-ai/veo3/requests/r1/status?logs=1");
    assert_true(
        read_text(&question, 200, "{\"status\":\"COMPLETED\",\"request_id\":\"r1\"}", &told));
    assert_target(&question, "http://r.ex/fal-ai/veo3/requests/r1");
    assert_int_equal(question_call(&question), PROVIDER_CALL_POLL);
    assert_false(read_text(&question, 200, "{\"video\":{\"url\":\"https://f.ex/a.mp4\"}}", &told));
    assert_int_equal(told.kind, TOLD_DONE);
    assert_int_equal(told.file_count, 1);
    assert_string_equal(told.remote_id, "r1");
}

static void test_an_answer_without_an_id_is_about_the_one_that_was_asked_for(void **state)
{
    struct question question = question_of(*state, "wan2.5/text-to-video", PROVIDER_CALL_POLL);
    struct told told;
    assert_false(read_text(&question, 200, "{\"status\":\"processing\"}", &told));
    assert_int_equal(told.kind, TOLD_RUNNING);
    assert_string_equal(told.remote_id, "r1");
    assert_false(read_text(&question, 404, "{\"detail\":\"no\"}", &told));
    assert_int_equal(told.kind, TOLD_GONE);
    assert_string_equal(told.remote_id, "");
}

static void test_how_another_job_stands_is_not_ours(void **state)
{
    static const enum provider_call calls[] = {PROVIDER_CALL_POLL, PROVIDER_CALL_CANCEL};
    struct told told;
    for (int n = 0; n < 2; n++) {
        struct question question = question_of(*state, "wan2.5/text-to-video", calls[n]);
        assert_false(read_text(&question, 200, "{\"id\":\"r2\",\"status\":\"canceled\"}", &told));
        assert_int_equal(told.kind, TOLD_NOTHING);
        assert_string_equal(told.remote_id, "");
        assert_string_equal(told.text, "The provider answered about another job.");
    }
}

static void test_an_answer_that_settles_nothing_is_named(void **state)
{
    struct question question = question_of(*state, "wan2.5/text-to-video", PROVIDER_CALL_SUBMIT);
    struct told told;
    assert_false(read_text(&question, 502, "<html></html>", &told));
    assert_int_equal(told.kind, TOLD_NOTHING);
    assert_string_equal(told.text, "It answered 502, and not whether it took the job.");
}

static void test_a_search_reads_so_many_pages(void **state)
{
    struct question question = question_of(*state, "wan2.5/text-to-video", PROVIDER_CALL_FIND);
    struct told told;
    unsigned pages = 1;
    while (read_text(&question, 200,
                     "{\"results\":[],\"next\":\"http://r.ex/predictions?cursor=c\"}", &told)) {
        assert_target(&question, "http://r.ex/predictions?cursor=c");
        pages++;
    }
    assert_int_equal(pages, QUESTION_PAGES_MAX);
    assert_int_equal(told.kind, TOLD_MORE); /* nobody knows what the others hold */
}

static void test_silence_after_a_submission_proves_nothing_unless_it_is_ours(void **state)
{
    struct question submit = question_of(*state, "ltx2", PROVIDER_CALL_SUBMIT);
    struct question poll = question_of(*state, "ltx2", PROVIDER_CALL_POLL);
    struct told told;
    question_silence(&submit, false, SPAN("It took too long."), &told);
    assert_int_equal(told.kind, TOLD_NOTHING);
    assert_int_equal(told.error, ERROR_PROVIDER_UNAVAILABLE);
    assert_string_equal(told.text, "It took too long.");
    question_silence(&submit, true, SPAN("There is no such address."), &told);
    assert_int_equal(told.kind, TOLD_REFUSED);
    assert_int_equal(told.error, ERROR_PROVIDER_NOT_CONFIGURED);
    question_silence(&poll, true, SPAN("There is no such address."), &told);
    assert_int_equal(told.kind, TOLD_NOTHING);
}

static const char waits[] = "{\"id\":\"r1\",\"status\":\"IN_QUEUE\"}";

static void test_who_waits_is_told_why_where_that_is_asked(void **state)
{
    struct question question = question_of(*state, "ltx2", PROVIDER_CALL_POLL);
    struct told told;
    assert_false(read_text(&question, 200, waits, &told)); /* nobody asked */
    question.explains = true;
    assert_false(read_text(&question, 200, "{\"id\":\"r1\",\"status\":\"IN_PROGRESS\"}", &told));
    assert_true(read_text(&question, 200, waits, &told));
    assert_target(&question, "http://r.ex//health");
    assert_false(read_text(&question, 200,
                           "{\"jobs\":{\"inQueue\":5},\"workers\":{\"idle\":0,\"initializing\":2,"
                           "\"ready\":0,\"running\":0,\"throttled\":0}}",
                           &told));
    assert_int_equal(told.kind, TOLD_WAITING);
    assert_string_equal(told.remote_id, "r1");
    assert_string_equal(told.stage, "A cold start: 2 workers are loading.");
    assert_int_equal(told.position, 5);
    assert_int_equal(question_call(&question), PROVIDER_CALL_POLL);
}

static void test_no_word_on_why_is_no_harm(void **state)
{
    struct told told;
    for (int how = 0; how < 2; how++) {
        struct question question = question_of(*state, "ltx2", PROVIDER_CALL_POLL);
        question.explains = true;
        assert_true(read_text(&question, 200, waits, &told));
        if (how == 0)
            assert_false(read_text(&question, 500, "<html>", &told));
        else
            question_silence(&question, false, SPAN("It took too long."), &told);
        assert_int_equal(told.kind, TOLD_WAITING);
        assert_string_equal(told.stage, "");
        assert_int_equal(question_call(&question), PROVIDER_CALL_POLL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_asked_for_where_they_have_a_call_of_their_own),
        cmocka_unit_test(test_an_answer_without_an_id_is_about_the_one_that_was_asked_for),
        cmocka_unit_test(test_how_another_job_stands_is_not_ours),
        cmocka_unit_test(test_an_answer_that_settles_nothing_is_named),
        cmocka_unit_test(test_a_search_reads_so_many_pages),
        cmocka_unit_test(test_who_waits_is_told_why_where_that_is_asked),
        cmocka_unit_test(test_no_word_on_why_is_no_harm),
        cmocka_unit_test(test_silence_after_a_submission_proves_nothing_unless_it_is_ours),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
