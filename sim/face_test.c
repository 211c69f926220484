/* The two sides of each provider's protocol face to face: what our adapter asks is read by our
 * dialect, whose answer the adapter reads. An exchange in is "PROVIDER CALL STATE [ERROR]": the
 * call that is made, and how the job stands that answers it; out is what the adapter was told. */
#include "base/golden_test_rig.h"
#include "catalog/fixture.h"
#include "catalog/input.h"
#include "catalog/mapping.h"
#include "face.h"
#include "provider/provider_test_rig.h"
#include "provider/question.h"

static const char id[] = "gen_000000000000100aywaheppjw7";
static const char *golden;

static const struct side {
    const char *provider, *model, *input;
} sides[] = {
    {"replicate", "seedance1/lite/image-to-video",
     "{'prompt':'a boat','imageUrl':'https://example.com/a.png','duration':5}"},
    {"fal", "veo3.1/fast/text-to-video", "{'prompt':'a boat','duration':6,'aspectRatio':'9:16'}"},
    {"runpod", "ltx2",
     "{'prompt':'a boat','imageUrl':'https://example.com/a.png','guidanceScale':7.5}"},
};

struct rig {
    struct catalog *catalog;
    struct arena arena;
};

static void set_job(struct job *job, const char *model, enum state state, enum error_code error)
{
    bool is_over = state_is_terminal(state);
    *job = (struct job){.key = 1, .state = state, .created_at = 1000000, .error = error};
    assert_true(span_copy(span_of(id), job->id, sizeof job->id));
    assert_true(span_copy(span_of(model), job->model, sizeof job->model));
    if (state != STATE_QUEUED && error != ERROR_EXPIRED)
        job->started_at = 1010000;
    if (is_over)
        job->ended_at = 1070000;
    else if (job->started_at)
        job->progress = 40;
    if (state == STATE_RUNNING)
        assert_true(span_copy(SPAN("Generating frames"), job->stage, sizeof job->stage));
    if (state != STATE_SUCCEEDED)
        return;
    job->output_count = 1;
    assert_true(span_copy(SPAN("output.mp4"), job->outputs[0].name, JOB_NAME_SIZE));
    assert_true(span_copy(SPAN("video/mp4"), job->outputs[0].content_type, JOB_TYPE_SIZE));
}

/* What the answering side knows. */
struct news {
    struct job job;
    const json_t *input;     /* that a submit must bring */
    enum error_code refusal; /* instead of the job; ERROR_NONE: none */
};

static void answer(struct rig *rig, struct http_request *request, struct news *news,
                   struct buffer *body, struct http_response *ret_response)
{
    const struct job *const jobs[] = {&news->job};
    struct face face = {.scene = {.catalog = rig->catalog, .now = 1080000, .arena = &rig->arena}};
    struct answer told = {.jobs = jobs, .job_count = 1};
    assert_true(face_read(&face, request));
    if (faults_any(&face.faults))
        fail_msg("%s", face.faults.sentence);
    if (face.call.kind == CALL_ASK) /* the same job, after all the translating */
        assert_true(json_equal(face.call.ask.input, (json_t *)(uintptr_t)news->input));
    else
        assert_true(span_is(face.call.job_id, id));
    if (news->refusal != ERROR_NONE) {
        faults_refuse(&face.faults, news->refusal, "Refused.");
        told.refusal = &face.faults;
    }
    face_write(&face, &told, body, ret_response);
    face_done(&face);
}

static json_t *make_input(struct rig *rig, const struct model *model, const char *text)
{
    struct faults faults;
    json_t *given = fixture_json(text), *input = NULL;
    faults_init(&faults, &rig->arena);
    if (!input_check(model, given, &faults, &input))
        fail_msg("%s: %s", model->id, faults.sentence);
    json_decref(given);
    return input;
}

static struct question ask(struct rig *rig, const struct side *side, const struct offer *offer,
                           struct span call)
{
    return (struct question){
        .provider = provider_find(span_of(side->provider)),
        .ask = {.offer = offer,
                .base_url = face_base_url(side->provider),
                .endpoint = "ltx2",
                .job_id = id,
                .mark = "fgk2",
                .run_limit = 15 * MS_MINUTE,
                .arena = &rig->arena},
        .call = span_is(call, "submit")   ? PROVIDER_CALL_SUBMIT
                : span_is(call, "result") ? PROVIDER_CALL_RESULT
                : span_is(call, "cancel") ? PROVIDER_CALL_CANCEL
                                          : PROVIDER_CALL_POLL,
        .remote_id = id,
        .handle = "",
        .page = "",
    };
}

static void translate(void *context, const char *name, struct span sent, struct buffer *outcome)
{
    struct rig *rig = context;
    struct span words[4] = {SPAN(""), SPAN(""), SPAN(""), SPAN("")}, rest = sent;
    const struct side *side = NULL;
    enum state state = STATE_QUEUED;
    enum error_code error = ERROR_NONE;
    struct http_request request;
    struct http_response response = {.status = 0};
    struct told told;
    struct buffer body;
    (void)name;
    for (unsigned n = 0; n < 4 && rest.data; n++)
        (void)span_take(&rest, ' ', &words[n]);
    for (size_t n = 0; n < sizeof sides / sizeof sides[0]; n++)
        side = span_is(words[0], sides[n].provider) ? &sides[n] : side;
    assert_non_null(side);
    assert_true(words[3].size == 0 || error_find(words[3], &error));
    bool refuses = span_is(words[2], "refused");
    assert_true(refuses || state_find(words[2], &state));
    const struct model *model = catalog_find(rig->catalog, span_of(side->model));
    struct question question = ask(rig, side, model->offers[0], words[1]);
    json_t *input = make_input(rig, model, side->input);
    json_t *theirs = mapping_apply(model->offers[0], input, span_of(id));
    question.ask.input = theirs;
    buffer_init(&body, 1 << 20);
    question_request(&question, &request);
    struct news news = {.input = input, .refusal = refuses ? error : ERROR_NONE};
    set_job(&news.job, side->model, state, refuses ? ERROR_NONE : error);
    answer(rig, &request, &news, &body, &response);
    question.provider->read(question.call, &question.ask, &response, &told);
    rig_show_told(&told, outcome);
    buffer_done(&body);
    json_decref(theirs);
    json_decref(input);
    arena_clear(&rig->arena);
}

static void the_two_sides_understand_each_other(void **state)
{
    struct rig rig = {.catalog = fixture_catalog()};
    (void)state;
    arena_init(&rig.arena);
    golden_run(golden, translate, &rig);
    arena_done(&rig.arena);
    catalog_free(rig.catalog);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_sides_understand_each_other),
    };
    if (count < 2)
        return 2;
    golden = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
