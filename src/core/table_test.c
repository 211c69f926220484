#include "core/core_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Rows: from; columns: to, in the order of the states. SPEC 2, drawn. */
static const char *const allowed[STATE_COUNT] = {
    /* waiting queued submitting uncertain running storing, then the four ends */
    [STATE_WAITING] = ".x.... .xxx",    [STATE_QUEUED] = "x.x... ..xx",
    [STATE_SUBMITTING] = "..xxxx .xxx", [STATE_UNCERTAIN] = "..x.xx .xxx",
    [STATE_RUNNING] = "..x..x .xxx",    [STATE_STORING] = "..x... xx.x",
    [STATE_SUCCEEDED] = "...... ....",  [STATE_FAILED] = "...... ....",
    [STATE_CANCELED] = "...... ....",   [STATE_EXPIRED] = "...... ....",
};

static void only_these_states_follow(void **context)
{
    (void)context;
    for (int from = 0; from < STATE_COUNT; from++) {
        for (int to = 0; to < STATE_COUNT; to++) {
            char cell = allowed[from][to < STATE_SUCCEEDED ? to : to + 1];
            assert_int_equal(table_allows((enum state)from, (enum state)to), cell == 'x');
        }
    }
}

static void every_cell_is_filled(void **context)
{
    (void)context;
    for (int state = 0; state < STATE_COUNT; state++) {
        for (int happening = 0; happening < HAPPENS_COUNT; happening++)
            assert_non_null(table_at((enum state)state, (enum happening)happening));
    }
}

static void a_client_may_ask_at_any_time(void **context)
{
    (void)context;
    for (int state = 0; state < STATE_COUNT; state++) {
        bool is_early = state == STATE_WAITING || state == STATE_QUEUED;
        table_cell *cancel = is_early                               ? cancel_now
                             : state == STATE_STORING               ? cancel_too_late
                             : state_is_terminal((enum state)state) ? cancel_again
                                                                    : cancel_mark;
        assert_ptr_equal(table_at((enum state)state, HAPPENS_CANCEL), cancel);
        assert_ptr_equal(table_at((enum state)state, HAPPENS_CHANGE),
                         is_early ? change_now : change_refuse);
    }
}

static void what_was_in_flight_comes_back(void **context)
{
    (void)context;
    for (int state = 0; state < STATE_COUNT; state++)
        assert_int_equal(table_at((enum state)state, HAPPENS_RECOVERED) == recover_in_flight,
                         state_is_in_flight((enum state)state));
}

/* Word about what is over is late, never impossible: the same cell takes all of it. */
static void late_word_is_ignored(void **context)
{
    (void)context;
    table_cell *ignore = table_at(STATE_STORING, HAPPENS_STOPPED);
    /* However a job ended, an attempt of it may go on at a provider: only that is listened to. */
    for (int state = STATE_SUCCEEDED; state < STATE_COUNT; state++) {
        for (int happening = 0; happening < HAPPENS_COUNT; happening++)
            assert_ptr_equal(table_at((enum state)state, (enum happening)happening),
                             table_at(STATE_SUCCEEDED, (enum happening)happening));
        for (int happening = HAPPENS_RUNNING; happening <= HAPPENS_WORKED; happening++)
            assert_ptr_equal(table_at((enum state)state, (enum happening)happening), ignore);
    }
    assert_ptr_equal(table_at(STATE_STORING, HAPPENS_WORKED), ignore);
    assert_ptr_equal(table_at(STATE_SUBMITTING, HAPPENS_KEPT), ignore);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_these_states_follow),
        cmocka_unit_test(every_cell_is_filled),
        cmocka_unit_test(a_client_may_ask_at_any_time),
        cmocka_unit_test(what_was_in_flight_comes_back),
        cmocka_unit_test(late_word_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
