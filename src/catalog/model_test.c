#include "catalog/fixture.h"

#define AT      "mine.json: models[0]"
#define M(rest) FIXTURE_MODEL("'a':{'type':'text'},'n':{'type':'integer'}", rest)
#define NONE(rest)                                                                                 \
    "{'id':'m','family':'m','title':'M','summary':'S.','task':'t','output':'none',"                \
    "'time':{'baseSeconds':1}" rest
#define RULE(rule) M(",'rules':[" rule "]")

static void a_broken_model_is_refused(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"{'models':[{}]}", AT " has no 'id'."},
        {"{'models':[{'id':'A b'}]}", AT ".id is 'A b'; allowed is lower-case letters, digits"},
        {"{'models':[{'id':'a//b'}]}", AT ".id is 'a//b'; allowed is lower-case"},
        {"{'models':[{'id':'a'}]}", AT " has no 'family'."},
        {M(",'seconds':5"), AT " has the unknown key 'seconds'; allowed is one of id, family,"},
        {M(",'limit':-1"), AT ".limit is -1; allowed is a whole number from 0 to 100000."},
        {M(",'deterministic':1"), AT ".deterministic is 1; allowed is true or false."},
        {M(",'timeoutSeconds':0"), AT ".timeoutSeconds is 0; allowed is a number from 1 to"},
        {M(",'quality':101"), AT ".quality is 101; allowed is a whole number from 0 to 100."},
        {M(",'retired':true"), AT ".retired is true; allowed is an object."},
        {"{'models':[" NONE(",'extensions':['mp4'],'parameters':{}}") "]}",
         AT ".extensions is for models that make files, and 'output' is none."},
        {"{'models':[" NONE(",'parameters':{},'offers':[{'slug':'s','provider':'runpod'}]}") "]}",
         AT ".offers[0] is by runpod, and what makes no output is done by local alone."},
        {"{'models':[{'id':'m','family':'m','title':'M','summary':'S.','task':'t',"
         "'output':'video','time':{'baseSeconds':1},'parameters':{}}]}",
         AT ".extensions is missing; allowed is a list of file endings."},
        {M(",'rules':{}"), AT ".rules is {}; allowed is a list of 1 to 50 rules."},
        {RULE("{}"), AT ".rules[0] is {}; allowed is one of anyOf, oneOf, notTogether"},
        {RULE("{'anyOf':['a']}"), AT ".rules[0] is {'anyOf':['a']}; allowed is"},
        {RULE("{'anyOf':['a','b']}"), AT ".rules[0] names 'b', which is no parameter of this"},
        {RULE("{'anyOf':['a','a']}"), AT ".rules[0].anyOf[1] is 'a' for the second time."},
        {RULE("{'allOf':['a','n']}"), AT ".rules[0] has the unknown key 'allOf'; allowed is"},
        {RULE("{'anyOf':['a','n'],'oneOf':['a','n']}"), AT ".rules[0] is {"},
        {RULE("{'when':{'parameter':'a','value':'x'}}"),
         AT ".rules[0] wants 'when', and 'parameter' and 'allowed' or 'without', alone."},
        {RULE("{'when':{'parameter':'a','value':'x'},'parameter':'n','without':['n']}"),
         AT ".rules[0] wants 'when', and 'parameter' and 'allowed' or 'without', alone."},
        {RULE("{'when':{'parameter':'a','value':'x'},'without':[]}"),
         AT ".rules[0].without is []; allowed is a list of"},
        {RULE("{'when':{'parameter':'a','value':'x'},'without':['b']}"),
         AT ".rules[0].without names 'b', which is no parameter"},
        {RULE("{'when':{'parameter':'a','value':5},'without':['n']}"),
         AT ".rules[0].when.value is 5; allowed is a text"},
        {RULE("{'when':{'parameter':'a','value':5},'parameter':'n','allowed':[1]}"),
         AT ".rules[0].when.value is 5; allowed is a text"},
        {RULE("{'when':{'parameter':'a','value':'x'},'parameter':'n','allowed':['1']}"),
         AT ".rules[0].allowed[0] is '1'; allowed is a whole number."},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        fixture_refused(cases[n].text, cases[n].fault);
}

#define TIMED(time)                                                                                \
    "{'models':[{'id':'m','family':'m','title':'M','summary':'S.','task':'t','output':'video',"    \
    "'extensions':['mp4'],'time':" time ",'parameters':{'n':{'type':'integer'}}}]}"

static void a_broken_time_is_refused(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {TIMED("5"), AT ".time is 5; allowed is an object."},
        {TIMED("{}"), AT ".time has no 'baseSeconds'."},
        {TIMED("{'baseSeconds':-1}"), AT ".time.baseSeconds is -1; allowed is a number from 0"},
        {TIMED("{'baseSeconds':1,'longFactor':0.5}"), AT ".time.longFactor is 0.5; allowed is"},
        {TIMED("{'baseSeconds':1,'terms':[]}"), AT ".time.terms is []; allowed is a list of 1"},
        {TIMED("{'baseSeconds':1,'terms':[{'of':['x'],'seconds':1}]}"),
         AT ".time.terms[0] names 'x', which is no parameter"},
        {TIMED("{'baseSeconds':1,'terms':[{'of':['n']}]}"), AT ".time.terms[0] has no 'seconds'."},
        {TIMED("{'baseSeconds':1,'terms':[{'seconds':1}]}"),
         AT ".time.terms[0] wants 'of' or 'when'."},
        {TIMED("{'baseSeconds':1,'terms':[{'seconds':1,'when':{'parameter':'x','value':1}}]}"),
         AT ".time.terms[0].when.parameter names 'x', which is no parameter"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        fixture_refused(cases[n].text, cases[n].fault);
}

static void every_key_is_read(void **state)
{
    struct catalog *catalog = fixture_alone(
        M(",'deterministic':true,'repeatable':true,'quality':70,'limit':2,'timeoutSeconds':90.5,"
          "'retired':{},'note':'Seen in a document.',"
          "'rules':[{'anyOf':['a','n']},"
          "{'when':{'parameter':'a','value':'x'},'parameter':'n','allowed':[1,2]}]"));
    const struct model *model = fixture_model(catalog, "m");
    assert_true(model->deterministic && model->repeatable && model->retired);
    assert_null(model->successor);
    assert_int_equal(model->quality, 70);
    assert_int_equal(model->limit, 2);
    assert_int_equal(model->timeout_ms, 90500);
    assert_int_equal(model->output, MEDIA_VIDEO);
    assert_int_equal(model->rule_count, 2);
    assert_int_equal(model->rules[0].kind, RULE_ANY_OF);
    assert_int_equal(model->rules[1].kind, RULE_WHEN);
    assert_string_equal(model->rules[1].names.items[0], "n");
    catalog_free(catalog);
}

static void a_model_may_make_nothing(void **state)
{
    struct catalog *catalog = fixture_catalog();
    const struct model *model = fixture_model(catalog, "local/milestone");
    assert_int_equal(model->output, MEDIA_NONE);
    assert_int_equal(model->extensions.count, 0);
    assert_int_equal(model->parameter_count, 0);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_model_is_refused),
        cmocka_unit_test(a_broken_time_is_refused),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(a_model_may_make_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
