#include "base/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    static struct arena arena;
    static struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    *state = &faults;
    return 0;
}

static int tear_down(void **state)
{
    struct faults *faults = *state;
    arena_done(faults->arena);
    return 0;
}

static void collects_all(void **state)
{
    struct faults *faults = *state;
    assert_false(faults_any(faults));
    char field[] = "duration";
    faults_add(faults, field, "a number from 1 to 60", "is %d", 99);
    memset(field, 'x', sizeof field - 1); /* it keeps its own copy */
    faults_add(faults, "seed", NULL, "is not a number");
    assert_true(faults_any(faults));
    assert_int_equal(faults->code, ERROR_VALIDATION);
    assert_string_equal(faults->sentence, "duration is 99; allowed is a number from 1 to 60.");
    assert_int_equal(faults->count, 2);
    assert_string_equal(faults->list[0].field, "duration");
    assert_string_equal(faults->list[0].problem, "is 99");
    assert_string_equal(faults->list[0].allowed, "a number from 1 to 60");
    assert_string_equal(faults->list[1].field, "seed");
    assert_null(faults->list[1].allowed);
}

static void speaks_of_the_whole(void **state)
{
    struct faults *faults = *state;
    faults_add(faults, NULL, NULL, "is empty");
    assert_string_equal(faults->sentence, "The request is empty.");
    assert_null(faults->list[0].field);
}

static void first_refusal_wins(void **state)
{
    struct faults *faults = *state;
    faults_refuse(faults, ERROR_NOT_FOUND, "There is no job %s.", "gen_1");
    faults_refuse(faults, ERROR_CONFLICT, "Another thing.");
    faults_add(faults, "a", NULL, "is odd");
    assert_int_equal(faults->code, ERROR_NOT_FOUND);
    assert_string_equal(faults->sentence, "There is no job gen_1.");
    assert_int_equal(faults->count, 1);
}

static void counts_to_its_end(void **state)
{
    struct faults *faults = *state;
    for (int n = 0; n < FAULTS_MAX + 10; n++)
        faults_add(faults, "field", "less", "is %d", n);
    assert_int_equal(faults->count, FAULTS_MAX);
    assert_string_equal(faults->list[FAULTS_MAX - 1].problem, "is 63");
}

/* A stranger's value is cut, and never inside a character. */
static void cuts_long_values(void **state)
{
    struct faults *faults = *state;
    char text[1000];
    for (size_t lead = 0; lead < 4; lead++) {
        memset(text, 'a', lead);
        for (size_t n = lead; n + 4 < sizeof text; n += 4)
            memcpy(text + n, "\xF0\x9F\x8E\xAC", 5);
        faults_add(faults, "prompt", NULL, "is \"%s\"", text);
        const char *problem = faults->list[faults->count - 1].problem;
        assert_in_range(strlen(problem), 390, 400);
        assert_true(span_is_utf8(span_of(problem)));
    }
}

/* So is the name of a field that a stranger made up. */
static void cuts_long_names(void **state)
{
    struct faults *faults = *state;
    char name[5001];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    faults_add(faults, name, NULL, "is unknown");
    assert_in_range(strlen(faults->list[0].field), 390, 400);
    assert_in_range(strlen(faults->sentence), 400, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(collects_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(speaks_of_the_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(first_refusal_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_to_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_long_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_long_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
