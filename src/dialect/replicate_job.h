/* A job as Replicate's prediction: https://replicate.com/docs/reference/http and the types of the
 * npm package replicate 1.4.0. */
#ifndef DIALECT_REPLICATE_JOB_H
#define DIALECT_REPLICATE_JOB_H

#include "dialect/vendor.h"

struct replicate_how {
    const struct provider_entry *provider; /* Replicate's, for the names of models and inputs */
    const char *get, *cancel;              /* paths of ours */
    const char *stream;                    /* … that is signed; NULL: there is none */
    /* The answer to a create: what is not over is "starting", however far it is. The client takes
     * any other word for its end. */
    bool as_created;
};

/* "starting", "processing", … */
const char *replicate_job_word(const struct job *job);
/* The members of the prediction. */
void replicate_job_write(const struct vendor_job *told, const struct replicate_how *how);

#endif
