#include "dialect/native_write.h"

#include "catalog/fixture.h"
#include "dialect/native_write_test_shows.h"

static const char *golden;

static void translate(struct rig *rig, const char *name, struct span sent, struct buffer *outcome)
{
    struct show show;
    struct http_response response = {.status = 0};
    struct buffer body;
    show_begin(&show, rig);
    show_set(&show, name);
    show.call.if_none_match = sent;
    buffer_init(&body, 1 << 20);
    native_dialect.write(&rig->scene, &show.call, &show.answer, &body, &response);
    assert_false(body.failed);
    rig_write_response(&response, outcome);
    buffer_done(&body);
}

static void writes_answers(void **state)
{
    rig_exchanges(*state, golden, translate);
}

/* Writes the case of that name, for a client that has `known` already. */
static void respond(struct rig *rig, const char *name, enum call_kind kind, const char *known,
                    struct http_response *ret_response, struct buffer *body)
{
    struct show show;
    show_begin(&show, rig);
    show_set(&show, name);
    show.call.kind = kind;
    show.call.if_none_match = span_of(known);
    *ret_response = (struct http_response){.status = 0};
    native_dialect.write(&rig->scene, &show.call, &show.answer, body, ret_response);
}

static const char *header(const struct http_response *response, const char *name)
{
    for (unsigned n = 0; n < response->header_count; n++) {
        if (span_is_nocase(response->headers[n].name, name))
            return response->headers[n].value.data;
    }
    return NULL;
}

static void says_what_has_not_changed(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *known;
        bool same;
    } rows[] = {
        {"W/\"3.0\"", true},  {"\"3.0\"", true}, /* compared weakly (RFC 9110, 13.1.2) */
        {"*", true},          {"\"a\", W/\"3.0\"", true}, {"W/\"3.0\",\"b\"", true},
        {"W/\"3.1\"", false}, {"W/\"3.0", false},         {"3.0", false},
        {"w/\"3.0\"", false}, {"W/\"13.0\"", false},      {",", false},
        {"", false},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct http_response response;
        struct buffer body;
        buffer_init(&body, 1 << 20);
        respond(rig, "queued", CALL_STATUS, rows[n].known, &response, &body);
        if ((response.status == 304) != rows[n].same)
            fail_msg("%s: %d", rows[n].known, response.status);
        assert_string_equal(header(&response, "ETag"), "W/\"3.0\"");
        assert_string_equal(header(&response, "Cache-Control"), "private, no-cache");
        assert_non_null(header(&response, "Retry-After"));
        assert_true((response.body.size == 0) == rows[n].same);
        assert_true((header(&response, "Content-Type") == NULL) == rows[n].same);
        buffer_done(&body);
        /* What changes something is answered whole. */
        buffer_init(&body, 1 << 20);
        respond(rig, "queued", CALL_CANCEL, rows[n].known, &response, &body);
        assert_int_equal(response.status, 200);
        assert_true(response.body.size > 0);
        buffer_done(&body);
        arena_clear(&rig->arena);
    }
    struct http_response response;
    struct buffer body;
    buffer_init(&body, 1 << 20);
    respond(rig, "waiting for its start", CALL_STATUS, "*", &response, &body); /* it has no tag */
    assert_int_equal(response.status, 200);
    buffer_done(&body);
}

/* A job whose every text is as long and as odd as it can be. */
static void set_hostile(struct show *show)
{
    static const char odd[] = "\"\\\x01\n\xff\xc3\xa9</script>\xe2\x82";
    struct job *job = &show->job;
    show_set(show, "succeeded with several outputs");
    char *const texts[] = {job->stage, job->error_text, job->outputs[0].name,
                           job->outputs[1].thumbnail, job->outputs[1].content_type};
    const size_t sizes[] = {sizeof job->stage, sizeof job->error_text, sizeof job->outputs[0].name,
                            sizeof job->outputs[1].thumbnail, sizeof job->outputs[1].content_type};
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
        for (size_t place = 0; place < sizes[n] - 1; place++)
            texts[n][place] = odd[place % (sizeof odd - 1)];
        texts[n][sizes[n] - 1] = '\0';
    }
    job->progress = 100;
    job->error = ERROR_INTERNAL;
    job->options = arena_copy(&show->rig->arena, SPAN("{}"));
    job->retry_of = 1;
    job->outputs[0].size = INT64_MAX;
    job->outputs[0].duration = INT64_MAX;
    job->outputs[0].fps_milli = INT32_MAX;
    job->attempt.settled = INT64_MAX;
    show->answer.estimate = 1000 * MS_DAY;
    show->answer.waiting = (struct answer_waiting){
        .code = odd, .message = odd, .position = INT64_MAX, .until = 253402300799000};
}

