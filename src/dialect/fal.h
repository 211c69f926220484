/* fal's own protocol, answered: the queue (submit, status, its stream, result, cancel), the
 * synchronous call, storage for inputs, and the proxy mode of the client, in which one address
 * takes all of these with the address that was meant in a header.
 * https://docs.fal.ai/model-endpoints/queue, and the npm package @fal-ai/client 1.10.1.
 *
 * The actions: "submit", "status", "status-stream", "result", "cancel", "run"; "proxy";
 * "upload-begin", "upload"; "jwks". What was https://queue.fal.run is /fal here, https://fal.run is
 * /fal/run, and https://rest.fal.ai/storage is /fal/storage.
 *
 * What is otherwise than there: an input that is not valid is refused at the submit, with the 422
 * that fal gives for the result; the log is the job's stage and a progress bar;
 * X-Fal-Request-Timeout and the runner hint are not heard; a synchronous call is held an hour at
 * most, and goes on as a job when its client leaves; uploads in parts (above 90 MB) are not taken.
 */
#ifndef DIALECT_FAL_H
#define DIALECT_FAL_H

#include "dialect/vendor.h"

/* fal_write.c */
void fal_write(const struct dialect_scene *scene, const struct call *call,
               const struct answer *answer, struct buffer *body,
               struct http_response *ret_response);
void fal_event(const struct dialect_scene *scene, const struct call *call,
               const struct answer *answer, struct buffer *target);
void fal_hook(const struct vendor_job *told, const struct hook_insert *hook);

#endif
