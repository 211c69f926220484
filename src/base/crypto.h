/* Digests, codes and random bytes (OpenSSL). Not for the core. */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include "base/buffer.h"
#include "base/secret.h"
#include "base/span.h"

enum {
    CRYPTO_SHA256_SIZE = 32,
    CRYPTO_SHA256_HEX = 65,
    CRYPTO_ED25519_SIZE = 32, /* of a seed and of a public key */
    CRYPTO_ED25519_SIGNATURE = 64
};

struct crypto_sha256; /* a digest under way */

struct crypto_sha256 *crypto_sha256_make(void);
void crypto_sha256_add(struct crypto_sha256 *digest, struct span bytes);
/* Ends and frees it. */
void crypto_sha256_take(struct crypto_sha256 *digest,
                        unsigned char target[static CRYPTO_SHA256_SIZE]);
void crypto_sha256(struct span bytes, unsigned char target[static CRYPTO_SHA256_SIZE]);
void crypto_hmac_sha256(struct secret key, struct span bytes,
                        unsigned char target[static CRYPTO_SHA256_SIZE]);
/* Lower-case; `target` takes 2 × size + 1. */
void crypto_hex(const unsigned char *bytes, size_t size, char *target);
void crypto_base64(struct span bytes, struct buffer *target);
/* Strict (padding required, no blanks); false on anything else. */
bool crypto_base64_read(struct span text, struct buffer *target);
/* Whether the signature (64 bytes) over the bytes was made with the key of this public half (32
 * bytes). */
bool crypto_ed25519_verify(const unsigned char *key, struct span bytes,
                           const unsigned char *signature);
/* The public half of the key that the seed makes, and a signature by it. */
void crypto_ed25519_public(const unsigned char seed[static CRYPTO_ED25519_SIZE],
                           unsigned char ret_public[static CRYPTO_ED25519_SIZE]);
void crypto_ed25519_sign(const unsigned char seed[static CRYPTO_ED25519_SIZE], struct span bytes,
                         unsigned char ret_signature[static CRYPTO_ED25519_SIGNATURE]);
/* Ends the process when the system has no randomness to give. */
void crypto_random(void *target, size_t size);
uint64_t crypto_random_number(void);

#endif
