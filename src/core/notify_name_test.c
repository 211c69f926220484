#include "core/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static void test_names_are_found_again(void **state)
{
    for (int n = 0; n < NOTIFY_EVENT_COUNT; n++) {
        enum notify_event found = NOTIFY_EVENT_COUNT;
        assert_true(notify_event_find(span_of(notify_event_name((enum notify_event)n)), &found));
        assert_int_equal(found, n);
    }
    for (int n = 0; n < DELIVERY_COUNT; n++) {
        enum delivery_state found = DELIVERY_COUNT;
        assert_true(notify_state_find(span_of(notify_state_name((enum delivery_state)n)), &found));
        assert_int_equal(found, n);
    }
    enum notify_event event = NOTIFY_PROGRESS;
    assert_false(notify_event_find(SPAN("ended"), &event));
    assert_false(notify_event_find(SPAN(""), &event));
    assert_int_equal(event, NOTIFY_PROGRESS);
    enum delivery_state state_found = DELIVERY_GONE;
    assert_false(notify_state_find(SPAN("lost"), &state_found));
    assert_int_equal(state_found, DELIVERY_GONE);
}

/* Ids are signed beside a timestamp with dots between, so they have none. */
static void test_ids(void **state)
{
    char id[NOTIFY_ID_SIZE], job[ID_SIZE];
    notify_id("gen_000000000000100aywaheppjw7", 12, id);
    assert_string_equal(id, "msg_000000000000100aywaheppjw7_12");
    notify_id("7", 1, id); /* an id that has no kind before it */
    assert_string_equal(id, "msg_7_1");
    id_write("gen_", INT64_MAX, UINT64_MAX, job);
    notify_id(job, 4294967295u, id);
    assert_null(strchr(id, '.'));
    assert_non_null(strstr(id, "_4294967295"));
}

static void test_schedule_is_the_standard_one(void **state)
{
    ms_t sum = 0;
    assert_int_equal(notify_schedule_size, 10);
    assert_int_equal(notify_schedule[0], 0);
    for (unsigned n = 0; n < notify_schedule_size; n++)
        sum += notify_schedule[n];
    assert_int_equal(sum, 75 * MS_HOUR + 35 * MS_MINUTE + 5 * MS_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_found_again),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_schedule_is_the_standard_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
