#include "edge/event_stream.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { EVENT_MAX = 24 };

static const struct {
    const char *bytes, *events; /* each in brackets */
} rows[] = {
    {"data: {\"a\":1}\n\n", "[{\"a\":1}]"},
    {"data:one\n\ndata: two\n\n", "[one][two]"},
    {"data: one\r\n\r\ndata: two\r\rdata: three\n\n", "[one][two][three]"},
    {"data: one\ndata:  two\ndata\ndata:\n\n", "[one\n two\n\n]"},
    {": waiting\n\n: still\n\ndata: one\n\n", "[one]"},
    {"event: status\nid: 7\nretry: 5\ndata: one\nother: x\n\n", "[one]"},
    {"\xEF\xBB\xBF"
     "data: one\n\n",
     "[one]"},
    {"data: \xEF\xBB\xBF\n\n\xEF\xBB\xBF"
     "data: two\n\n",
     "[\xEF\xBB\xBF]"},
    {"data:\n\n", "[]"},
    {"data: unfinished\n", ""},
    {"datas: one\n\ndata : two\n\nevent: x\n\n", ""},
    {"data: 123456789012345678\n\n", "[123456789012345678]"},
};

static void note(void *context, struct span data)
{
    buffer_print(context, "[%.*s]", SPAN_PRINT(data));
}

static void events_come_whole_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct span bytes = span_of(rows[n].bytes);
        for (size_t piece = 1; piece <= bytes.size; piece++) {
            struct event_stream stream;
            struct buffer seen;
            buffer_init(&seen, 1000);
            event_stream_init(&stream, EVENT_MAX, note, &seen);
            for (size_t at = 0; at < bytes.size; at += piece) {
                size_t size = bytes.size - at < piece ? bytes.size - at : piece;
                assert_true(event_stream_add(&stream, span_make(bytes.data + at, size)));
            }
            char *text = buffer_take(&seen);
            assert_string_equal(text, rows[n].events);
            memory_free(text);
            event_stream_done(&stream);
        }
    }
}

static void what_is_too_large_ends_it(void **state)
{
    static const char *const large[] = {
        "data: 1234567890123456789\n\n",           /* a line */
        ": 12345678901234567890123456789\n\n",     /* a comment */
        "data: 1234567890123\ndata: 45678901234\n" /* an event of two lines */
    };
    (void)state;
    for (size_t n = 0; n < sizeof large / sizeof large[0]; n++) {
        struct event_stream stream;
        struct buffer seen;
        buffer_init(&seen, 1000);
        event_stream_init(&stream, EVENT_MAX, note, &seen);
        assert_true(event_stream_add(&stream, SPAN("data: one\n\n")));
        assert_false(event_stream_add(&stream, span_of(large[n])));
        assert_false(event_stream_add(&stream, SPAN("\n\ndata: two\n\n")));
        assert_true(span_is(buffer_span(&seen), "[one]"));
        event_stream_clear(&stream);
        assert_true(event_stream_add(&stream, SPAN("data: three\n\n")));
        assert_true(span_is(buffer_span(&seen), "[one][three]"));
        event_stream_done(&stream);
        buffer_done(&seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_whole_however_they_are_cut),
        cmocka_unit_test(what_is_too_large_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
