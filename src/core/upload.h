/* A client's file, as core and store know it: a row beside a file in the depot. It is used as
 * reel://upl_… by jobs; while a job that has not ended names it, it is neither deleted nor swept.
 */
#ifndef CORE_UPLOAD_H
#define CORE_UPLOAD_H

#include "core/job.h"

struct upload {
    int64_t key; /* inside the id too; of another number series than the jobs' keys */
    char id[ID_SIZE];
    char tenant[JOB_TENANT_SIZE];
    char content_type[JOB_TYPE_SIZE];
    char sha256[JOB_SHA256_SIZE];
    int64_t size; /* bytes */
    ms_t created_at, expires_at;
};

/* What jobs can read from: a job's outputs go by its key, an upload by minus its key. */
static inline int64_t upload_source(int64_t key)
{
    return -key;
}

#endif
