#include "app/sandbox_mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void what_is_added_is_read(void **state)
{
    struct arena arena;
    struct sandbox_mark read;
    (void)state;
    arena_init(&arena);
    const struct sandbox_mark plain = {
        .provider = "fal", .tag = "a \"tag\"", .digest = "d", .price = -1};
    struct span options = sandbox_mark_add(SPAN("{\"webhookUrl\":\"http://x\"}"), &plain, &arena);
    assert_string_equal(options.data, "{\"sandbox\":{\"digest\":\"d\",\"price\":-1,\"provider\":"
                                      "\"fal\",\"tag\":\"a \\\"tag\\\"\"},\"webhookUrl\":"
                                      "\"http://x\"}");
    assert_true(sandbox_mark_read(options.data, &arena, &read));
    assert_string_equal(read.provider, "fal");
    assert_string_equal(read.tag, "a \"tag\"");
    assert_int_equal(read.price, -1);
    assert_false(read.has_end);
    const struct sandbox_mark canned = {.provider = "fal",
                                        .tag = "",
                                        .digest = "d",
                                        .price = 600000,
                                        .has_end = true,
                                        .end = SANDBOX_FAULT_CANNED,
                                        .end_after = 500,
                                        .file = "/tmp/clip.mp4",
                                        .type = "video/mp4",
                                        .text = ""};
    options = sandbox_mark_add(SPAN(""), &canned, &arena);
    assert_true(sandbox_mark_read(options.data, &arena, &read));
    assert_int_equal(read.price, 600000);
    assert_true(read.has_end);
    assert_int_equal(read.end, SANDBOX_FAULT_CANNED);
    assert_int_equal(read.end_after, 500);
    assert_string_equal(read.file, "/tmp/clip.mp4");
    assert_string_equal(read.type, "video/mp4");
    arena_done(&arena);
}

static void where_there_is_none(void **state)
{
    static const char *const rows[] = {NULL, "", "{}", "{\"sandbox\":7}", "}{"};
    struct arena arena;
    struct sandbox_mark read;
    (void)state;
    arena_init(&arena);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        assert_false(sandbox_mark_read(rows[n], &arena, &read));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_read),
        cmocka_unit_test(where_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
