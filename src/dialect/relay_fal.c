/* Answers as fal's queue gives them (fal_job.h). */
#include "dialect/fal_job.h"
#include "dialect/relay.h"

static struct vendor_job told_of(const struct relay *relay)
{
    return vendor_job_of(relay->scene, relay->call, relay->answer, relay->writer);
}

static struct fal_how how_of(const struct relay *relay)
{
    return (struct fal_how){
        .response = relay_path(relay, "result"),
        .status = relay_path(relay, "status"),
        .cancel = relay_path(relay, "cancel"),
    };
}

static void fal_submitted(const struct relay *relay)
{
    const struct vendor_job told = told_of(relay);
    const struct fal_how how = how_of(relay);
    fal_job_write_request(&told, &how);
}

static void fal_status(const struct relay *relay)
{
    const struct vendor_job told = told_of(relay);
    const struct fal_how how = how_of(relay);
    relay->response->status = fal_job_write_status(&told, &how);
}

static void fal_result(const struct relay *relay)
{
    const struct vendor_job told = told_of(relay);
    fal_job_write_result(&told);
}

static void fal_canceled(const struct relay *relay)
{
    const struct vendor_job told = told_of(relay);
    relay->response->status = fal_job_write_cancel(&told);
}

const struct relay_words relay_fal = {
    .provider = "fal",
    .submitted = fal_submitted,
    .status = fal_status,
    .result = fal_result,
    .canceled = fal_canceled,
};
