#include "depot/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct span path = {"/outputs/gen_1/output.mp4", 25};
static const ms_t now = 1700000000000;

struct signed_link {
    struct buffer text;
    struct span query; /* without '?' */
};

static void sign(struct signed_link *link, struct secret secret, struct span signed_path,
                 ms_t expires)
{
    buffer_init(&link->text, 300);
    sign_path(secret, signed_path, expires, &link->text);
    assert_false(link->text.failed);
    assert_int_equal(link->text.data[0], '?');
    link->query = (struct span){link->text.data + 1, link->text.size - 1};
}

static void holds_until_it_expires(void **state)
{
    struct secret secret = secret_make(SPAN("a secret"));
    struct signed_link link;
    sign(&link, secret, path, now + 1500);
    assert_memory_equal(link.query.data, "expires=1700000002&signature=", 29);
    assert_true(sign_check(secret, path, link.query, now));
    assert_true(sign_check(secret, path, link.query, now + 1999));
    assert_false(sign_check(secret, path, link.query, now + 2000));
    assert_false(sign_check(secret, path, link.query, MS_NEVER));
    buffer_done(&link.text);
    sign(&link, secret, path, MS_NEVER);
    assert_true(sign_check(secret, path, link.query, now));
    buffer_done(&link.text);
    secret_done(&secret);
}

/* Every byte of the link and of the path counts. */
static void refuses_any_change(void **state)
{
    struct secret secret = secret_make(SPAN("a secret"));
    struct secret other = secret_make(SPAN("A secret")), none = {NULL, 0};
    struct signed_link link;
    sign(&link, secret, path, now + MS_DAY);
    assert_false(sign_check(other, path, link.query, now));
    assert_false(sign_check(none, path, link.query, now));
    assert_false(sign_check(secret, SPAN("/outputs/gen_1/output.mp"), link.query, now));
    assert_false(sign_check(secret, SPAN("/outputs/gen_2/output.mp4"), link.query, now));
    assert_false(sign_check(secret, SPAN(""), link.query, now));
    for (size_t n = 0; n < link.query.size; n++) {
        char changed[300];
        memcpy(changed, link.query.data, link.query.size);
        changed[n] ^= 1;
        assert_false(sign_check(secret, path, span_make(changed, link.query.size), now));
        assert_false(sign_check(secret, path, span_make(changed, n), now));
    }
    buffer_done(&link.text);
    secret_done(&secret);
    secret_done(&other);
}

static void reads_the_query_strictly(void **state)
{
    struct secret secret = secret_make(SPAN("a secret"));
    struct signed_link link;
    sign(&link, secret, path, now + MS_DAY);
    const char *code = strstr(link.text.data, "signature=");
    static const struct {
        const char *format;
        bool good;
    } rows[] = {
        {"expires=1700086400&%s", true},
        {"download=1&expires=1700086400&%s&x", true},
        {"%s&expires=1700086400", true},
        {"expires=1700086400&expires=1700086400&%s", false},
        {"expires=1700086400&%s&signature=", false},
        {"expires=01700086400&%s", true}, /* the same number, and it is the number that is signed */
        {"expires=+1700086400&%s", false},
        {"expires=1700086400.0&%s", false},
        {"expires=99999999999999999999&%s", false},
        {"expires=-1&%s", false},
        {"expires=&%s", false},
        {"%s", false},
        {"expires=1700086400", false},
        {"Expires=1700086400&%s", false},
        {"expires=1700086400&%s0", false},
        {"expires=1700086400;%s", false},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct buffer query;
        buffer_init(&query, 400);
        const char *slot = strstr(rows[n].format, "%s");
        struct span before = span_of(rows[n].format);
        if (slot)
            before.size = (size_t)(slot - rows[n].format);
        buffer_add(&query, before);
        if (slot) {
            buffer_add_text(&query, code);
            buffer_add_text(&query, slot + 2);
        }
        if (sign_check(secret, path, buffer_span(&query), now) != rows[n].good)
            fail_msg("%s", query.data);
        buffer_done(&query);
    }
    assert_false(sign_check(secret, path, SPAN(""), now));
    buffer_done(&link.text);
    secret_done(&secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_until_it_expires),
        cmocka_unit_test(refuses_any_change),
        cmocka_unit_test(reads_the_query_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
