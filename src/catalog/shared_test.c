#include "catalog/fixture.h"

#define MODEL(id, parameters, time, offers)                                                        \
    "{'id':'" id "','family':'m','title':'M','summary':'A model.','task':'text-to-video',"         \
    "'output':'video','extensions':['mp4'],'time':" time ",'parameters':{" parameters "},"         \
    "'offers':[" offers "]}"
#define FILE_OF(shared, models)                                                                    \
    "{'provider':{'name':'acme','title':'Acme'},'shared':" shared ",'models':[" models "]}"

static void what_is_named_stands_in_place_of_the_name(void **state)
{
    struct catalog *catalog = fixture_alone(FILE_OF(
        "{'prompt':{'type':'text','maxLength':7},'slow':{'baseSeconds':60},"
        "'cheap':{'unit':'run','amount':'0.25'},'snake':{'names':'snake_case'}}",
        MODEL("a", "'prompt':'prompt','title':'prompt'", "'slow'",
              "{'price':'cheap','mapping':'snake'}") "," MODEL("b", "'prompt':{'type':'text'}",
                                                               "{'baseSeconds':1}", "")));
    const struct model *a = fixture_model(catalog, "a"), *b = fixture_model(catalog, "b");
    assert_int_equal(a->time.base_ms, 60000);
    assert_int_equal(a->parameter_count, 2);
    assert_string_equal(a->parameters[1].name, "title");
    assert_int_equal(a->parameters[1].size_max, 7);
    assert_int_equal(a->offers[0]->price.rows[0].amount, 250000000);
    assert_int_equal(a->offers[0]->mapping.names, MAPPING_SNAKE);
    assert_int_equal(b->parameters[0].size_max, CATALOG_TEXT_MAX);
    catalog_free(catalog);
}

static void offers_beside_the_models_may_name_it_too(void **state)
{
    struct catalog *catalog = fixture_alone(
        "{'provider':{'name':'acme','title':'Acme'},'shared':{'free':{'unit':'free'}},'models':"
        "[" MODEL("a", "", "{'baseSeconds':1}", "") "],'offers':[{'model':'a','price':'free'}]}");
    assert_int_equal(fixture_model(catalog, "a")->offers[0]->price.unit, PRICE_FREE);
    catalog_free(catalog);
}

static void names_that_are_not_there_are_refused(void **state)
{
    fixture_refused(FILE_OF("{}", MODEL("a", "'prompt':'words'", "{'baseSeconds':1}", "")),
                    "models[0].parameters.prompt is 'words'; allowed is an object, or the name of "
                    "one under 'shared'");
    fixture_refused(FILE_OF("{'slow':[]}", MODEL("a", "", "'slow'", "")), "models[0].time is");
    fixture_refused(FILE_OF("{}", MODEL("a", "", "{'baseSeconds':1}", "{'price':'cheap'}")),
                    "models[0].offers[0].price is 'cheap'");
    fixture_refused(FILE_OF("[]", MODEL("a", "", "{'baseSeconds':1}", "")),
                    "shared is []; allowed is an object of names and objects");
    /* A fault in what is shared is shown where it is used. */
    fixture_refused(FILE_OF("{'prompt':{'type':'txt'}}",
                            MODEL("a", "'prompt':'prompt'", "{'baseSeconds':1}", "")),
                    "models[0].parameters.prompt.type is 'txt'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_named_stands_in_place_of_the_name),
        cmocka_unit_test(offers_beside_the_models_may_name_it_too),
        cmocka_unit_test(names_that_are_not_there_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
