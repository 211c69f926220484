#include "core/core_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void long_texts_are_cut_and_not_lost(void **context)
{
    (void)context;
    char target[6];
    life_text(target, sizeof target, "short");
    assert_string_equal(target, "short");
    life_text(target, sizeof target, "longer");
    assert_string_equal(target, "longe");
    life_text(target, sizeof target, "");
    assert_string_equal(target, "");
    life_text(target, sizeof target, NULL);
    assert_string_equal(target, "");
}

static void characters_are_not_cut_in_two(void **context)
{
    (void)context;
    char target[6];
    life_text(target, sizeof target, "abc\xC3\xA4x"); /* the two bytes just fit */
    assert_string_equal(target, "abc\xC3\xA4");
    life_text(target, sizeof target, "abcd\xC3\xA4");
    assert_string_equal(target, "abcd");
    life_text(target, sizeof target, "ab\xF0\x9F\x8E\xAC");
    assert_string_equal(target, "ab");
    life_text(target, sizeof target, "\xE2\x80\xA6\xE2\x80\xA6");
    assert_string_equal(target, "\xE2\x80\xA6");
    life_text(target, sizeof target, "\x80\x80\x80\x80\x80\x80\x80"); /* no character at all */
    assert_string_equal(target, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_texts_are_cut_and_not_lost),
        cmocka_unit_test(characters_are_not_cut_in_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
