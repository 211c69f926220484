#include "base/buffer.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void adds(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    assert_true(span_is(buffer_span(&buffer), ""));
    buffer_add_text(&buffer, "one");
    buffer_add_byte(&buffer, ' ');
    buffer_print(&buffer, "%d", 2);
    buffer_add(&buffer, (struct span){NULL, 0});
    buffer_add_text(&buffer, NULL);
    assert_string_equal(buffer.data, "one 2");
    assert_false(buffer.failed);
    buffer_done(&buffer);
    assert_null(buffer.data);
    buffer_done(&buffer);
}

static void keeps_to_its_maximum(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 5);
    buffer_add_text(&buffer, "12345");
    assert_false(buffer.failed);
    buffer_add(&buffer, (struct span){NULL, 0});
    assert_false(buffer.failed);
    buffer_add_byte(&buffer, '6');
    assert_true(buffer.failed);
    /* Failed is failed, also for what would fit. */
    buffer_drop(&buffer, 3);
    buffer_add_byte(&buffer, '6');
    buffer_print(&buffer, "%d", 7);
    assert_null(buffer_room(&buffer, 0));
    assert_true(span_is(buffer_span(&buffer), "45"));
    buffer_clear(&buffer);
    assert_false(buffer.failed);
    buffer_print(&buffer, "%s", "abcde");
    assert_true(span_is(buffer_span(&buffer), "abcde"));
    buffer_print(&buffer, "%s", "f");
    assert_true(buffer.failed);
    buffer_done(&buffer);
    assert_int_equal(buffer.max, 5);

    buffer_init(&buffer, 0);
    buffer_add_text(&buffer, "");
    assert_false(buffer.failed);
    buffer_add_byte(&buffer, 'x');
    assert_true(buffer.failed);
    buffer_done(&buffer);
}

static void grows_to_any_size(void **state)
{
    static const size_t maxima[] = {300, 513, 100000, SIZE_MAX - 1, SIZE_MAX};
    for (size_t n = 0; n < sizeof maxima / sizeof maxima[0]; n++) {
        struct buffer buffer;
        buffer_init(&buffer, maxima[n]);
        size_t added = 0;
        for (; added < 70000 && !buffer.failed; added++)
            buffer_add_byte(&buffer, (char)('a' + added % 26));
        assert_int_equal(buffer.size, maxima[n] < 70000 ? maxima[n] : 70000);
        assert_int_equal(strlen(buffer.data), buffer.size);
        assert_true(buffer.capacity <= 2 * buffer.size + 256);
        assert_int_equal(buffer.data[buffer.size - 1], 'a' + (int)((buffer.size - 1) % 26));
        buffer_done(&buffer);
    }
    struct buffer buffer;
    buffer_init(&buffer, 100);
    buffer_add_text(&buffer, "x");
    assert_null(buffer_room(&buffer, SIZE_MAX)); /* no sum wraps around */
    buffer_done(&buffer);
}

static void drops_from_the_front(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 100);
    buffer_drop(&buffer, 5);
    buffer_add_text(&buffer, "abcdef");
    buffer_drop(&buffer, 0);
    buffer_drop(&buffer, 2);
    assert_string_equal(buffer.data, "cdef");
    buffer_drop(&buffer, 4);
    assert_string_equal(buffer.data, "");
    buffer_add_text(&buffer, "gh");
    buffer_drop(&buffer, SIZE_MAX);
    assert_true(span_is(buffer_span(&buffer), ""));
    buffer_done(&buffer);
}

static void lends_room(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    char *room = buffer_room(&buffer, 300);
    memset(room, 'x', 300);
    buffer.size += 300;
    buffer_add_text(&buffer, "!");
    assert_int_equal(strlen(buffer.data), 301);
    buffer_done(&buffer);
}

/* What is taken is terminated where the content ends, whatever was done before. */
static void is_taken(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 100);
    char *text = buffer_take(&buffer);
    assert_string_equal(text, "");
    memory_free(text);

    buffer_add_text(&buffer, "abc");
    text = buffer_take(&buffer);
    assert_string_equal(text, "abc");
    memory_free(text);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(buffer.max, 100);

    buffer_add_text(&buffer, "stale");
    buffer_clear(&buffer);
    text = buffer_take(&buffer);
    assert_string_equal(text, "");
    memory_free(text);

    buffer_add_text(&buffer, "stale");
    buffer_drop(&buffer, 5);
    text = buffer_take(&buffer);
    assert_string_equal(text, "");
    memory_free(text);

    memcpy(buffer_room(&buffer, 3), "xyz", 3);
    buffer.size += 3;
    text = buffer_take(&buffer);
    assert_string_equal(text, "xyz");
    memory_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds),
        cmocka_unit_test(keeps_to_its_maximum),
        cmocka_unit_test(grows_to_any_size),
        cmocka_unit_test(drops_from_the_front),
        cmocka_unit_test(lends_room),
        cmocka_unit_test(is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
