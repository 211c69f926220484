#include "edge/egress_body.h"

#include "base/buffer.h"
#include "base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/reel-body-XXXXXX";
static char content[50000];

static void read_all(struct egress_body *body, size_t step, struct buffer *target)
{
    char *part = malloc(step); /* of exactly this size, so that the sanitizer sees an overrun */
    assert_non_null(part);
    for (ptrdiff_t got; (got = egress_body_read(body, part, step)) != 0;) {
        assert_true(got > 0);
        buffer_add(target, span_make(part, (size_t)got));
    }
    assert_int_equal(egress_body_read(body, part, step), 0);
    free(part);
}

/* Whatever sizes parts and reads have, the same bytes come out, as many as were announced. */
static void reads_in_any_steps(void **state)
{
    static const size_t steps[] = {1, 2, 7, 4096, 16384, 100000};
    static const uint64_t sizes[] = {0, 1, 2, 3, 4, 12287, 12288, 12289, 30000};
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        const struct http_part parts[] = {
            {.bytes = SPAN("{\"image\":\"")},
            {.kind = HTTP_PART_FILE_BASE64, .path = path, .offset = 5, .size = sizes[n]},
            {.bytes = SPAN("")},
            {.kind = HTTP_PART_FILE, .path = path, .offset = 11, .size = sizes[n]},
            {.bytes = SPAN("\"}")},
        };
        struct buffer expected, got;
        buffer_init(&expected, 200000);
        buffer_init(&got, 200000);
        buffer_add(&expected, parts[0].bytes);
        crypto_base64(span_make(content + 5, sizes[n]), &expected);
        buffer_add(&expected, span_make(content + 11, sizes[n]));
        buffer_add(&expected, parts[4].bytes);
        struct egress_body *body = egress_body_make(parts, 5);
        assert_int_equal(egress_body_size(body), expected.size);
        for (size_t step = 0; step < sizeof steps / sizeof steps[0]; step++) {
            buffer_clear(&got);
            read_all(body, steps[step], &got);
            assert_int_equal(got.size, expected.size);
            assert_memory_equal(got.data, expected.data, got.size);
            egress_body_rewind(body);
        }
        egress_body_free(body);
        buffer_done(&expected);
        buffer_done(&got);
    }
    egress_body_free(NULL);
}

static void refuses_what_it_cannot_send(void **state)
{
    const struct http_part wrong[] = {
        {.kind = HTTP_PART_FILE, .path = "/tmp/reel-nowhere", .size = 1},
        {.kind = HTTP_PART_FILE, .path = "/tmp"},
        {.kind = HTTP_PART_FILE, .path = "/dev/zero", .size = 1},
        {.kind = HTTP_PART_FILE, .path = path, .size = sizeof content + 1},
        {.kind = HTTP_PART_FILE, .path = path, .offset = 1, .size = sizeof content},
        {.kind = HTTP_PART_FILE_BASE64, .path = path, .offset = UINT64_MAX, .size = 2},
    };
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++)
        assert_null(egress_body_make(&wrong[n], 1));
    /* A file that shrinks while it is sent breaks the body, instead of ending it early. */
    const struct http_part part = {.kind = HTTP_PART_FILE, .path = path, .size = sizeof content};
    struct egress_body *body = egress_body_make(&part, 1);
    char bytes[100];
    assert_int_equal(egress_body_read(body, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(truncate(path, 120), 0);
    assert_int_equal(egress_body_read(body, bytes, sizeof bytes), -1);
    egress_body_free(body);
}

static int begin(void **state)
{
    int fd = mkstemp(path);
    for (size_t n = 0; n < sizeof content; n++)
        content[n] = (char)(n * 13 + n / 250);
    bool written = write(fd, content, sizeof content) == (ssize_t)sizeof content;
    return close(fd) == 0 && written ? 0 : -1;
}

static int end(void **state)
{
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_any_steps),
        cmocka_unit_test(refuses_what_it_cannot_send),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
