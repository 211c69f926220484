#include "app/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void reads_ranges(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
        enum range range;
        uint64_t first, last;
    } rows[] = {
        {"bytes=0-99", 1000, RANGE_PART, 0, 99},
        {"bytes=0-0", 1000, RANGE_PART, 0, 0},
        {"bytes=999-999", 1000, RANGE_PART, 999, 999},
        {"bytes=100-", 1000, RANGE_PART, 100, 999},
        {"bytes=0-", 1, RANGE_PART, 0, 0},
        {"bytes=0-5000", 1000, RANGE_PART, 0, 999},
        {"bytes=-50", 1000, RANGE_PART, 950, 999},
        {"bytes=-1000", 1000, RANGE_PART, 0, 999},
        {"bytes=-5000", 1000, RANGE_PART, 0, 999},
        {"Bytes=1-2", 1000, RANGE_PART, 1, 2},
        {"bytes=5000000000-5000000001", 6000000000, RANGE_PART, 5000000000, 5000000001},
        {"bytes=0-9223372036854775807", 10, RANGE_PART, 0, 9},
        /* Nothing of the file is in it. */
        {"bytes=1000-", 1000, RANGE_BAD, 0, 0},
        {"bytes=1000-2000", 1000, RANGE_BAD, 0, 0},
        {"bytes=-0", 1000, RANGE_BAD, 0, 0},
        {"bytes=0-", 0, RANGE_BAD, 0, 0},
        {"bytes=-1", 0, RANGE_BAD, 0, 0},
        /* No ranges that we know. */
        {"bytes=2-1", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=-", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=", 1000, RANGE_WHOLE, 0, 0},
        {"bytes", 1000, RANGE_WHOLE, 0, 0},
        {"", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=0-1,5-6", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=0-1,", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=a-b", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=0-b", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=+1-2", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=1--2", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=--2", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=1-2-3", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=0x1-2", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=1.0-2", 1000, RANGE_WHOLE, 0, 0},
        {"bytes=99999999999999999999-", 1000, RANGE_WHOLE, 0, 0},
        {"items=0-1", 1000, RANGE_WHOLE, 0, 0},
        {"0-1", 1000, RANGE_WHOLE, 0, 0},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        uint64_t first = 77, last = 77;
        enum range range = range_read(span_of(rows[n].text), rows[n].size, &first, &last);
        bool part = rows[n].range == RANGE_PART;
        if (range != rows[n].range || first != (part ? rows[n].first : 77) ||
            last != (part ? rows[n].last : 77))
            fail_msg("%s: %d, %llu to %llu", rows[n].text, range, (unsigned long long)first,
                     (unsigned long long)last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
