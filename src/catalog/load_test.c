#include "catalog/fixture.h"

#include "base/rng.h"

#define PROVIDER    "'provider':{'name':'acme','title':'Acme'}"
#define ROUTE(rest) "{'routes':[{'method':'POST','dialect':'x','action':'submit'," rest "}]}"

static void a_broken_file_is_refused_with_its_name_and_place(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"{", "mine.json: the file cannot be read. The JSON is broken at line 1"},
        {"", "mine.json: the file cannot be read."},
        {"{'models':[],'models':[]}", "mine.json: the file cannot be read. The JSON is broken"},
        {"[]", "mine.json: the file is []; allowed is an object."},
        {"{'model':[]}", "mine.json: the file has the unknown key 'model'; allowed is one of "
                         "provider, models, offers, routes, shared, note."},
        {"{'models':{}}", "mine.json: models is {}; allowed is a list."},
        {"{'offers':1}", "mine.json: offers is 1; allowed is a list."},
        {"{'routes':'x'}", "mine.json: routes is 'x'; allowed is a list."},
        {"{'models':[5]}", "mine.json: models[0] is 5; allowed is an object."},
        {"{'provider':{'name':'acme'}}", "mine.json: provider has no 'title'."},
        {"{'provider':{'name':'Acme','title':'x'}}",
         "mine.json: provider.name is 'Acme'; allowed is lower-case letters, digits and"},
        {"{'provider':{'name':'acme','title':'x','limit':0}}",
         "mine.json: provider.limit is 0; allowed is a whole number from 1 to 100000."},
        {"{'provider':{'name':'acme','title':'x','needs':['key']}}",
         "mine.json: provider.needs[0] is 'key'; allowed is an environment variable in capitals"},
        {"{'provider':{'name':'acme','title':'x','keys':[]}}",
         "mine.json: provider has the unknown key 'keys'; allowed is one of name, title,"},
        {"{" PROVIDER ",'offers':[{'slug':'x'}]}",
         "mine.json: offers[0].model is missing; allowed is the id of a model in the catalogue."},
        {"{" PROVIDER ",'offers':[{'model':'nothing'}]}",
         "mine.json: offers[0].model is 'nothing'; allowed is the id of a model"},
        {"{'offers':[{'model':'ltx2'}]}",
         "mine.json: offers[0] names no 'provider', and neither does its file."},
        {"{'offers':[{'model':'ltx2','provider':'nobody'}]}",
         "mine.json: offers[0].provider is 'nobody'; allowed is the name of a provider"},
        {"{" PROVIDER ",'offers':[{'model':'ltx2'},{'model':'ltx2'}]}",
         "mine.json: offers[1] is an offer of 'ltx2' by acme with the slug '', which is there"},
        {FIXTURE_MODEL("", ",'offers':[{'model':'m'}]"),
         "mine.json: models[0].offers[0] stands in a model and names a 'model'."},
        {FIXTURE_MODEL("", ",'offers':{}"),
         "mine.json: models[0].offers is {}; allowed is a list of offers."},
        {FIXTURE_MODEL("", ",'retired':{'successor':'nothing'}"),
         "mine.json: m has the successor 'nothing'; allowed is the id of a model"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        fixture_refused(cases[n].text, cases[n].fault);
}

static void a_broken_route_is_refused(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {ROUTE("'path':'x'"), "mine.json: routes[0].path is 'x'; allowed is a path that begins"},
        {ROUTE("'path':'/a//b'"), "mine.json: routes[0].path is '/a//b'; allowed is at most 24"},
        {ROUTE("'path':'/{a*}/{b*}'"), "mine.json: routes[0].path is '/{a*}/{b*}';"},
        {ROUTE("'path':'/a{b}'"), "mine.json: routes[0].path is '/a{b}';"},
        {ROUTE("'path':'/{}'"), "mine.json: routes[0].path is '/{}';"},
        {ROUTE("'path':'/{A}'"), "mine.json: routes[0].path is '/{A}';"},
        {ROUTE("'path':'/{a}/{b}/{c}/{d}/{e}/{f}/{g}'"), "mine.json: routes[0].path is '/{a}/"},
        {ROUTE("'path':'/a','model':'nothing'"),
         "mine.json: routes[0].model is 'nothing'; allowed is the id of a model"},
        {ROUTE("'path':'/a','variants':{'x':'nothing'}"),
         "mine.json: routes[0].variants.x is 'nothing'; allowed is the id of a model"},
        {ROUTE("'path':'/a','variants':[]"),
         "mine.json: routes[0].variants is []; allowed is an object of names and model ids."},
        {ROUTE("'path':'/a','body':{}"), "mine.json: routes[0] has the unknown key 'body';"},
        {"{'routes':[{'path':'/a','dialect':'x','action':'y'}]}",
         "mine.json: routes[0] has no 'method'."},
        {"{'routes':[{'method':'get','path':'/a','dialect':'x','action':'y'}]}",
         "mine.json: routes[0].method is 'get'; allowed is one of GET, POST, PUT, PATCH, DELETE."},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        fixture_refused(cases[n].text, cases[n].fault);
}

