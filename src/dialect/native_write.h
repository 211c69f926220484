/* The native dialect's answers. */
#ifndef DIALECT_NATIVE_WRITE_H
#define DIALECT_NATIVE_WRITE_H

#include "dialect/dialect.h"

void native_write(const struct dialect_scene *scene, const struct call *call,
                  const struct answer *answer, struct buffer *body,
                  struct http_response *ret_response);
/* "queued", "processing", "completed", "failed", "canceled" */
const char *native_status(enum state state);
/* When the next poll of a job that is not over is worth it, in whole seconds. */
int native_retry_after(const struct answer *answer, const struct job *job);
/* An error in the native shape. */
void native_write_error(const struct faults *faults, const char *request_id,
                        struct json_writer *writer);

#endif
