#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void gives_zeroed_aligned_memory(void **state)
{
    struct arena arena;
    arena_init(&arena);
    for (size_t size = 0; size < 20000; size += size / 7 + 1) {
        unsigned char *made = arena_make(&arena, size);
        assert_int_equal((uintptr_t)made % 16, 0);
        for (size_t n = 0; n < size; n++)
            assert_int_equal(made[n], 0);
        memset(made, 0xAA, size);
    }
    arena_done(&arena);
    assert_null(arena.blocks);
}

/* Memory that is used again after a clear is zeroed again. */
static void forgets_when_cleared(void **state)
{
    struct arena arena;
    arena_init(&arena);
    for (int turn = 0; turn < 3; turn++) {
        for (int n = 0; n < 100; n++) {
            unsigned char *made = arena_make(&arena, 500);
            assert_int_equal(made[0] | made[499], 0);
            memset(made, 0xAA, 500);
        }
        arena_make(&arena, 100000);
        arena_clear(&arena);
        assert_non_null(arena.blocks);
    }
    arena_done(&arena);
    arena_clear(&arena);
    arena_done(&arena);
}

static void pieces_do_not_overlap(void **state)
{
    struct arena arena;
    arena_init(&arena);
    char *pieces[1000];
    for (size_t n = 0; n < 1000; n++) {
        pieces[n] = arena_make(&arena, n % 60 + 1);
        memset(pieces[n], (int)(n % 251), n % 60 + 1);
    }
    for (size_t n = 0; n < 1000; n++) {
        for (size_t at = 0; at < n % 60 + 1; at++)
            assert_int_equal((unsigned char)pieces[n][at], n % 251);
    }
    arena_done(&arena);
}

static void copies_and_prints(void **state)
{
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(arena_copy(&arena, (struct span){NULL, 0}), "");
    assert_string_equal(arena_copy(&arena, (struct span){"abcdef", 3}), "abc");
    assert_memory_equal(arena_copy(&arena, SPAN("a\0b")), "a\0b", 4);
    assert_string_equal(arena_print(&arena, "%s", ""), "");
    assert_string_equal(arena_print(&arena, "%d of %.*s", 3, SPAN_PRINT(SPAN("nine"))),
                        "3 of nine");
    assert_int_equal(strlen(arena_print(&arena, "%10000d", 1)), 10000);
    int64_t *numbers = arena_array(&arena, int64_t, 100);
    for (int n = 0; n < 100; n++)
        assert_int_equal(numbers[n], 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory),
        cmocka_unit_test(forgets_when_cleared),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(copies_and_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
