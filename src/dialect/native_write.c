#include "dialect/native_write.h"

#include "catalog/price.h"
#include "core/progress.h"
#include "dialect/native_hook.h"
#include "dialect/native_keys.h"
#include "dialect/native_provider.h"
#include "dialect/native_upload.h"
#include "dialect/native_usage.h"
#include "dialect/openapi.h"

#include <stdio.h>

const char *native_status(enum state state)
{
    static const char *const words[STATE_COUNT] = {
        [STATE_WAITING] = "queued",        [STATE_QUEUED] = "queued",
        [STATE_SUBMITTING] = "processing", [STATE_UNCERTAIN] = "processing",
        [STATE_RUNNING] = "processing",    [STATE_STORING] = "processing",
        [STATE_SUCCEEDED] = "completed",   [STATE_FAILED] = "failed",
        [STATE_CANCELED] = "canceled",     [STATE_EXPIRED] = "failed",
    };
    return words[state];
}

void native_write_error(const struct faults *faults, const char *request_id,
                        struct json_writer *writer)
{
    json_open_object(writer, NULL);
    json_bool(writer, "success", false);
    json_text(writer, "error", span_of(faults->sentence));
    json_text(writer, "errorCode", span_of(error_name(faults->code)));
    json_open_array(writer, "details");
    for (unsigned n = 0; n < faults->count; n++) {
        const struct fault *fault = &faults->list[n];
        json_open_object(writer, NULL);
        json_text_if(writer, "field", fault->field);
        json_text(writer, "problem", span_of(fault->problem));
        json_text_if(writer, "allowed", fault->allowed);
        json_close_object(writer);
    }
    json_close_array(writer);
    json_text_if(writer, "requestId", request_id);
    json_close_object(writer);
}

static void write_money(struct json_writer *writer, const char *name, int64_t micros)
{
    char amount[PRICE_TEXT_SIZE];
    price_write(micros, amount);
    json_raw(writer, name, span_of(amount));
}

static void write_cost(struct json_writer *writer, const struct job *job)
{
    json_open_object(writer, "cost");
    write_money(writer, "amount", job->paid + job->attempt.settled);
    json_text(writer, "currency", SPAN("USD"));
    json_bool(writer, "estimated", false);
    json_close_object(writer);
}

static void write_link(struct json_writer *writer, const struct answer *answer, const char *field,
                       const struct job *job, const char *name)
{
    struct buffer url;
    if (!name[0] || job->removed_at)
        return;
    buffer_init(&url, 4096);
    answer->link(answer->link_context, job, name, &url);
    json_text(writer, field, buffer_span(&url));
    buffer_done(&url);
}

static void write_output(struct json_writer *writer, const struct answer *answer,
                         const struct job *job, const struct job_output *output)
{
    write_link(writer, answer, "url", job, output->name);
    json_text(writer, "contentType", span_of(output->content_type));
    json_number(writer, "fileSizeBytes", output->size);
    if (output->duration)
        json_number(writer, "durationMs", output->duration);
    if (output->width)
        json_number(writer, "width", output->width);
    if (output->height)
        json_number(writer, "height", output->height);
    if (output->fps_milli)
        json_real_number(writer, "fps", output->fps_milli / 1000.0);
    json_text(writer, "sha256", span_of(output->sha256));
    write_link(writer, answer, "thumbnailUrl", job, output->thumbnail);
    if (output == &job->outputs[0] && job->words)
        json_raw(writer, "words", span_of(job->words));
}

static void write_outputs(struct json_writer *writer, const struct answer *answer, const char *name,
                          const struct job *job, bool is_late)
{
    unsigned results = job_results(job), first = is_late ? results : 0;
    json_open_array(writer, name);
    for (unsigned n = first; n < (is_late ? job->output_count : results); n++) {
        json_open_object(writer, NULL);
        write_output(writer, answer, job, &job->outputs[n]);
        json_close_object(writer);
    }
    json_close_array(writer);
}

static void write_result(struct json_writer *writer, const struct answer *answer,
                         const struct job *job)
{
    json_open_object(writer, "result");
    if (job_results(job) > 0)
        write_output(writer, answer, job, &job->outputs[0]);
    write_outputs(writer, answer, "outputs", job, false);
    json_close_object(writer);
    if (job_results(job) < job->output_count)
        write_outputs(writer, answer, "lateOutputs", job, true);
    json_number(writer, "processingTimeMs", job->ended_at - job->created_at);
    json_time(writer, "completedAt", job->ended_at);
    json_bool(writer, "cached", false);
    write_cost(writer, job);
    json_time(writer, "filesRemovedAt", job->removed_at);
    if (job->warnings)
        json_raw(writer, "warnings", span_of(job->warnings));
    else
        json_raw(writer, "warnings", SPAN("[]"));
}

