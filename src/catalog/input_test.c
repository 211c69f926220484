#include "catalog/fixture.h"

#include "catalog/input.h"

#define IMAGE "'imageUrl':'https://example.com/a.jpg'"
#define AUDIO "'audioUrl':'https://example.com/a.wav'"
#define VIDEO "'videoUrl':'https://example.com/a.mp4'"
#define LIPS  VIDEO "," AUDIO

/* A body, and the faults it must have: "field problem; allowed\n…". An empty text: it is good. */
struct exchange {
    const char *model;
    const char *body;
    const char *faults;
};

static char *list_faults(const struct faults *faults)
{
    struct buffer text;
    buffer_init(&text, 65536);
    for (unsigned n = 0; n < faults->count; n++)
        buffer_print(&text, "%s%s %s; %s", n ? "\n" : "",
                     faults->list[n].field ? faults->list[n].field : "-", faults->list[n].problem,
                     faults->list[n].allowed ? faults->list[n].allowed : "-");
    return buffer_take(&text);
}

static void run(const struct exchange *exchanges, size_t count)
{
    struct catalog *catalog = fixture_catalog();
    struct arena arena;
    arena_init(&arena);
    for (size_t n = 0; n < count; n++) {
        const struct exchange *exchange = &exchanges[n];
        struct faults faults;
        faults_init(&faults, &arena);
        json_t *body = fixture_json(exchange->body), *input = NULL;
        bool good = input_check(fixture_model(catalog, exchange->model), body, &faults, &input);
        char *text = list_faults(&faults), *expected = fixture_quote(exchange->faults);
        if (strcmp(text, expected) != 0)
            fail_msg("%s %s\n gave: %s\n not: %s", exchange->model, exchange->body, text, expected);
        assert_int_equal(good, faults.count == 0);
        assert_int_equal(good, input != NULL);
        test_free(expected);
        free(text);
        json_decref(input);
        json_decref(body);
    }
    arena_done(&arena);
    catalog_free(catalog);
}

/* Each of seed 004's numbers at its limits and one step beyond. */
static const struct limits {
    const char *model, *others, *name;
    bool whole;
    double min, max;
    const char *allowed;
} limits[] = {
    {"ltx2", IMAGE ",", "duration", false, 3, 10, "a number from 3 to 10"},
    {"ltx2", IMAGE ",", "width", true, 512, 1920, "a whole number from 512 to 1920"},
    {"ltx2", IMAGE ",", "height", true, 512, 1080, "a whole number from 512 to 1080"},
    {"ltx2", IMAGE ",", "numInferenceSteps", true, 10, 50, "a whole number from 10 to 50"},
    {"ltx2", IMAGE ",", "guidanceScale", false, 1, 15, "a number from 1 to 15"},
    {"ltx2", IMAGE ",", "fps", true, 12, 30, "a whole number from 12 to 30"},
    {"zimage", "'prompt':'a',", "width", true, 512, 2048, "a whole number from 512 to 2048"},
    {"zimage", "'prompt':'a',", "height", true, 512, 2048, "a whole number from 512 to 2048"},
    {"zimage", "'prompt':'a',", "steps", true, 8, 100, "a whole number from 8 to 100"},
    {"zimage", "'prompt':'a',", "guidanceScale", false, 1, 20, "0, or a number from 1 to 20"},
    {"longcat", AUDIO "," IMAGE ",", "audioCfg", false, 1, 10, "a number from 1 to 10"},
    {"longcat", AUDIO "," IMAGE ",", "numSegments", true, 1, 10, "a whole number from 1 to 10"},
    {"wav2lip", LIPS ",", "padTop", true, 0, 200, "a whole number from 0 to 200"},
    {"wav2lip", LIPS ",", "padBottom", true, 0, 200, "a whole number from 0 to 200"},
    {"wav2lip", LIPS ",", "padLeft", true, 0, 200, "a whole number from 0 to 200"},
    {"wav2lip", LIPS ",", "padRight", true, 0, 200, "a whole number from 0 to 200"},
    {"local/still", "'prompt':'a',", "width", true, 256, 4096, "a whole number from 256 to 4096"},
    {"local/still", "'prompt':'a',", "height", true, 256, 4096, "a whole number from 256 to 4096"},
    {"local/kenburns", IMAGE ",", "duration", false, 1, 60, "a number from 1 to 60"},
    {"local/kenburns", IMAGE ",", "width", true, 256, 3840, "a whole number from 256 to 3840"},
    {"local/kenburns", IMAGE ",", "height", true, 256, 2160, "a whole number from 256 to 2160"},
    {"local/kenburns", IMAGE ",", "fps", true, 12, 60, "a whole number from 12 to 60"},
    {"local/kenburns", IMAGE ",", "zoom", false, 1, 2, "a number from 1 to 2"},
    {"local/kenburns", IMAGE ",", "seed", true, 0, 4294967295,
     "a whole number from 0 to 4294967295"},
    {"local/animatic", "'prompt':'a',", "duration", false, 1, 60, "a number from 1 to 60"},
    {"local/animatic", "'prompt':'a',", "fps", true, 12, 60, "a whole number from 12 to 60"},
};

