/* Webhooks in the native dialect: the bytes that receivers get, requests and answers. */
#include "dialect/native_hook.h"

#include "catalog/fixture.h"
#include "dialect/dialect_test_rig.h"

#define AT   ((ms_t)1790000000000)
#define ID   "gen_000000000000100aywaheppjw7"
#define GOOD "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static void link_to(void *context, const struct job *job, const char *name, struct buffer *target)
{
    buffer_print(target, "%s/%s/%s", (const char *)context, job->id, name);
}

static void assert_body(const struct hook_insert *hook, const char *expected)
{
    static char base[] = "https://r.ex";
    struct buffer body;
    buffer_init(&body, 1 << 20);
    native_hook_body(hook, link_to, base, &body);
    assert_string_equal(body.data, expected);
    json_decref(rig_json(buffer_span(&body)));
    buffer_done(&body);
}

static struct hook_insert hook_of(const struct job *job, enum notify_event event)
{
    return (struct hook_insert){.row = {.number = 3, .event = event, .created_at = AT},
                                .job = job,
                                .progress = 42,
                                .stage = "Generating frames"};
}

static void test_bodies(void **state)
{
    static char metadata[] = "{\"order\":\"17\"}";
    struct job job = {.id = ID,
                      .model = "ltx2",
                      .state = STATE_SUCCEEDED,
                      .created_at = AT - 45000,
                      .ended_at = AT,
                      .metadata = metadata,
                      .output_count = 1};
    (void)span_copy(SPAN("output.mp4"), job.outputs[0].name, JOB_NAME_SIZE);
    (void)span_copy(SPAN("video/mp4"), job.outputs[0].content_type, JOB_TYPE_SIZE);
    job.outputs[0].size = 12345678;
    struct hook_insert hook = hook_of(&job, NOTIFY_COMPLETED);
    assert_body(&hook, "{\"event\":\"completed\",\"jobId\":\"" ID "\",\"model\":\"ltx2\","
                       "\"status\":\"completed\",\"result\":{\"url\":\"https://r.ex/" ID
                       "/output.mp4\",\"contentType\":\"video/mp4\",\"fileSizeBytes\":12345678,"
                       "\"processingTimeMs\":45000},\"sequence\":3,"
                       "\"createdAt\":\"2026-09-21T14:13:20.000Z\","
                       "\"metadata\":{\"order\":\"17\"}}");
    job.state = STATE_FAILED;
    job.error = ERROR_OUT_OF_MEMORY;
    (void)span_copy(SPAN("Inference failed: \"GPU\""), job.error_text, JOB_ERROR_SIZE);
    job.metadata = NULL;
    assert_body(&hook, "{\"event\":\"completed\",\"jobId\":\"" ID "\",\"model\":\"ltx2\","
                       "\"status\":\"failed\",\"error\":\"Inference failed: \\\"GPU\\\"\","
                       "\"errorCode\":\"out_of_memory\",\"sequence\":3,"
                       "\"createdAt\":\"2026-09-21T14:13:20.000Z\",\"metadata\":{}}");
    job.state = STATE_CANCELED;
    job.receipt = RECEIPT_STOPPED;
    assert_body(&hook, "{\"event\":\"completed\",\"jobId\":\"" ID "\",\"model\":\"ltx2\","
                       "\"status\":\"canceled\",\"receipt\":\"stopped\",\"sequence\":3,"
                       "\"createdAt\":\"2026-09-21T14:13:20.000Z\",\"metadata\":{}}");
}

