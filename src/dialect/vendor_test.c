#include "dialect/vendor.h"

#include "catalog/fixture.h"
#include "dialect/vendor_test_rig.h"

static const char *golden_events, *golden_hooks;

static void tells_events(void **state)
{
    rig_exchanges(*state, golden_events, vendor_rig_event);
}

static void tells_hooks(void **state)
{
    rig_exchanges(*state, golden_hooks, vendor_rig_hook);
}

/* By the vendor's name all of ours that bear it, else by our own. */
static void finds_models(void **state)
{
    static const struct {
        const char *provider, *name, *first;
        unsigned count;
    } rows[] = {
        {"replicate", "kwaivgi/kling-v2.5-turbo-pro", "kling2.5/turbo-pro/text-to-video", 2},
        {"replicate", "local/still", "local/still", 1},
        {"fal", "fal-ai/veo3.1/fast", "veo3.1/fast/text-to-video", 1},
        {"fal", "veo3.1/fast/text-to-video", "veo3.1/fast/text-to-video", 1},
        {"fal", "kwaivgi/kling-v2.5-turbo-pro", NULL, 0},
        {"fal", "", NULL, 0},
        {"nobody", "ltx2", "ltx2", 1},
    };
    struct rig *rig = *state;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct vendor_models models;
        vendor_find(rig->catalog, rows[n].provider, span_of(rows[n].name), &models);
        assert_int_equal(models.count, rows[n].count);
        if (rows[n].count > 0)
            assert_string_equal(models.list[0]->id, rows[n].first);
    }
}

/* Every route that names one of them is known to it, under the scope that fits. */
static void they_know_their_routes(void **state)
{
    static const char *const names[] = {"replicate", "fal", "runpod"};
    struct rig *rig = *state;
    unsigned count = 0;
    for (size_t n = 0; n < catalog_route_count(rig->catalog); n++) {
        const struct route *route = catalog_route_at(rig->catalog, n);
        bool is_ours = false;
        for (size_t at = 0; at < sizeof names / sizeof names[0]; at++)
            is_ours = is_ours || strcmp(names[at], route->dialect) == 0;
        if (!is_ours || strcmp(route->action, "proxy") == 0)
            continue;
        const struct route_match match = {
            .route = route,
            .captures = {{SPAN("model"), SPAN("local/still")},
                         {SPAN("app"), SPAN("local/still")},
                         {SPAN("endpoint"), SPAN("local-still")},
                         {SPAN("id"), SPAN("gen_000000000000100aywaheppjw7")}},
            .capture_count = 4,
        };
        const struct http_request request = {
            .method = HTTP_POST, .path = span_of(route->path), .body = SPAN("{}")};
        struct faults faults;
        struct call call;
        count++;
        faults_init(&faults, &rig->arena);
        dialect_find(span_of(route->dialect))->read(&rig->scene, &request, &match, &faults, &call);
        assert_int_not_equal(call.kind, CALL_NONE);
        enum scope expected = SCOPE_READ;
        if (call.kind == CALL_ASK || call.kind == CALL_RETRY || call.kind == CALL_UPLOAD ||
            call.kind == CALL_UPLOAD_BEGIN)
            expected = SCOPE_GENERATE;
        else if (call.kind == CALL_CANCEL || call.kind == CALL_PURGE ||
                 call.kind == CALL_UPLOAD_DELETE)
            expected = SCOPE_CANCEL;
        else if (call.kind == CALL_SECRET)
            expected = SCOPE_ADMIN;
        if (route->scope != expected)
            fail_msg("%s %s", route->method, route->path);
        call_done(&call);
    }
    assert_int_equal(count, 21 + 11 + 20);
}

/* RunPod's own endpoint ids are in the environment, of which the scene tells. */
static const char *variable(const char *name)
{
    return strcmp(name, "RUNPOD_ZIMAGE_ENDPOINT_ID") == 0 ? "1a2b3c" : NULL;
}

static void endpoints_are_named_by_variables(void **state)
{
    struct rig *rig = *state;
    struct faults faults;
    struct call call;
    const struct http_request *request =
        rig_request(rig, SPAN("POST /v2/1a2b3c/run\n\n{\"input\": {\"prompt\": \"x\"}}"));
    rig_read(rig, request, &faults, &call);
    assert_int_equal(faults.code, ERROR_NOT_FOUND);
    call_done(&call);
    rig->scene.variable = variable;
    rig_read(rig, request, &faults, &call);
    rig->scene.variable = NULL;
    assert_false(faults_any(&faults));
    assert_string_equal(call.ask.model->id, "zimage");
    call_done(&call);
}

int main(int count, char **arguments)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(tells_events, &rig),
        cmocka_unit_test_prestate(tells_hooks, &rig),
        cmocka_unit_test_prestate(finds_models, &rig),
        cmocka_unit_test_prestate(they_know_their_routes, &rig),
        cmocka_unit_test_prestate(endpoints_are_named_by_variables, &rig),
    };
    if (count < 3)
        return 2;
    golden_events = arguments[1];
    golden_hooks = arguments[2];
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