static void check_one(const struct limits *limit, const char *value, bool good)
{
    char body[300], faults[300] = "";
    (void)snprintf(body, sizeof body, "{%s'%s':%s}", limit->others, limit->name, value);
    if (!good)
        (void)snprintf(faults, sizeof faults, "%s is %s; %s", limit->name, value, limit->allowed);
    struct exchange exchange = {.model = limit->model, .body = body, .faults = faults};
    run(&exchange, 1);
}

static void numbers_are_held_to_their_limits(void **state)
{
    static const char *const wrong[] = {"'5'", "true", "null", "[]", "{}", "''"};
    for (size_t n = 0; n < sizeof limits / sizeof *limits; n++) {
        const struct limits *limit = &limits[n];
        /* Zero is the one value that zimage's guidanceScale takes beside its range. */
        bool zero = strncmp(limit->allowed, "0, or", 5) == 0;
        char text[40];
        (void)snprintf(text, sizeof text, "%.15g", limit->min - 1);
        check_one(limit, text, zero);
        (void)snprintf(text, sizeof text, "%.15g", limit->min);
        check_one(limit, text, true);
        (void)snprintf(text, sizeof text, "%.15g.0", limit->max);
        check_one(limit, text, true);
        (void)snprintf(text, sizeof text, "%.15g", limit->max + 1);
        check_one(limit, text, false);
        (void)snprintf(text, sizeof text, "%.15g", limit->max - 0.5);
        check_one(limit, text, !limit->whole);
        (void)snprintf(text, sizeof text, "%.15g", limit->min - 0.5);
        check_one(limit, text, false);
        for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
            check_one(limit, wrong[at], false);
    }
}

#define URL " an http(s) URL, reel://gen_…, reel://upl_… or a base64 data: URL of type "

