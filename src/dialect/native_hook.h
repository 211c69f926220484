/* Webhooks in the native dialect: the body that is sent, and the routes about deliveries, secrets
 * and the test call.
 *
 * The body is seed 004's, `{jobId, status, result{url, fileSizeBytes, processingTimeMs} | error}`,
 * with `event`; `sequence` (the delivery's number in its job, which grows), `createdAt` of the
 * event and the job's metadata beside it. */
#ifndef DIALECT_NATIVE_HOOK_H
#define DIALECT_NATIVE_HOOK_H

#include "dialect/dialect.h"

/* "whsec_" and base64 of 24 to 64 bytes: the form of Standard Webhooks. */
bool native_hook_is_secret(struct span text);
/* The bytes of a delivery. `link` writes the address of a file; may not be NULL. */
void native_hook_body(const struct hook_insert *hook,
                      void (*link)(void *context, const struct job *job, const char *name,
                                   struct buffer *target),
                      void *link_context, struct buffer *target);

/* The number of a delivery in the path. */
void native_hook_read_number(const struct route_match *match, const struct dialect_scene *scene,
                             struct faults *faults, struct call *call);
/* The body of a test call: {url}. */
void native_hook_read_test(const struct http_request *request, const struct dialect_scene *scene,
                           struct faults *faults, struct call *call);
void native_hook_write_deliveries(const struct answer *answer, bool is_one,
                                  struct json_writer *writer);
void native_hook_write_secret(const struct answer *answer, struct json_writer *writer);
void native_hook_write_test(const struct answer *answer, struct json_writer *writer);

#endif
