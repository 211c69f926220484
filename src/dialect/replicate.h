/* Replicate's own protocol, answered: predictions by model or version, waited for with Prefer,
 * polled, listed, canceled and streamed; models; files, as far as they are inputs; webhooks and
 * their secret. https://replicate.com/docs/reference/http, and the npm package replicate 1.4.0.
 *
 * The actions: "predict", "get", "list", "cancel", "stream"; "model", "models", "versions",
 * "version"; "file", "file-get", "file-delete"; "secret", "account". Paths hold "/v1/".
 *
 * What is otherwise than there: `logs` is the job's stage and a progress bar; a file's urls.get is
 * reel://upl_…, good as an input and not to be fetched; Cancel-After makes an expired job, which is
 * "failed" like every other whose deadline passes. */
#ifndef DIALECT_REPLICATE_H
#define DIALECT_REPLICATE_H

#include "dialect/vendor.h"

enum { REPLICATE_PAGE = 100 };

/* replicate_write.c */
void replicate_write(const struct dialect_scene *scene, const struct call *call,
                     const struct answer *answer, struct buffer *body,
                     struct http_response *ret_response);
void replicate_event(const struct dialect_scene *scene, const struct call *call,
                     const struct answer *answer, struct buffer *target);
void replicate_hook(const struct vendor_job *told, const struct hook_insert *hook);

#endif
