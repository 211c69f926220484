#include "app/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char schema_text[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"prompt\":{\"type\":\"string\",\"description\":\"The words.\",\"maxLength\":2000},"
    "\"imageUrl\":{\"type\":\"string\",\"format\":\"uri\"},"
    "\"imageUrls\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"format\":\"uri\"}},"
    "\"duration\":{\"type\":\"number\",\"minimum\":1,\"maximum\":60,\"default\":5,"
    "\"x-unit\":\"s\"},"
    "\"numInferenceSteps\":{\"type\":\"integer\",\"minimum\":10,\"maximum\":50},"
    "\"guidanceScale\":{\"anyOf\":[{\"enum\":[0]},{\"type\":\"number\",\"minimum\":1,"
    "\"maximum\":20}],\"default\":0},"
    "\"generateAudio\":{\"type\":\"boolean\"},"
    "\"look\":{\"type\":\"string\",\"enum\":[\"auto\",\"paper\"],\"default\":\"auto\"},"
    "\"extra\":{\"type\":\"object\"}},"
    "\"required\":[\"prompt\"]}";

struct scene {
    struct arena arena;
    json_t *schema, *body;
    struct parameters parameters;
    struct buffer fault;
};

static void set_up(struct scene *scene)
{
    char why[JSON_FAULT_SIZE];
    arena_init(&scene->arena);
    scene->schema = json_read(span_of(schema_text), why);
    assert_non_null(scene->schema);
    scene->body = json_object();
    parameters_init(&scene->parameters, scene->schema, &scene->arena);
    buffer_init(&scene->fault, 2000);
    buffer_add_text(&scene->fault, "");
}

static void tear_down(struct scene *scene)
{
    json_decref(scene->schema);
    json_decref(scene->body);
    buffer_done(&scene->fault);
    arena_done(&scene->arena);
}

static void must_be(const struct scene *scene, const char *json)
{
    struct buffer text;
    buffer_init(&text, 4096);
    json_canonical(scene->body, &text);
    assert_string_equal(text.data, json);
    buffer_done(&text);
}

static bool set(struct scene *scene, const char *name, const char *text, bool is_pair)
{
    buffer_clear(&scene->fault);
    return parameters_set(&scene->parameters, name, text, is_pair, scene->body, &scene->fault);
}

static void test_options(void **state)
{
    static const struct {
        const char *name, *value, *sentence;
    } expected[] = {
        {"--prompt", "TEXT", "The words. (string; required)"},
        {"--image-url", "URL|FILE", "(URL)"},
        {"--image-urls", "URL|FILE", "(array)"},
        {"--duration", "N", "(number 1 to 60 s; default 5)"},
        {"--num-inference-steps", "N", "(integer 10 to 50)"},
        {"--guidance-scale", "N", "(number 1 to 20 or 0; default 0)"},
        {"--generate-audio", NULL, "(boolean)"},
        {"--look", "TEXT", "(auto, paper; default auto)"},
        {"--extra", "JSON", "(object)"},
    };
    struct scene scene;
    set_up(&scene);
    assert_int_equal(scene.parameters.count, sizeof expected / sizeof expected[0]);
    for (unsigned n = 0; n < scene.parameters.count; n++) {
        const struct arguments_option *option = &scene.parameters.options[n];
        assert_string_equal(option->name, expected[n].name);
        assert_string_equal(option->sentence, expected[n].sentence);
        if (expected[n].value)
            assert_string_equal(option->value, expected[n].value);
        else
            assert_null(option->value);
    }
    assert_null(scene.parameters.options[scene.parameters.count].name);
    assert_string_equal(parameters_name(&scene.parameters, &scene.parameters.options[1]),
                        "imageUrl");
    tear_down(&scene);
}

static void test_values(void **state)
{
    struct scene scene;
    set_up(&scene);
    assert_true(set(&scene, "prompt", "5", false));
    assert_true(set(&scene, "duration", "4", false));
    assert_true(set(&scene, "numInferenceSteps", "20", false));
    assert_true(set(&scene, "guidanceScale", "7.5", false));
    assert_true(set(&scene, "generateAudio", NULL, false));
    assert_true(set(&scene, "imageUrl", "https://example.org/a.png", false));
    assert_true(set(&scene, "imageUrls", "gen_01m7ydch57000bs84t645vp8sw/2", false));
    assert_true(set(&scene, "imageUrls", "data:image/png;base64,AA==", false));
    assert_true(set(&scene, "extra", "{\"a\": [1, true]}", false));
    must_be(&scene,
            "{\"duration\":4,\"extra\":{\"a\":[1,true]},\"generateAudio\":true,"
            "\"guidanceScale\":7.5,\"imageUrl\":\"https://example.org/a.png\",\"imageUrls\":"
            "[\"reel://gen_01m7ydch57000bs84t645vp8sw/2\",\"data:image/png;base64,AA==\"],"
            "\"numInferenceSteps\":20,\"prompt\":\"5\"}");
    assert_true(set(&scene, "generateAudio", "false", true));
    assert_true(set(&scene, "imageUrls", "[\"https://x/\"]", true));
    assert_false(json_boolean_value(json_object_get(scene.body, "generateAudio")));
    assert_int_equal(json_array_size(json_object_get(scene.body, "imageUrls")), 1);
    tear_down(&scene);
}

static void test_text_file(void **state)
{
    struct scene scene;
    set_up(&scene);
    /* Only a pair reads a file: a prompt may well start with an @. */
    assert_true(set(&scene, "prompt", "@home", false));
    must_be(&scene, "{\"prompt\":\"@home\"}");
    assert_false(set(&scene, "prompt", "@/nowhere/at/all", true));
    assert_string_equal(scene.fault.data,
                        "prompt: /nowhere/at/all can't be read: No such file or directory.");
    tear_down(&scene);
}

static void test_faults(void **state)
{
    static const struct {
        const char *name, *text, *fault;
    } cases[] = {
        {"duration", "long", "duration is \"long\"; allowed: number 1 to 60 s; default 5"},
        {"numInferenceSteps", "", "numInferenceSteps is \"\"; allowed: integer 10 to 50"},
        {"generateAudio", "maybe", "generateAudio is \"maybe\"; allowed: boolean"},
        {"extra", "{", "extra: this is no JSON: "},
        {"imageUrl", "nofile.png",
         "imageUrl: \"nofile.png\" is neither a URL, nor a job, nor a "
         "file here."},
        {"imageUrls", "[1", "imageUrls: this is no JSON: "},
        {"promt", "x", "The model has no parameter promt. Did you mean prompt?"},
        {"prompt", "\xFF", "prompt: this is no text in UTF-8."},
    };
    struct scene scene;
    set_up(&scene);
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        assert_false(set(&scene, cases[n].name, cases[n].text, true));
        if (!span_starts(buffer_span(&scene.fault), cases[n].fault))
            print_message("%s\n", scene.fault.data);
        assert_true(span_starts(buffer_span(&scene.fault), cases[n].fault));
    }
    tear_down(&scene);
}

static void test_no_schema(void **state)
{
    struct arena arena;
    struct parameters parameters;
    arena_init(&arena);
    parameters_init(&parameters, NULL, &arena);
    assert_int_equal(parameters.count, 0);
    assert_null(parameters.options[0].name);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),   cmocka_unit_test(test_values),
        cmocka_unit_test(test_text_file), cmocka_unit_test(test_faults),
        cmocka_unit_test(test_no_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
