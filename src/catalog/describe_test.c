#include "catalog/fixture.h"

#include "catalog/describe.h"

static bool only_acme(void *context, const struct offer *offer)
{
    return strcmp(offer->provider->name, context) == 0;
}

static json_t *describe(const struct catalog *catalog, const char *id, bool full)
{
    char fault[JSON_FAULT_SIZE] = "", provider[] = "runpod";
    struct describe how = {.configured = only_acme, .context = provider, .full = full};
    struct buffer text;
    struct json_writer writer;
    buffer_init(&text, 1 << 20);
    json_writer_init(&writer, &text);
    describe_model(fixture_model(catalog, id), &how, &writer);
    json_t *value = json_read(buffer_span(&text), fault);
    if (!value)
        fail_msg("%s in %s", fault, text.data);
    buffer_done(&text);
    return value;
}

static void expect(const json_t *described, const char *key, const char *expected)
{
    json_t *value = fixture_json(expected);
    if (!json_equal(json_object_get(described, key), value))
        fail_msg("%s is not %s", key, expected);
    json_decref(value);
}

static void the_entry_of_a_list(void **state)
{
    struct catalog *catalog = fixture_catalog();
    json_t *ltx2 = describe(catalog, "ltx2", false);
    expect(ltx2, "id", "'ltx2'");
    expect(ltx2, "title", "'LTX-2'");
    expect(ltx2, "task", "'image-to-video'");
    expect(ltx2, "output", "'video'");
    expect(ltx2, "extensions", "['mp4']");
    expect(ltx2, "providers", "['runpod']");
    expect(ltx2, "configured", "true");
    expect(ltx2, "retired", "false");
    expect(ltx2, "memoryGb", "20");
    expect(ltx2, "estimatedTimeSeconds", "46");
    const json_t *price = json_object_get(ltx2, "price");
    expect(price, "unit", "'gpuHour'");
    expect(price, "currency", "'USD'");
    assert_true(json_is_real(json_object_get(price, "min")));
    assert_null(json_object_get(ltx2, "parameters"));
    json_decref(ltx2);
    json_t *still = describe(catalog, "local/still", false);
    expect(still, "price", "{'min':0,'max':0,'currency':'USD','unit':'free'}");
    expect(still, "configured", "false");
    expect(still, "deterministic", "true");
    json_decref(still);
    json_t *wav2lip = describe(catalog, "wav2lip", false);
    expect(wav2lip, "price", "null");
    json_decref(wav2lip);
    catalog_free(catalog);
}

static void the_full_form(void **state)
{
    struct catalog *catalog = fixture_catalog();
    json_t *ltx2 = describe(catalog, "ltx2", true);
    expect(ltx2, "timeoutSeconds", "900");
    expect(ltx2, "inputs", "[{'name':'imageUrl','required':true,'max':1,'media':['image']}]");
    expect(json_object_get(ltx2, "parameters"), "required", "['imageUrl']");
    const json_t *offer = json_array_get(json_object_get(ltx2, "offers"), 0);
    expect(offer, "provider", "'runpod'");
    expect(offer, "configured", "true");
    expect(offer, "needs", "['RUNPOD_API_KEY','RUNPOD_LTX2_ENDPOINT_ID']");
    expect(offer, "hardware",
           "{'gpu':'L40S','workersMax':2,'memoryGb':20,'scaleToZero':true,"
           "'warmStartSeconds':{'min':10,'max':30},'coldStartSeconds':{'min':120,'max':300}}");
    expect(json_object_get(offer, "price"), "perUnit", "{'min':0.86,'max':0.86}");
    json_decref(ltx2);
    catalog_free(catalog);
}

static void several_offers_are_one_model(void **state)
{
    struct catalog *catalog = fixture_alone(FIXTURE_MODEL(
        "'imageUrls':{'type':'list','maxItems':3,'items':{'type':'url','media':['image']}}",
        ",'retired':{},'limit':2,"
        "'offers':[{'slug':'a','price':{'unit':'run','amount':'0.5'},'without':['imageUrls']},"
        "{'slug':'b','price':{'unit':'run','amount':'0.25'},'allow':{'imageUrls':[['http://a']]}},"
        "{'slug':'c'}]"));
    json_t *model = describe(catalog, "m", true);
    expect(model, "providers", "['acme']");
    expect(model, "price", "{'min':0.25,'max':0.5,'currency':'USD','unit':'run'}");
    expect(model, "retired", "true");
    expect(model, "limit", "2");
    expect(model, "configured", "false");
    expect(model, "inputs", "[{'name':'imageUrls','required':false,'max':3,'media':['image']}]");
    const json_t *offers = json_object_get(model, "offers");
    assert_int_equal(json_array_size(offers), 3);
    expect(json_array_get(offers, 0), "without", "['imageUrls']");
    expect(json_array_get(offers, 2), "price", "null");
    json_decref(model);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_entry_of_a_list),
        cmocka_unit_test(the_full_form),
        cmocka_unit_test(several_offers_are_one_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
