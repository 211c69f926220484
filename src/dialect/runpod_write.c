/* RunPod's protocol: the answers. */
#include "dialect/native_write.h"
#include "dialect/runpod.h"

#include <string.h>

static const char *word_of(const struct job *job)
{
    static const char *const list[STATE_COUNT] = {
        [STATE_WAITING] = "IN_QUEUE",       [STATE_QUEUED] = "IN_QUEUE",
        [STATE_SUBMITTING] = "IN_PROGRESS", [STATE_UNCERTAIN] = "IN_PROGRESS",
        [STATE_RUNNING] = "IN_PROGRESS",    [STATE_STORING] = "IN_PROGRESS",
        [STATE_SUCCEEDED] = "COMPLETED",    [STATE_FAILED] = "FAILED",
        [STATE_CANCELED] = "CANCELLED",     [STATE_EXPIRED] = "TIMED_OUT",
    };
    return job->state == STATE_FAILED && job->error == ERROR_TIMEOUT ? "TIMED_OUT"
                                                                     : list[job->state];
}

/* What its own workers return: the first file under the name of its kind, and as `url`. */
static void write_output(const struct vendor_job *told, const char *name)
{
    const struct job *job = told->job;
    const struct job_output *first = &job->outputs[0];
    const char *kind = strncmp(first->content_type, "video/", 6) == 0   ? "video_url"
                       : strncmp(first->content_type, "image/", 6) == 0 ? "image_url"
                       : strncmp(first->content_type, "audio/", 6) == 0 ? "audio_url"
                                                                        : "output_url";
    json_open_object(told->writer, name);
    vendor_write_file(told, "url", first->name);
    vendor_write_file(told, kind, first->name);
    json_text(told->writer, "content_type", span_of(first->content_type));
    json_number(told->writer, "file_size", first->size);
    if (job_results(job) > 1) {
        json_open_array(told->writer, "urls");
        for (unsigned n = 0; n < job_results(job); n++)
            vendor_write_file(told, NULL, job->outputs[n].name);
        json_close_array(told->writer);
    }
    json_close_object(told->writer);
}

static bool has_output(const struct job *job)
{
    return job->state == STATE_SUCCEEDED && job_results(job) > 0;
}

static void write_progress(const struct vendor_job *told)
{
    const struct job *job = told->job;
    json_open_object(told->writer, "output");
    json_number(told->writer, "progress", job->progress);
    json_text_if(told->writer, "stage", job->stage);
    json_close_object(told->writer);
}

/* delayTime is the wait before the run, executionTime the run. */
static void write_times(const struct vendor_job *told)
{
    const struct job *job = told->job;
    if (!job->started_at)
        return;
    json_number(told->writer, "delayTime", job->started_at - job->created_at);
    if (job->ended_at)
        json_number(told->writer, "executionTime", job->ended_at - job->started_at);
}

static void write_status(const struct vendor_job *told)
{
    const struct job *job = told->job;
    json_text(told->writer, "id", span_of(job->id));
    json_text(told->writer, "status", span_of(word_of(job)));
    write_times(told);
    if (has_output(job))
        write_output(told, "output");
    else if (state_is_in_flight(job->state) && job->started_at)
        write_progress(told);
    else if (job->state == STATE_FAILED || job->state == STATE_EXPIRED)
        json_text(told->writer, "error", vendor_error(job));
}

/* All at its end, for no model of ours yields as it goes. */
static void write_stream(const struct vendor_job *told)
{
    json_text(told->writer, "id", span_of(told->job->id));
    json_text(told->writer, "status", span_of(word_of(told->job)));
    json_open_array(told->writer, "stream");
    if (has_output(told->job)) {
        json_open_object(told->writer, NULL);
        write_output(told, "output");
        json_close_object(told->writer);
    }
    json_close_array(told->writer);
    if (told->job->state == STATE_FAILED || told->job->state == STATE_EXPIRED)
        json_text(told->writer, "error", vendor_error(told->job));
}

static void write_short(const struct vendor_job *told, bool is_new)
{
    json_text(told->writer, "id", span_of(told->job->id));
    json_text(told->writer, "status", span_of(is_new ? "IN_QUEUE" : word_of(told->job)));
}

static void write_load(const struct answer_load *load, struct json_writer *writer)
{
    unsigned idle = load->workers > load->workers_active ? load->workers - load->workers_active : 0;
    json_open_object(writer, "jobs");
    json_number(writer, "completed", load->succeeded);
    json_number(writer, "failed", load->failed);
    json_number(writer, "inProgress", load->in_flight);
    json_number(writer, "inQueue", load->queued);
    json_number(writer, "retried", 0);
    json_close_object(writer);
    json_open_object(writer, "workers");
    json_number(writer, "idle", idle);
    json_number(writer, "initializing", 0);
    json_number(writer, "ready", load->workers);
    json_number(writer, "running", load->workers_active);
    json_number(writer, "throttled", 0);
    json_close_object(writer);
}

static void write_requests(struct vendor_job told, const struct answer *answer)
{
    json_open_array(told.writer, "requests");
    for (unsigned n = 0; n < answer->job_count; n++) {
        told.job = answer->jobs[n];
        json_open_object(told.writer, NULL);
        write_status(&told);
        json_close_object(told.writer);
    }
    json_close_array(told.writer);
}

static void write_refusal(const struct dialect_scene *scene, const struct answer *answer,
                          struct json_writer *writer, struct http_response *response)
{
    const struct faults *faults = answer->refusal;
    response->status = error_status(faults->code);
    json_text(writer, "error", span_of(faults->sentence));
    json_number(writer, "status", response->status);
    json_text(writer, "title", span_of(http_status_name(response->status)));
    vendor_refusal_headers(scene, answer, response);
}

static void write_job(const struct vendor_job *told, const struct call *call)
{
    bool is_new = (call->kind == CALL_ASK && !call->until_end) || call->kind == CALL_RETRY;
    if (strcmp(call->route->action, "stream") == 0)
        write_stream(told);
    else if (is_new || call->kind == CALL_CANCEL)
        write_short(told, is_new);
    else
        write_status(told);
}

void runpod_write(const struct dialect_scene *scene, const struct call *call,
                  const struct answer *answer, struct buffer *body,
                  struct http_response *ret_response)
{
    struct json_writer writer;
    if (!answer->refusal && call->kind == CALL_ASK && call->ask.dry_run) {
        native_write(scene, call, answer, body, ret_response);
        return;
    }
    json_writer_init(&writer, body);
    const struct vendor_job told = vendor_job_of(scene, call, answer, &writer);
    ret_response->status = 200;
    (void)http_response_add(ret_response, "Content-Type", SPAN("application/json"));
    json_open_object(&writer, NULL);
    if (answer->refusal) {
        write_refusal(scene, answer, &writer, ret_response);
    } else if (call->kind == CALL_LOAD) {
        write_load(answer->load, &writer);
    } else if (call->kind == CALL_PURGE) {
        json_number(&writer, "removed", answer->removed);
        json_text(&writer, "status", SPAN("completed"));
    } else if (call->kind == CALL_LIST) {
        write_requests(told, answer);
    } else {
        write_job(&told, call);
    }
    json_close_object(&writer);
    ret_response->body = buffer_span(body);
}

/* The whole envelope, with the input, which a status does not show. */
void runpod_hook(const struct vendor_job *told, const struct hook_insert *hook)
{
    (void)hook;
    json_open_object(told->writer, NULL);
    write_status(told);
    json_raw(told->writer, "input", told->job->input ? span_of(told->job->input) : SPAN("{}"));
    json_close_object(told->writer);
}
