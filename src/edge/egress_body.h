/* The body of an outgoing request, read piece by piece from its parts: bytes, files, files in
 * base64. Never whole in memory. One thread. */
#ifndef EDGE_EGRESS_BODY_H
#define EDGE_EGRESS_BODY_H

#include "base/http.h"

struct egress_body;

/* Opens the files. NULL when one is missing, no plain file, or shorter than its part. The bytes of
 * parts are borrowed. */
struct egress_body *egress_body_make(const struct http_part *parts, unsigned count);
/* Accepts NULL. */
void egress_body_free(struct egress_body *body);
/* In bytes, as sent. */
uint64_t egress_body_size(const struct egress_body *body);
/* The next bytes, at most `capacity`; 0 at the end, -1 when a file could not be read or shrank. */
ptrdiff_t egress_body_read(struct egress_body *body, char *target, size_t capacity);
/* Back to the first byte. */
void egress_body_rewind(struct egress_body *body);

#endif
