#include "base/told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_nothing_is_said_at_first(void **state)
{
    struct told told;
    told_init(&told);
    assert_int_equal(told.kind, TOLD_NOTHING);
    assert_int_equal(told.progress, -1);
    assert_int_equal(told.position, -1);
    assert_int_equal(told.cost, -1);
    assert_string_equal(told_name(TOLD_ACCEPTED), "accepted");
}

/* Whatever a provider says becomes one line of valid text. */
static void test_texts_are_made_fit(void **state)
{
    struct told told;
    char text[3 * TOLD_TEXT_SIZE];
    told_say(&told, SPAN("  two\nlines\tand \x01 a \xff byte  "));
    assert_string_equal(told.text, "two lines and   a   byte");
    memset(text, 'x', sizeof text);
    told_say(&told, span_make(text, sizeof text));
    assert_int_equal(strlen(told.text), TOLD_TEXT_SIZE - 1);
    for (size_t n = 0; n + 2 <= sizeof text; n += 2)
        memcpy(text + n, "é", 2);
    told_say(&told, span_make(text, sizeof text));
    assert_int_equal(strlen(told.text) % 2, 0);
    assert_true(span_is_utf8(span_of(told.text)));
    told_say(&told, SPAN(""));
    assert_string_equal(told.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_said_at_first),
        cmocka_unit_test(test_texts_are_made_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