/* What its provider made all the same, after the job had ended without. */
static void write_late(struct json_writer *writer, const struct answer *answer,
                       const struct job *job)
{
    if (job->output_count == 0)
        return;
    write_outputs(writer, answer, "lateOutputs", job, true);
    json_time(writer, "filesRemovedAt", job->removed_at);
    if (job->warnings)
        json_raw(writer, "warnings", span_of(job->warnings));
}

/* Since it started; the clock may have been set back. */
static ms_t spent_on(const struct answer *answer, const struct job *job)
{
    return job->started_at && answer->now > job->started_at ? answer->now - job->started_at : 0;
}

static void write_progress(struct json_writer *writer, const struct answer *answer,
                           const struct job *job)
{
    bool is_guess = progress_is_estimated(job);
    int progress = progress_of(job, answer->now);
    json_number(writer, "progress", progress);
    json_bool(writer, "progressEstimated", is_guess);
    json_text_if(writer, "stage",
                 is_guess && !job->stage[0] ? progress_words(progress) : job->stage);
    ms_t spent = spent_on(answer, job);
    ms_t left = answer->estimate > spent ? answer->estimate - spent : 0;
    if (is_guess)
        left = progress_left(job, answer->now);
    else if (job->progress >= 5 && spent > 0)
        left = spent * (100 - job->progress) / job->progress;
    if (job->state == STATE_STORING)
        left = 0;
    if (answer->estimate || is_guess || job->progress >= 5)
        json_number(writer, "etaSeconds", (left + MS_SECOND - 1) / MS_SECOND);
    json_time(writer, "startedAt", job->started_at);
}

static void write_waiting(struct json_writer *writer, const struct answer_waiting *waiting)
{
    if (!waiting->code)
        return;
    json_open_object(writer, "waitingFor");
    json_text(writer, "code", span_of(waiting->code));
    json_text(writer, "message", span_of(waiting->message));
    if (waiting->position)
        json_number(writer, "position", waiting->position);
    json_time(writer, "until", waiting->until);
    json_close_object(writer);
}

/* The row has the key of the job that this one repeats; its whole id stands in the options. */
static void write_retry_of(struct json_writer *writer, const struct job *job)
{
    if (!job->retry_of || !job->options)
        return;
    char fault[JSON_FAULT_SIZE];
    json_t *options = json_read(span_of(job->options), fault);
    json_text_if(writer, "retryOf", json_string_value(json_object_get(options, "retryOf")));
    json_decref(options);
}

/* The fields of a status, by state; `waiting` may be NULL (lists say nothing of it). */
static void write_status(struct json_writer *writer, const struct answer *answer,
                         const struct job *job, const struct answer_waiting *waiting)
{
    json_text(writer, "status", span_of(native_status(job->state)));
    json_text(writer, "jobId", span_of(job->id));
    json_text(writer, "model", span_of(job->model));
    json_text(writer, "state", span_of(state_name(job->state)));
    json_time(writer, "createdAt", job->created_at);
    json_raw(writer, "metadata", job->metadata ? span_of(job->metadata) : SPAN("{}"));
    json_number(writer, "priority", job->priority);
    if (job->state == STATE_UNCERTAIN)
        json_bool(writer, "uncertain", true);
    if (job->state == STATE_WAITING)
        json_time(writer, "startAt", job->start_at);
    if (!state_is_terminal(job->state))
        json_time(writer, "deadline", job->deadline);
    write_retry_of(writer, job);
    if (waiting)
        write_waiting(writer, waiting);
    if (state_is_in_flight(job->state)) {
        write_progress(writer, answer, job);
    } else if (job->state == STATE_SUCCEEDED) {
        write_result(writer, answer, job);
        json_time(writer, "startedAt", job->started_at);
    } else if (job->state == STATE_FAILED || job->state == STATE_EXPIRED) {
        json_text(writer, "error",
                  span_of(job->error_text[0] ? job->error_text : error_sentence(job->error)));
        json_text(writer, "errorCode", span_of(error_name(job->error)));
        json_bool(writer, "retryable", job->retryable);
        json_time(writer, "startedAt", job->started_at);
        json_time(writer, "failedAt", job->ended_at);
        write_late(writer, answer, job);
    } else if (job->state == STATE_CANCELED) {
        json_time(writer, "canceledAt", job->ended_at);
        write_late(writer, answer, job);
    }
    if (job->receipt != RECEIPT_NONE)
        json_text(writer, "receipt", span_of(receipt_name(job->receipt)));
}

