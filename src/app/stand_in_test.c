/* What is rendered in place of what was asked for. */
#include "app/stand_in.h"

#include "catalog/fixture.h"
#include "catalog/input.h"

static struct catalog *catalog;

static int begin(void **state)
{
    (void)state;
    catalog = fixture_catalog();
    return 0;
}

static int end(void **state)
{
    (void)state;
    catalog_free(catalog);
    return 0;
}

static void expect(const char *model, const char *given, const char *local, const char *expected)
{
    struct stand_in stand_in;
    struct buffer text;
    json_t *input = fixture_json(given), *wanted = fixture_json(expected);
    if (!stand_in_make(catalog, fixture_model(catalog, model), input, &stand_in))
        fail_msg("no stand-in for %s", model);
    assert_string_equal(stand_in.model->id, local);
    const char *key;
    json_t *value;
    json_object_foreach(wanted, key, value) {
        buffer_init(&text, 10000);
        json_canonical(stand_in.input, &text);
        const json_t *found = json_object_get(stand_in.input, key);
        bool same = json_is_number(value) ? json_number_value(found) == json_number_value(value)
                                          : json_equal(found, value);
        if (!same)
            fail_msg("%s: %s of %s", model, key, text.data);
        buffer_done(&text);
    }
    json_decref(stand_in.input);
    json_decref(input);
    json_decref(wanted);
}

static void clips_have_shape_and_length(void **state)
{
    (void)state;
    expect("veo3/text-to-video",
           "{'prompt':'a fox','duration':8,'resolution':'1080p','aspectRatio':'9:16','seed':7}",
           "local/animatic", "{'prompt':'a fox','duration':8,'width':1080,'height':1920,'seed':7}");
    expect("veo3/text-to-video", "{'prompt':'a fox','aspectRatio':'auto'}", "local/animatic",
           "{'width':1280,'height':720,'duration':5}");
    expect("ltx2", "{'imageUrl':'https://x.test/a.png','duration':4,'width':512,'height':512}",
           "local/kenburns",
           "{'imageUrls':['https://x.test/a.png'],'width':512,'height':512,'duration':4}");
    expect("kling-o1/pro/first-last-frame-to-video",
           "{'imageUrl':'https://x.test/a.png','lastImageUrl':'https://x.test/b.png'}",
           "local/kenburns", "{'imageUrls':['https://x.test/a.png','https://x.test/b.png']}");
}

static void pictures_and_what_has_no_words(void **state)
{
    (void)state;
    expect("zimage", "{'prompt':'a fox','width':2048,'height':512}", "local/still",
           "{'prompt':'a fox','width':2048,'height':512}");
    expect("wav2lip", "{'videoUrl':'https://x.test/a.mp4','audioUrl':'https://x.test/a.wav'}",
           "local/animatic", "{'prompt':'Wav2Lip'}");
}

/* What the renderer can't do is cut to what it can, so that nothing is refused that a provider
 * would have taken. */
static void what_is_too_much_is_cut(void **state)
{
    char text[4000];
    (void)state;
    memset(text, 'x', sizeof text);
    json_t *input = json_pack("{s:s#,s:i,s:i,s:s}", "prompt", text, (int)sizeof text, "duration",
                              600, "fps", 1, "seed", "none");
    struct stand_in stand_in;
    assert_true(
        stand_in_make(catalog, fixture_model(catalog, "veo3/text-to-video"), input, &stand_in));
    assert_int_equal(json_string_length(json_object_get(stand_in.input, "prompt")), 2000);
    assert_true(json_number_value(json_object_get(stand_in.input, "duration")) == 60);
    assert_int_equal(json_integer_value(json_object_get(stand_in.input, "fps")), 12);
    assert_null(json_object_get(stand_in.input, "seed"));
    json_decref(stand_in.input);
    json_decref(input);
}

static void ours_stands_for_itself(void **state)
{
    (void)state;
    expect("local/still", "{'prompt':'a fox','width':300,'height':300}", "local/still",
           "{'prompt':'a fox','width':300,'height':300}");
}

/* Whatever a catalogue asks for, with the least that it takes. */
static void every_model_has_one(void **state)
{
    (void)state;
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        const struct model *model = catalog_model_at(catalog, n);
        struct stand_in stand_in;
        json_t *input = fixture_json("{'prompt':'x'}");
        if (!stand_in_make(catalog, model, input, &stand_in))
            fail_msg("no stand-in for %s", model->id);
        json_decref(stand_in.input);
        json_decref(input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clips_have_shape_and_length),
        cmocka_unit_test(pictures_and_what_has_no_words),
        cmocka_unit_test(what_is_too_much_is_cut),
        cmocka_unit_test(ours_stands_for_itself),
        cmocka_unit_test(every_model_has_one),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
