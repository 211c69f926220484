/* RunPod's serverless endpoints, answered: run, runsync, status, status-sync, stream, cancel,
 * retry, purge-queue, health and requests.
 * https://docs.runpod.io/serverless/endpoints/send-requests, and the npm package runpod-sdk 1.1.2,
 * for which every good answer is a 200: of a 202 it keeps nothing.
 *
 * An endpoint is the id that a model's endpoint variable holds (RUNPOD_LTX2_ENDPOINT_ID), or a
 * model's id with "-" for "/". The actions are the names above.
 *
 * What is otherwise than there: a retry is a new job with an id of its own; policy.ttl is a
 * deadline, after which the job is TIMED_OUT and not forgotten; policy.executionTimeout and
 * s3Config are not heard, for the catalogue has the limits and outputs are links; health and
 * requests tell of the client's own jobs, workers being those of this machine. */
#ifndef DIALECT_RUNPOD_H
#define DIALECT_RUNPOD_H

#include "dialect/vendor.h"

enum { RUNPOD_REQUESTS = 100 };

/* runpod_write.c */
void runpod_write(const struct dialect_scene *scene, const struct call *call,
                  const struct answer *answer, struct buffer *body,
                  struct http_response *ret_response);
void runpod_hook(const struct vendor_job *told, const struct hook_insert *hook);

#endif
