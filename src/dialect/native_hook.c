#include "dialect/native_hook.h"

#include "base/crypto.h"
#include "catalog/reference.h"
#include "dialect/native_ask.h"
#include "dialect/native_write.h"

enum { SECRET_BYTES_MIN = 24, SECRET_BYTES_MAX = 64 };

bool native_hook_is_secret(struct span text)
{
    struct buffer bytes;
    if (!span_starts(text, "whsec_") || text.size >= HOOK_SECRET_SIZE)
        return false;
    buffer_init(&bytes, HOOK_SECRET_SIZE);
    bool good = crypto_base64_read((struct span){text.data + 6, text.size - 6}, &bytes) &&
                bytes.size >= SECRET_BYTES_MIN && bytes.size <= SECRET_BYTES_MAX;
    buffer_done(&bytes);
    return good;
}

/* ---------------------------------------------------------------- the body */

static void write_result(struct json_writer *writer, const struct job *job, struct span url)
{
    const struct job_output *output = &job->outputs[0];
    json_open_object(writer, "result");
    if (job_results(job) > 0) {
        json_text(writer, "url", url);
        json_text(writer, "contentType", span_of(output->content_type));
        json_number(writer, "fileSizeBytes", output->size);
    }
    json_number(writer, "processingTimeMs", job->ended_at - job->created_at);
    json_close_object(writer);
}

static void write_end(struct json_writer *writer, const struct job *job, struct span url)
{
    json_text(writer, "status", span_of(native_status(job->state)));
    if (job->state == STATE_SUCCEEDED) {
        write_result(writer, job, url);
    } else if (job->state == STATE_CANCELED) {
        json_text(writer, "receipt", span_of(receipt_name(job->receipt)));
    } else {
        json_text(writer, "error",
                  span_of(job->error_text[0] ? job->error_text : error_sentence(job->error)));
        json_text(writer, "errorCode", span_of(error_name(job->error)));
    }
}

void native_hook_body(const struct hook_insert *hook,
                      void (*link)(void *context, const struct job *job, const char *name,
                                   struct buffer *target),
                      void *link_context, struct buffer *target)
{
    const struct job *job = hook->job;
    struct json_writer writer;
    struct buffer url;
    buffer_init(&url, 4096);
    json_writer_init(&writer, target);
    json_open_object(&writer, NULL);
    json_text(&writer, "event", span_of(notify_event_name(hook->row.event)));
    json_text(&writer, "jobId", span_of(job->id));
    json_text(&writer, "model", span_of(job->model));
    if (hook->row.event == NOTIFY_COMPLETED) {
        if (job->state == STATE_SUCCEEDED && job_results(job) > 0)
            link(link_context, job, job->outputs[0].name, &url);
        write_end(&writer, job, buffer_span(&url));
    } else {
        json_text(&writer, "status", SPAN("processing"));
    }
    if (hook->row.event == NOTIFY_PROGRESS) {
        json_number(&writer, "progress", hook->progress);
        json_text_if(&writer, "stage", hook->stage);
    }
    json_number(&writer, "sequence", hook->row.number);
    json_time(&writer, "createdAt", hook->row.created_at);
    json_raw(&writer, "metadata", job->metadata ? span_of(job->metadata) : SPAN("{}"));
    json_close_object(&writer);
    buffer_done(&url);
}

/* ---------------------------------------------------------------- requests */

void native_hook_read_number(const struct route_match *match, const struct dialect_scene *scene,
                             struct faults *faults, struct call *call)
{
    struct span text = route_value(match, "number");
    int64_t number;
    if (span_integer(text, 1, INT32_MAX, &number))
        call->number = (unsigned)number;
    else
        faults_refuse(faults, ERROR_NOT_FOUND, "There is no delivery \"%s\".",
                      native_ask_cut(scene->arena, text, 20));
}

void native_hook_read_test(const struct http_request *request, const struct dialect_scene *scene,
                           struct faults *faults, struct call *call)
{
    json_t *body = native_ask_body(request, faults), *value;
    const char *name;
    if (!body)
        return;
    struct span url = json_span(json_object_get(body, "url"));
    if (url.size == 0 || url.size > NATIVE_URL_MAX || reference_kind(url) != REFERENCE_HTTP)
        faults_add(faults, "url", "an http(s) URL of at most 2048 bytes",
                   json_object_get(body, "url") ? "is something else" : "is missing");
    else
        call->hook_url = span_of(arena_copy(scene->arena, url));
    json_object_foreach(body, name, value) {
        if (!span_is(span_of(name), "url"))
            faults_add(faults, native_ask_cut(scene->arena, span_of(name), 60), "url alone",
                       "is unknown");
    }
    json_decref(body);
}

/* ---------------------------------------------------------------- answers */

static void write_try(struct json_writer *writer, const struct delivery_try *line)
{
    json_open_object(writer, NULL);
    json_number(writer, "number", line->number);
    json_time(writer, "at", line->at);
    json_number(writer, "ms", line->took);
    if (line->status)
        json_number(writer, "status", line->status);
    json_text_if(writer, "error", line->error);
    json_close_object(writer);
}

static void write_delivery(struct json_writer *writer, const struct answer *answer,
                           const struct answer_delivery *delivery)
{
    const struct delivery *row = &delivery->row;
    char id[NOTIFY_ID_SIZE];
    notify_id(answer->jobs[0]->id, row->number, id);
    json_open_object(writer, NULL);
    json_number(writer, "number", row->number);
    json_text(writer, "id", span_of(id));
    json_text(writer, "event", span_of(notify_event_name(row->event)));
    json_text(writer, "state", span_of(notify_state_name(row->state)));
    json_text(writer, "url", answer->hook_url);
    json_time(writer, "createdAt", row->created_at);
    json_time(writer, "nextAttemptAt", row->next_at);
    json_time(writer, row->state == DELIVERY_DELIVERED ? "deliveredAt" : "endedAt", row->ended_at);
    json_open_array(writer, "attempts");
    for (unsigned n = 0; n < delivery->try_count; n++)
        write_try(writer, &delivery->tries[n]);
    json_close_array(writer);
    json_close_object(writer);
}

void native_hook_write_deliveries(const struct answer *answer, bool is_one,
                                  struct json_writer *writer)
{
    json_open_object(writer, NULL);
    if (is_one)
        json_bool(writer, "success", true);
    json_text(writer, "jobId", span_of(answer->jobs[0]->id));
    json_open_array(writer, "items");
    for (unsigned n = 0; n < answer->delivery_count; n++)
        write_delivery(writer, answer, &answer->deliveries[n]);
    json_close_array(writer);
    json_close_object(writer);
}

void native_hook_write_secret(const struct answer *answer, struct json_writer *writer)
{
    const struct hook_secret *secret = answer->secret;
    bool has_old = secret->old[0] && secret->old_until > answer->now;
    json_open_object(writer, NULL);
    json_text(writer, "secret", span_of(secret->text));
    json_time(writer, "createdAt", secret->made_at);
    if (has_old)
        json_time(writer, "previousSignsUntil", secret->old_until);
    json_close_object(writer);
}

void native_hook_write_test(const struct answer *answer, struct json_writer *writer)
{
    const struct answer_hook_test *test = answer->hook_test;
    json_open_object(writer, NULL);
    json_bool(writer, "success", true);
    json_bool(writer, "delivered", test->delivered);
    json_text(writer, "id", span_of(test->id));
    if (test->status)
        json_number(writer, "status", test->status);
    json_number(writer, "ms", test->took);
    json_text_if(writer, "error", test->error);
    json_close_object(writer);
}
