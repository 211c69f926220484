/* POST /api/v1/jobs/{id}/retry: a new job of the same input, through the catalogue again, for it
 * may have changed. */
#include "app/ingress_private.h"
#include "catalog/input.h"
#include "dialect/call_input.h"

void retry_run(struct request *request)
{
    struct job job;
    char fault[JSON_FAULT_SIZE];
    struct arena *arena = exchange_arena(request->exchange);
    struct call_ask *ask = &request->call.ask;
    if (!call_read_job(request, request->call.job, &job))
        return;
    ask->model = catalog_find(request->ingress->shared->catalog, span_of(job.model));
    ask->count = 1;
    ask->priority = job.priority;
    ask->metadata = job.metadata ? span_of(arena_copy(arena, span_of(job.metadata))) : SPAN("");
    hook_retry(request, &job);
    json_t *input = json_read(span_of(job.input), fault);
    if (!state_is_terminal(job.state))
        ingress_refuse(request, ERROR_CONFLICT,
                       "The job is %s; only a job that has ended can be tried again.",
                       state_name(job.state));
    else if (job.error == ERROR_SUBMISSION_UNCERTAIN && !request->call.accept_double_charge)
        ingress_refuse(request, ERROR_CONFLICT,
                       "The provider may have been paid for this job already; "
                       "acceptDoubleCharge: true tries it again all the same.");
    else if (!ask->model)
        ingress_refuse(request, ERROR_MODEL_RETIRED, "The model %s is not in the catalogue.",
                       job.model);
    else if (!input || !input_check(ask->model, input, &request->faults, &ask->input))
        ingress_refuse(request, ERROR_VALIDATION, "The job's input is not valid any more.");
    else {
        call_input_find(ask, arena, &request->faults);
        call_ask(request, job.key);
    }
    json_decref(input);
    reader_job_done(&job);
}
