#include "catalog/fixture.h"

#include "catalog/route.h"

#define R(method, path, action)                                                                    \
    "{'method':'" method "','path':'" path "','dialect':'d','action':'" action "'}"

/* clang-format off */
static const char routes[] =
    "{'routes':["
    R("POST", "/api/generate", "submit") ","
    R("GET", "/api/generate/{id}", "status") ","
    R("DELETE", "/api/generate/{id}", "cancel") ","
    R("GET", "/api/generate/all", "list") ","
    R("GET", "/api/models/{id*}", "model") ","
    R("POST", "/fal/{app*}", "fal-submit") ","
    R("GET", "/fal/{app*}/requests/{id}/status", "fal-status") ","
    R("GET", "/fal/{app*}/requests/{id}", "fal-result") ","
    R("GET", "/{first}/{second}", "any") ","
    R("GET", "/", "root")
    "]}";
/* clang-format on */

static void paths_find_their_routes(void **state)
{
    static const struct {
        const char *method, *path, *action; /* NULL: no such path; "": another method */
        const char *captures;
    } cases[] = {
        {"POST", "/api/generate", "submit", ""},
        {"PUT", "/api/generate", "", ""},
        {"GET", "/api/generate", "any", "first=api second=generate "},
        {"GET", "/api/generate/gen_1", "status", "id=gen_1 "},
        {"DELETE", "/api/generate/gen_1", "cancel", "id=gen_1 "},
        {"PATCH", "/api/generate/gen_1", "", ""},
        {"GET", "/api/generate/all", "list", ""},
        {"GET", "/api/generate/", NULL, ""},
        {"GET", "/api/generate/a/b", NULL, ""},
        {"GET", "/api/models/ltx2", "model", "id=ltx2 "},
        {"GET", "/api/models/local/still", "model", "id=local/still "},
        {"GET", "/api/models/local%2Fstill", "model", "id=local%2Fstill "},
        {"GET", "/api/models/", NULL, ""},
        {"POST", "/fal/a/b/c", "fal-submit", "app=a/b/c "},
        {"GET", "/fal/a/b/requests/r1/status", "fal-status", "app=a/b id=r1 "},
        {"GET", "/fal/a/requests/r1", "fal-result", "app=a id=r1 "},
        {"GET", "/fal/requests/r1/status", "", ""},
        {"GET", "/", "root", ""},
        {"GET", "", NULL, ""},
        {"GET", "api", NULL, ""},
        {"GET", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z", NULL, ""},
    };
    struct catalog *catalog = fixture_alone(routes);
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct route_match match = {0};
        struct buffer text;
        enum route_result result =
            route_find(catalog, span_of(cases[n].method), span_of(cases[n].path), &match);
        buffer_init(&text, 400);
        buffer_add_text(&text, "");
        for (unsigned at = 0; at < match.capture_count; at++)
            buffer_print(&text, "%.*s=%.*s ", SPAN_PRINT(match.captures[at].name),
                         SPAN_PRINT(match.captures[at].value));
        enum route_result expected = !cases[n].action    ? ROUTE_NONE
                                     : !*cases[n].action ? ROUTE_OTHER_METHOD
                                                         : ROUTE_FOUND;
        if (result != expected)
            fail_msg("%s %s", cases[n].method, cases[n].path);
        if (result == ROUTE_FOUND)
            assert_string_equal(match.route->action, cases[n].action);
        assert_true(span_is(buffer_span(&text), cases[n].captures));
        buffer_done(&text);
    }
    catalog_free(catalog);
}

static void captures_are_found_by_name(void **state)
{
    struct catalog *catalog = fixture_alone(routes);
    struct route_match match;
    assert_int_equal(route_find(catalog, SPAN("GET"), SPAN("/fal/a/b/requests/r1"), &match),
                     ROUTE_FOUND);
    assert_true(span_is(route_value(&match, "app"), "a/b"));
    assert_true(span_is(route_value(&match, "id"), "r1"));
    assert_int_equal(route_value(&match, "x").size, 0);
    catalog_free(catalog);
}

static void a_route_names_its_model_and_variants(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct route_match match;
    struct catalog *catalog =
        fixture_with("{'routes':[{'method':'POST','path':'/x','dialect':'seeds','action':'submit',"
                     "'model':'ltx2','variants':{'fast':'zimage'},'preset':{'duration':8},"
                     "'details':{'style':'task'}}]}",
                     fault);
    if (!catalog)
        fail_msg("%s", fault);
    assert_int_equal(route_find(catalog, SPAN("POST"), SPAN("/x"), &match), ROUTE_FOUND);
    assert_string_equal(match.route->model->id, "ltx2");
    assert_int_equal(match.route->variant_count, 1);
    assert_string_equal(match.route->variants[0].name, "fast");
    assert_string_equal(match.route->variants[0].model->id, "zimage");
    assert_int_equal(json_integer_value(json_object_get(match.route->preset, "duration")), 8);
    assert_ptr_equal(route_of(catalog, "seeds", "submit"), match.route);
    assert_null(route_of(catalog, "seeds", "status"));
    catalog_free(catalog);
}

static void the_users_route_replaces_the_built_in_one(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct route_match match;
    struct embedded builtin[] = {
        {.name = "a.json",
         .data = "{\"routes\":[{\"method\":\"POST\",\"path\":\"/x\",\"dialect\":\"a\","
                 "\"action\":\"one\"}]}"},
        {0}};
    builtin[0].size = strlen(builtin[0].data);
    char *text =
        fixture_quote("{'routes':[" R("POST", "/x", "two") "," R("GET", "/x", "three") "]}");
    struct catalog_file file = {.name = SPAN("b.json"), .text = span_of(text)};
    struct catalog *catalog = catalog_make(builtin, &file, 1, fault);
    if (!catalog)
        fail_msg("%s", fault);
    assert_int_equal(catalog_route_count(catalog), 2);
    assert_int_equal(route_find(catalog, SPAN("POST"), SPAN("/x"), &match), ROUTE_FOUND);
    assert_string_equal(match.route->action, "two");
    assert_int_equal(route_find(catalog, SPAN("GET"), SPAN("/x"), &match), ROUTE_FOUND);
    assert_string_equal(match.route->action, "three");
    catalog_free(catalog);
    test_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_their_routes),
        cmocka_unit_test(captures_are_found_by_name),
        cmocka_unit_test(a_route_names_its_model_and_variants),
        cmocka_unit_test(the_users_route_replaces_the_built_in_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
