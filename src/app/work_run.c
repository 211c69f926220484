/* A work while a worker or a program has it: what they are given, and what comes of it. */
#include "app/work_private.h"

#include "edge/clock.h"

static void give_to_worker(struct work *work)
{
    static const struct worker_calls calls = {work_post_line, work_post_ended};
    struct buffer request;
    if (depot_give_work(work->works->config.depot, span_of(work->job_id), work->attempt) !=
        DEPOT_OK) {
        work_fail(work, ERROR_INTERNAL, true, "The work folder could not be given to a worker.");
        work_over(work);
        return;
    }
    buffer_init(&request, CHILD_WRITE_MAX - 2);
    if (work->inspects)
        work_fetch_request(work, &request);
    else
        work_request(work, &request);
    work->stage = WORK_WORKING;
    work_weigh(work);
    bool runs = !request.failed && worker_run(work->works->config.pool, span_of(work->name),
                                              buffer_span(&request), &calls, work);
    if (!runs && (work->inspects || work->works->config.is_sandbox) && !request.failed) {
        work_fetch_wait(work);
    } else if (!runs) {
        work_fail(work, ERROR_INTERNAL, true, "No worker could take the job.");
        work_over(work);
    }
    buffer_done(&request);
}

void work_run(struct work *work)
{
    if (work->command && !work->inspects)
        work_command_start(work);
    else
        give_to_worker(work);
}

void work_stop_running(struct work *work)
{
    if (work->command && work->command->program)
        program_stop(work->works->programs, work->command->program);
    else
        worker_stop(work->works->config.pool, span_of(work->name));
}

void work_ended(struct work *work, const struct worker_end *end)
{
    if (work->is_fetch) {
        work_fetch_inspected(work, end);
    } else if (work->command && work->command->program) {
        work_command_ended(work);
    } else if (work->stopped || (end->how == WORKER_STOPPED && work->error == ERROR_NONE)) {
        work->stopped = true;
        work_over(work);
    } else if (end->how == WORKER_DONE && work->error == ERROR_NONE) {
        work->stage = WORK_WORKED;
        work_post(work->works, work_message(work, WORKED_MADE));
    } else {
        if (end->how != WORKER_FAILED)
            work_fail(work, ERROR_PROVIDER_FAILED, true, "%s", end->sentence);
        work_fail(work, ERROR_INTERNAL, true, "The worker failed and did not say why.");
        work_over(work);
    }
}

void work_take_line(struct work *work, enum worker_event event, struct span line)
{
    if (event == WORKER_EVENT_DONE)
        work_read_done(work, line);
    else if (event == WORKER_EVENT_FAILED)
        work_read_failed(work, line);
    else if (!work->stopped && !work->inspects)
        work_read_progress(work, line, clock_monotonic());
}
