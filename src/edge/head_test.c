/* What a head says. Which heads are refused, and with what, stands in intake_test.c. */
#include "edge/head.h"

#include "base/memory.h"
#include "base/rng.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct head_limits limits = {8192, 4096};

#define TEXT                                                                                       \
    "POST http://a.example:80/b/c?d=e&f HTTP/1.1\r\nHost: a.example:80\r\n"                        \
    "X-Note: \t two words \t\r\nContent-Length: 012\r\nEMPTY:\r\nExpect: 100-Continue\r\n"         \
    "X-Request-Id: one\r\nX-Request-Id: two\r\n\r\n"

static bool piece_is(struct head_piece piece, const char *text)
{
    return span_is(head_span(TEXT, piece), text);
}

static void test_reading(void **state)
{
    struct head head;
    struct head_fault fault;
    assert_true(head_read(SPAN(TEXT), &limits, &head, &fault));
    assert_true(piece_is(head.method, "POST"));
    assert_true(piece_is(head.target, "/b/c?d=e&f"));
    assert_true(piece_is(head.path, "/b/c"));
    assert_true(piece_is(head.query, "d=e&f"));
    assert_int_equal(head.minor, 1);
    assert_true(head.keep_alive);
    assert_true(head.expects_continue);
    assert_int_equal(head.body, HEAD_LENGTH);
    assert_int_equal(head.length, 12);
    assert_int_equal(head.header_count, 7);
    assert_true(piece_is(head.headers[1].name, "X-Note"));
    assert_true(piece_is(head.headers[1].value, "two words"));
    assert_true(piece_is(head.headers[3].value, ""));
    assert_true(piece_is(head.headers[head.request_id].value, "one"));
}

/* However it is cut, a head ends at the same place; and never before it is whole. */
static void test_looking(void **state)
{
    struct span text = SPAN("\r\n" TEXT "GET / HTTP/1.1\r\n");
    size_t whole = sizeof "\r\n" TEXT - 1, size;
    struct head_fault fault;
    for (size_t step = 1; step < 60; step++) {
        struct head_scan scan = {0};
        size_t seen = step;
        for (; seen < whole; seen += step)
            assert_int_equal(
                head_look(&scan, (struct span){text.data, seen}, &limits, &size, &fault),
                HEAD_PART);
        if (seen > text.size)
            seen = text.size;
        assert_int_equal(head_look(&scan, (struct span){text.data, seen}, &limits, &size, &fault),
                         HEAD_WHOLE);
        assert_int_equal(size, whole);
        assert_int_equal(scan.start, 2);
    }
}

static void test_keep_alive(void **state)
{
    static const struct {
        const char *text;
        bool keep;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost:\r\nConnection: a,CLOSE ,b\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost:\r\nConnection: closer\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost:\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct head head;
        struct head_fault fault;
        assert_true(head_read(span_of(rows[n].text), &limits, &head, &fault));
        assert_int_equal(head.keep_alive, rows[n].keep);
    }
}

/* Bytes changed at random are refused or read, but nothing is read from outside the text, and a
 * head that comes in two pieces is judged like one that comes whole. */
static void test_changed_bytes(void **state)
{
    struct rng rng;
    rng_init(&rng, 1);
    unsigned read = 0;
    for (int round = 0; round < 20000; round++) {
        size_t size = sizeof TEXT - 1, whole = 0, again = 0;
        char *text = memory_copy(SPAN(TEXT));
        for (uint64_t n = 1 + rng_below(&rng, 3); n > 0; n--)
            text[rng_below(&rng, size)] = (char)rng_below(&rng, 256);
        struct head_scan scan = {0}, cut = {0};
        struct head_fault fault;
        struct head head;
        enum head_progress progress =
            head_look(&scan, (struct span){text, size}, &limits, &whole, &fault);
        enum head_progress half =
            head_look(&cut, (struct span){text, size / 2}, &limits, &again, &fault);
        if (half == HEAD_PART)
            half = head_look(&cut, (struct span){text, size}, &limits, &again, &fault);
        assert_int_equal(half, progress);
        if (progress == HEAD_WHOLE) {
            assert_int_equal(whole, again);
            struct span found = {text + scan.start, whole - scan.start};
            read += head_read(found, &limits, &head, &fault);
        }
        memory_free(text);
    }
    assert_true(read > 1000 && read < 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_looking),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_changed_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
