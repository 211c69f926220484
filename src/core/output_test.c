#include "core/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { OUTPUT_TEST_COUNT = 1000 };

static void lists_grow_and_keep_their_order(void **context)
{
    (void)context;
    struct output output;
    output_init(&output);
    struct job job = {.attempt = {.number = 3}};
    for (int64_t n = 0; n < OUTPUT_TEST_COUNT; n++) {
        output_change(&output, CHANGE_JOB_DELETE)->job = &job;
        output_change(&output, CHANGE_DEPENDENCY)->dependency.job = n;
        output_effect(&output, EFFECT_REPLY)->reply.token = (uint64_t)n;
        assert_int_equal(output_on(&output, EFFECT_DROP, &job)->on.attempt, 3);
    }
    assert_int_equal(output.changes.count, 2 * OUTPUT_TEST_COUNT);
    assert_int_equal(output.effects.count, 2 * OUTPUT_TEST_COUNT);
    for (int64_t n = 0; n < OUTPUT_TEST_COUNT; n++) {
        assert_ptr_equal(output.changes.list[2 * n].job, &job);
        assert_int_equal(output.changes.list[2 * n + 1].dependency.job, n);
        assert_int_equal(output.effects.list[2 * n].reply.token, n);
        assert_int_equal(output.effects.list[2 * n + 1].kind, EFFECT_DROP);
    }
    output_done(&output);
}

/* An entry that was used before is empty when it comes again. */
static void lists_are_used_again(void **context)
{
    (void)context;
    struct output output;
    output_init(&output);
    output_change(&output, CHANGE_DEPENDENCY)->dependency.job = 7;
    output_effect(&output, EFFECT_REPLY)->reply.token = 7;
    output_clear_changes(&output);
    output_clear_effects(&output);
    assert_int_equal(output_change(&output, CHANGE_DEPENDENCY)->dependency.job, 0);
    assert_int_equal(output_effect(&output, EFFECT_REPLY)->reply.token, 0);
    assert_int_equal(output.changes.count, 1);
    output_done(&output);
    assert_int_equal(output.changes.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_grow_and_keep_their_order),
        cmocka_unit_test(lists_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
