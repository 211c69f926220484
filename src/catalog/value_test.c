#include "catalog/fixture.h"

#include "catalog/value.h"

/* One parameter `p` against one value: the fault, or the canonical value. */
static void check(const char *parameter, const char *given, const char *expected)
{
    char file[2000];
    struct arena arena;
    struct faults faults;
    struct buffer text;
    (void)snprintf(file, sizeof file, FIXTURE_MODEL("'p':{%s}", ""), parameter);
    struct catalog *catalog = fixture_alone(file);
    arena_init(&arena);
    faults_init(&faults, &arena);
    buffer_init(&text, 4096);
    json_t *value = fixture_json(given);
    json_t *canonical =
        value_check(&fixture_model(catalog, "m")->parameters[0], value, "p", &faults);
    if (canonical)
        json_canonical(canonical, &text);
    for (unsigned n = 0; n < faults.count; n++)
        buffer_print(&text, "%s %s; %s\n", faults.list[n].field, faults.list[n].problem,
                     faults.list[n].allowed ? faults.list[n].allowed : "-");
    assert_true(canonical ? faults.count == 0 : faults.count > 0);
    char *quoted = fixture_quote(expected);
    assert_string_equal(text.data, quoted);
    test_free(quoted);
    json_decref(value);
    json_decref(canonical);
    buffer_done(&text);
    arena_done(&arena);
    catalog_free(catalog);
}

#define INTEGER "'type':'integer'"
#define AUTO    "'type':'integer','min':4,'max':8,'also':['auto']"
#define LIST    "'type':'list','maxItems':3,'items':{'type':'integer','min':0}"
#define FRAMES                                                                                     \
    "'type':'list','items':{'type':'object','fields':{'uri':{'type':'url','media':['image'],"      \
    "'required':true},'at':{'type':'number','default':0}}}"

static void scalars(void **state)
{
    check(INTEGER, "5.0", "5");
    check(INTEGER, "-0.0", "0");
    check(INTEGER, "9007199254740991", "9007199254740991");
    check(INTEGER, "9007199254740992", "p is 9007199254740992; a whole number\n");
    check(INTEGER, "99999999999999999999", "p is 1e20; a whole number\n");
    check("'type':'integer','min':3", "2", "p is 2; a whole number from 3 up\n");
    check("'type':'number','max':3", "4", "p is 4; a number up to 3\n");
    check("'type':'number'", "0.1", "0.1");
    check("'type':'boolean'", "true", "true");
    check("'type':'boolean'", "1", "p is 1; true or false\n");
    check("'type':'boolean'", "'true'", "p is 'true'; true or false\n");
    check("'type':'text','minLength':2", "'ä'", "p is 'ä'; a text of 2 to 20000 characters\n");
    check("'type':'integer','choices':[4,6,8]", "6.0", "6");
    check("'type':'integer','choices':[4,6,8]", "5", "p is 5; one of 4, 6, 8\n");
    check("'type':'integer','choices':[4,6,8]", "'6'", "p is '6'; one of 4, 6, 8\n");
    check("'type':'object'", "{'b':[1],'a':2}", "{'a':2,'b':[1]}");
    check("'type':'object'", "[]", "p is []; an object\n");
}

static void a_value_beside_the_limits(void **state)
{
    check(AUTO, "'auto'", "'auto'");
    check(AUTO, "4", "4");
    check(AUTO, "3", "p is 3; auto, or a whole number from 4 to 8\n");
    check(AUTO, "'Auto'", "p is 'Auto'; auto, or a whole number from 4 to 8\n");
    check("'type':'number','min':1,'max':20,'also':[0]", "0.5",
          "p is 0.5; 0, or a number from 1 to 20\n");
}

static void lists(void **state)
{
    check(LIST, "[]", "[]");
    check(LIST, "[1,2.0,3]", "[1,2,3]");
    check(LIST, "[1,2,3,4]", "p has 4 items; a list of at most 3 items\n");
    check(LIST, "5", "p is 5; a list of at most 3 items\n");
    check(LIST, "[1,-1,'x']",
          "p[1] is -1; a whole number from 0 up\np[2] is 'x'; a whole number from 0 up\n");
    check("'type':'list','required':true,'items':{'type':'text'}", "[]",
          "p has 0 items; a list of 1 to 64 items\n");
}

static void objects_in_lists(void **state)
{
    check(FRAMES, "[{'uri':'http://a'}]", "[{'at':0,'uri':'http://a'}]");
    check(FRAMES, "[{'uri':'http://a','at':2.0},{'uri':'http://b','to':1}]",
          "p[1].to is not a known field; -\n");
    check(FRAMES, "[{'at':'x'}]",
          "p[0].uri is missing; an http(s) URL, reel://gen_…, reel://upl_… or a base64 data: URL "
          "of type image\np[0].at is 'x'; a number\n");
    check(FRAMES, "['http://a']", "p[0] is 'http://a'; an object\n");
}

static void a_url_may_lead_to_several_media(void **state)
{
    const char *url = "'type':'url','media':['image','video']";
    check(url, "'data:video/mp4;base64,AAAA'", "'data:video/mp4;base64,AAAA'");
    check(url, "'data:IMAGE/png;base64,AAAA'", "'data:IMAGE/png;base64,AAAA'");
    check(url, "'data:audio/wav;base64,AAAA'",
          "p is 'data:audio/wav;base64,AAAA'; an http(s) URL, reel://gen_…, reel://upl_… or a "
          "base64 data: URL of type image or video\n");
}

static void a_large_object_is_refused(void **state)
{
    char *given = test_malloc(20000);
    memset(given, 'a', 19999);
    memcpy(given, "{'a':'", 6);
    memcpy(given + 19997, "'}", 3);
    check("'type':'object'", given, "p is {'a':'…; an object\n");
    test_free(given);
}

static void characters_are_code_points(void **state)
{
    assert_int_equal(value_characters(SPAN("")), 0);
    assert_int_equal(value_characters(SPAN("aä狐🦊")), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(a_value_beside_the_limits),
        cmocka_unit_test(lists),
        cmocka_unit_test(objects_in_lists),
        cmocka_unit_test(a_url_may_lead_to_several_media),
        cmocka_unit_test(a_large_object_is_refused),
        cmocka_unit_test(characters_are_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