static void writes_json_whatever_comes(void **state)
{
    struct rig *rig = *state;
    static const enum call_kind kinds[] = {CALL_ASK,  CALL_STATUS, CALL_CANCEL,  CALL_CHANGE,
                                           CALL_LIST, CALL_RETRY,  CALL_TIMELINE};
    for (int job_state = 0; job_state < STATE_COUNT; job_state++) {
        for (size_t n = 0; n < sizeof kinds / sizeof kinds[0]; n++) {
            struct show show;
            struct http_response response = {.status = 0};
            struct buffer body;
            show_begin(&show, rig);
            set_hostile(&show);
            show.job.state = (enum state)job_state;
            show.call.kind = kinds[n];
            buffer_init(&body, 1 << 20);
            native_dialect.write(&rig->scene, &show.call, &show.answer, &body, &response);
            json_decref(rig_json(response.body));
            const char *later = header(&response, "Retry-After");
            int64_t seconds = 0;
            if (later)
                assert_true(span_integer(span_of(later), 1, 30, &seconds));
            buffer_done(&body);
        }
    }
}

static void refuses_with_every_code(void **state)
{
    struct rig *rig = *state;
    for (int code = ERROR_NONE + 1; code < ERROR_COUNT; code++) {
        struct show show;
        struct http_response response = {.status = 0};
        struct buffer body;
        show_begin(&show, rig);
        show_refuse(&show, (enum error_code)code, error_sentence((enum error_code)code));
        buffer_init(&body, 1 << 20);
        native_dialect.write(&rig->scene, &show.call, &show.answer, &body, &response);
        assert_int_equal(response.status, error_status((enum error_code)code));
        assert_true(error_retryable((enum error_code)code) ==
                    (header(&response, "x-should-retry") == NULL));
        json_t *value = rig_json(response.body);
        assert_true(json_is_false(json_object_get(value, "success")));
        assert_string_equal(json_string_value(json_object_get(value, "errorCode")),
                            error_name((enum error_code)code));
        assert_true(json_string_length(json_object_get(value, "error")) > 0);
        assert_string_equal(json_string_value(json_object_get(value, "requestId")), "req_1");
        json_decref(value);
        buffer_done(&body);
    }
}

static void lists_every_model(void **state)
{
    struct rig *rig = *state;
    static const struct describe describe = {.full = false};
    struct show show;
    struct http_response response = {.status = 0};
    struct buffer body;
    show_begin(&show, rig);
    show.call.kind = CALL_MODELS;
    show.answer.describe = &describe;
    buffer_init(&body, 4 << 20);
    native_dialect.write(&rig->scene, &show.call, &show.answer, &body, &response);
    json_t *value = rig_json(response.body);
    const json_t *items = json_object_get(value, "items");
    assert_int_equal(json_array_size(items), catalog_model_count(rig->catalog));
    for (size_t n = 0; n < json_array_size(items); n++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(items, n), "id")),
                            catalog_model_at(rig->catalog, n)->id);
    json_decref(value);
    buffer_done(&body);
}

static void names_every_state(void **state)
{
    static const char *const words[] = {"queued", "processing", "completed", "failed", "canceled"};
    for (int job_state = 0; job_state < STATE_COUNT; job_state++) {
        size_t n = 0;
        while (n < 5 && strcmp(words[n], native_status((enum state)job_state)) != 0)
            n++;
        assert_true(n < 5);
    }
}

int main(int count, char **arguments)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(writes_answers, &rig),
        cmocka_unit_test_prestate(says_what_has_not_changed, &rig),
        cmocka_unit_test_prestate(writes_json_whatever_comes, &rig),
        cmocka_unit_test_prestate(refuses_with_every_code, &rig),
        cmocka_unit_test_prestate(lists_every_model, &rig),
        cmocka_unit_test_prestate(names_every_state, &rig),
    };
    if (count < 2)
        return 2;
    golden = arguments[1];
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
