/* Vectors that the npm package `standardwebhooks` 1.1.1 computed. */
#include "app/hook_sign.h"

#include "base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#define K1    "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define VIDEO "{\"type\":\"video.completed\",\"data\":{\"id\":\"video_123\"}}"

static void test_vectors(void **state)
{
    static const struct {
        const char *secret, *id;
        int64_t timestamp;
        const char *body, *signature;
    } rows[] = {
        {"whsec_" K1, "msg_2f9A0001", 1767225600, VIDEO,
         "v1,qxCsnEWIRlbjDqq0IIyYTFADn3JHw9stjcJOHAG8ToY="},
        {K1, "msg_2f9A0001", 1767225600, VIDEO, "v1,qxCsnEWIRlbjDqq0IIyYTFADn3JHw9stjcJOHAG8ToY="},
        {"whsec_" K1, "msg_2f9A0002", 1767225601, "{\"prompt\":\"café ☕ 🎬\"}",
         "v1,J56wTaKJ5WUbxt7f7UMfI3RxujO/6hOLX90VlZkGL1s="},
        {"whsec_" K1, "msg_2f9A0003", 1767225602, "",
         "v1,yMA6oFeDT+64JCcfD0gRiCNcKM+Jpdu8sG1NMeKO7rE="},
        {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
         "{\"test\": 2432232314}", "v1,/485aUtxlie+TIScVpHggMfqOB4so2KWb7+Gf727B44="},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
         "{\"test\": 2432232314}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"whsec_" K1, "msg_2f9A0001", 1767225600,
         "{\"type\": \"video.completed\",\"data\":{\"id\":\"video_123\"}}",
         "v1,kBOaaM6sRdzNODGNFwJ1VhWCDhtD8BiAcL038esEB3o="},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct buffer text;
        buffer_init(&text, 200);
        assert_true(
            hook_sign(rows[n].secret, rows[n].id, rows[n].timestamp, span_of(rows[n].body), &text));
        assert_string_equal(text.data, rows[n].signature);
        buffer_done(&text);
    }
}

static void test_two_secrets_are_two_signatures(void **state)
{
    struct buffer text;
    buffer_init(&text, 200);
    assert_true(hook_sign("whsec_" K1, "msg_2f9A0003", 1767225602, SPAN(""), &text));
    assert_true(hook_sign("whsec_" K1, "msg_2f9A0003", 1767225602, SPAN(""), &text));
    assert_string_equal(text.data, "v1,yMA6oFeDT+64JCcfD0gRiCNcKM+Jpdu8sG1NMeKO7rE= "
                                   "v1,yMA6oFeDT+64JCcfD0gRiCNcKM+Jpdu8sG1NMeKO7rE=");
    buffer_done(&text);
}

static void test_what_is_no_secret_signs_nothing(void **state)
{
    static const char *const secrets[] = {"", "whsec_", "whsec_!!!", "whsec_QUJD=", "plain text"};
    for (size_t n = 0; n < sizeof secrets / sizeof secrets[0]; n++) {
        struct buffer text;
        buffer_init(&text, 200);
        assert_false(hook_sign(secrets[n], "msg_1", 1, SPAN("{}"), &text));
        assert_int_equal(text.size, 0);
        buffer_done(&text);
    }
}

static void test_new_secrets(void **state)
{
    char first[HOOK_SECRET_SIZE], second[HOOK_SECRET_SIZE];
    struct buffer bytes, text;
    hook_sign_make_secret(first);
    hook_sign_make_secret(second);
    assert_string_not_equal(first, second);
    assert_memory_equal(first, "whsec_", 6);
    buffer_init(&bytes, 200);
    assert_true(crypto_base64_read(span_of(first + 6), &bytes));
    assert_int_equal(bytes.size, 32);
    buffer_done(&bytes);
    buffer_init(&text, 200);
    assert_true(hook_sign(first, "msg_1", 1, SPAN("{}"), &text));
    buffer_done(&text);
}

/* The vector was made and checked with another library, see docs/api.md for what is signed. */
static void test_fals_own_signature(void **state)
{
    static const char body[] =
        "{\"request_id\":\"019b0c3e-7a51-7c22-9f10-3d5b8a6e4c01\",\"gateway_request_id\":"
        "\"019b0c3e-7a51-7c22-9f10-3d5b8a6e4c01\",\"status\":\"OK\",\"payload\":{\"video\":{"
        "\"url\":"
        "\"https://v3.fal.media/files/demo/out.mp4\"}}}";
    unsigned char seed[CRYPTO_ED25519_SIZE], public[CRYPTO_ED25519_SIZE];
    char text[2 * CRYPTO_ED25519_SIGNATURE + 1];
    (void)state;
    for (size_t n = 0; n < sizeof seed; n++)
        seed[n] = (unsigned char)n;
    hook_sign_fal(seed, SPAN("019b0c3e-7a51-7c22-9f10-3d5b8a6e4c01\nusr_demo_7f3a\n1735732800\n"),
                  span_of(body), text);
    assert_string_equal(text, "b84d772c6dc92f26dc1bd779e86600a45597575b66f9128a429bd20140b69cbf"
                              "9c770d632e2d554314062f45cf9b6b2a6e49d42f688d3449f0b970fbdd7bcb08");
    /* The same home, the same key; another home, another. */
    unsigned char other[CRYPTO_ED25519_SIZE], again[CRYPTO_ED25519_SIZE];
    struct secret one = secret_make(SPAN("one")), two = secret_make(SPAN("two"));
    hook_sign_fal_seed(one, seed, public);
    hook_sign_fal_seed(one, other, again);
    assert_memory_equal(public, again, sizeof public);
    hook_sign_fal_seed(two, other, again);
    assert_memory_not_equal(public, again, sizeof public);
    secret_done(&one);
    secret_done(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_two_secrets_are_two_signatures),
        cmocka_unit_test(test_what_is_no_secret_signs_nothing),
        cmocka_unit_test(test_new_secrets),
        cmocka_unit_test(test_fals_own_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
