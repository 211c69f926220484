#include "dialect/openapi.h"

#include "base/memory.h"
#include "catalog/fixture.h"
#include "catalog/route.h"

static json_t *write_document(const struct catalog *catalog)
{
    char fault[JSON_FAULT_SIZE] = "";
    struct buffer text;
    buffer_init(&text, OPENAPI_MAX);
    openapi_write(catalog, &text);
    assert_false(text.failed);
    json_t *document = json_read(buffer_span(&text), fault);
    if (!document)
        fail_msg("%s", fault);
    buffer_done(&text);
    return document;
}

/* "#/components/schemas/Job" */
static const json_t *resolve(const json_t *document, const char *reference)
{
    struct span rest = span_of(reference), name;
    const json_t *at = document;
    (void)span_take(&rest, '/', &name);
    while (span_take(&rest, '/', &name))
        at = json_object_getn(at, name.data, name.size);
    return at;
}

/* JSON nests at most JSON_DEPTH_MAX deep. */
static unsigned check_references(const json_t *document, json_t *value)
{
    const char *key;
    json_t *item;
    size_t n;
    unsigned count = 0;
    json_object_foreach(value, key, item) {
        count += check_references(document, item);
        if (strcmp(key, "$ref") != 0)
            continue;
        count++;
        if (!resolve(document, json_string_value(item)))
            fail_msg("%s leads nowhere", json_string_value(item));
    }
    json_array_foreach(value, n, item)
        count += check_references(document, item);
    return count;
}

static void says_everything_that_it_refers_to(void **state)
{
    struct catalog *catalog = fixture_catalog();
    json_t *document = write_document(catalog);
    assert_true(check_references(document, document) > 400);
    json_decref(document);
    catalog_free(catalog);
}

/* Each route once, with a sentence: an action that openapi.json does not know would have none. */
static void has_every_route(void **state)
{
    struct catalog *catalog = fixture_catalog();
    json_t *document = write_document(catalog), *path, *operation;
    const json_t *paths = json_object_get(document, "paths");
    json_t *ids = json_object();
    const char *name, *method;
    size_t count = 0;
    json_object_foreach((json_t *)(uintptr_t)paths, name, path) {
        json_object_foreach(path, method, operation) {
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            if (!json_object_get(operation, "summary"))
                fail_msg("%s %s: openapi.json does not know its action", method, name);
            assert_null(json_object_get(ids, id));
            assert_int_equal(json_object_set_new(ids, id, json_true()), 0);
            count++;
        }
    }
    assert_int_equal(count, catalog_route_count(catalog));
    json_decref(ids);
    json_decref(document);
    catalog_free(catalog);
}

static void has_what_is_the_users(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog = fixture_with(
        "{'models':[{'id':'my/clip','family':'my','title':'M','summary':'S.','task':'t','output':"
        "'none','time':{'baseSeconds':1},'parameters':{'n':{'type':'integer','required':true}},"
        "'offers':[{'slug':'s','provider':'local'}]}],'routes':[{'method':'POST','path':"
        "'/my/{name*}/{number}','dialect':'native','action':'unheard-of','scope':'read'}]}",
        fault);
    if (!catalog)
        fail_msg("%s", fault);
    json_t *document = write_document(catalog);
    const json_t *operation = json_object_get(
        json_object_get(json_object_get(document, "paths"), "/my/{name}/{number}"), "post");
    assert_string_equal(json_string_value(json_object_get(operation, "operationId")),
                        "post_my_name_number");
    assert_int_equal(json_array_size(json_object_get(operation, "parameters")), 2);
    const json_t *schema = resolve(document, "#/components/schemas/model.my.clip");
    assert_int_equal(json_array_size(json_object_get(schema, "required")), 2);
    json_decref(document);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_everything_that_it_refers_to),
        cmocka_unit_test(has_every_route),
        cmocka_unit_test(has_what_is_the_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
