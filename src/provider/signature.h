/* The signatures of providers' calls back. A call back is only ever a hint, so a signature spares
 * polls that a stranger would cause; it never makes a fact of what the call says. */
#ifndef PROVIDER_SIGNATURE_H
#define PROVIDER_SIGNATURE_H

#include "base/http.h"
#include "base/secret.h"
#include "base/time.h"

enum { SIGNATURE_TOLERANCE_MS = 300 * 1000 };

/* Standard Webhooks (github.com/standard-webhooks, the specification's text): the headers
 * webhook-id, -timestamp and -signature, any of several "v1" signatures. The secret is the text
 * "whsec_…", whose base64 is the key. `now` is wall time. */
bool signature_standard(const struct http_request *request, struct secret secret, ms_t now);

/* fal's headers x-fal-webhook-request-id, -user-id, -timestamp and -signature: Ed25519 over those
 * three and the SHA-256 of the body, each on a line. The secret holds public keys of 32 bytes, one
 * after the other (those of fal's JWKS); any of them may have signed. */
bool signature_fal(const struct http_request *request, struct secret keys, ms_t now);

#endif
