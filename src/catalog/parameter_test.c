#include "catalog/fixture.h"

#define P(text)    FIXTURE_MODEL("'p':{" text "}", "")
#define AT         "mine.json: models[0].parameters.p"
#define ITEM(rest) "'type':'list','items':{" rest "}"

static void a_broken_parameter_is_refused(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {FIXTURE_MODEL("'p':5", ""), AT " is 5; allowed is an object."},
        {P(""), AT " has no 'type'."},
        {P("'type':'string'"), AT ".type is 'string'; allowed is one of text, integer, number,"},
        {P("'type':'text','maxlength':5"), AT " has the unknown key 'maxlength'; allowed is one"},
        {P("'type':'text','required':'yes'"), AT ".required is 'yes'; allowed is true or false."},
        {P("'type':'text','max':5"),
         AT ".max stands in a parameter of type text; allowed is only with integer and number."},
        {P("'type':'integer','maxLength':5"), AT ".maxLength stands in a parameter of type intege"},
        {P("'type':'text','media':['image']"), AT ".media stands in a parameter of type text;"},
        {P("'type':'boolean','choices':[true]"), AT ".choices stands in a parameter of type bool"},
        {P("'type':'integer','min':'1'"), AT ".min is '1'; allowed is a number from"},
        {P("'type':'integer','min':5,'max':4"), AT " has a min above its max."},
        {P("'type':'text','minLength':5,'maxLength':4"),
         AT " has a least size above its greatest."},
        {P("'type':'text','maxLength':2.5"), AT ".maxLength is 2.5; allowed is a whole number"},
        {P("'type':'integer','default':5.5"), AT ".default is 5.5; allowed is a whole number."},
        {P("'type':'integer','max':4,'default':5"), AT ".default is 5; allowed is a whole number"},
        {P("'type':'text','choices':['a'],'default':'b'"), AT ".default is 'b'; allowed is one of"},
        {P("'type':'text','choices':[]"), AT ".choices is []; allowed is a list that is not empty"},
        {P("'type':'text','choices':[1]"), AT ".choices[0] is 1; allowed is a text of at most"},
        {P("'type':'integer','max':3,'choices':[1,4]"), AT ".choices[1] is 4; allowed is a whole"},
        {P("'type':'text','required':true,'default':'a'"), AT " is required and has a default."},
        {P("'type':'url'"), AT ".media is not there; allowed is a list of image, audio, video"},
        {P("'type':'url','media':['film']"), AT ".media[0] is 'film'; allowed is one of image,"},
        {P("'type':'list'"), AT " is a list and has no 'items'."},
        {P(ITEM("")), AT ".items has no 'type'."},
        {P(ITEM("'type':'integer','min':2,'max':1")), AT ".items has a min above its max."},
        {P(ITEM(ITEM(ITEM(ITEM(ITEM("'type':'text'")))))),
         AT ".items.items.items.items is nested more than 4 deep."},
        {P("'type':'text','requiredWhen':{'parameter':'q','value':1}"),
         AT ".requiredWhen.parameter names 'q', which is no parameter of this model."},
        {P("'type':'text','requiredWhen':{'parameter':'p'}"), AT ".requiredWhen has no 'value'."},
        {P("'type':'text','requiredWhen':{'parameter':'p','value':5}"),
         AT ".requiredWhen.value is 5; allowed is a text of at most 20000 characters."},
        {P("'type':'text','required':true,'requiredWhen':{'parameter':'p','value':'a'}"),
         AT " has 'requiredWhen' beside 'required' or a default."},
        {P("'type':'text','description':''"), AT ".description is ''; allowed is a text that is"},
        {FIXTURE_MODEL("'image_url':{'type':'text'}", ""),
         "parameters.image_url cannot be a parameter; allowed is a name in camelCase"},
        {FIXTURE_MODEL("'webhookUrl':{'type':'text'}", ""),
         "parameters.webhookUrl has the name of a common field of requests."},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        fixture_refused(cases[n].text, cases[n].fault);
}

static void every_key_is_read(void **state)
{
    struct catalog *catalog = fixture_alone(FIXTURE_MODEL(
        "'mode':{'type':'text','choices':['a','b'],'default':'b'},"
        "'size':{'type':'number','min':1,'max':2.5,'also':['auto'],'unit':'px',"
        "'requiredWhen':{'parameter':'mode','value':'a'},'description':'A size.'},"
        "'frames':{'type':'list','minItems':1,'maxItems':5,'items':{'type':'object','fields':{"
        "'uri':{'type':'url','media':['image','video'],'required':true},"
        "'at':{'type':'number','default':0}}}}",
        ""));
    const struct model *model = fixture_model(catalog, "m");
    assert_int_equal(model->parameter_count, 3);
    const struct parameter *mode = &model->parameters[0], *size = &model->parameters[1];
    const struct parameter *frames = &model->parameters[2];
    assert_string_equal(json_string_value(mode->fallback), "b");
    assert_int_equal(size->kind, PARAMETER_NUMBER);
    assert_true(size->min == 1 && size->max == 2.5);
    assert_string_equal(size->unit, "px");
    assert_string_equal(size->description, "A size.");
    assert_string_equal(size->required_when.parameter, "mode");
    assert_string_equal(json_string_value(size->required_when.value), "a");
    assert_int_equal(frames->size_min, 1);
    assert_int_equal(frames->size_max, 5);
    assert_int_equal(frames->items->field_count, 2);
    assert_int_equal(frames->items->fields[0].media, 1u << MEDIA_IMAGE | 1u << MEDIA_VIDEO);
    assert_true(frames->items->fields[0].required);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_parameter_is_refused),
        cmocka_unit_test(every_key_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
