#include "catalog/fixture.h"

#include "base/id.h"
#include "catalog/reference.h"

static void urls_are_told_apart(void **state)
{
    static const struct {
        const char *url;
        enum reference_kind kind;
    } cases[] = {
        {"https://example.com/a.jpg", REFERENCE_HTTP},
        {"http://example.com", REFERENCE_HTTP},
        {"HTTPS://example.com:8080/a?b=c#d", REFERENCE_HTTP},
        {"http://[::1]/a", REFERENCE_HTTP},
        {"https://example.com/Füße.png", REFERENCE_HTTP},
        {"https://", REFERENCE_BAD},
        {"https:///a", REFERENCE_BAD},
        {"https://?a", REFERENCE_BAD},
        {"https://:80/", REFERENCE_BAD},
        {"https://example.com/a b", REFERENCE_BAD},
        {"https://example.com/a\nb", REFERENCE_BAD},
        {"https://example.com\\@other", REFERENCE_BAD},
        {" https://example.com", REFERENCE_BAD},
        {"example.com/a.jpg", REFERENCE_BAD},
        {"//example.com/a.jpg", REFERENCE_BAD},
        {"file:///etc/passwd", REFERENCE_BAD},
        {"ftp://example.com/a", REFERENCE_BAD},
        {"javascript:alert(1)", REFERENCE_BAD},
        {"", REFERENCE_BAD},
        {"data:image/png;base64,iVBORw0KGgo=", REFERENCE_DATA},
        {"data:image/png;charset=x;base64,iVBORw", REFERENCE_DATA},
        {"DATA:image/png;base64,iVBO", REFERENCE_DATA},
        {"data:image/png;base64,", REFERENCE_BAD},
        {"data:image/png;base64,iVBO=", REFERENCE_BAD},
        {"data:image/png;base64,i", REFERENCE_BAD},
        {"data:image/png;base64,iV-_", REFERENCE_BAD},
        {"data:image/png,abcd", REFERENCE_BAD},
        {"data:;base64,iVBO", REFERENCE_BAD},
        {"data:png;base64,iVBO", REFERENCE_BAD},
        {"reel://", REFERENCE_BAD},
        {"reel://gen_abc", REFERENCE_BAD},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        if (reference_kind(span_of(cases[n].url)) != cases[n].kind)
            fail_msg("%s", cases[n].url);
}

static void long_urls_are_refused(void **state)
{
    static const char head[] = "https://example.com/";
    char *url = test_malloc(CATALOG_URL_MAX + 1);
    memset(url, 'a', CATALOG_URL_MAX + 1);
    memcpy(url, head, sizeof head - 1);
    assert_int_equal(reference_kind((struct span){url, CATALOG_URL_MAX}), REFERENCE_HTTP);
    assert_int_equal(reference_kind((struct span){url, CATALOG_URL_MAX + 1}), REFERENCE_BAD);
    test_free(url);
}

static void our_own_urls_name_a_job_or_an_upload(void **state)
{
    static const struct {
        const char *prefix, *rest;
        enum reference_kind kind;
        unsigned output;
    } cases[] = {
        {"gen_", "", REFERENCE_JOB, 0},      {"gen_", "/0", REFERENCE_JOB, 0},
        {"gen_", "/12", REFERENCE_JOB, 12},  {"gen_", "/", REFERENCE_BAD, 0},
        {"gen_", "/x", REFERENCE_BAD, 0},    {"gen_", "/-1", REFERENCE_BAD, 0},
        {"gen_", "/1000", REFERENCE_BAD, 0}, {"gen_", "/1/2", REFERENCE_BAD, 0},
        {"gen_", "x", REFERENCE_BAD, 0},     {"upl_", "", REFERENCE_UPLOAD, 0},
        {"upl_", "/0", REFERENCE_BAD, 0},    {"bat_", "", REFERENCE_BAD, 0},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        char id[ID_SIZE], url[100];
        struct span found;
        unsigned output;
        id_write(cases[n].prefix, INT64_C(0x123456789abcd), 42, id);
        (void)snprintf(url, sizeof url, "reel://%s%s", id, cases[n].rest);
        assert_int_equal(reference_kind(span_of(url)), cases[n].kind);
        if (cases[n].kind == REFERENCE_BAD)
            continue;
        assert_true(reference_read_reel(span_of(url), &found, &output));
        assert_true(span_is(found, id));
        assert_int_equal(output, cases[n].output);
    }
}

static void data_urls_come_apart(void **state)
{
    struct span type, base64;
    assert_true(reference_read_data(SPAN("data:image/png;base64,iVBO"), &type, &base64));
    assert_true(span_is(type, "image/png"));
    assert_true(span_is(base64, "iVBO"));
    assert_false(reference_read_data(SPAN("https://example.com"), &type, &base64));
}

static void note(void *context, const struct reference *reference)
{
    struct buffer *text = context;
    buffer_print(text, "%s %s %u %u %.*s\n", reference->parameter->name, reference->path,
                 reference->index, reference->media, SPAN_PRINT(reference->url));
}

static void every_url_of_an_input_is_found(void **state)
{
    struct buffer text;
    buffer_init(&text, 4096);
    struct catalog *catalog = fixture_alone(FIXTURE_MODEL(
        "'prompt':{'type':'text'},'imageUrl':{'type':'url','media':['image']},"
        "'imageUrls':{'type':'list','items':{'type':'url','media':['image','video']}},"
        "'frames':{'type':'list','items':{'type':'object','fields':{"
        "'uri':{'type':'url','media':['image']},'at':{'type':'number'}}}}",
        ""));
    json_t *input = fixture_json("{'prompt':'https://no','frames':[{'at':1},{'uri':'http://d'}],"
                                 "'imageUrls':['http://b','http://c'],'imageUrl':'http://a'}");
    reference_each(fixture_model(catalog, "m"), input, note, &text);
    assert_string_equal(text.data, "imageUrl imageUrl 0 2 http://a\n"
                                   "imageUrls imageUrls[0] 0 10 http://b\n"
                                   "imageUrls imageUrls[1] 1 10 http://c\n"
                                   "frames frames[1].uri 1 2 http://d\n");
    json_decref(input);
    catalog_free(catalog);
    buffer_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_told_apart),
        cmocka_unit_test(long_urls_are_refused),
        cmocka_unit_test(our_own_urls_name_a_job_or_an_upload),
        cmocka_unit_test(data_urls_come_apart),
        cmocka_unit_test(every_url_of_an_input_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
