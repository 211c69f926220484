#include "edge/chunked.h"

#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Decodes the text in pieces of `step` bytes; gives what is left behind the coding. */
static size_t decode(struct span text, size_t step, struct buffer *body, struct chunked *chunked)
{
    chunked_init(chunked);
    buffer_clear(body);
    while (text.size > 0 && chunked->place != CHUNKED_DONE && chunked->place != CHUNKED_BROKEN) {
        size_t size = text.size < step ? text.size : step;
        struct span piece = {text.data, size}, run;
        while ((run = chunked_read(chunked, &piece)).size > 0)
            buffer_add(body, run);
        text.data += size - piece.size;
        text.size -= size - piece.size;
    }
    return text.size;
}

static void test_bodies(void **state)
{
    static const struct {
        const char *text, *body;
        size_t left;
    } rows[] = {
        {"0\r\n\r\n", "", 0},
        {"3\r\nabc\r\n0\r\n\r\n", "abc", 0},
        {"3\r\nabc\r\n0\r\n\r\nGET /", "abc", 5},
        {"1\r\na\r\n2\r\nbc\r\n000\r\n\r\n", "abc", 0},
        {"A;x=\"y\"\r\n0123456789\r\n0;z\r\nTrailer: v w\r\nX-2:\r\n\r\n", "0123456789", 0},
        {"4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 0},
    };
    struct buffer body;
    struct chunked chunked;
    buffer_init(&body, 1000);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        for (size_t step = 1; step < 50; step++) {
            assert_int_equal(decode(span_of(rows[n].text), step, &body, &chunked), rows[n].left);
            assert_int_equal(chunked.place, CHUNKED_DONE);
            assert_true(span_is(buffer_span(&body), rows[n].body));
        }
    }
    buffer_done(&body);
}

static void test_broken(void **state)
{
    static const char *const rows[] = {
        "\r\n",
        "g\r\n",
        "-1\r\n",
        " 1\r\n",
        "1 \r\n",
        "1\n",
        "1\r\r",
        "1\r\nab",
        "1\r\na\n",
        "1\r\na\rb",
        ";a\r\n",
        "1;\n",
        "1;\x01\r\n",
        "0\r\n :a\r\n",
        "0\r\n:a\r\n",
        "0\r\na b: c\r\n",
        "0\r\na: b\n",
        "0\r\na: b\r\r",
        "0\r\n\r\r",
        "0\r\n\n",
        "0000000000000001\r\n",
        "1000000000000000\r\n",
        "0x1\r\n",
    };
    struct buffer body;
    struct chunked chunked;
    buffer_init(&body, 1000);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        (void)decode(span_of(rows[n]), 1, &body, &chunked);
        assert_int_equal(chunked.place, CHUNKED_BROKEN);
        (void)decode(span_of(rows[n]), 100, &body, &chunked);
        assert_int_equal(chunked.place, CHUNKED_BROKEN);
    }
    buffer_done(&body);
}

/* Extensions and trailers are bounded together, over the whole body. */
static void test_spare_is_bounded(void **state)
{
    struct buffer text, body;
    struct chunked chunked;
    buffer_init(&text, 100000);
    buffer_init(&body, 100000);
    for (int n = 0; n < 100; n++)
        buffer_add_text(&text, "1;0123456789012345678\r\na\r\n");
    (void)decode(buffer_span(&text), 7, &body, &chunked);
    assert_int_equal(chunked.place, CHUNKED_SIZE_FIRST);
    assert_int_equal(body.size, 100);
    for (int n = 0; n < 10; n++)
        buffer_add_text(&text, "1;0123456789012345678\r\na\r\n");
    (void)decode(buffer_span(&text), 7, &body, &chunked);
    assert_int_equal(chunked.place, CHUNKED_BROKEN);
    buffer_done(&text);
    buffer_done(&body);
}

static void test_the_largest_claim(void **state)
{
    struct chunked chunked;
    struct span text = SPAN("fffffffffffffff\r\nabc");
    chunked_init(&chunked);
    struct span run = chunked_read(&chunked, &text);
    assert_true(span_is(run, "abc"));
    assert_true(chunked.left == 0xfffffffffffffffu - 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_spare_is_bounded),
        cmocka_unit_test(test_the_largest_claim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
