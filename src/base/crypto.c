#include "base/crypto.h"

#include "base/log.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>

/* EVP_MD_CTX is opaque, so ours is a name for it. */
#define CONTEXT(digest) ((EVP_MD_CTX *)(void *)(digest))

static void must(bool worked)
{
    if (worked)
        return;
    log_error("the crypto library failed");
    abort();
}

/* Looked up once in the process: OpenSSL 3 looks for what EVP_sha256 stands for at every digest,
 * which takes longer than to digest a key. Of two threads that come first one gives its own back.
 */
static const EVP_MD *sha256(void)
{
    static _Atomic(EVP_MD *) found;
    EVP_MD *known = atomic_load_explicit(&found, memory_order_acquire);
    if (known)
        return known;
    EVP_MD *fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(fetched);
    if (atomic_compare_exchange_strong(&found, &known, fetched))
        return fetched;
    EVP_MD_free(fetched);
    return known;
}

struct crypto_sha256 *crypto_sha256_make(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context && EVP_DigestInit_ex(context, sha256(), NULL));
    return (struct crypto_sha256 *)(void *)context;
}

void crypto_sha256_add(struct crypto_sha256 *digest, struct span bytes)
{
    must(EVP_DigestUpdate(CONTEXT(digest), bytes.data, bytes.size));
}

void crypto_sha256_take(struct crypto_sha256 *digest,
                        unsigned char target[static CRYPTO_SHA256_SIZE])
{
    must(EVP_DigestFinal_ex(CONTEXT(digest), target, NULL));
    EVP_MD_CTX_free(CONTEXT(digest));
}

void crypto_sha256(struct span bytes, unsigned char target[static CRYPTO_SHA256_SIZE])
{
    must(EVP_Digest(bytes.data, bytes.size, target, NULL, sha256(), NULL));
}

void crypto_hmac_sha256(struct secret key, struct span bytes,
                        unsigned char target[static CRYPTO_SHA256_SIZE])
{
    unsigned size = CRYPTO_SHA256_SIZE;
    must(HMAC(EVP_sha256(), key.bytes, (int)key.size, (const unsigned char *)bytes.data, bytes.size,
              target, &size));
}

void crypto_hex(const unsigned char *bytes, size_t size, char *target)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t n = 0; n < size; n++) {
        target[2 * n] = digits[bytes[n] >> 4];
        target[2 * n + 1] = digits[bytes[n] & 15];
    }
    target[2 * size] = '\0';
}

void crypto_base64(struct span bytes, struct buffer *target)
{
    char *room = buffer_room(target, (bytes.size + 2) / 3 * 4);
    if (!room)
        return;
    target->size += (size_t)EVP_EncodeBlock((unsigned char *)room,
                                            (const unsigned char *)bytes.data, (int)bytes.size);
}

static int base64_value(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

bool crypto_base64_read(struct span text, struct buffer *target)
{
    if (text.size % 4 != 0)
        return false;
    for (size_t n = 0; n < text.size; n += 4) {
        bool last = n + 4 == text.size;
        int pad = !last || text.data[n + 3] != '=' ? 0 : text.data[n + 2] != '=' ? 1 : 2;
        uint32_t bits = 0;
        for (int i = 0; i < 4; i++) {
            int value = i >= 4 - pad ? 0 : base64_value(text.data[n + (size_t)i]);
            if (value < 0)
                return false;
            bits = bits << 6 | (uint32_t)value;
        }
        /* Bits that no byte takes are zero, so that the same bytes have one text only. */
        if (bits & ((1u << 8 * pad) - 1))
            return false;
        const char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
        buffer_add(target, (struct span){bytes, (size_t)(3 - pad)});
    }
    return !target->failed;
}

bool crypto_ed25519_verify(const unsigned char *key, struct span bytes,
                           const unsigned char *signature)
{
    EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = public && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
                EVP_DigestVerify(context, signature, 64, (const unsigned char *)bytes.data,
                                 bytes.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public);
    return good;
}

void crypto_ed25519_public(const unsigned char seed[static CRYPTO_ED25519_SIZE],
                           unsigned char ret_public[static CRYPTO_ED25519_SIZE])
{
    size_t size = CRYPTO_ED25519_SIZE;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, CRYPTO_ED25519_SIZE);
    must(key != NULL);
    must(EVP_PKEY_get_raw_public_key(key, ret_public, &size) == 1);
    EVP_PKEY_free(key);
}

void crypto_ed25519_sign(const unsigned char seed[static CRYPTO_ED25519_SIZE], struct span bytes,
                         unsigned char ret_signature[static CRYPTO_ED25519_SIGNATURE])
{
    size_t size = CRYPTO_ED25519_SIGNATURE;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, CRYPTO_ED25519_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(key && context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1);
    must(EVP_DigestSign(context, ret_signature, &size, (const unsigned char *)bytes.data,
                        bytes.size) == 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

void crypto_random(void *target, size_t size)
{
    must(RAND_bytes(target, (int)size) == 1);
}

uint64_t crypto_random_number(void)
{
    uint64_t number = 0;
    crypto_random(&number, sizeof number);
    return number;
}
