#include "catalog/fixture.h"

#include "catalog/mapping.h"

#define PARAMETERS                                                                                 \
    "'prompt':{'type':'text'},'imageUrl':{'type':'url','media':['image']},"                        \
    "'imageUrls':{'type':'list','items':{'type':'url','media':['image']}},"                        \
    "'duration':{'type':'number'},'width':{'type':'integer'},'height':{'type':'integer'},"         \
    "'resolution':{'type':'text'},'generateAudio':{'type':'boolean'}"

static void check(const char *mapping, const char *given, const char *expected)
{
    char file[4000];
    struct buffer text;
    (void)snprintf(file, sizeof file, FIXTURE_MODEL(PARAMETERS, ",'offers':[{'mapping':{%s}}]"),
                   mapping);
    struct catalog *catalog = fixture_alone(file);
    json_t *input = fixture_json(given);
    json_t *theirs = mapping_apply(fixture_model(catalog, "m")->offers[0], input, SPAN("gen_1"));
    buffer_init(&text, 4096);
    json_canonical(theirs, &text);
    char *quoted = fixture_quote(expected);
    assert_string_equal(text.data, quoted);
    test_free(quoted);
    buffer_done(&text);
    json_decref(theirs);
    json_decref(input);
    catalog_free(catalog);
}

static void without_a_mapping_names_stay(void **state)
{
    check("", "{'prompt':'a','generateAudio':true}", "{'generateAudio':true,'prompt':'a'}");
}

static void names_can_be_snake_case(void **state)
{
    char text[40];
    check("'names':'snake_case','set':{'job_id':'{jobId}'}", "{'imageUrl':'http://a','duration':5}",
          "{'duration':5,'image_url':'http://a','job_id':'gen_1'}");
    assert_true(mapping_snake("numInferenceSteps", text, sizeof text));
    assert_string_equal(text, "num_inference_steps");
    assert_false(mapping_snake("numInferenceSteps", text, 10));
}

static void runpod_wants_snake_case_and_the_job(void **state)
{
    struct buffer text;
    struct catalog *catalog = fixture_catalog();
    json_t *input = fixture_json("{'audioCfg':4,'audioUrl':'http://a','mode':'at2v',"
                                 "'numSegments':1,'resolution':'480P'}");
    json_t *theirs =
        mapping_apply(fixture_model(catalog, "longcat")->offers[0], input, SPAN("gen_1"));
    buffer_init(&text, 4096);
    json_canonical(theirs, &text);
    assert_string_equal(text.data, "{\"audio_cfg\":4,\"audio_url\":\"http://a\",\"job_id\":"
                                   "\"gen_1\",\"mode\":\"at2v\",\"num_segments\":1,"
                                   "\"resolution\":\"480P\"}");
    buffer_done(&text);
    json_decref(input);
    json_decref(theirs);
    catalog_free(catalog);
}

static void names_types_and_values_differ_by_provider(void **state)
{
    check("'parameters':{'imageUrl':'image','prompt':null}", "{'prompt':'a','imageUrl':'http://a'}",
          "{'image':'http://a'}");
    check("'parameters':{'duration':{'to':'duration','suffix':'s'}}", "{'duration':8}",
          "{'duration':'8s'}");
    check("'parameters':{'duration':{'to':'seconds','as':'text'}}", "{'duration':2.5}",
          "{'seconds':'2.5'}");
    check("'parameters':{'duration':{'to':'seconds','as':'integer'}}", "{'duration':2.6}",
          "{'seconds':3}");
    check("'parameters':{'resolution':{'to':'size','values':{'720p':'1280*720','1080p':3}}}",
          "{'resolution':'720p'}", "{'size':'1280*720'}");
    check("'parameters':{'resolution':{'to':'size','values':{'720p':'1280*720','1080p':3}}}",
          "{'resolution':'1080p'}", "{'size':3}");
    check("'parameters':{'resolution':{'to':'size','values':{'720p':1}}}", "{'resolution':'4k'}",
          "{'size':'4k'}");
    check("'parameters':{'generateAudio':{'to':'sound','values':{'true':'on','false':'off'}}}",
          "{'generateAudio':false}", "{'sound':'off'}");
    check("'only':true,'parameters':{'prompt':'text'}", "{'prompt':'a','duration':5}",
          "{'text':'a'}");
}

