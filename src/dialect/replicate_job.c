#include "dialect/replicate_job.h"

#include "dialect/relay.h"

#include <string.h>

const char *replicate_job_word(const struct job *job)
{
    static const char *const list[STATE_COUNT] = {
        [STATE_WAITING] = "starting",      [STATE_QUEUED] = "starting",
        [STATE_SUBMITTING] = "processing", [STATE_UNCERTAIN] = "processing",
        [STATE_RUNNING] = "processing",    [STATE_STORING] = "processing",
        [STATE_SUCCEEDED] = "succeeded",   [STATE_FAILED] = "failed",
        [STATE_CANCELED] = "canceled",     [STATE_EXPIRED] = "failed",
    };
    if (job->state == STATE_CANCELED && !job->started_at)
        return "aborted";
    return list[job->state];
}

static void write_output(const struct vendor_job *told)
{
    const struct job *job = told->job;
    if (job->state != STATE_SUCCEEDED || job_results(job) == 0 || job->removed_at) {
        json_null_value(told->writer, "output");
        return;
    }
    if (job_results(job) == 1) {
        vendor_write_file(told, "output", job->outputs[0].name);
        return;
    }
    json_open_array(told->writer, "output");
    for (unsigned n = 0; n < job_results(job); n++)
        vendor_write_file(told, NULL, job->outputs[n].name);
    json_close_array(told->writer);
}

/* The words by which clients know why: the text is all that a prediction says of it. */
static void write_error(const struct vendor_job *told)
{
    static const struct {
        enum error_code code;
        const char *before, *after;
    } marks[] = {
        {ERROR_CONTENT_POLICY, "", " (E005)"},
        {ERROR_OUT_OF_MEMORY, "", " (E1001)"},
        {ERROR_PROVIDER_UNAVAILABLE, "", " (E004)"},
        {ERROR_INPUT_UNREACHABLE, "Input validation error: ", ""},
    };
    const struct job *job = told->job;
    const char *before = "", *after = "";
    struct span text = vendor_error(job);
    if (job->state != STATE_FAILED && job->state != STATE_EXPIRED) {
        json_null_value(told->writer, "error");
        return;
    }
    for (size_t n = 0; n < sizeof marks / sizeof marks[0]; n++) {
        if (marks[n].code != job->error)
            continue;
        before = marks[n].before;
        after = memmem(text.data, text.size, "(E", 2) ? "" : marks[n].after;
    }
    json_text(told->writer, "error",
              span_of(arena_print(told->arena, "%s%.*s%s", before, SPAN_PRINT(text), after)));
}

/* Where the client wants to be called, for who finds its own by that. */
static void write_hook(const struct vendor_job *told)
{
    char fault[JSON_FAULT_SIZE];
    const char *text = told->job->options;
    json_t *options = text ? json_read(span_of(text), fault) : NULL;
    if (span_is(json_span(json_object_get(options, "webhookDialect")), "replicate"))
        json_text(told->writer, "webhook", json_span(json_object_get(options, "webhookUrl")));
    json_decref(options);
}

/* Seconds: predict_time is the run's, total_time is from creation to end. */
static void write_times(const struct vendor_job *told)
{
    const struct job *job = told->job;
    json_time(told->writer, "created_at", job->created_at);
    json_time(told->writer, "started_at", job->started_at);
    if (!state_is_terminal(job->state))
        return;
    json_time(told->writer, "completed_at", job->ended_at);
    json_open_object(told->writer, "metrics");
    if (job->started_at)
        json_real_number(told->writer, "predict_time",
                         (double)(job->ended_at - job->started_at) / (double)MS_SECOND);
    json_real_number(told->writer, "total_time",
                     (double)(job->ended_at - job->created_at) / (double)MS_SECOND);
    json_close_object(told->writer);
}

static void write_logs(const struct vendor_job *told)
{
    struct buffer text, bar;
    buffer_init(&text, 512);
    buffer_init(&bar, 256);
    if (vendor_add_bar(told->job, &bar))
        buffer_print(&text, "%s%s%.*s\n", told->job->stage, told->job->stage[0] ? "\n" : "",
                     SPAN_PRINT(buffer_span(&bar)));
    json_text(told->writer, "logs", buffer_span(&text));
    buffer_done(&bar);
    buffer_done(&text);
}

static void write_urls(const struct vendor_job *told, const struct replicate_how *how)
{
    json_open_object(told->writer, "urls");
    vendor_write_address(told, "get", how->get);
    vendor_write_address(told, "cancel", how->cancel);
    if (how->stream && told->signed_address) {
        struct buffer url;
        buffer_init(&url, 8192);
        told->signed_address(told->link_context, span_of(how->stream), &url);
        json_text(told->writer, "stream", buffer_span(&url));
        buffer_done(&url);
    }
    json_close_object(told->writer);
}

void replicate_job_write(const struct vendor_job *told, const struct replicate_how *how)
{
    struct json_writer *writer = told->writer;
    const struct job *job = told->job;
    const struct model *model = catalog_find(told->catalog, span_of(job->model));
    const struct offer *offer = model ? relay_offer(model, how->provider) : NULL;
    const struct offer *theirs = offer && offer->provider == how->provider ? offer : NULL;
    const char *version =
        json_string_value(json_object_get(theirs ? theirs->details : NULL, "version"));
    bool is_new = how->as_created && !state_is_terminal(job->state);
    json_text(writer, "id", span_of(job->id));
    json_text(writer, "model", span_of(theirs && *theirs->slug ? theirs->slug : job->model));
    json_text(writer, "version", span_of(version ? version : "hidden"));
    vendor_write_input(told, "input", theirs);
    write_logs(told);
    write_output(told);
    json_bool(writer, "data_removed", job->removed_at != 0);
    write_error(told);
    json_text(writer, "status", span_of(is_new ? "starting" : replicate_job_word(job)));
    json_text(writer, "source", SPAN("api"));
    write_hook(told);
    write_times(told);
    write_urls(told, how);
}