int native_retry_after(const struct answer *answer, const struct job *job)
{
    ms_t left = answer->estimate;
    if (state_is_in_flight(job->state) && job->started_at) {
        ms_t spent = spent_on(answer, job);
        left = job->progress >= 5 ? spent * (100 - job->progress) / job->progress
               : left > spent     ? left - spent
                                  : MS_SECOND;
    }
    ms_t wait = left / 3 / MS_SECOND;
    ms_t until = answer->waiting.until;
    if (until > answer->now) /* nothing happens before */
        wait = (until - answer->now + MS_SECOND - 1) / MS_SECOND;
    return wait < 1 ? 1 : wait > 30 ? 30 : (int)wait;
}

static void add_header(const struct dialect_scene *scene, struct http_response *response,
                       const char *name, const char *value)
{
    (void)http_response_add(response, name, span_of(arena_copy(scene->arena, span_of(value))));
}

/* Whether the client has it already: If-None-Match, compared weakly (RFC 9110, 13.1.2). */
static bool is_known(struct span list, struct span etag)
{
    struct span part;
    etag = span_starts(etag, "W/") ? (struct span){etag.data + 2, etag.size - 2} : etag;
    while (span_take(&list, ',', &part)) {
        part = span_trim(part);
        if (span_is(part, "*"))
            return true;
        part = span_starts(part, "W/") ? (struct span){part.data + 2, part.size - 2} : part;
        if (part.size > 0 && span_equal(part, etag))
            return true;
    }
    return false;
}

static void add_number(const struct dialect_scene *scene, struct http_response *response,
                       const char *name, int number)
{
    char *text = arena_make(scene->arena, SPAN_NUMBER_SIZE);
    (void)http_response_add(response, name, (struct span){text, span_write_number(number, text)});
}

static void write_job(const struct dialect_scene *scene, const struct call *call,
                      const struct answer *answer, struct json_writer *writer,
                      struct http_response *response)
{
    const struct job *job = answer->jobs[0];
    response->status = 200;
    if (answer->etag.size) {
        (void)http_response_add(response, "ETag", answer->etag);
        (void)http_response_add(response, "Cache-Control", SPAN("private, no-cache"));
    }
    if (!state_is_terminal(job->state))
        add_number(scene, response, "Retry-After", native_retry_after(answer, job));
    if (call->kind == CALL_STATUS && answer->etag.size &&
        is_known(call->if_none_match, answer->etag)) {
        response->status = 304;
        return;
    }
    json_open_object(writer, NULL);
    if (call->kind != CALL_STATUS)
        json_bool(writer, "success", true);
    write_status(writer, answer, job, &answer->waiting);
    json_close_object(writer);
}

static void write_accepted(const struct dialect_scene *scene, const struct answer *answer,
                           struct json_writer *writer, struct http_response *response)
{
    const struct job *job = answer->jobs[0];
    const char *url = arena_print(scene->arena, "/api/v1/generate/%s", job->id);
    response->status = 202;
    add_header(scene, response, "Location", url);
    if (answer->replayed)
        add_header(scene, response, "Idempotency-Replayed", "true");
    json_open_object(writer, NULL);
    json_bool(writer, "success", true);
    json_text(writer, "jobId", span_of(job->id));
    if (answer->job_count > 1) {
        json_open_array(writer, "jobIds");
        for (unsigned n = 0; n < answer->job_count; n++)
            json_text(writer, NULL, span_of(answer->jobs[n]->id));
        json_close_array(writer);
    }
    json_text(writer, "model", span_of(job->model));
    json_text(writer, "status", span_of(native_status(job->state)));
    if (answer->joined)
        json_bool(writer, "joined", true);
    json_text(writer, "message",
              span_of(arena_print(scene->arena, "Job %s. Poll GET %s for its status.",
                                  native_status(job->state), url)));
    json_text(writer, "statusUrl", span_of(url));
    json_number(writer, "estimatedTimeSeconds", (answer->estimate + MS_SECOND - 1) / MS_SECOND);
    if (answer->note_count > 0) {
        json_open_array(writer, "warnings");
        for (unsigned n = 0; n < answer->note_count; n++)
            json_text(writer, NULL, span_of(answer->notes[n]));
        json_close_array(writer);
    }
    json_close_object(writer);
}

