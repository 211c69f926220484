#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void writes_iso(void **state)
{
    static const struct {
        ms_t at;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1769029200000, "2026-01-21T21:00:00.000Z"},
        {4107542399999, "2100-02-28T23:59:59.999Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"}, /* 2100 is no leap year */
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59.999Z"},
        {MS_NEVER, "9999-12-31T23:59:59.999Z"},
        {-62167219200000, "0000-01-01T00:00:00.000Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char text[TIME_ISO_SIZE];
        time_write_iso(rows[n].at, text);
        assert_string_equal(text, rows[n].text);
    }
}

static void reads_iso(void **state)
{
    static const struct {
        const char *text;
        ms_t at;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00.5Z", 500},
        {"1970-01-01T00:00:00.123456789Z", 123},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"2024-02-29T12:30:00Z", 1709209800000},
        {"2026-01-21T21:00:00+00:00", 1769029200000},
        {"2026-01-21T22:30:00+01:30", 1769029200000},
        {"2026-01-21T13:00:00-08:00", 1769029200000},
        {"2026-01-22T10:45:00+1345", 1769029200000},
        {"2016-12-31T23:59:60Z", 1483228800000}, /* a leap second is the next minute's first */
        {"0000-01-01T00:00:00Z", -62167219200000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        ms_t at = 42;
        if (!time_read_iso(span_of(rows[n].text), &at) || at != rows[n].at)
            fail_msg("%s: %lld", rows[n].text, (long long)at);
    }
}

static void refuses_what_is_no_time(void **state)
{
    static const char *const texts[] = {
        "",
        "2026",
        "2026-01-21",
        "2026-01-21T21:00:00",
        "2026-01-21T21:00Z",
        "2026-01-21 21:00:00Z",
        " 2026-01-21T21:00:00Z",
        "2026-01-21T21:00:00Z ",
        "2026-01-21T21:00:00ZZ",
        "2026-00-21T21:00:00Z",
        "2026-13-21T21:00:00Z",
        "2026-01-00T21:00:00Z",
        "2026-01-32T21:00:00Z",
        "2026-04-31T21:00:00Z",
        "2026-02-29T21:00:00Z",
        "2100-02-29T21:00:00Z",
        "2026-01-21T24:00:00Z",
        "2026-01-21T21:60:00Z",
        "2026-01-21T21:00:61Z",
        "2026-01-21T21:00:00.Z",
        "2026-01-21T21:00:00.1234567890Z",
        "2026-01-21T21:00:00,5Z",
        "2026-01-21T21:00:00+",
        "2026-01-21T21:00:00+1",
        "2026-01-21T21:00:00+01",
        "2026-01-21T21:00:00+01:",
        "2026-01-21T21:00:00+24:00",
        "2026-01-21T21:00:00+01:60",
        "2026-01-21T21:00:00+01-30",
        "2026-01-21T21:00:00+01:30Z",
        "2026/01/21T21:00:00Z",
        "2026-01-21T21-00-00Z",
        "-026-01-21T21:00:00Z",
        "20a6-01-21T21:00:00Z",
        "12026-01-21T21:00:00Z",
        "1769029200000",
    };
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
        ms_t at = 42;
        if (time_read_iso(span_of(texts[n]), &at) || at != 42)
            fail_msg("\"%s\" was read", texts[n]);
    }
}

/* One time of every day from 1600 to 2400. */
static void reads_what_it_writes(void **state)
{
    for (ms_t at = -11676096000000 + 12345; at < 13601088000000; at += MS_DAY + 60001) {
        char text[TIME_ISO_SIZE];
        ms_t read = 0;
        time_write_iso(at, text);
        assert_true(time_read_iso(span_of(text), &read));
        assert_int_equal(read, at);
    }
}

static void writes_http(void **state)
{
    static const struct {
        ms_t at;
        const char *text;
    } rows[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777000, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* RFC 9110's example */
        {1769029200999, "Wed, 21 Jan 2026 21:00:00 GMT"},
        {1709164800000, "Thu, 29 Feb 2024 00:00:00 GMT"},
        {MS_NEVER, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char text[TIME_HTTP_SIZE];
        time_write_http(rows[n].at, text);
        assert_string_equal(text, rows[n].text);
    }
}

static void reads_what_http_says(void **state)
{
    static const char *const wrong[] = {
        "",
        "Wed, 21 Jan 2026 21:00:00",
        "Wed, 21 Jan 2026 21:00:00 UTC",
        "Wed, 21 Jam 2026 21:00:00 GMT",
        "Wed, 32 Jan 2026 21:00:00 GMT",
        "Wed, 29 Feb 2026 21:00:00 GMT",
        "Wed, 21 Jan 2026 21-00-00 GMT",
        "Wednesday, 21-Jan-26 21:00 GMT",
    };
    char text[TIME_HTTP_SIZE];
    ms_t read = 0;
    (void)state;
    for (ms_t at = 0; at < 20000 * MS_DAY; at += 61 * MS_DAY + 7 * MS_HOUR + 11 * MS_SECOND) {
        time_write_http(at, text);
        assert_true(time_read_http(span_of(text), &read));
        assert_int_equal(read, at);
    }
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        read = 42;
        if (time_read_http(span_of(wrong[n]), &read) || read != 42)
            fail_msg("%s", wrong[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_iso),           cmocka_unit_test(reads_iso),
        cmocka_unit_test(reads_what_http_says), cmocka_unit_test(refuses_what_is_no_time),
        cmocka_unit_test(reads_what_it_writes), cmocka_unit_test(writes_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
