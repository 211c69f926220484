#include "dialect/relay.h"

#include "catalog/fixture.h"
#include "dialect/dialect_test_rig.h"

static const char *golden;

static void reads_requests(void **state)
{
    rig_exchanges(*state, golden, rig_translate_read);
}

static void read_at(struct rig *rig, const char *path, const char *body, struct call *ret_call)
{
    struct faults faults;
    const char *sent = arena_print(&rig->arena, "POST %s\nIdempotency-Key: k\n\n%s", path, body);
    rig_read(rig, rig_request(rig, span_of(sent)), &faults, ret_call);
    if (faults_any(&faults))
        fail_msg("%s: %s", path, faults.sentence);
}

/* The model stands in the address, so one key and body at two addresses are two requests. */
static void an_address_is_a_part_of_what_is_asked(void **state)
{
    struct rig *rig = *state;
    struct call one, other;
    read_at(rig, "/api/fal/veo3/text-to-video/submit", "{\"prompt\":\"x\"}", &one);
    read_at(rig, "/api/fal/veo3/text-to-video/fast/submit", "{\"prompt\":\"x\"}", &other);
    assert_false(span_equal(one.ask.hash_of, other.ask.hash_of));
    assert_true(span_ends(one.ask.hash_of, "\n{\"prompt\":\"x\"}"));
    call_done(&one);
    call_done(&other);
}

/* A route's preset stands in for what the client does not say. */
static void presets_fill_what_is_not_given(void **state)
{
    struct rig *rig = *state;
    json_t *preset = rig_json(SPAN("{\"prompt\":\"waves\",\"duration\":7}"));
    const struct route route = {.model = fixture_model(rig->catalog, "acme/clip"),
                                .provider = catalog_find_provider(rig->catalog, SPAN("acme")),
                                .preset = preset};
    const struct http_request request = {.body = SPAN("{\"duration\":3}")};
    struct faults faults;
    struct call call = {.kind = CALL_ASK};
    faults_init(&faults, &rig->arena);
    relay_ask_read(&rig->scene, &request, &route, &faults, &call.ask);
    assert_false(faults_any(&faults));
    assert_int_equal(json_integer_value(json_object_get(call.ask.input, "duration")), 3);
    assert_string_equal(json_string_value(json_object_get(call.ask.input, "prompt")), "waves");
    assert_true(span_is(call.ask.provider, "acme"));
    call_done(&call);
    json_decref(preset);
}

/* A retired model answers 410 under these routes too. */
static void retired_models_say_so(void **state)
{
    struct rig *rig = *state;
    const struct route route = {.model = fixture_model(rig->catalog, "acme/old")};
    const struct http_request request = {.body = SPAN("{\"prompt\":\"x\"}")};
    struct faults faults;
    struct call call = {.kind = CALL_ASK};
    faults_init(&faults, &rig->arena);
    relay_ask_read(&rig->scene, &request, &route, &faults, &call.ask);
    assert_int_equal(faults.code, ERROR_MODEL_RETIRED);
    assert_non_null(strstr(faults.sentence, "acme/clip"));
    call_done(&call);
}

/* A route that names no model and has no variants can't be used, and says why. */
static void a_model_has_to_come_from_somewhere(void **state)
{
    struct rig *rig = *state;
    const struct route route = {.path = "/x"};
    const struct http_request request = {.body = SPAN("{}")};
    struct faults faults;
    struct call call = {.kind = CALL_ASK};
    faults_init(&faults, &rig->arena);
    relay_ask_read(&rig->scene, &request, &route, &faults, &call.ask);
    assert_string_equal(faults.list[0].field, "variant");
    assert_string_equal(faults.list[0].problem, "is missing");
    call_done(&call);
}

int main(int count, char **arguments)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(reads_requests, &rig),
        cmocka_unit_test_prestate(an_address_is_a_part_of_what_is_asked, &rig),
        cmocka_unit_test_prestate(presets_fill_what_is_not_given, &rig),
        cmocka_unit_test_prestate(retired_models_say_so, &rig),
        cmocka_unit_test_prestate(a_model_has_to_come_from_somewhere, &rig),
    };
    if (count < 2)
        return 2;
    golden = arguments[1];
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
