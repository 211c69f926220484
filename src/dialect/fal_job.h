/* A job as fal's queue tells it: https://docs.fal.ai/model-endpoints/queue and the types of the npm
 * package @fal-ai/client 1.10.1. A status is 202 until the request is COMPLETED, which is said of
 * failures too; whether it succeeded is told by `error` here and by the result's HTTP status. */
#ifndef DIALECT_FAL_JOB_H
#define DIALECT_FAL_JOB_H

#include "dialect/vendor.h"

struct fal_how {
    const char *response, *status, *cancel; /* paths of ours */
    bool logs;
};

/* "IN_QUEUE", "IN_PROGRESS", "COMPLETED" */
const char *fal_job_word(enum state state);
/* fal's word for why a request ended without a result. */
const char *fal_job_error_type(const struct job *job);
/* The members of the answer to a submit. */
void fal_job_write_request(const struct vendor_job *told, const struct fal_how *how);
/* Those of a status, and of a cancel; both give the HTTP status that goes with them. */
int fal_job_write_status(const struct vendor_job *told, const struct fal_how *how);
int fal_job_write_cancel(const struct vendor_job *told);
/* Of the result, which is the model's own object: a video or a sound by itself, pictures in a
 * list. The job succeeded. */
void fal_job_write_result(const struct vendor_job *told);

#endif
