/* The vectors are those that the vendors' own packages make and accept. */
#include "provider/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void add(struct http_request *request, const char *name, const char *value)
{
    request->headers[request->header_count++] = (struct http_header){span_of(name), span_of(value)};
}

static bool is_signed(const char *secret, const char *signature, const char *body, ms_t now)
{
    struct http_request request = {.body = span_of(body)};
    add(&request, "webhook-id", "msg_2mJ8kQ0000000000000000test");
    add(&request, "webhook-timestamp", "1735732800");
    add(&request, "webhook-signature", signature);
    struct secret copy = secret_make(span_of(secret));
    bool good = signature_standard(&request, copy, now);
    secret_done(&copy);
    return good;
}

static void test_standard(void **state)
{
    static const char secret[] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
    static const char body[] =
        "{\"id\":\"h3s8dq2x9nrma0cv4kzg1b7e5t\",\"status\":\"succeeded\",\"output\":"
        "\"https://replicate.delivery/xezq/ab12/out.mp4\",\"error\":null}";
    static const char good[] = "v1,4u/EgNCS4KtAFHN7HwGyZoqw4XF5AtLBl9Iu4iIEOwI=";
    const ms_t now = 1735732800000;
    assert_true(is_signed(secret, good, body, now));
    assert_true(is_signed(secret + 6, good, body, now)); /* the prefix may be left out */
    assert_true(is_signed(
        secret, "v1,AAAA v2,x v1,4u/EgNCS4KtAFHN7HwGyZoqw4XF5AtLBl9Iu4iIEOwI=", body, now));
    assert_true(is_signed(secret, good, body, now + 300 * MS_SECOND));
    assert_true(is_signed(secret, good, body, now - 300 * MS_SECOND));
    assert_false(is_signed(secret, good, body, now + 301 * MS_SECOND));
    assert_false(is_signed(secret, good, body, now - 301 * MS_SECOND));
    assert_false(is_signed(secret, good, "{}", now));
    /* Made with the secret's text for a key. */
    assert_false(is_signed(secret, "v1,CnmXH4coY0Hs5Tb5MBEVWmfn7yGEqQRQ6ryt5c7a+vk=", body, now));
    assert_false(is_signed(secret, "v1a,4u/EgNCS4KtAFHN7HwGyZoqw4XF5AtLBl9Iu4iIEOwI=", body, now));
    assert_false(is_signed(secret, "4u/EgNCS4KtAFHN7HwGyZoqw4XF5AtLBl9Iu4iIEOwI=", body, now));
    assert_false(is_signed(secret, "", body, now));
    assert_false(is_signed("whsec_", good, body, now));
    assert_false(is_signed("whsec_!!", good, body, now));
}

/* A timestamp that only begins with a number is none. */
static void test_standard_timestamps(void **state)
{
    static const char *const bad[] = {"1735732800junk", "", "-1735732800", " 1735732800",
                                      "99999999999999999999"};
    struct secret secret = secret_make(SPAN("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"));
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        struct http_request request = {.body = SPAN("{}")};
        add(&request, "webhook-id", "msg_1");
        add(&request, "webhook-timestamp", bad[n]);
        add(&request, "webhook-signature", "v1,4u/EgNCS4KtAFHN7HwGyZoqw4XF5AtLBl9Iu4iIEOwI=");
        assert_false(signature_standard(&request, secret, 1735732800000));
    }
    secret_done(&secret);
}

static bool is_signed_by_fal(struct secret keys, const char *signature, const char *user, ms_t now)
{
    struct http_request request = {
        .body = SPAN("{\"request_id\":\"019b0c3e-7a51-7c22-9f10-3d5b8a6e4c01\","
                     "\"gateway_request_id\":\"019b0c3e-7a51-7c22-9f10-3d5b8a6e4c01\","
                     "\"status\":\"OK\",\"payload\":{\"video\":{\"url\":"
                     "\"https://v3.fal.media/files/demo/out.mp4\"}}}")};
    add(&request, "X-Fal-Webhook-Request-Id", "019b0c3e-7a51-7c22-9f10-3d5b8a6e4c01");
    add(&request, "X-Fal-Webhook-User-Id", user);
    add(&request, "X-Fal-Webhook-Timestamp", "1735732800");
    add(&request, "X-Fal-Webhook-Signature", signature);
    return signature_fal(&request, keys, now);
}

static void test_fal(void **state)
{
    static const char good[] = "b84d772c6dc92f26dc1bd779e86600a45597575b66f9128a429bd20140b69cbf"
                               "9c770d632e2d554314062f45cf9b6b2a6e49d42f688d3449f0b970fbdd7bcb08";
    /* Another key first: any of them may have signed. */
    static const char keys[] = "\x3d\x40\x17\xc3\xe8\x43\x89\x5a\x92\xb7\x0a\xa7\x4d\x1b\x7e\xbc"
                               "\x9c\x98\x2c\xcf\x2e\xc4\x96\x8c\xc0\xcd\x55\xf1\x2a\xf4\x66\x0c"
                               "\x03\xa1\x07\xbf\xf3\xce\x10\xbe\x1d\x70\xdd\x18\xe7\x4b\xc0\x99"
                               "\x67\xe4\xd6\x30\x9b\xa5\x0d\x5f\x1d\xdc\x86\x64\x12\x55\x31\xb8";
    const ms_t now = 1735732800000;
    struct secret both = secret_make(span_make(keys, 64)), other = secret_make(span_make(keys, 32));
    assert_true(is_signed_by_fal(both, good, "usr_demo_7f3a", now));
    assert_false(is_signed_by_fal(other, good, "usr_demo_7f3a", now));
    assert_false(is_signed_by_fal(both, good, "usr_other", now));
    assert_false(is_signed_by_fal(both, good, "usr_demo_7f3a", now + 301 * MS_SECOND));
    assert_false(is_signed_by_fal(both, good + 2, "usr_demo_7f3a", now));
    assert_false(is_signed_by_fal(both, "", "usr_demo_7f3a", now));
    secret_done(&both);
    secret_done(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard),
        cmocka_unit_test(test_standard_timestamps),
        cmocka_unit_test(test_fal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
