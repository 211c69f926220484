#include "app/link.h"

#include "depot/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static void assert_base(const char *host, const char *public_url, const char *expected)
{
    struct config config = {.public_url = public_url};
    struct buffer text;
    (void)span_copy(span_of(host), config.listen.host, sizeof config.listen.host);
    buffer_init(&text, 200);
    link_base(&config, 8080, &text);
    assert_string_equal(text.data, expected);
    buffer_done(&text);
}

static void test_base(void **state)
{
    assert_base("127.0.0.1", NULL, "http://127.0.0.1:8080");
    assert_base("0.0.0.0", NULL, "http://127.0.0.1:8080");
    assert_base("::", NULL, "http://[::1]:8080");
    assert_base("fd00::1", NULL, "http://[fd00::1]:8080");
    assert_base("0.0.0.0", "https://reel.example", "https://reel.example");
}

static void test_links(void **state)
{
    struct config config = {.output = {.is_signed = true}};
    struct secret secret = secret_make(SPAN("0123456789abcdef"));
    struct job job = {.id = "gen_1"};
    struct buffer text;
    buffer_init(&text, 400);
    const struct link_rule rule = {"http://here", secret, 5000000};
    link_write(&config, &rule, &job, "output.mp4", &text);
    const char *query = strchr(text.data, '?');
    assert_memory_equal(text.data, "http://here/outputs/gen_1/output.mp4?", 37);
    const struct span path = SPAN("/outputs/gen_1/output.mp4");
    assert_true(sign_check(secret, path, span_of(query + 1), 4999999));
    assert_false(sign_check(secret, path, span_of(query + 1), 5000001));
    buffer_clear(&text);
    config.public_url = "https://there/base";
    config.output.is_signed = false;
    link_write(&config, &rule, &job, "output.mp4", &text);
    assert_string_equal(text.data, "https://there/base/outputs/gen_1/output.mp4");
    buffer_done(&text);
    secret_done(&secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_base), cmocka_unit_test(test_links)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
