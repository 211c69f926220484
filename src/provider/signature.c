#include "provider/signature.h"

#include "base/crypto.h"

#include <string.h>

enum { SIGNED_MAX = 64 << 20, ED25519_KEY = 32, ED25519_SIGNATURE = 64 };

/* Digits only, within the tolerance of the clock. */
static bool is_fresh(struct span timestamp, ms_t now)
{
    int64_t seconds = 0;
    if (timestamp.size == 0 || timestamp.data[0] == '-' ||
        !span_integer(timestamp, 0, INT64_MAX / 2000, &seconds))
        return false;
    ms_t distance = now / MS_SECOND - seconds;
    return distance <= SIGNATURE_TOLERANCE_MS / MS_SECOND &&
           distance >= -SIGNATURE_TOLERANCE_MS / MS_SECOND;
}

static bool equal(const unsigned char *a, const unsigned char *b, size_t size)
{
    unsigned difference = 0;
    for (size_t n = 0; n < size; n++)
        difference |= (unsigned)(a[n] ^ b[n]);
    return difference == 0;
}

/* The key inside "whsec_…"; false when it is none. */
static bool read_key(struct secret secret, struct buffer *target)
{
    struct span text = span_make(secret.bytes, secret.size);
    if (span_starts(text, "whsec_"))
        text = (struct span){text.data + 6, text.size - 6};
    return crypto_base64_read(text, target) && target->size > 0;
}

static bool any_matches(struct span list, const unsigned char mac[static CRYPTO_SHA256_SIZE])
{
    struct span part, version;
    bool matches = false;
    while (span_take(&list, ' ', &part)) {
        struct buffer offered;
        buffer_init(&offered, 256);
        if (span_take(&part, ',', &version) && part.data && span_is(version, "v1") &&
            crypto_base64_read(part, &offered) && offered.size == CRYPTO_SHA256_SIZE)
            matches |= equal((const unsigned char *)offered.data, mac, CRYPTO_SHA256_SIZE);
        buffer_done(&offered);
    }
    return matches;
}

bool signature_standard(const struct http_request *request, struct secret secret, ms_t now)
{
    struct span id, timestamp, signatures;
    unsigned char mac[CRYPTO_SHA256_SIZE];
    struct buffer key, text;
    if (!http_request_header(request, "webhook-id", &id) ||
        !http_request_header(request, "webhook-timestamp", &timestamp) ||
        !http_request_header(request, "webhook-signature", &signatures) ||
        span_find(id, '.') >= 0 || !is_fresh(timestamp, now))
        return false;
    buffer_init(&key, 1024);
    buffer_init(&text, SIGNED_MAX);
    buffer_add(&text, id);
    buffer_add_byte(&text, '.');
    buffer_add(&text, timestamp);
    buffer_add_byte(&text, '.');
    buffer_add(&text, request->body);
    bool good = !text.failed && read_key(secret, &key);
    if (good) {
        struct secret bytes = {key.data, key.size};
        crypto_hmac_sha256(bytes, buffer_span(&text), mac);
        good = any_matches(signatures, mac);
        memset(key.data, 0, key.size);
    }
    buffer_done(&key);
    buffer_done(&text);
    return good;
}

static bool read_hex(struct span text, unsigned char *target, size_t size)
{
    if (text.size != 2 * size)
        return false;
    for (size_t n = 0; n < text.size; n++) {
        char byte = text.data[n];
        int digit = byte >= '0' && byte <= '9'   ? byte - '0'
                    : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                    : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return false;
        target[n / 2] = (unsigned char)(n % 2 ? target[n / 2] << 4 | digit : digit);
    }
    return true;
}

bool signature_fal(const struct http_request *request, struct secret keys, ms_t now)
{
    struct span id, user, timestamp, text;
    unsigned char signature[ED25519_SIGNATURE], digest[CRYPTO_SHA256_SIZE];
    char hex[CRYPTO_SHA256_HEX];
    struct buffer message;
    if (!http_request_header(request, "x-fal-webhook-request-id", &id) ||
        !http_request_header(request, "x-fal-webhook-user-id", &user) ||
        !http_request_header(request, "x-fal-webhook-timestamp", &timestamp) ||
        !http_request_header(request, "x-fal-webhook-signature", &text) ||
        !is_fresh(timestamp, now) || !read_hex(text, signature, sizeof signature))
        return false;
    crypto_sha256(request->body, digest);
    crypto_hex(digest, sizeof digest, hex);
    buffer_init(&message, 4096);
    buffer_add(&message, id);
    buffer_add_byte(&message, '\n');
    buffer_add(&message, user);
    buffer_add_byte(&message, '\n');
    buffer_add(&message, timestamp);
    buffer_add_byte(&message, '\n');
    buffer_add_text(&message, hex);
    bool good = false;
    for (size_t at = 0; !message.failed && at + ED25519_KEY <= keys.size; at += ED25519_KEY)
        good |= crypto_ed25519_verify((const unsigned char *)keys.bytes + at, buffer_span(&message),
                                      signature);
    buffer_done(&message);
    return good;
}
