#include "app/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct arguments_option own[] = {
    {"--output", 'o', "FILE", "Where to."},
    {"--wait", 'w', NULL, "Wait."},
    {"--seed", 0, "N", "A number."},
    {0},
};
static const struct arguments_option common[] = {{"--json", 0, NULL, "JSON."}, {0}};

static bool read(struct arguments *arguments, const char *const *words, struct buffer *fault)
{
    int count = 0;
    char *copies[20];
    for (; words[count]; count++)
        copies[count] = (char *)(uintptr_t)words[count];
    *arguments = (struct arguments){.lists = {own, common}};
    buffer_init(fault, 1000);
    return arguments_read(arguments, count, copies, fault);
}

static void test_forms(void **state)
{
    struct arguments arguments;
    struct buffer fault;
    const char *const words[] = {"first", "--output=a b", "-w",     "second", "-o",
                                 "c",     "--seed",       "-5",     "-odir",  "--json",
                                 "-",     "--",           "--wait", NULL};
    assert_true(read(&arguments, words, &fault));
    assert_int_equal(arguments.word_count, 4);
    assert_string_equal(arguments.words[0], "first");
    assert_string_equal(arguments.words[1], "second");
    assert_string_equal(arguments.words[2], "-");
    assert_string_equal(arguments.words[3], "--wait");
    assert_int_equal(arguments_count(&arguments, "--output"), 3);
    assert_string_equal(arguments.given[0].value, "a b");
    assert_string_equal(arguments_value(&arguments, "--output"), "dir");
    /* A value may start with a dash; what takes one takes the next word. */
    assert_string_equal(arguments_value(&arguments, "--seed"), "-5");
    assert_int_equal(arguments_count(&arguments, "--wait"), 1);
    assert_int_equal(arguments_count(&arguments, "--json"), 1);
    assert_null(arguments_value(&arguments, "--json"));
    buffer_done(&fault);
}

static void test_faults(void **state)
{
    static const struct {
        const char *const words[4];
        const char *fault;
    } cases[] = {
        {{"--ouput", "x"}, "There is no option --ouput. Did you mean --output?"},
        {{"--zzzzzzzzzzzzzzzz"}, "There is no option --zzzzzzzzzzzzzzzz."},
        {{"-x"}, "There is no option -x."},
        {{"--wait=yes"}, "--wait takes no value."},
        {{"-wx"}, "--wait takes no value."},
        {{"--output"}, "--output needs a value: --output FILE"},
        {{"word", "-o"}, "--output needs a value: --output FILE"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        struct arguments arguments;
        struct buffer fault;
        assert_false(read(&arguments, cases[n].words, &fault));
        assert_true(span_starts(buffer_span(&fault), cases[n].fault));
        buffer_done(&fault);
    }
}

static void test_too_many(void **state)
{
    char *words[ARGUMENTS_MAX + 1], word[] = "x", option[] = "-w";
    struct arguments arguments = {.lists = {own}};
    struct buffer fault;
    buffer_init(&fault, 1000);
    for (size_t n = 0; n <= ARGUMENTS_MAX; n++)
        words[n] = word;
    assert_false(arguments_read(&arguments, ARGUMENTS_MAX + 1, words, &fault));
    for (size_t n = 0; n <= ARGUMENTS_MAX; n++)
        words[n] = option;
    arguments = (struct arguments){.lists = {own}};
    assert_false(arguments_read(&arguments, ARGUMENTS_MAX + 1, words, &fault));
    buffer_done(&fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
