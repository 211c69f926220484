#include "dialect/native_ask.h"

#include "catalog/fixture.h"
#include "dialect/dialect_test_rig.h"

static const char *golden;

static void reads_requests(void **state)
{
    rig_exchanges(*state, golden, rig_translate_read);
}

/* A cursor that we gave is taken back, whatever the key. */
static void takes_its_cursors_back(void **state)
{
    struct rig *rig = *state;
    static const int64_t keys[] = {1, 32, 1ll << 40, INT64_MAX};
    for (size_t n = 0; n < sizeof keys / sizeof keys[0]; n++) {
        const struct answer answer = {.next = keys[n]};
        struct call call = {.kind = CALL_LIST};
        struct http_response response = {.status = 0};
        struct buffer body;
        buffer_init(&body, 4096);
        native_dialect.write(&rig->scene, &call, &answer, &body, &response);
        json_t *value = rig_json(response.body);
        const char *cursor = json_string_value(json_object_get(value, "nextCursor"));
        struct faults faults;
        const char *sent = arena_print(&rig->arena, "GET /api/v1/jobs?cursor=%s", cursor);
        rig_read(rig, rig_request(rig, span_of(sent)), &faults, &call);
        assert_false(faults_any(&faults));
        assert_int_equal(call.before, keys[n]);
        json_decref(value);
        buffer_done(&body);
    }
}

/* Every route of the catalogue that names this dialect is known to it. */
static void knows_its_routes(void **state)
{
    struct rig *rig = *state;
    for (size_t n = 0; n < catalog_route_count(rig->catalog); n++) {
        const struct route *route = catalog_route_at(rig->catalog, n);
        if (strcmp(route->dialect, native_dialect.name) != 0)
            continue;
        const struct route_match match = {.route = route};
        const struct http_request request = {.method = HTTP_GET};
        struct faults faults;
        struct call call;
        faults_init(&faults, &rig->arena);
        native_dialect.read(&rig->scene, &request, &match, &faults, &call);
        if (call.kind == CALL_NONE)
            fail_msg("%s %s: %s", route->method, route->path, faults.sentence);
        call_done(&call);
    }
    const struct route odd = {.dialect = "native", .action = "dance"};
    const struct route_match match = {.route = &odd};
    const struct http_request request = {.method = HTTP_GET};
    struct faults faults;
    struct call call;
    faults_init(&faults, &rig->arena);
    native_dialect.read(&rig->scene, &request, &match, &faults, &call);
    assert_int_equal(faults.code, ERROR_NOT_FOUND);
    call_done(&call);
}

int main(int count, char **arguments)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(reads_requests, &rig),
        cmocka_unit_test_prestate(takes_its_cursors_back, &rig),
        cmocka_unit_test_prestate(knows_its_routes, &rig),
    };
    if (count < 2)
        return 2;
    golden = arguments[1];
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
