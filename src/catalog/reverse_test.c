#include "catalog/reverse.h"

#include "catalog/fixture.h"

#define PARAMETERS                                                                                 \
    "'prompt':{'type':'text'},'imageUrl':{'type':'url','media':['image']},"                        \
    "'imageUrls':{'type':'list','items':{'type':'url','media':['image']}},"                        \
    "'duration':{'type':'integer','choices':[4,8]},'seconds':{'type':'number'},"                   \
    "'resolution':{'type':'text','choices':['720p','1080p']},"                                     \
    "'aspectRatio':{'type':'text','choices':['16:9','9:16']},"                                     \
    "'loud':{'type':'boolean'},'level':{'type':'integer','min':1,'max':6}"

static const char mapping[] =
    "'mapping':{'names':'snake_case','parameters':{"
    "'imageUrl':{'to':'start_image','alias':['image','first']},"
    "'duration':{'to':'duration','suffix':'s'},'seconds':{'to':'length','as':'text'},"
    "'level':{'to':'safety','values':{'1':'strict','6':'lax'}},"
    "'loud':{'to':'sound','values':{'true':'on','false':'off'}},"
    "'prompt':{'to':'content','form':[{'text':'$'}]}},"
    "'tables':[{'to':'size','of':['resolution','aspectRatio'],'rows':["
    "['720p','16:9','1280*720'],['720p','9:16','720*1280'],['1080p','16:9',3]]}]}";

static struct catalog *make(const char *given)
{
    char file[4000];
    (void)snprintf(file, sizeof file, FIXTURE_MODEL(PARAMETERS, ",'offers':[{%s}]"), given);
    return fixture_alone(file);
}

/* What comes of a body under a mapping: canonical JSON, or "field problem" of the first fault. */
static void check_with(const char *given, const char *body, const char *expected)
{
    struct catalog *catalog = make(given);
    struct arena arena;
    struct faults faults;
    struct reverse names;
    struct buffer text;
    arena_init(&arena);
    faults_init(&faults, &arena);
    buffer_init(&text, 4096);
    json_t *theirs = fixture_json(body);
    json_t *ours = reverse_apply(fixture_model(catalog, "m")->offers[0], theirs, &faults, &names);
    if (faults.count > 0)
        buffer_print(&text, "%s %s", faults.list[0].field, faults.list[0].problem);
    else
        json_canonical(ours, &text);
    char *quoted = fixture_quote(expected);
    assert_string_equal(text.data, quoted);
    test_free(quoted);
    json_decref(ours);
    json_decref(theirs);
    buffer_done(&text);
    arena_done(&arena);
    catalog_free(catalog);
}

static void check(const char *body, const char *expected)
{
    check_with(mapping, body, expected);
}

static void our_own_names_stay(void **state)
{
    check("{'prompt':'a','imageUrl':'http://a','duration':8,'aspectRatio':'9:16','other':[1]}",
          "{'aspectRatio':'9:16','duration':8,'imageUrl':'http://a','other':[1],'prompt':'a'}");
    check_with("", "{'image_url':'http://a'}", "{'image_url':'http://a'}");
}

static void the_providers_names_become_ours(void **state)
{
    check("{'start_image':'http://a'}", "{'imageUrl':'http://a'}");
    check("{'image':'http://a'}", "{'imageUrl':'http://a'}");
    check("{'first':'http://a'}", "{'imageUrl':'http://a'}");
    check("{'image_urls':['http://a']}", "{'imageUrls':['http://a']}");
    check("{'length':'2.5','safety':2}", "{'level':2,'seconds':2.5}");
    /* A form is not read back; a name that a mapping replaced is no name of the provider's. */
    check("{'content':'a','image_url':'http://a'}", "{'content':'a','image_url':'http://a'}");
}

static void values_become_ours(void **state)
{
    check("{'duration':'8s'}", "{'duration':8}");
    check("{'duration':'8'}", "{'duration':8}");
    check("{'length':'3'}", "{'seconds':3}");
    check("{'safety':'strict','sound':'off'}", "{'level':1,'loud':false}");
    check("{'level':'lax','loud':'on'}", "{'level':6,'loud':true}");
    /* What means nothing stays as it was sent, and is refused by the check of the input. */
    check("{'duration':'long','safety':'odd','sound':7}",
          "{'duration':'long','level':'odd','loud':7}");
}

static void a_word_of_a_table_becomes_several(void **state)
{
    check("{'size':'720*1280'}", "{'aspectRatio':'9:16','resolution':'720p'}");
    check("{'size':3}", "{'aspectRatio':'16:9','resolution':'1080p'}");
    check("{'size':'1*1'}", "size is '1*1'");
    check("{'size':'720*1280','resolution':'720p'}",
          "resolution says the same as size, which is given too");
}

static void what_comes_twice_is_refused(void **state)
{
    check("{'imageUrl':'http://a','start_image':'http://b'}",
          "start_image says the same as imageUrl, which is given too");
    check("{'image':'http://a','start_image':'http://b'}",
          "start_image says the same as image, which is given too");
}

static void fields_are_called_as_the_client_did(void **state)
{
    const struct reverse names = {.names = {{"imageUrls", "image_urls"}, {"imageUrl", "image"}},
                                  .count = 2};
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(reverse_field(&names, "imageUrls[2]", &arena), "image_urls[2]");
    assert_string_equal(reverse_field(&names, "imageUrl", &arena), "image");
    assert_string_equal(reverse_field(&names, "duration", &arena), "duration");
    assert_string_equal(reverse_field(&names, "image", &arena), "image");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_names_stay),
        cmocka_unit_test(the_providers_names_become_ours),
        cmocka_unit_test(values_become_ours),
        cmocka_unit_test(a_word_of_a_table_becomes_several),
        cmocka_unit_test(what_comes_twice_is_refused),
        cmocka_unit_test(fields_are_called_as_the_client_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