static void texts_urls_and_choices_are_checked(void **state)
{
    static const struct exchange exchanges[] = {
        {"ltx2", "{" IMAGE "}", ""},
        {"ltx2", "{" IMAGE ",'prompt':''}", ""},
        {"ltx2", "{" IMAGE ",'prompt':5}", "prompt is 5; a text of at most 20000 characters"},
        {"ltx2", "{}", "imageUrl is missing;" URL "image"},
        {"ltx2", "{'imageUrl':''}", "imageUrl is '';" URL "image"},
        {"ltx2", "{'imageUrl':null}", "imageUrl is null;" URL "image"},
        {"ltx2", "{'imageUrl':'ftp://example.com/a.jpg'}",
         "imageUrl is 'ftp://example.com/a.jpg';" URL "image"},
        {"ltx2", "{'imageUrl':'data:image/png;base64,iVBORw=='}", ""},
        {"ltx2", "{'imageUrl':'data:audio/wav;base64,iVBORw=='}",
         "imageUrl is 'data:audio/wav;base64,iVBORw==';" URL "image"},
        {"ltx2", "{'imageUrl':['https://example.com/a.jpg']}",
         "imageUrl is ['https://example.com/a.jpg'];" URL "image"},
        {"zimage", "{}", "prompt is missing; a text of 1 to 20000 characters"},
        {"zimage", "{'prompt':''}", "prompt is ''; a text of 1 to 20000 characters"},
        {"zimage", "{'prompt':'a','negativePrompt':true}",
         "negativePrompt is true; a text of at most 20000 characters"},
        {"zimage", "{'prompt':'a','seed':42}", ""},
        {"zimage", "{'prompt':'a','seed':42.0}", ""},
        {"zimage", "{'prompt':'a','seed':'42'}", "seed is '42'; a whole number"},
        {"zimage", "{'prompt':'a','seed':4.2}", "seed is 4.2; a whole number"},
        {"zimage", "{'prompt':'a','guidanceScale':0}", ""},
        {"zimage", "{'prompt':'a','guidanceScale':0.0}", ""},
        {"zimage", "{'prompt':'a','guidanceScale':false}",
         "guidanceScale is false; 0, or a number from 1 to 20"},
        {"zimage", "{'prompt':'a','guidanceScale':-1}",
         "guidanceScale is -1; 0, or a number from 1 to 20"},
        {"longcat", "{" AUDIO "}",
         "imageUrl is missing: it is required when mode is 'ai2v';" URL "image"},
        {"longcat", "{" AUDIO ",'mode':'ai2v'}",
         "imageUrl is missing: it is required when mode is 'ai2v';" URL "image"},
        {"longcat", "{" AUDIO ",'mode':'at2v'}", ""},
        {"longcat", "{" AUDIO "," IMAGE ",'mode':'at2v'}", ""},
        {"longcat", "{" AUDIO ",'mode':'AT2V'}", "mode is 'AT2V'; one of ai2v, at2v"},
        {"longcat", "{" IMAGE "}", "audioUrl is missing;" URL "audio"},
        {"longcat", "{" AUDIO "," IMAGE ",'resolution':'720P'}", ""},
        {"longcat", "{" AUDIO "," IMAGE ",'resolution':'720p'}",
         "resolution is '720p'; one of 480P, 720P"},
        {"longcat", "{" AUDIO "," IMAGE ",'resolution':720}",
         "resolution is 720; one of 480P, 720P"},
        {"wav2lip", "{" LIPS "}", ""},
        {"wav2lip", "{" VIDEO "}", "audioUrl is missing;" URL "audio"},
        {"wav2lip", "{" AUDIO "}", "videoUrl is missing;" URL "video"},
        {"local/kenburns", "{" IMAGE ",'motion':'spin'}",
         "motion is 'spin'; one of auto, zoom-in, zoom-out, pan-left, pan-right, pan-up, pan-down"},
        {"local/still", "{'prompt':'a','look':'paper'}", ""},
        {"local/still", "{'prompt':'a','look':'red'}",
         "look is 'red'; one of auto, aurora, paper, horizon, blocks, halftone, orbit"},
        {"local/kenburns", "{" IMAGE ",'easing':'linear','duration':2.5}", ""},
    };
    run(exchanges, sizeof exchanges / sizeof *exchanges);
}

static void every_fault_comes_at_once(void **state)
{
    static const struct exchange exchanges[] = {
        {"wav2lip", "[]", "- is []; an object of parameters"},
        {"wav2lip", "{'padTop':201,'padleft':1,'model':'x','padBottom':'9'}",
         "padleft is not a parameter of wav2lip (it is called padLeft); "
         "one of videoUrl, audioUrl, padTop, padBottom, padLeft, padRight\n"
         "model is not a parameter of wav2lip; "
         "one of videoUrl, audioUrl, padTop, padBottom, padLeft, padRight\n"
         "padTop is 201; a whole number from 0 to 200\n"
         "padBottom is '9'; a whole number from 0 to 200\n"
         "videoUrl is missing;" URL "video\n"
         "audioUrl is missing;" URL "audio"},
        {"wav2lip", "{" LIPS ",'pad_top':1}",
         "pad_top is not a parameter of wav2lip (it is called padTop); "
         "one of videoUrl, audioUrl, padTop, padBottom, padLeft, padRight"},
    };
    run(exchanges, sizeof exchanges / sizeof *exchanges);
}