static void write_quote(const struct answer *answer, struct json_writer *writer)
{
    const struct answer_quote *quote = &answer->quote;
    json_open_object(writer, NULL);
    json_bool(writer, "valid", true);
    json_bool(writer, "configured", quote->configured);
    json_open_array(writer, "route");
    for (unsigned n = 0; n < quote->route_count; n++)
        json_text(writer, NULL, span_of(quote->route[n]->provider->name));
    json_close_array(writer);
    if (quote->price_known) {
        json_open_object(writer, "price");
        write_money(writer, "min", quote->price_min);
        write_money(writer, "max", quote->price_max);
        json_text(writer, "currency", SPAN("USD"));
        json_close_object(writer);
    } else {
        json_null_value(writer, "price");
    }
    native_usage_write_budget(&quote->budget, writer);
    json_number(writer, "estimatedTimeSeconds", (answer->estimate + MS_SECOND - 1) / MS_SECOND);
    json_close_object(writer);
}

static void write_list(const struct dialect_scene *scene, const struct answer *answer,
                       struct json_writer *writer)
{
    (void)scene;
    json_open_object(writer, NULL);
    json_open_array(writer, "items");
    for (unsigned n = 0; n < answer->job_count; n++) {
        json_open_object(writer, NULL);
        write_status(writer, answer, answer->jobs[n], NULL);
        if (answer->shows_tenant)
            json_text(writer, "tenant", span_of(answer->jobs[n]->tenant));
        json_close_object(writer);
    }
    json_close_array(writer);
    if (answer->next) {
        char cursor[ID_SIZE];
        id_write("cur_", answer->next, 0, cursor);
        json_text(writer, "nextCursor", span_of(cursor));
    } else {
        json_null_value(writer, "nextCursor");
    }
    json_close_object(writer);
}

static void write_attempts(const struct answer *answer, struct json_writer *writer)
{
    json_open_array(writer, "attempts");
    for (unsigned n = 0; n < answer->attempt_count; n++) {
        const struct attempt *attempt = &answer->attempts[n];
        json_open_object(writer, NULL);
        json_number(writer, "number", attempt->number);
        json_text(writer, "provider", span_of(attempt->provider));
        json_text(writer, "state", span_of(attempt_name(attempt->state)));
        json_text_if(writer, "remoteId", attempt->remote_id);
        json_time(writer, "intentAt", attempt->intent_at);
        json_time(writer, "acceptedAt", attempt->accepted_at);
        json_time(writer, "endedAt", attempt->ended_at);
        if (attempt->error != ERROR_NONE)
            json_text(writer, "errorCode", span_of(error_name(attempt->error)));
        json_close_object(writer);
    }
    json_close_array(writer);
}

static void write_timeline(const struct answer *answer, struct json_writer *writer)
{
    const struct job *job = answer->jobs[0];
    enum state first = answer->entry_count > 0 ? answer->entries[0].from : job->state;
    json_open_object(writer, NULL);
    json_text(writer, "jobId", span_of(job->id));
    json_open_array(writer, "items");
    json_open_object(writer, NULL);
    json_time(writer, "at", job->created_at);
    json_text(writer, "to", span_of(state_name(first)));
    json_text(writer, "note", SPAN("Accepted."));
    json_close_object(writer);
    for (unsigned n = 0; n < answer->entry_count; n++) {
        const struct timeline_entry *entry = &answer->entries[n];
        json_open_object(writer, NULL);
        json_time(writer, "at", entry->at);
        json_text(writer, "from", span_of(state_name(entry->from)));
        json_text(writer, "to", span_of(state_name(entry->to)));
        if (entry->attempt)
            json_number(writer, "attempt", entry->attempt);
        if (entry->error != ERROR_NONE)
            json_text(writer, "errorCode", span_of(error_name(entry->error)));
        json_text_if(writer, "note", entry->note);
        json_close_object(writer);
    }
    json_close_array(writer);
    write_attempts(answer, writer);
    json_close_object(writer);
}

static void write_models(const struct answer *answer, struct json_writer *writer)
{
    json_open_object(writer, NULL);
    json_open_array(writer, "items");
    for (size_t n = 0; n < catalog_model_count(answer->catalog); n++)
        describe_model(catalog_model_at(answer->catalog, n), answer->describe, writer);
    json_close_array(writer);
    json_close_object(writer);
}

