#include "base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void hashes(void **state)
{
    /* FIPS 180-4's examples. */
    static const struct {
        const char *text, *hex;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        unsigned char digest[CRYPTO_SHA256_SIZE];
        char hex[CRYPTO_SHA256_HEX];
        crypto_sha256(span_of(rows[n].text), digest);
        crypto_hex(digest, sizeof digest, hex);
        assert_string_equal(hex, rows[n].hex);
        /* The same a byte at a time. */
        struct crypto_sha256 *running = crypto_sha256_make();
        for (const char *at = rows[n].text; *at; at++)
            crypto_sha256_add(running, (struct span){at, 1});
        crypto_sha256_add(running, (struct span){NULL, 0});
        crypto_sha256_take(running, digest);
        crypto_hex(digest, sizeof digest, hex);
        assert_string_equal(hex, rows[n].hex);
    }
}

static void signs(void **state)
{
    char aa[131], dd[50];
    memset(aa, 0xAA, sizeof aa);
    memset(dd, 0xDD, sizeof dd);
    const struct {
        struct span key, text;
        const char *hex;
    } rows[] = {
        /* RFC 4231: test cases 1, 2, 3, 6; then no key and no text. */
        {SPAN("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
         SPAN("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {SPAN("Jefe"), SPAN("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {{aa, 20}, {dd, 50}, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {{aa, 131},
         SPAN("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {{NULL, 0}, {NULL, 0}, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        unsigned char code[CRYPTO_SHA256_SIZE];
        char hex[CRYPTO_SHA256_HEX];
        struct secret key = secret_make(rows[n].key);
        crypto_hmac_sha256(key, rows[n].text, code);
        crypto_hex(code, sizeof code, hex);
        assert_string_equal(hex, rows[n].hex);
        secret_done(&key);
    }
}

static void writes_and_reads_base64(void **state)
{
    /* RFC 4648's examples, and all of the alphabet's end. */
    const struct {
        struct span bytes;
        const char *text;
    } rows[] = {
        {SPAN(""), ""},
        {SPAN("f"), "Zg=="},
        {SPAN("fo"), "Zm8="},
        {SPAN("foo"), "Zm9v"},
        {SPAN("foob"), "Zm9vYg=="},
        {SPAN("fooba"), "Zm9vYmE="},
        {SPAN("foobar"), "Zm9vYmFy"},
        {SPAN("\0\0"), "AAA="},
        {SPAN("\xFB\xEF\xFF"), "++//"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct buffer buffer;
        buffer_init(&buffer, 100);
        crypto_base64(rows[n].bytes, &buffer);
        assert_true(span_is(buffer_span(&buffer), rows[n].text));
        buffer_clear(&buffer);
        assert_true(crypto_base64_read(span_of(rows[n].text), &buffer));
        assert_true(span_equal(buffer_span(&buffer), rows[n].bytes));
        buffer_done(&buffer);
    }
}

static void refuses_loose_base64(void **state)
{
    const struct span texts[] = {
        SPAN("Z"),      SPAN("Zg"),      SPAN("Zg="),      SPAN("Zm8"),  SPAN("Zg==="),
        SPAN("===="),   SPAN("Z==="),    SPAN("Zg==Zg=="), SPAN("Zm=v"), SPAN("=m9v"),
        SPAN("Zm9v\n"), SPAN(" Zm9"),    SPAN("Zm 9"),     SPAN("Zm9-"), SPAN("Zm9_"),
        SPAN("Zm9\0"),  SPAN("Zm9\xC3"), SPAN("Zh=="), /* bits that no byte takes: a second text of
                                                          the same bytes */
        SPAN("Zm9="),
    };
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
        struct buffer buffer;
        buffer_init(&buffer, 100);
        if (crypto_base64_read(texts[n], &buffer))
            fail_msg("row %zu was read", n);
        buffer_done(&buffer);
    }
    struct buffer small;
    buffer_init(&small, 2);
    assert_false(crypto_base64_read(SPAN("Zm9v"), &small));
    buffer_clear(&small);
    crypto_base64(SPAN("foo"), &small);
    assert_true(small.failed);
    buffer_done(&small);
}

static void is_random(void **state)
{
    uint64_t all = UINT64_MAX, any = 0;
    for (int n = 0; n < 64; n++) {
        uint64_t number = crypto_random_number();
        all &= number;
        any |= number;
    }
    assert_true(all == 0);
    assert_true(any == UINT64_MAX);
    assert_true(crypto_random_number() != crypto_random_number());
    unsigned char bytes[17] = {0};
    crypto_random(bytes, 16);
    assert_int_equal(bytes[16], 0);
}

/* RFC 8032, 7.1, test 2. */
static void verifies_ed25519(void **state)
{
    static const unsigned char key[32] = {0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a,
                                          0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc,
                                          0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c,
                                          0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c};
    unsigned char signature[64] = {0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82,
                                   0x0b, 0x5f, 0x64, 0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50,
                                   0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08,
                                   0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13,
                                   0xd0, 0xf1, 0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a,
                                   0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};
    assert_true(crypto_ed25519_verify(key, SPAN("\x72"), signature));
    assert_false(crypto_ed25519_verify(key, SPAN("\x73"), signature));
    signature[3] ^= 1;
    assert_false(crypto_ed25519_verify(key, SPAN("\x72"), signature));
}

/* RFC 8032, 7.1, test 2: the other half of the vector above. */
static void signs_ed25519(void **state)
{
    static const unsigned char seed[CRYPTO_ED25519_SIZE] = {
        0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3,
        0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab,
        0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb};
    unsigned char public[CRYPTO_ED25519_SIZE], signature[CRYPTO_ED25519_SIGNATURE];
    char hex[2 * CRYPTO_ED25519_SIGNATURE + 1];
    (void)state;
    crypto_ed25519_public(seed, public);
    crypto_hex(public, sizeof public, hex);
    assert_string_equal(hex, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    crypto_ed25519_sign(seed, SPAN("\x72"), signature);
    crypto_hex(signature, sizeof signature, hex);
    assert_string_equal(hex, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                             "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    assert_true(crypto_ed25519_verify(public, SPAN("\x72"), signature));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),
        cmocka_unit_test(signs),
        cmocka_unit_test(writes_and_reads_base64),
        cmocka_unit_test(refuses_loose_base64),
        cmocka_unit_test(is_random),
        cmocka_unit_test(verifies_ed25519),
        cmocka_unit_test(signs_ed25519),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
