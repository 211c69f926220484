#include "app/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void carries_its_texts(void **state)
{
    struct message *message = message_make(EVENT_CANCEL_ASKED);
    assert_int_equal(message->event.kind, EVENT_CANCEL_ASKED);
    assert_int_equal(message->event.cancel_asked.job, 0);
    assert_null(message->event.cancel_asked.tenant);
    message->event.cancel_asked.tenant = arena_copy(&message->arena, SPAN("ann"));
    assert_string_equal(message->event.cancel_asked.tenant, "ann");
    message_free(message);
    message_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_its_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
