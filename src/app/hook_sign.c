#include "app/hook_sign.h"

#include "base/crypto.h"

#include <inttypes.h>
#include <string.h>

enum { SECRET_BYTES = 32 };
#define SECRET_PREFIX "whsec_"

static bool read_key(const char *secret, struct secret *ret_key)
{
    struct span text = span_of(secret);
    struct buffer bytes;
    if (span_starts(text, SECRET_PREFIX))
        text = (struct span){text.data + strlen(SECRET_PREFIX), text.size - strlen(SECRET_PREFIX)};
    buffer_init(&bytes, HOOK_SECRET_SIZE);
    bool good = crypto_base64_read(text, &bytes) && bytes.size > 0;
    if (good)
        *ret_key = secret_make(buffer_span(&bytes));
    if (bytes.data)
        explicit_bzero(bytes.data, bytes.size);
    buffer_done(&bytes);
    return good;
}

bool hook_sign(const char *secret, const char *id, int64_t timestamp, struct span body,
               struct buffer *target)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    struct secret key;
    struct buffer content;
    if (!read_key(secret, &key))
        return false;
    buffer_init(&content, body.size + 256);
    buffer_print(&content, "%s.%" PRId64 ".", id, timestamp);
    buffer_add(&content, body);
    crypto_hmac_sha256(key, buffer_span(&content), digest);
    if (target->size > 0)
        buffer_add_byte(target, ' ');
    buffer_add_text(target, "v1,");
    crypto_base64(span_make(digest, sizeof digest), target);
    bool good = !content.failed;
    buffer_done(&content);
    secret_done(&key);
    return good;
}

void hook_sign_fal_seed(struct secret secret, unsigned char ret_seed[static CRYPTO_ED25519_SIZE],
                        unsigned char ret_public[static CRYPTO_ED25519_SIZE])
{
    crypto_hmac_sha256(secret, SPAN("reel: key of webhooks, ed25519"), ret_seed);
    crypto_ed25519_public(ret_seed, ret_public);
}

void hook_sign_fal(const unsigned char seed[static CRYPTO_ED25519_SIZE], struct span head,
                   struct span body, char ret_text[static 2 * CRYPTO_ED25519_SIGNATURE + 1])
{
    unsigned char digest[CRYPTO_SHA256_SIZE], signature[CRYPTO_ED25519_SIGNATURE];
    char hex[CRYPTO_SHA256_HEX];
    struct buffer content;
    crypto_sha256(body, digest);
    crypto_hex(digest, sizeof digest, hex);
    buffer_init(&content, head.size + sizeof hex);
    buffer_add(&content, head);
    buffer_add_text(&content, hex);
    crypto_ed25519_sign(seed, buffer_span(&content), signature);
    crypto_hex(signature, sizeof signature, ret_text);
    buffer_done(&content);
}

void hook_sign_make_secret(char ret_secret[static HOOK_SECRET_SIZE])
{
    unsigned char bytes[SECRET_BYTES];
    struct buffer text;
    buffer_init(&text, HOOK_SECRET_SIZE);
    crypto_random(bytes, sizeof bytes);
    buffer_add_text(&text, SECRET_PREFIX);
    crypto_base64(span_make(bytes, sizeof bytes), &text);
    (void)span_copy(buffer_span(&text), ret_secret, HOOK_SECRET_SIZE);
    explicit_bzero(bytes, sizeof bytes);
    buffer_done(&text);
}