static void shapes_nest(void **state)
{
    check("'only':true,'parameters':{'prompt':'input.prompt','duration':'parameters.duration'},"
          "'set':{'parameters.watermark':false,'parameters.size':'{width}*{height}'}",
          "{'prompt':'a','duration':5,'width':1280,'height':720}",
          "{'input':{'prompt':'a'},'parameters':{'duration':5,'size':'1280*720',"
          "'watermark':false}}");
    check("'parameters':{'imageUrl':{'to':'media[+]','form':{'type':'first_frame','url':'$'}}}",
          "{'imageUrl':'http://a'}", "{'media':[{'type':'first_frame','url':'http://a'}]}");
    check("'parameters':{'imageUrls':{'to':'references','each':true,'form':{'uri':'$'}}}",
          "{'imageUrls':['http://a','http://b']}",
          "{'references':[{'uri':'http://a'},{'uri':'http://b'}]}");
    check("'parameters':{'imageUrl':'instances[0].image.uri','prompt':'instances[0].prompt'}",
          "{'prompt':'a','imageUrl':'http://a'}",
          "{'instances':[{'image':{'uri':'http://a'},'prompt':'a'}]}");
    check("'parameters':{'imageUrl':{'to':'subject','form':[{'type':'character','image':['$']}]}}",
          "{'imageUrl':'http://a'}", "{'subject':[{'image':['http://a'],'type':'character'}]}");
}

static void several_parameters_can_be_one_word(void **state)
{
    static const char sizes[] =
        "'names':'snake_case','tables':[{'to':'output.size','of':['resolution','width'],'rows':["
        "['720p',16,'1280*720'],['720p',9,'720*1280'],['1080p',16,7]]}]";
    check(sizes, "{'resolution':'720p','width':9,'height':1}",
          "{'height':1,'output':{'size':'720*1280'}}");
    check(sizes, "{'resolution':'1080p','width':16}", "{'output':{'size':7}}");
    /* Without a row for them, and without one of them, nothing is said. */
    check(sizes, "{'resolution':'1080p','width':9}", "{}");
    check(sizes, "{'resolution':'1080p'}", "{}");
    check("'parameters':{'width':'w'},'tables':[{'to':'size','of':['width'],'rows':[[1,'one']]}]",
          "{'width':1}", "{'size':'one','w':1}");
}

static void constants_follow_what_is_there(void **state)
{
    check("'only':true,'set':{'size':'{width}x{height}'}", "{'width':5}", "{}");
    check("'only':true,'set':{'w':'{width}'}", "{'width':5}", "{'w':5}");
    check("'only':true,'set':{'tag':'reel-{jobId}!','n':[1]}", "{}",
          "{'n':[1],'tag':'reel-gen_1!'}");
}

static void paths(void **state)
{
    static const char *const good[] = {"a", "a.b", "a[0]", "a[0].b", "a[+]", "a[1][2].c", "a-b_c"};
    static const char *const bad[] = {"",      ".",   "a.",  ".a", "a..b", "a[",    "a[]", "a[x]",
                                      "a[16]", "a[0", "[0]", "a]", "a b",  "a[0]b", "a{b}"};
    for (size_t n = 0; n < sizeof good / sizeof *good; n++)
        assert_true(mapping_is_path(good[n]));
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
        if (mapping_is_path(bad[n]))
            fail_msg("%s", bad[n]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_mapping_names_stay),
        cmocka_unit_test(names_can_be_snake_case),
        cmocka_unit_test(runpod_wants_snake_case_and_the_job),
        cmocka_unit_test(names_types_and_values_differ_by_provider),
        cmocka_unit_test(shapes_nest),
        cmocka_unit_test(several_parameters_can_be_one_word),
        cmocka_unit_test(constants_follow_what_is_there),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
