#include "catalog/fixture.h"

#include "catalog/reader.h"

struct sample {
    const char *word;
    unsigned count;
    bool flag;
    ms_t wait;
    struct texts list;
};

static const struct reader_field fields[] = {
    {"word", READER_TEXT, offsetof(struct sample, word), true, 0, 5},
    {"count", READER_UNSIGNED, offsetof(struct sample, count), false, 1, 9},
    {"flag", READER_BOOLEAN, offsetof(struct sample, flag), false, 0, 0},
    {"wait", READER_SECONDS, offsetof(struct sample, wait), false, 0, 60},
    {"list", READER_TEXTS, offsetof(struct sample, list), false, 0, 0},
};

static void read_sample(const char *text, struct sample *sample, const char *expected)
{
    struct arena arena;
    char fault[CATALOG_FAULT_SIZE] = "";
    arena_init(&arena);
    json_t *value = fixture_json(text);
    struct reader reader = {.arena = &arena, .file = "f.json", .fault = fault};
    struct node node = {.reader = &reader, .value = value, .path = ""};
    reader_fields(&node, fields, sizeof fields / sizeof *fields, sample);
    char *quoted = fixture_quote(expected);
    assert_string_equal(fault, quoted);
    assert_int_equal(reader.failed, *expected != '\0');
    test_free(quoted);
    json_decref(value);
    arena_done(&arena);
}

static void a_table_fills_a_struct(void **state)
{
    struct sample sample = {.count = 7};
    read_sample("{'word':'abc','flag':true,'wait':1.5}", &sample, "");
    assert_int_equal(sample.count, 7);
    assert_true(sample.flag);
    assert_int_equal(sample.wait, 1500);
    read_sample("{'word':'abc','count':9.0}", &sample, "");
    assert_int_equal(sample.count, 9);
}

static void the_first_fault_wins(void **state)
{
    struct sample sample = {0};
    read_sample("{}", &sample, "f.json: the file has no 'word'.");
    read_sample("{'word':''}", &sample, "f.json: word is ''; allowed is a text that is not empty.");
    read_sample("{'word':'abcdef','count':0}", &sample,
                "f.json: word is 'abcdef'; allowed is a text of at most 5 bytes.");
    read_sample("{'word':'a','count':10}", &sample,
                "f.json: count is 10; allowed is a whole number from 1 to 9.");
    read_sample("{'word':'a','count':1.5}", &sample,
                "f.json: count is 1.5; allowed is a whole number from 1 to 9.");
    read_sample("{'word':'a','wait':61}", &sample,
                "f.json: wait is 61; allowed is a number from 0 to 60.");
    read_sample("{'word':'a','list':[]}", &sample,
                "f.json: list is []; allowed is a list of 1 to 64 texts.");
    read_sample("{'word':'a','list':['x',1]}", &sample,
                "f.json: list[1] is 1; allowed is a text that is not empty.");
    read_sample("{'word':'a','list':['x','x']}", &sample,
                "f.json: list[1] is 'x' for the second time.");
    read_sample("{'word':'a','other':1}", &sample,
                "f.json: the file has the unknown key 'other'; "
                "allowed is one of word, count, flag, wait, list.");
}

static void names_and_identifiers(void **state)
{
    assert_true(reader_is_name(SPAN("imageUrl")));
    assert_true(reader_is_name(SPAN("a1")));
    assert_false(reader_is_name(SPAN("")));
    assert_false(reader_is_name(SPAN("Image")));
    assert_false(reader_is_name(SPAN("image_url")));
    assert_true(reader_is_identifier(SPAN("veo3.1/fast/text-to-video")));
    assert_false(reader_is_identifier(SPAN("/a")));
    assert_false(reader_is_identifier(SPAN("a/")));
    assert_false(reader_is_identifier(SPAN("a//b")));
    assert_false(reader_is_identifier(SPAN("A")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_fills_a_struct),
        cmocka_unit_test(the_first_fault_wins),
        cmocka_unit_test(names_and_identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
