/* The closed list of what can go wrong, as clients see it (SPEC 3): a name, the HTTP status with
 * which a request is refused for it, whether asking again can help, and a sentence for want of a
 * better one. A job that failed carries one of them too. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/span.h"

#define ERROR_LIST(X)                                                                              \
    X(NONE, none, 200, false, "No error.")                                                         \
    X(VALIDATION, validation, 400, false, "The request is not valid.")                             \
    X(NOT_FOUND, not_found, 404, false, "There is no such thing here.")                            \
    X(NOT_AUTHORIZED, not_authorized, 401, false, "The key is missing or not valid.")              \
    X(FORBIDDEN, not_authorized, 403, false, "The key does not allow this.")                       \
    X(OVER_BUDGET, over_budget, 402, false, "The budget does not cover this.")                     \
    X(PRICE_UNKNOWN, price_unknown, 402, false,                                                    \
      "The price is unknown and the tenant has a "                                                 \
      "budget.")                                                                                   \
    X(RATE_LIMITED, rate_limited, 429, true, "Too many requests; wait a little.")                  \
    X(METHOD_NOT_ALLOWED, method_not_allowed, 405, false, "This address knows other methods.")     \
    X(TOO_LARGE, too_large, 413, false, "The request is too large.")                               \
    X(UNSUPPORTED_TYPE, unsupported_type, 415, false, "The content type is not supported.")        \
    X(CONFLICT, conflict, 409, false, "The job's state does not allow this.")                      \
    X(INPUT_UNREACHABLE, input_unreachable, 400, true, "An input could not be fetched.")           \
    X(DEPENDENCY_FAILED, dependency_failed, 409, false, "A job that this one waits for failed.")   \
    X(IDEMPOTENCY_CONFLICT, idempotency_conflict, 409, false,                                      \
      "The idempotency key was used with another body.")                                           \
    X(MODEL_RETIRED, model_retired, 410, false, "The model was retired by its owner.")             \
    X(PROVIDER_NOT_CONFIGURED, provider_not_configured, 503, false,                                \
      "No provider of this model is configured.")                                                  \
    X(PROVIDER_UNAVAILABLE, provider_unavailable, 503, true, "The provider does not answer.")      \
    X(OUT_OF_CREDIT, out_of_credit, 503, true, "The provider account is out of credit.")           \
    X(BAD_KEY, bad_key, 503, false, "The provider refused our key.")                               \
    X(CONTENT_POLICY, content_policy, 400, false, "The provider's content policy refused this.")   \
    X(PROVIDER_REJECTED, provider_rejected, 400, false, "The provider refused the request.")       \
    X(PROVIDER_FAILED, provider_failed, 502, true, "The provider failed.")                         \
    X(OUT_OF_MEMORY, out_of_memory, 507, false,                                                    \
      "Out of memory: try a smaller size or another GPU.")                                         \
    X(TIMEOUT, timeout, 504, true, "It took too long.")                                            \
    X(EXPIRED, expired, 410, false, "The deadline passed.")                                        \
    X(CANCELED, canceled, 409, false, "The job was canceled.")                                     \
    X(SUBMISSION_UNCERTAIN, submission_uncertain, 502, false,                                      \
      "Whether the provider accepted the job is unknown.")                                         \
    X(OUTPUT_INVALID, output_invalid, 502, true, "The output is not a usable file.")               \
    X(OUTPUT_LOST, output_lost, 502, false, "The output was lost before it could be fetched.")     \
    X(STORAGE_FULL, storage_full, 503, true, "The disk is nearly full.")                           \
    X(INTERNAL, internal, 500, true, "Something broke inside reel.")

enum error_code {
#define ERROR_ENUM(name, text, status, retry, sentence) ERROR_##name,
    ERROR_LIST(ERROR_ENUM)
#undef ERROR_ENUM
        ERROR_COUNT
};

/* "not_found" */
const char *error_name(enum error_code code);
/* The first code of that name; false when there is none. */
bool error_find(struct span name, enum error_code *ret_code);
int error_status(enum error_code code);
/* Whether the same request can succeed later. */
bool error_retryable(enum error_code code);
const char *error_sentence(enum error_code code);

#endif
