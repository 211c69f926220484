#include "catalog/fixture.h"

#include "catalog/estimate.h"

static ms_t typical(const struct catalog *catalog, const char *id, const char *given)
{
    json_t *input = given ? fixture_json(given) : NULL;
    ms_t found = estimate_typical(fixture_model(catalog, id), input);
    json_decref(input);
    return found;
}

static void time_grows_with_what_is_asked(void **state)
{
    struct catalog *catalog = fixture_catalog();
    assert_int_equal(typical(catalog, "ltx2", NULL) / 1000, 45);
    assert_int_equal(typical(catalog, "ltx2", "{}"), typical(catalog, "ltx2", NULL));
    assert_int_equal(typical(catalog, "ltx2", "{'duration':10}") / 1000, 70);
    assert_int_equal(typical(catalog, "ltx2", "{'numInferenceSteps':15}") / 1000, 32);
    assert_int_equal(typical(catalog, "longcat", NULL), 120000);
    assert_int_equal(typical(catalog, "longcat", "{'numSegments':10}"), 1020000);
    assert_int_equal(typical(catalog, "wav2lip", NULL), 60000);
    assert_true(typical(catalog, "local/still", NULL) < 2000);
    assert_true(typical(catalog, "local/kenburns", NULL) < 10000);
    catalog_free(catalog);
}

static void it_is_never_nothing_and_never_over_the_time_out(void **state)
{
    struct catalog *catalog =
        fixture_alone("{'models':[{'id':'m','family':'m','title':'M','summary':'S.','task':'t',"
                      "'output':'video','extensions':['mp4'],'timeoutSeconds':60,"
                      "'time':{'baseSeconds':0,'terms':[{'of':['n'],'seconds':1}]},"
                      "'parameters':{'n':{'type':'integer'}}}]}");
    assert_int_equal(typical(catalog, "m", NULL), 1);
    assert_int_equal(typical(catalog, "m", "{'n':7}"), 7000);
    assert_int_equal(typical(catalog, "m", "{'n':1000000}"), 60000);
    catalog_free(catalog);
}

static void some_values_take_longer(void **state)
{
    struct catalog *catalog =
        fixture_alone("{'models':[{'id':'m','family':'m','title':'M','summary':'S.','task':'t',"
                      "'output':'video','extensions':['mp4'],'time':{'baseSeconds':10,'terms':["
                      "{'when':{'parameter':'size','value':'4k'},'seconds':5},"
                      "{'when':{'parameter':'size','value':'2k'},'of':['n'],'seconds':1}]},"
                      "'parameters':{'n':{'type':'integer'},"
                      "'size':{'type':'text','default':'4k'}}}]}");
    assert_int_equal(typical(catalog, "m", "{'n':7,'size':'1k'}"), 10000);
    assert_int_equal(typical(catalog, "m", "{'n':7,'size':'2k'}"), 17000);
    assert_int_equal(typical(catalog, "m", "{'n':7,'size':'4k'}"), 15000);
    assert_int_equal(typical(catalog, "m", NULL), 15000);
    catalog_free(catalog);
}

static void a_slow_run_includes_the_cold_start(void **state)
{
    struct catalog *catalog = fixture_catalog();
    const struct offer *offer = fixture_model(catalog, "longcat")->offers[0];
    assert_int_equal(estimate_long(offer, NULL), 3 * 120000 + 300000);
    json_t *input = fixture_json("{'numSegments':10}");
    assert_int_equal(estimate_long(offer, input), 1800000 + 300000);
    json_decref(input);
    catalog_free(catalog);
}

static void quantities(void **state)
{
    double range[2];
    struct catalog *catalog = fixture_alone(FIXTURE_MODEL(
        "'n':{'type':'integer','min':2,'max':9},'t':{'type':'text','maxLength':7},"
        "'l':{'type':'list','maxItems':3,'items':{'type':'text'}},'b':{'type':'boolean'},"
        "'a':{'type':'integer','min':4,'max':8,'also':['auto'],'default':'auto'}",
        ""));
    const struct model *model = fixture_model(catalog, "m");
    json_t *input = fixture_json("{'n':5,'t':'äöü','l':['a','b']}");
    assert_true(estimate_quantity(model, input, "n", range));
    assert_true(range[0] == 5 && range[1] == 5);
    assert_true(estimate_quantity(model, input, "t", range));
    assert_true(range[0] == 3 && range[1] == 3);
    assert_true(estimate_quantity(model, input, "l", range));
    assert_true(range[0] == 2 && range[1] == 2);
    assert_true(estimate_quantity(model, NULL, "n", range));
    assert_true(range[0] == 2 && range[1] == 9);
    assert_true(estimate_quantity(model, NULL, "a", range));
    assert_true(range[0] == 4 && range[1] == 8);
    assert_false(estimate_quantity(model, input, "b", range));
    assert_false(estimate_quantity(model, input, "x", range));
    json_decref(input);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_grows_with_what_is_asked),
        cmocka_unit_test(it_is_never_nothing_and_never_over_the_time_out),
        cmocka_unit_test(some_values_take_longer),
        cmocka_unit_test(a_slow_run_includes_the_cold_start),
        cmocka_unit_test(quantities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
