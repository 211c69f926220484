#include "dialect/fal_job.h"

const char *fal_job_word(enum state state)
{
    static const char *const list[STATE_COUNT] = {
        [STATE_WAITING] = "IN_QUEUE",       [STATE_QUEUED] = "IN_QUEUE",
        [STATE_SUBMITTING] = "IN_PROGRESS", [STATE_UNCERTAIN] = "IN_PROGRESS",
        [STATE_RUNNING] = "IN_PROGRESS",    [STATE_STORING] = "IN_PROGRESS",
        [STATE_SUCCEEDED] = "COMPLETED",    [STATE_FAILED] = "COMPLETED",
        [STATE_CANCELED] = "COMPLETED",     [STATE_EXPIRED] = "COMPLETED",
    };
    return list[state];
}

/* fal's word for why a request ended without a result. */
const char *fal_job_error_type(const struct job *job)
{
    static const struct {
        enum error_code code;
        const char *type;
    } list[] = {
        {ERROR_CONTENT_POLICY, "content_policy_violation"},
        {ERROR_INPUT_UNREACHABLE, "file_download_error"},
        {ERROR_VALIDATION, "bad_request"},
        {ERROR_PROVIDER_REJECTED, "bad_request"},
        {ERROR_TIMEOUT, "generation_timeout"},
        {ERROR_EXPIRED, "request_timeout"},
        {ERROR_PROVIDER_UNAVAILABLE, "downstream_service_unavailable"},
    };
    if (job->state == STATE_CANCELED)
        return "client_cancelled";
    for (size_t n = 0; n < sizeof list / sizeof list[0]; n++)
        if (list[n].code == job->error)
            return list[n].type;
    return "internal_server_error";
}

static void write_end(const struct vendor_job *told)
{
    const struct job *job = told->job;
    json_open_object(told->writer, "metrics");
    if (job->started_at)
        json_real_number(told->writer, "inference_time",
                         (double)(job->ended_at - job->started_at) / (double)MS_SECOND);
    else
        json_null_value(told->writer, "inference_time");
    json_close_object(told->writer);
    if (job->state == STATE_SUCCEEDED)
        return;
    json_text(told->writer, "error", vendor_error(job));
    json_text(told->writer, "error_type", span_of(fal_job_error_type(job)));
}

static void write_line(const struct vendor_job *told, struct span message)
{
    const struct job *job = told->job;
    json_open_object(told->writer, NULL);
    json_text(told->writer, "message", message);
    json_text(told->writer, "level", SPAN("INFO"));
    json_text(told->writer, "source", SPAN("USER"));
    json_time(told->writer, "timestamp", job->ended_at ? job->ended_at : job->started_at);
    json_close_object(told->writer);
}

/* What it is at, and how far; fal's are what the model prints. */
static void write_logs(const struct vendor_job *told, const struct fal_how *how)
{
    struct buffer bar;
    if (!how->logs) {
        json_null_value(told->writer, "logs");
        return;
    }
    buffer_init(&bar, 256);
    json_open_array(told->writer, "logs");
    if (vendor_add_bar(told->job, &bar)) {
        if (told->job->stage[0])
            write_line(told, span_of(told->job->stage));
        write_line(told, buffer_span(&bar));
    }
    json_close_array(told->writer);
    buffer_done(&bar);
}

void fal_job_write_request(const struct vendor_job *told, const struct fal_how *how)
{
    json_text(told->writer, "status", span_of(fal_job_word(told->job->state)));
    json_text(told->writer, "request_id", span_of(told->job->id));
    vendor_write_address(told, "response_url", how->response);
    vendor_write_address(told, "status_url", how->status);
    vendor_write_address(told, "cancel_url", how->cancel);
    /* Ours counts from 1, fal's is how many are ahead. */
    if (told->position > 0)
        json_number(told->writer, "queue_position", told->position - 1);
}

int fal_job_write_status(const struct vendor_job *told, const struct fal_how *how)
{
    bool over = state_is_terminal(told->job->state);
    fal_job_write_request(told, how);
    write_logs(told, how);
    if (over)
        write_end(told);
    return over ? 200 : 202;
}

int fal_job_write_cancel(const struct vendor_job *told)
{
    bool late = told->job->state != STATE_CANCELED;
    json_text(told->writer, "status",
              late ? SPAN("ALREADY_COMPLETED") : SPAN("CANCELLATION_REQUESTED"));
    return late ? 400 : 202;
}

static void write_output(const struct vendor_job *told, const struct job_output *output)
{
    struct json_writer *writer = told->writer;
    vendor_write_file(told, "url", output->name);
    json_text(writer, "content_type", span_of(output->content_type));
    json_text(writer, "file_name", span_of(output->name));
    json_number(writer, "file_size", output->size);
    if (output->width)
        json_number(writer, "width", output->width);
    if (output->height)
        json_number(writer, "height", output->height);
    if (output->fps_milli)
        json_real_number(writer, "fps", output->fps_milli / 1000.0);
    if (output->duration)
        json_real_number(writer, "duration", (double)output->duration / (double)MS_SECOND);
}

/* The result is the model's own object: a video or a sound by itself, pictures in a list. */
void fal_job_write_result(const struct vendor_job *told)
{
    const struct job *job = told->job;
    struct span type = job_results(job) > 0 ? span_of(job->outputs[0].content_type) : SPAN("");
    struct json_writer *writer = told->writer;
    if (job_results(job) == 0)
        return;
    if (span_starts(type, "image/")) {
        json_open_array(writer, "images");
        for (unsigned n = 0; n < job_results(job); n++) {
            json_open_object(writer, NULL);
            write_output(told, &job->outputs[n]);
            json_close_object(writer);
        }
        json_close_array(writer);
        return;
    }
    json_open_object(writer, span_starts(type, "audio/") ? "audio" : "video");
    write_output(told, &job->outputs[0]);
    json_close_object(writer);
}