static void a_name_may_come_once_in_a_group(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog_file files[2] = {
        {.name = SPAN("a.json"), .text = SPAN("{\"provider\":{\"name\":\"x\",\"title\":\"X\"}}")},
        {.name = SPAN("b.json"), .text = SPAN("{\"provider\":{\"name\":\"x\",\"title\":\"Y\"}}")}};
    assert_null(catalog_make(NULL, files, 2, fault));
    assert_string_equal(fault, "b.json: provider.name is \"x\", which a.json has already.");
}

static void files_of_a_group_may_name_each_others_things(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    char *offers = fixture_quote("{'offers':[{'model':'m','provider':'acme','slug':'s'}],"
                                 "'routes':[{'method':'POST','path':'/m','dialect':'x',"
                                 "'action':'submit','model':'m'}]}");
    char *model = fixture_quote(FIXTURE_MODEL("", ""));
    struct catalog_file files[2] = {{.name = SPAN("a.json"), .text = span_of(offers)},
                                    {.name = SPAN("b.json"), .text = span_of(model)}};
    struct catalog *catalog = catalog_make(NULL, files, 2, fault);
    if (!catalog)
        fail_msg("%s", fault);
    assert_int_equal(fixture_model(catalog, "m")->offer_count, 1);
    assert_ptr_equal(catalog_route_at(catalog, 0)->model, fixture_model(catalog, "m"));
    catalog_free(catalog);
    test_free(offers);
    test_free(model);
}

static void an_empty_catalogue_is_a_catalogue(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog = catalog_make(NULL, NULL, 0, fault);
    assert_non_null(catalog);
    assert_int_equal(catalog_model_count(catalog), 0);
    assert_null(catalog_find(catalog, SPAN("m")));
    catalog_free(catalog);
    catalog_free(NULL);
}

static void a_fault_of_any_length_fits(void **state)
{
    char name[900], fault[CATALOG_FAULT_SIZE] = "";
    memset(name, 0, sizeof name);
    for (size_t n = 0; n < 890; n += 2)
        memcpy(name + n, "ä", 2);
    struct catalog_file file = {.name = span_of(name), .text = SPAN("[]")};
    assert_null(catalog_make(NULL, &file, 1, fault));
    assert_true(strlen(fault) < CATALOG_FAULT_SIZE && span_is_utf8(span_of(fault)));
}

/* Bytes of the built-in files, changed at random: whatever comes of it, nothing breaks. */
static void damaged_files_do_no_harm(void **state)
{
    static const char bytes[] = "\"{}[]:,0-9aez\\ ntrue";
    struct rng rng;
    rng_init(&rng, 7);
    for (int round = 0; round < 1500; round++) {
        const struct embedded *source = &catalog_builtin[round % 2];
        char *text = test_malloc(source->size);
        memcpy(text, source->data, source->size);
        for (uint64_t n = 1 + rng_below(&rng, 3); n > 0; n--)
            text[rng_below(&rng, source->size)] = bytes[rng_below(&rng, sizeof bytes - 1)];
        char fault[CATALOG_FAULT_SIZE] = "";
        struct catalog_file file = {.name = SPAN("x.json"), .text = {text, source->size}};
        struct catalog *catalog = catalog_make(NULL, &file, 1, fault);
        assert_true(catalog ? !*fault : span_starts(span_of(fault), "x.json: "));
        catalog_free(catalog);
        test_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_file_is_refused_with_its_name_and_place),
        cmocka_unit_test(a_broken_route_is_refused),
        cmocka_unit_test(a_name_may_come_once_in_a_group),
        cmocka_unit_test(files_of_a_group_may_name_each_others_things),
        cmocka_unit_test(an_empty_catalogue_is_a_catalogue),
        cmocka_unit_test(a_fault_of_any_length_fits),
        cmocka_unit_test(damaged_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