static void expect_canonical(const struct catalog *catalog, const char *id, const char *text,
                             const char *expected)
{
    struct arena arena;
    struct faults faults;
    struct buffer canonical;
    arena_init(&arena);
    faults_init(&faults, &arena);
    buffer_init(&canonical, 4096);
    json_t *body = fixture_json(text), *input = NULL;
    assert_true(input_check(fixture_model(catalog, id), body, &faults, &input));
    json_canonical(input, &canonical);
    char *quoted = fixture_quote(expected);
    assert_string_equal(canonical.data, quoted);
    test_free(quoted);
    buffer_done(&canonical);
    json_decref(body);
    json_decref(input);
    arena_done(&arena);
}

static void the_input_is_canonical(void **state)
{
    struct catalog *catalog = fixture_catalog();
    const char *ltx2 = "{'duration':5,'fps':24,'guidanceScale':7.5,'height':576,"
                       "'imageUrl':'https://example.com/a.jpg','numInferenceSteps':30,"
                       "'width':1024}";
    expect_canonical(catalog, "ltx2", "{" IMAGE "}", ltx2);
    expect_canonical(catalog, "ltx2", "{'width':1024.0,'duration':5.00," IMAGE "}", ltx2);
    expect_canonical(catalog, "zimage", "{'prompt':'a'}",
                     "{'guidanceScale':0,'height':1024,'prompt':'a','steps':9,'width':1024}");
    expect_canonical(catalog, "zimage", "{'guidanceScale':-0.0,'prompt':'a','seed':1e3}",
                     "{'guidanceScale':0,'height':1024,'prompt':'a','seed':1000,'steps':9,"
                     "'width':1024}");
    expect_canonical(catalog, "longcat", "{" AUDIO ",'mode':'at2v'}",
                     "{'audioCfg':4,'audioUrl':'https://example.com/a.wav','mode':'at2v',"
                     "'numSegments':1,'resolution':'480P'}");
    expect_canonical(catalog, "wav2lip", "{" LIPS "}",
                     "{'audioUrl':'https://example.com/a.wav','padBottom':10,'padLeft':0,"
                     "'padRight':0,'padTop':0,'videoUrl':'https://example.com/a.mp4'}");
    expect_canonical(catalog, "local/still", "{'prompt':'a'}",
                     "{'height':1024,'look':'auto','prompt':'a','width':1024}");
    expect_canonical(catalog, "local/kenburns", "{" IMAGE "}",
                     "{'duration':5,'easing':'ease-in-out','fps':30,'height':720,"
                     "'imageUrl':'https://example.com/a.jpg','motion':'auto','width':1280,"
                     "'zoom':1.25}");
    expect_canonical(catalog, "local/animatic", "{'prompt':'a','duration':2.5}",
                     "{'duration':2.5,'fps':30,'height':720,'look':'auto','prompt':'a',"
                     "'width':1280}");
    catalog_free(catalog);
}

static void prompts_are_counted_in_characters(void **state)
{
    struct buffer text;
    buffer_init(&text, 65536);
    buffer_add_text(&text, "{'prompt':'");
    for (int n = 0; n < 2000; n++)
        buffer_add_text(&text, "狐");
    buffer_add_text(&text, "'}");
    struct exchange exchange = {.model = "local/still", .body = text.data, .faults = ""};
    run(&exchange, 1);
    buffer_drop(&text, strlen("{'prompt':'"));
    char *longer = test_malloc(text.size + 40);
    (void)snprintf(longer, text.size + 40, "{'prompt':'x%s", text.data);
    exchange.body = longer;
    exchange.faults = "prompt has 2001 characters; a text of 1 to 2000 characters";
    run(&exchange, 1);
    test_free(longer);
    buffer_done(&text);
}

