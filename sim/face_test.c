/* The two sides of each provider's protocol face to face: what our adapter asks is read by our
 * dialect, whose answer the adapter reads. An exchange in is "PROVIDER CALL STATE [ERROR]": the
 * call that is made, and how the job stands that answers it; out is what the adapter was told. */
#include "base/golden_test_rig.h"
#include "catalog/fixture.h"
#include "catalog/input.h"
#include "dialect/dialect.h"
#include "face.h"

static const char id[] = "gen_000000000000100aywaheppjw7";
static const char *golden;

static const struct side {
    const char *provider, *base_url, *model, *input;
} sides[] = {
    {"replicate", "http://r.ex/replicate/v1", "seedance1/lite/image-to-video",
     "{'prompt':'a boat','imageUrl':'https://example.com/a.png','duration':5}"},
    {"fal", "http://r.ex/fal", "veo3.1/fast/text-to-video",
     "{'prompt':'a boat','duration':6,'aspectRatio':'9:16'}"},
    {"runpod", "http://r.ex/runpod/v2", "ltx2",
     "{'prompt':'a boat','imageUrl':'https://example.com/a.png','guidanceScale':7.5}"},
};

struct rig {
    struct catalog *catalog;
    struct arena arena;
};

static void link_to(void *context, const struct job *job, const char *name, struct buffer *target)
{
    (void)context;
    buffer_print(target, "http://r.ex/outputs/%s/%s", job->id, name);
}

static void address(void *context, struct span path, struct buffer *target)
{
    (void)context;
    buffer_print(target, "http://r.ex%.*s", SPAN_PRINT(path));
}

/* The request as our server would have read it. */
static void receive(struct rig *rig, struct http_request *request)
{
    struct span rest = request->target;
    struct buffer body;
    assert_true(span_starts(rest, "http://r.ex/"));
    rest = (struct span){rest.data + 11, rest.size - 11};
    request->target = rest;
    (void)span_take(&rest, '?', &request->path);
    request->query = rest.data ? rest : SPAN("");
    buffer_init(&body, 1 << 20);
    for (unsigned n = 0; n < request->part_count; n++)
        buffer_add(&body, request->parts[n].bytes);
    request->body = span_make(arena_copy(&rig->arena, buffer_span(&body)), body.size);
    buffer_done(&body);
}

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

static void answer(struct rig *rig, const struct http_request *request, struct news *news,
                   struct buffer *body, struct http_response *ret_response)
{
    const struct dialect_scene scene = {
        .catalog = rig->catalog, .now = 1080000, .arena = &rig->arena};
    struct route_match match;
    struct faults faults;
    struct call call;
    struct job *const jobs[] = {&news->job};
    faults_init(&faults, &rig->arena);
    assert_int_equal(
        route_find(rig->catalog, span_of(http_method_name(request->method)), request->path, &match),
        ROUTE_FOUND);
    const struct dialect *dialect = dialect_find(span_of(match.route->dialect));
    dialect->read(&scene, request, &match, &faults, &call);
    if (faults_any(&faults))
        fail_msg("%s", faults.sentence);
    if (call.kind == CALL_ASK) /* the same job, after all the translating */
        assert_true(json_equal(call.ask.input, (json_t *)(uintptr_t)news->input));
    else
        assert_true(span_is(call.job_id, id));
    if (news->refusal != ERROR_NONE)
        faults_refuse(&faults, news->refusal, "Refused.");
    const struct answer told = {.refusal = news->refusal ? &faults : NULL,
                                .now = scene.now,
                                .jobs = jobs,
                                .job_count = 1,
                                .link = link_to,
                                .address = address};
    dialect->write(&scene, &call, &told, body, ret_response);
    call_done(&call);
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

static void translate(void *context, const char *name, struct span sent, struct buffer *outcome)
{
    struct rig *rig = context;
    struct span words[4] = {SPAN(""), SPAN(""), SPAN(""), SPAN("")}, rest = sent;
    const struct side *side = NULL;
    enum state state = STATE_QUEUED;
    enum error_code error = ERROR_NONE;
    struct http_request request;
    struct http_response response = {.status = 0};
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
    const char *call = arena_copy(&rig->arena, words[1]);
    const struct model *model = catalog_find(rig->catalog, span_of(side->model));
    const struct face face = {
        .offer = model->offers[0],
        .base_url = side->base_url,
        .endpoint = "ltx2",
        .remote_id = id,
        .arena = &rig->arena,
    };
    json_t *input = make_input(rig, model, side->input);
    buffer_init(&body, 1 << 20);
    face_ask(&face, call, input, &request);
    receive(rig, &request);
    struct news news = {.input = input, .refusal = refuses ? error : ERROR_NONE};
    set_job(&news.job, side->model, state, refuses ? ERROR_NONE : error);
    answer(rig, &request, &news, &body, &response);
    face_hear(&face, call, &response, outcome);
    buffer_done(&body);
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
