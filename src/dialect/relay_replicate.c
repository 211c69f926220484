/* Answers as Replicate's predictions (replicate_job.h). A create is 201; every answer is the whole
 * prediction. */
#include "dialect/relay.h"
#include "dialect/replicate_job.h"

static void write_prediction(const struct relay *relay)
{
    const struct vendor_job told =
        vendor_job_of(relay->scene, relay->call, relay->answer, relay->writer);
    const struct replicate_how how = {
        .provider = relay->call->route->provider,
        .get = relay_path(relay, "status"),
        .cancel = relay_path(relay, "cancel"),
    };
    replicate_job_write(&told, &how);
}

static void replicate_submitted(const struct relay *relay)
{
    relay->response->status = 201;
    write_prediction(relay);
}

const struct relay_words relay_replicate = {
    .provider = "replicate",
    .submitted = replicate_submitted,
    .status = write_prediction,
    .result = write_prediction,
    .canceled = write_prediction,
};