static void rules_join_parameters(void **state)
{
    struct catalog *catalog = fixture_alone(
        FIXTURE_MODEL("'a':{'type':'text'},'b':{'type':'text'},'c':{'type':'text'},"
                      "'duration':{'type':'integer','choices':[4,8],'default':8},"
                      "'resolution':{'type':'text','choices':['720p','1080p'],'default':'720p'}",
                      ",'rules':[{'oneOf':['a','b']},{'notTogether':['b','c']},"
                      "{'when':{'parameter':'resolution','value':'1080p'},"
                      "'parameter':'duration','allowed':[8]},"
                      "{'when':{'parameter':'resolution','value':'1080p'},'without':['c']}]"));
    static const struct exchange exchanges[] = {
        {"m", "{'a':'x'}", ""},
        {"m", "{}", "a is missing; exactly one of a, b"},
        {"m", "{'a':'x','b':'y'}", "a is given together with another; exactly one of a, b"},
        {"m", "{'b':'x','c':'y'}", "b is given together with another; at most one of b, c"},
        {"m", "{'a':'x','resolution':'1080p'}", ""},
        {"m", "{'a':'x','resolution':'1080p','duration':4}",
         "duration is 4 while resolution is '1080p'; one of 8"},
        {"m", "{'a':'x','c':'z','resolution':'1080p'}",
         "c is given while resolution is '1080p'; another value of resolution, or nothing here"},
        {"m", "{'a':'x','c':'z'}", ""},
        {"m", "{'a':'x','duration':4}", ""},
        {"m", "{'a':'x','duration':6}", "duration is 6; one of 4, 8"},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t n = 0; n < sizeof exchanges / sizeof *exchanges; n++) {
        struct faults faults;
        faults_init(&faults, &arena);
        json_t *body = fixture_json(exchanges[n].body), *input = NULL;
        (void)input_check(fixture_model(catalog, "m"), body, &faults, &input);
        char *text = list_faults(&faults), *expected = fixture_quote(exchanges[n].faults);
        assert_string_equal(text, expected);
        free(text);
        test_free(expected);
        json_decref(body);
        json_decref(input);
    }
    arena_done(&arena);
    catalog_free(catalog);
}

static void offers_may_do_less_than_the_model(void **state)
{
    struct catalog *catalog = fixture_alone(
        FIXTURE_MODEL("'seed':{'type':'integer'},'duration':{'type':'integer','default':8}",
                      ",'offers':[{'without':['seed'],'allow':{'duration':[4,8]}}]"));
    const struct offer *offer = fixture_model(catalog, "m")->offers[0];
    const char *name = NULL;
    json_t *input = fixture_json("{'duration':8}");
    assert_true(input_fits(offer, input, &name));
    assert_null(name);
    (void)json_object_set_new(input, "duration", json_integer(6));
    assert_false(input_fits(offer, input, &name));
    assert_string_equal(name, "duration");
    (void)json_object_set_new(input, "seed", json_integer(6));
    assert_false(input_fits(offer, input, &name));
    assert_string_equal(name, "seed");
    json_decref(input);
    catalog_free(catalog);
}

static void a_long_value_is_cut_in_the_fault(void **state)
{
    struct exchange exchange = {
        .model = "longcat",
        .body = "{" AUDIO ",'mode':'ääääääääääääääääääääääääääääääääääääääääääääääääää'}",
        .faults = "mode is 'äääääääääääääääääääääääääääää…; one of ai2v, at2v"};
    run(&exchange, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_held_to_their_limits),
        cmocka_unit_test(texts_urls_and_choices_are_checked),
        cmocka_unit_test(every_fault_comes_at_once),
        cmocka_unit_test(the_input_is_canonical),
        cmocka_unit_test(prompts_are_counted_in_characters),
        cmocka_unit_test(rules_join_parameters),
        cmocka_unit_test(offers_may_do_less_than_the_model),
        cmocka_unit_test(a_long_value_is_cut_in_the_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
