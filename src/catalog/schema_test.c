#include "catalog/fixture.h"

#include "catalog/schema.h"

static char *schema_of(const struct catalog *catalog, const char *id)
{
    struct buffer text;
    struct json_writer writer;
    buffer_init(&text, 1 << 20);
    json_writer_init(&writer, &text);
    schema_write(fixture_model(catalog, id), NULL, &writer);
    assert_false(text.failed);
    return buffer_take(&text);
}

/* Compares what stands under `path` (keys joined by dots) with JSON. */
static void expect(const json_t *schema, const char *path, const char *expected)
{
    struct span rest = span_of(path), part;
    const json_t *at = schema;
    while (*path && span_take(&rest, '.', &part))
        at = json_object_getn(at, part.data, part.size);
    json_t *value = fixture_json(expected);
    if (!at || !json_equal(at, value))
        fail_msg("%s is not %s", path, expected);
    json_decref(value);
}

static void the_schema_of_a_model(void **state)
{
    char fault[JSON_FAULT_SIZE];
    struct catalog *catalog = fixture_catalog();
    char *text = schema_of(catalog, "longcat");
    json_t *schema = json_read(span_of(text), fault);
    expect(schema, "type", "'object'");
    expect(schema, "$schema", "'https://json-schema.org/draft/2020-12/schema'");
    expect(schema, "title", "'LongCat Avatar'");
    expect(schema, "additionalProperties", "false");
    expect(schema, "required", "['audioUrl']");
    expect(schema, "properties.mode",
           "{'type':'string','enum':['ai2v','at2v'],'default':'ai2v',"
           "'description':'From audio and image (ai2v), or from audio and text (at2v).'}");
    expect(schema, "properties.numSegments",
           "{'type':'integer','minimum':1,'maximum':10,'default':1,"
           "'description':'Segments, one after another, for longer videos.'}");
    expect(schema, "properties.audioUrl",
           "{'type':'string','format':'uri','x-media':['audio'],"
           "'description':'The speech; WAV is best.'}");
    expect(schema, "allOf",
           "[{'if':{'properties':{'mode':{'const':'ai2v'}}},"
           "'then':{'required':['imageUrl']}}]");
    json_decref(schema);
    free(text);
    catalog_free(catalog);
}

static void a_range_with_a_value_beside_it(void **state)
{
    char fault[JSON_FAULT_SIZE];
    struct catalog *catalog = fixture_catalog();
    char *text = schema_of(catalog, "zimage");
    json_t *schema = json_read(span_of(text), fault);
    expect(schema, "properties.guidanceScale.anyOf",
           "[{'enum':[0]},{'type':'number','minimum':1,'maximum':20}]");
    expect(schema, "properties.guidanceScale.default", "0");
    expect(schema, "properties.prompt.minLength", "1");
    expect(schema, "properties.seed.type", "'integer'");
    assert_null(json_object_get(schema, "allOf"));
    json_decref(schema);
    free(text);
    catalog_free(catalog);
}

static void lists_objects_and_rules(void **state)
{
    char fault[JSON_FAULT_SIZE];
    struct catalog *catalog = fixture_alone(FIXTURE_MODEL(
        "'a':{'type':'text'},'b':{'type':'text'},'c':{'type':'text'},"
        "'n':{'type':'integer','choices':[4,8]},"
        "'frames':{'type':'list','maxItems':5,'items':{'type':'object','fields':{"
        "'uri':{'type':'url','media':['image'],'required':true},'at':{'type':'number'}}}}",
        ",'rules':[{'anyOf':['a','b']},{'oneOf':['a','c']},{'notTogether':['a','b','c']},"
        "{'when':{'parameter':'a','value':'x'},'parameter':'n','allowed':[8]},"
        "{'when':{'parameter':'a','value':'x'},'without':['b','c']}]"));
    char *text = schema_of(catalog, "m");
    json_t *schema = json_read(span_of(text), fault);
    expect(schema, "properties.frames",
           "{'type':'array','maxItems':5,'items':{'type':'object','properties':{"
           "'uri':{'type':'string','format':'uri','x-media':['image']},'at':{'type':'number'}},"
           "'required':['uri'],'additionalProperties':false}}");
    expect(schema, "properties.n", "{'type':'integer','enum':[4,8]}");
    expect(schema, "allOf",
           "[{'anyOf':[{'required':['a']},{'required':['b']}]},"
           "{'oneOf':[{'required':['a']},{'required':['c']}]},"
           "{'not':{'anyOf':[{'required':['a','b']},{'required':['a','c']},"
           "{'required':['b','c']}]}},"
           "{'if':{'properties':{'a':{'const':'x'}},'required':['a']},"
           "'then':{'properties':{'n':{'enum':[8]}}}},"
           "{'if':{'properties':{'a':{'const':'x'}},'required':['a']},"
           "'then':{'properties':{'b':false,'c':false}}}]");
    json_decref(schema);
    free(text);
    catalog_free(catalog);
}

static void every_default_obeys_its_own_schema(void **state)
{
    char fault[JSON_FAULT_SIZE];
    struct catalog *catalog = fixture_catalog();
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        const struct model *model = catalog_model_at(catalog, n);
        char *text = schema_of(catalog, model->id);
        json_t *schema = json_read(span_of(text), fault);
        assert_non_null(schema);
        const json_t *properties = json_object_get(schema, "properties");
        assert_int_equal(json_object_size(properties), model->parameter_count);
        const char *name;
        json_t *property;
        json_object_foreach((json_t *)(uintptr_t)properties, name, property) {
            const json_t *value = json_object_get(property, "default");
            const json_t *least = json_object_get(property, "minimum");
            const json_t *most = json_object_get(property, "maximum");
            assert_true(json_object_get(property, "type") || json_object_get(property, "anyOf"));
            assert_true(!value || !least || json_number_value(value) >= json_number_value(least));
            assert_true(!value || !most || json_number_value(value) <= json_number_value(most));
        }
        json_decref(schema);
        free(text);
    }
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_of_a_model),
        cmocka_unit_test(a_range_with_a_value_beside_it),
        cmocka_unit_test(lists_objects_and_rules),
        cmocka_unit_test(every_default_obeys_its_own_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