static void write_stats(const struct answer *answer, struct json_writer *writer)
{
    const struct answer_stats *stats = answer->stats;
    json_open_object(writer, NULL);
    json_number(writer, "activeOperations", stats->active);
    json_open_array(writer, "operations");
    for (unsigned n = 0; n < stats->operation_count; n++) {
        ms_t elapsed = answer->now - stats->operations[n].since;
        json_open_object(writer, NULL);
        json_text(writer, "operation", span_of(stats->operations[n].model));
        json_number(writer, "elapsed", elapsed > 0 ? elapsed : 0);
        json_close_object(writer);
    }
    json_close_array(writer);
    json_open_object(writer, "workers");
    json_number(writer, "maxWorkers", stats->workers);
    json_number(writer, "activeJobs", stats->workers_active);
    json_number(writer, "queuedJobs", stats->workers_queued);
    json_close_object(writer);
    json_close_object(writer);
}

enum { RETRY_SECONDS = 5 /* where nobody knows better */ };

static void write_refusal(const struct dialect_scene *scene, const struct answer *answer,
                          struct json_writer *writer, struct http_response *response)
{
    const struct faults *faults = answer->refusal;
    response->status = error_status(faults->code);
    if (response->status == 429 || faults->code == ERROR_STORAGE_FULL)
        add_number(scene, response, "Retry-After",
                   answer->retry_seconds > 0 ? (int)answer->retry_seconds : RETRY_SECONDS);
    if (response->status == 401)
        add_header(scene, response, "WWW-Authenticate", "Bearer realm=\"reel\"");
    if (!error_retryable(faults->code))
        add_header(scene, response, "x-should-retry", "false");
    native_write_error(faults, answer->request_id, writer);
}

void native_write(const struct dialect_scene *scene, const struct call *call,
                  const struct answer *answer, struct buffer *body,
                  struct http_response *ret_response)
{
    struct json_writer writer;
    struct span type = SPAN("application/json");
    json_writer_init(&writer, body);
    ret_response->status = 200;
    if (answer->refusal) {
        write_refusal(scene, answer, &writer, ret_response);
    } else if (call->kind == CALL_ASK && call->ask.dry_run) {
        write_quote(answer, &writer);
    } else if (call->kind == CALL_ASK || call->kind == CALL_RETRY) {
        write_accepted(scene, answer, &writer, ret_response);
    } else if (call->kind == CALL_LIST) {
        write_list(scene, answer, &writer);
    } else if (call->kind == CALL_TIMELINE) {
        write_timeline(answer, &writer);
    } else if (call->kind == CALL_STATS) {
        write_stats(answer, &writer);
    } else if (call->kind == CALL_MODELS) {
        write_models(answer, &writer);
    } else if (call->kind == CALL_OPENAPI) {
        openapi_write(answer->catalog, body);
    } else if (call->kind == CALL_UPLOAD || call->kind == CALL_UPLOAD_STATUS) {
        native_upload_write(scene, call, answer->upload, &writer, ret_response);
    } else if (call->kind == CALL_DELETE || call->kind == CALL_UPLOAD_DELETE) {
        native_upload_write_deleted(call, &writer);
    } else if (call->kind == CALL_DELIVERIES || call->kind == CALL_REDELIVER) {
        bool is_one = call->kind == CALL_REDELIVER;
        ret_response->status = is_one ? 202 : 200;
        native_hook_write_deliveries(answer, is_one, &writer);
    } else if (call->kind == CALL_SECRET || call->kind == CALL_ROTATE) {
        (void)http_response_add(ret_response, "Cache-Control", SPAN("no-store"));
        native_hook_write_secret(answer, &writer);
    } else if (call->kind == CALL_HOOK_TEST) {
        native_hook_write_test(answer, &writer);
    } else if (call->kind == CALL_USAGE) {
        type = native_usage_write(call, answer->usage, body);
    } else if (call->kind == CALL_PROVIDERS || call->kind == CALL_PROVIDER_PAUSE) {
        native_provider_write(call, answer, &writer);
    } else if (call->kind == CALL_MODEL) {
        describe_model(answer->model, answer->describe, &writer);
    } else if (call->kind >= CALL_KEYS && call->kind <= CALL_TENANT_SET) {
        native_keys_write(scene, call, answer, &writer, ret_response);
    } else {
        write_job(scene, call, answer, &writer, ret_response);
    }
    if (body->size > 0)
        (void)http_response_add(ret_response, "Content-Type", type);
    ret_response->body = buffer_span(body);
}
