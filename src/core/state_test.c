#include "core/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void names_are_found_again(void **context)
{
    (void)context;
    for (int n = 0; n < STATE_COUNT; n++) {
        enum state state = STATE_COUNT;
        assert_true(state_find(span_of(state_name((enum state)n)), &state));
        assert_int_equal(state, n);
    }
    enum state state = STATE_RUNNING;
    assert_false(state_find(SPAN("runnin"), &state));
    assert_false(state_find(SPAN("Running"), &state));
    assert_false(state_find(SPAN(""), &state));
    assert_int_equal(state, STATE_RUNNING);
}

static void every_state_is_of_one_kind(void **context)
{
    (void)context;
    static const enum state early[] = {STATE_WAITING, STATE_QUEUED};
    static const enum state flying[] = {STATE_SUBMITTING, STATE_UNCERTAIN, STATE_RUNNING,
                                        STATE_STORING};
    static const enum state ended[] = {STATE_SUCCEEDED, STATE_FAILED, STATE_CANCELED,
                                       STATE_EXPIRED};
    for (size_t n = 0; n < 2; n++)
        assert_false(state_is_in_flight(early[n]) || state_is_terminal(early[n]));
    for (size_t n = 0; n < 4; n++) {
        assert_true(state_is_in_flight(flying[n]) && !state_is_terminal(flying[n]));
        assert_true(state_is_terminal(ended[n]) && !state_is_in_flight(ended[n]));
    }
    assert_int_equal(2 + 4 + 4, STATE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_again),
        cmocka_unit_test(every_state_is_of_one_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
