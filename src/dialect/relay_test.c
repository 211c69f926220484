#include "dialect/relay.h"

#include "catalog/fixture.h"
#include "dialect/relay_test_rig.h"

static const char *golden;

static void reads_requests(void **state)
{
    rig_exchanges(*state, golden, rig_translate_read);
}

/* The routes of seed 000 whose providers have a file, by provider; each has its three others. */
static void every_route_of_the_audit_is_there(void **state)
{
    struct rig *rig = *state;
    static const char *const paths[] = {"replicate/wan-2-5-t2v",
                                        "replicate/wan-2-5-i2v",
                                        "replicate/kling-t2v",
                                        "replicate/kling-i2v",
                                        "replicate/pixverse-v5-t2v",
                                        "replicate/pixverse-v5-i2v",
                                        "replicate/kling-lipsync",
                                        "replicate/wan-2-2-animate-replace",
                                        "replicate/wan-2-2-animate-animation",
                                        "replicate/seedance-t2v",
                                        "replicate/seedance-i2v",
                                        "replicate/seedance-pro-fast-t2v",
                                        "replicate/seedance-pro-fast-i2v",
                                        "fal/veo3/text-to-video",
                                        "fal/veo3/text-to-video/fast",
                                        "fal/veo3/image-to-video",
                                        "fal/veo3/image-to-video/fast",
                                        "fal/veo3_1/text-to-video",
                                        "fal/veo3_1/text-to-video/fast",
                                        "fal/veo3_1/image-to-video",
                                        "fal/veo3_1/image-to-video/fast",
                                        "fal/veo3_1/reference-to-video",
                                        "fal/veo3_1/first-last-frame-to-video",
                                        "fal/veo3_1/first-last-frame-to-video/fast",
                                        "fal/sora2/text-to-video",
                                        "fal/sora2/text-to-video/pro",
                                        "fal/sora2/image-to-video",
                                        "fal/sora2/image-to-video/pro",
                                        "fal/sora2/video-to-video/remix",
                                        "fal/ltx2/text-to-video/pro",
                                        "fal/ltx2/text-to-video/fast",
                                        "fal/ltx2/image-to-video/pro",
                                        "fal/ltx2/image-to-video/fast",
                                        "fal/kling-o1/first-last-frame-to-video"};
    static const struct {
        const char *method, *end;
    } actions[] = {{"POST", "submit"}, {"GET", "status/gen_1"}, {"GET", "result/gen_1"}};
    for (size_t n = 0; n < sizeof paths / sizeof paths[0]; n++) {
        for (size_t at = 0; at < sizeof actions / sizeof actions[0]; at++) {
            struct route_match match;
            const char *path = arena_print(&rig->arena, "/api/%s/%s", paths[n], actions[at].end);
            if (route_find(rig->catalog, span_of(actions[at].method), span_of(path), &match) !=
                ROUTE_FOUND)
                fail_msg("%s %s", actions[at].method, path);
            assert_string_equal(match.route->dialect, "relay");
            struct span provider = span_of(paths[n]), name;
            assert_true(span_take(&provider, '/', &name));
            assert_true(span_is(name, match.route->provider->name));
        }
    }
}

/* Every route that names this dialect is known to it, and a route's default is a variant. */
static void knows_its_routes(void **state)
{
    struct rig *rig = *state;
    unsigned count = 0;
    for (size_t n = 0; n < catalog_route_count(rig->catalog); n++) {
        const struct route *route = catalog_route_at(rig->catalog, n);
        const struct route_match match = {.route = route};
        const struct http_request request = {.method = HTTP_POST, .path = span_of(route->path)};
        struct faults faults;
        struct call call;
        if (strcmp(route->dialect, "relay") != 0)
            continue;
        count++;
        faults_init(&faults, &rig->arena);
        relay_dialect.read(&rig->scene, &request, &match, &faults, &call);
        if (call.kind == CALL_NONE)
            fail_msg("%s %s: %s", route->method, route->path, faults.sentence);
        assert_true(call.kind != CALL_ASK ||
                    relay_offer(route->model, route->provider)->provider == route->provider);
        assert_int_equal(route->scope, call.kind == CALL_ASK      ? SCOPE_GENERATE
                                       : call.kind == CALL_CANCEL ? SCOPE_CANCEL
                                                                  : SCOPE_READ);
        bool found = route->variant_count == 0;
        for (unsigned at = 0; at < route->variant_count; at++)
            found = found || route->variants[at].model == route->model;
        assert_true(found);
        call_done(&call);
    }
    assert_int_equal(count, 34 + 2 * 3);
}

static void unknown_actions_and_providers_are_refused(void **state)
{
    struct rig *rig = *state;
    const struct route routes[] = {
        {.action = "dance", .provider = catalog_find_provider(rig->catalog, SPAN("fal"))},
        {.action = "status", .provider = catalog_find_provider(rig->catalog, SPAN("acme"))},
        {.action = "status"}};
    for (size_t n = 0; n < sizeof routes / sizeof routes[0]; n++) {
        const struct route_match match = {.route = &routes[n]};
        const struct http_request request = {.path = SPAN("/x")};
        struct faults faults;
        struct call call;
        faults_init(&faults, &rig->arena);
        relay_dialect.read(&rig->scene, &request, &match, &faults, &call);
        assert_int_equal(faults.code, ERROR_NOT_FOUND);
        call_done(&call);
    }
}

/* What did not become a job is answered as the native API answers. */
static void refusals_and_quotes_are_native(void **state)
{
    struct rig *rig = *state;
    static const char *const names[] = {"refused: faults", "refused: not configured", "a quote"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        struct show show;
        struct http_response responses[2] = {{.status = 0}, {.status = 0}};
        struct buffer bodies[2];
        for (size_t at = 0; at < 2; at++) {
            show_begin(&show, rig);
            show_set(&show, names[n]);
            show.call.route = catalog_route_at(rig->catalog, 0);
            buffer_init(&bodies[at], 1 << 20);
            (at ? &relay_dialect : &native_dialect)
                ->write(&rig->scene, &show.call, &show.answer, &bodies[at], &responses[at]);
        }
        assert_int_equal(responses[0].status, responses[1].status);
        assert_true(span_equal(responses[0].body, responses[1].body));
        buffer_done(&bodies[0]);
        buffer_done(&bodies[1]);
    }
}

int main(int count, char **arguments)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(reads_requests, &rig),
        cmocka_unit_test_prestate(every_route_of_the_audit_is_there, &rig),
        cmocka_unit_test_prestate(knows_its_routes, &rig),
        cmocka_unit_test_prestate(unknown_actions_and_providers_are_refused, &rig),
        cmocka_unit_test_prestate(refusals_and_quotes_are_native, &rig),
    };
    if (count < 2)
        return 2;
    golden = arguments[1];
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