/* Of the moment of the event, whatever became of the job in the same turn. */
static void test_bodies_on_the_way(void **state)
{
    const struct job job = {.id = ID, .model = "ltx2", .state = STATE_FAILED, .progress = 99};
    struct hook_insert hook = hook_of(&job, NOTIFY_STARTED);
    assert_body(&hook, "{\"event\":\"started\",\"jobId\":\"" ID "\",\"model\":\"ltx2\","
                       "\"status\":\"processing\",\"sequence\":3,"
                       "\"createdAt\":\"2026-09-21T14:13:20.000Z\",\"metadata\":{}}");
    hook = hook_of(&job, NOTIFY_PROGRESS);
    assert_body(&hook, "{\"event\":\"progress\",\"jobId\":\"" ID "\",\"model\":\"ltx2\","
                       "\"status\":\"processing\",\"progress\":42,"
                       "\"stage\":\"Generating frames\",\"sequence\":3,"
                       "\"createdAt\":\"2026-09-21T14:13:20.000Z\",\"metadata\":{}}");
}

static void test_secrets(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {GOOD, true},
        {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", true},   /* 24 bytes */
        {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=", false},  /* 23 */
        {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX=", false}, /* surplus padding */
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", false},
        {"WHSEC_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", false},
        {"whsec_", false},
        {"whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", false},
        {"whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", false},
        {"", false},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        if (native_hook_is_secret(span_of(rows[n].text)) != rows[n].good)
            fail_msg("%s", rows[n].text);
    }
}

static void read(struct rig *rig, const char *sent, struct faults *faults, struct call *ret_call)
{
    rig_read(rig, rig_request(rig, span_of(sent)), faults, ret_call);
}

static void test_requests(void **state)
{
    struct rig *rig = *state;
    struct faults faults;
    struct call call;
    read(rig, "GET /api/v1/jobs/" ID "/deliveries", &faults, &call);
    assert_false(faults_any(&faults));
    assert_int_equal(call.kind, CALL_DELIVERIES);
    assert_int_equal(call.job, 1);
    read(rig, "POST /api/v1/jobs/" ID "/deliveries/12/redeliver", &faults, &call);
    assert_false(faults_any(&faults));
    assert_int_equal(call.kind, CALL_REDELIVER);
    assert_int_equal(call.number, 12);
    static const char *const numbers[] = {"0", "-1", "x", "1.5", "99999999999", "%31", "1%00"};
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
        read(rig,
             arena_print(&rig->arena, "POST /api/v1/jobs/" ID "/deliveries/%s/redeliver",
                         numbers[n]),
             &faults, &call);
        assert_int_equal(faults.code, ERROR_NOT_FOUND);
    }
    read(rig, "GET /api/v1/webhooks/secret", &faults, &call);
    assert_int_equal(call.kind, CALL_SECRET);
    read(rig, "POST /api/v1/webhooks/secret/rotate", &faults, &call);
    assert_int_equal(call.kind, CALL_ROTATE);
}

static void test_test_calls(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *body, *field;
    } rows[] = {
        {"{\"url\": \"https://example.com/hook\"}", NULL},
        {"{\"url\": \"ftp://example.com\"}", "url"},
        {"{\"url\": 7}", "url"},
        {"{}", "url"},
        {"{\"url\": \"https://example.com/hook\", \"more\": 1}", "more"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct faults faults;
        struct call call;
        read(rig, arena_print(&rig->arena, "POST /api/v1/webhooks/test\n\n%s", rows[n].body),
             &faults, &call);
        assert_int_equal(call.kind, CALL_HOOK_TEST);
        assert_true(faults_any(&faults) == (rows[n].field != NULL));
        if (rows[n].field)
            assert_string_equal(faults.list[0].field, rows[n].field);
        else
            assert_true(span_is(call.hook_url, "https://example.com/hook"));
    }
}

static void assert_answer(struct rig *rig, enum call_kind kind, struct answer *answer, int status,
                          const char *expected)
{
    const struct call call = {.kind = kind};
    struct http_response response = {.status = 0};
    struct buffer body;
    buffer_init(&body, 1 << 20);
    native_dialect.write(&rig->scene, &call, answer, &body, &response);
    assert_int_equal(response.status, status);
    assert_string_equal(body.data, expected);
    buffer_done(&body);
}

static void test_answers(void **state)
{
    struct rig *rig = *state;
    struct job job = {.id = ID};
    const struct job *const jobs[] = {&job};
    const struct delivery_try tries[] = {
        {.number = 1, .at = AT, .took = 12, .status = 500, .error = "It answered 500."},
        {.number = 2, .at = AT + 5000, .took = 20000, .error = "It took too long."},
    };
    const struct answer_delivery deliveries[] = {
        {.row = {.number = 2, .event = NOTIFY_COMPLETED, .created_at = AT, .next_at = AT + 300000},
         .tries = tries,
         .try_count = 2},
        {.row = {.number = 1,
                 .event = NOTIFY_STARTED,
                 .state = DELIVERY_DELIVERED,
                 .created_at = AT,
                 .ended_at = AT}},
    };
    struct answer answer = {.jobs = jobs,
                            .job_count = 1,
                            .now = AT,
                            .hook_url = SPAN("https://a.b/"),
                            .deliveries = deliveries,
                            .delivery_count = 2};
    assert_answer(rig, CALL_DELIVERIES, &answer, 200,
                  "{\"jobId\":\"" ID
                  "\",\"items\":[{\"number\":2,\"id\":\"msg_000000000000100aywaheppjw7_2\","
                  "\"event\":\"completed\",\"state\":\"pending\",\"url\":\"https://a.b/\","
                  "\"createdAt\":\"2026-09-21T14:13:20.000Z\","
                  "\"nextAttemptAt\":\"2026-09-21T14:18:20.000Z\",\"attempts\":["
                  "{\"number\":1,\"at\":\"2026-09-21T14:13:20.000Z\",\"ms\":12,\"status\":500,"
                  "\"error\":\"It answered 500.\"},"
                  "{\"number\":2,\"at\":\"2026-09-21T14:13:25.000Z\",\"ms\":20000,"
                  "\"error\":\"It took too long.\"}]},"
                  "{\"number\":1,\"id\":\"msg_000000000000100aywaheppjw7_1\",\"event\":\"started\","
                  "\"state\":\"delivered\",\"url\":\"https://a.b/\","
                  "\"createdAt\":\"2026-09-21T14:13:20.000Z\","
                  "\"deliveredAt\":\"2026-09-21T14:13:20.000Z\",\"attempts\":[]}]}");
    answer.delivery_count = 0;
    assert_answer(rig, CALL_REDELIVER, &answer, 202,
                  "{\"success\":true,\"jobId\":\"" ID "\",\"items\":[]}");
    struct hook_secret secret = {
        .text = "whsec_new", .old = "whsec_old", .old_until = AT + 1, .made_at = AT};
    answer.secret = &secret;
    assert_answer(rig, CALL_SECRET, &answer, 200,
                  "{\"secret\":\"whsec_new\",\"createdAt\":\"2026-09-21T14:13:20.000Z\","
                  "\"previousSignsUntil\":\"2026-09-21T14:13:20.001Z\"}");
    secret.old_until = AT;
    assert_answer(rig, CALL_ROTATE, &answer, 200,
                  "{\"secret\":\"whsec_new\",\"createdAt\":\"2026-09-21T14:13:20.000Z\"}");
    const struct answer_hook_test test = {
        .id = "msg_test_1", .status = 404, .took = 7, .error = "It answered 404 (Not Found)."};
    answer.hook_test = &test;
    assert_answer(rig, CALL_HOOK_TEST, &answer, 200,
                  "{\"success\":true,\"delivered\":false,\"id\":\"msg_test_1\",\"status\":404,"
                  "\"ms\":7,\"error\":\"It answered 404 (Not Found).\"}");
}

int main(void)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_bodies_on_the_way),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test_prestate(test_requests, &rig),
        cmocka_unit_test_prestate(test_test_calls, &rig),
        cmocka_unit_test_prestate(test_answers, &rig),
    };
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
