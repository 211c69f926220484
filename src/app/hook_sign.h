/* Signatures of Standard Webhooks, version v1: HMAC-SHA256 over "id.timestamp.body", base64. The
 * key is what follows "whsec_", decoded; ids have no dot. Source: the specification at
 * standardwebhooks.com. */
#ifndef APP_HOOK_SIGN_H
#define APP_HOOK_SIGN_H

#include "base/buffer.h"
#include "base/crypto.h"
#include "core/notify.h"

/* Adds "v1,BASE64", after a blank when there is something in `target` already: several signatures
 * are one header. False when the secret can't be decoded; the prefix may be missing. */
bool hook_sign(const char *secret, const char *id, int64_t timestamp, struct span body,
               struct buffer *target);
/* A new secret: "whsec_" and 32 random bytes. */
void hook_sign_make_secret(char ret_secret[static HOOK_SECRET_SIZE]);

/* fal's own signature, beside that one, for receivers that check it: Ed25519 over request id, user
 * id, timestamp and the body's SHA-256, joined by line feeds
 * (https://docs.fal.ai/model-endpoints/webhooks). The key belongs to the home: it is derived from
 * the secret of its links. */
void hook_sign_fal_seed(struct secret secret, unsigned char ret_seed[static CRYPTO_ED25519_SIZE],
                        unsigned char ret_public[static CRYPTO_ED25519_SIZE]);
/* In hexadecimal. */
void hook_sign_fal(const unsigned char seed[static CRYPTO_ED25519_SIZE], struct span head,
                   struct span body, char ret_text[static 2 * CRYPTO_ED25519_SIGNATURE + 1]);

#endif
