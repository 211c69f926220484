/* fal's protocol: the answers. */
#include "base/crypto.h"
#include "dialect/fal.h"
#include "dialect/fal_job.h"
#include "dialect/native_write.h"
#include "dialect/relay.h"

#include <string.h>

enum { STATUS_UNPROCESSABLE = 422, STATUS_TIMEOUT = 504, HOOK_KEY_SIZE = 32 };

static struct fal_how how_of(const struct call *call, const struct job *job, struct arena *arena)
{
    const char *path = arena_print(arena, "/fal/%.*s/requests/%s", SPAN_PRINT(call->base), job->id);
    return (struct fal_how){
        .response = path,
        .status = arena_print(arena, "%s/status", path),
        .cancel = arena_print(arena, "%s/cancel", path),
        .logs = call->shows_logs,
    };
}

/* Why there is no result, as the model's own answer: {"detail": [{loc, msg, type}]}. */
static void write_failure(const struct job *job, struct json_writer *writer)
{
    json_open_array(writer, "detail");
    json_open_object(writer, NULL);
    json_open_array(writer, "loc");
    json_text(writer, NULL, SPAN("body"));
    json_close_array(writer);
    json_text(writer, "msg", vendor_error(job));
    json_text(writer, "type", span_of(fal_job_error_type(job)));
    json_close_object(writer);
    json_close_array(writer);
}

static void write_result(const struct vendor_job *told, struct http_response *response)
{
    const struct job *job = told->job;
    if (job->state == STATE_SUCCEEDED) {
        fal_job_write_result(told);
        return;
    }
    if (!state_is_terminal(job->state)) {
        response->status = 400;
        json_text(told->writer, "detail", SPAN("Request is still in progress"));
        return;
    }
    response->status = job->state == STATE_CANCELED ? VENDOR_STATUS_GONE : STATUS_UNPROCESSABLE;
    (void)http_response_add(response, "X-Fal-Error-Type", span_of(fal_job_error_type(job)));
    write_failure(job, told->writer);
}

/* A synchronous call whose time is over: the client would send it again, but for the header. */
static void write_too_long(const struct vendor_job *told, struct http_response *response)
{
    response->status = STATUS_TIMEOUT;
    (void)http_response_add(response, "X-Fal-Request-Timeout-Type", SPAN("user"));
    json_text(told->writer, "detail",
              SPAN("Request timed out; it goes on, and its id finds it in the queue."));
    json_text(told->writer, "error_type", SPAN("request_timeout"));
    json_text(told->writer, "request_id", span_of(told->job->id));
}

static void write_job(const struct dialect_scene *scene, const struct call *call,
                      const struct answer *answer, struct json_writer *writer,
                      struct http_response *response)
{
    const struct vendor_job told = vendor_job_of(scene, call, answer, writer);
    const struct fal_how how = how_of(call, told.job, scene->arena);
    (void)http_response_add(response, "x-fal-request-id",
                            span_of(arena_copy(scene->arena, span_of(told.job->id))));
    if (call->kind == CALL_CANCEL)
        response->status = fal_job_write_cancel(&told);
    else if (strcmp(call->route->action, "result") == 0)
        write_result(&told, response);
    else if (call->kind == CALL_STATUS)
        response->status = fal_job_write_status(&told, &how);
    else if (!call->until_end)
        fal_job_write_request(&told, &how);
    else if (state_is_terminal(told.job->state))
        write_result(&told, response);
    else
        write_too_long(&told, response);
}

/* ---------------------------------------------------------------- the history */

static void write_item(const struct dialect_scene *scene, const struct vendor_job *told)
{
    const struct provider_entry *fal = catalog_find_provider(scene->catalog, SPAN("fal"));
    const struct job *job = told->job;
    const struct model *model = catalog_find(scene->catalog, span_of(job->model));
    const struct offer *offer = model ? relay_offer(model, fal) : NULL;
    const struct offer *theirs = offer && offer->provider == fal ? offer : NULL;
    json_open_object(told->writer, NULL);
    json_text(told->writer, "request_id", span_of(job->id));
    json_text(told->writer, "endpoint_id",
              span_of(theirs && *theirs->slug ? theirs->slug : job->model));
    json_time(told->writer, "sent_at", job->created_at);
    json_time(told->writer, "started_at", job->started_at);
    json_time(told->writer, "ended_at", job->ended_at);
    json_number(told->writer, "status_code",
                job->state == STATE_SUCCEEDED  ? 200
                : job->state == STATE_CANCELED ? VENDOR_STATUS_GONE
                                               : STATUS_UNPROCESSABLE);
    vendor_write_input(told, "json_input", theirs);
    json_close_object(told->writer);
}

static void write_history(const struct dialect_scene *scene, const struct call *call,
                          const struct answer *answer, struct json_writer *writer)
{
    struct vendor_job told = vendor_job_of(scene, call, answer, writer);
    char cursor[ID_SIZE];
    json_open_array(writer, "items");
    for (unsigned n = 0; n < answer->job_count; n++) {
        told.job = answer->jobs[n];
        write_item(scene, &told);
    }
    json_close_array(writer);
    json_bool(writer, "has_more", answer->next != 0);
    if (answer->next) {
        id_write("cur_", answer->next, 0, cursor);
        json_text(writer, "next_cursor", span_of(cursor));
    } else {
        json_null_value(writer, "next_cursor");
    }
}

/* ---------------------------------------------------------------- storage and keys */

static void write_upload_begin(const struct answer *answer, const struct dialect_scene *scene,
                               struct json_writer *writer)
{
    struct buffer url;
    buffer_init(&url, 8192);
    answer->address(answer->link_context, span_of(answer->upload_path), &url);
    json_text(writer, "upload_url", buffer_span(&url));
    json_text(writer, "file_url",
              span_of(arena_print(scene->arena, "reel://%s", answer->upload->id)));
    buffer_done(&url);
}

/* As base64url without padding. */
static void write_hook_key(const unsigned char *key, struct json_writer *writer)
{
    struct buffer text;
    buffer_init(&text, 64);
    crypto_base64(span_make(key, HOOK_KEY_SIZE), &text);
    for (size_t n = 0; n < text.size; n++)
        text.data[n] = text.data[n] == '+' ? '-' : text.data[n] == '/' ? '_' : text.data[n];
    while (text.size > 0 && text.data[text.size - 1] == '=')
        text.size--;
    json_open_array(writer, "keys");
    json_open_object(writer, NULL);
    json_text(writer, "kty", SPAN("OKP"));
    json_text(writer, "crv", SPAN("Ed25519"));
    json_text(writer, "x", buffer_span(&text));
    json_close_object(writer);
    json_close_array(writer);
    buffer_done(&text);
}

/* ---------------------------------------------------------------- refusals */

static void write_faults(const struct faults *faults, struct json_writer *writer)
{
    json_open_array(writer, "detail");
    for (unsigned n = 0; n < faults->count; n++) {
        const struct fault *fault = &faults->list[n];
        struct span rest = span_of(fault->field ? fault->field : ""), part;
        json_open_object(writer, NULL);
        json_open_array(writer, "loc");
        json_text(writer, NULL, SPAN("body"));
        while (rest.size > 0 && span_take(&rest, '.', &part))
            json_text(writer, NULL, part);
        json_close_array(writer);
        json_text(writer, "msg",
                  fault->allowed ? span_of(arena_print(faults->arena, "%s; allowed: %s",
                                                       fault->problem, fault->allowed))
                                 : span_of(fault->problem));
        json_text(writer, "type",
                  strcmp(fault->problem, "is missing") == 0 ? SPAN("missing")
                                                            : SPAN("value_error"));
        json_close_object(writer);
    }
    json_close_array(writer);
}

static void write_refusal(const struct dialect_scene *scene, const struct answer *answer,
                          struct json_writer *writer, struct http_response *response)
{
    const struct faults *faults = answer->refusal;
    bool is_invalid = faults->code == ERROR_VALIDATION;
    response->status = is_invalid ? STATUS_UNPROCESSABLE : error_status(faults->code);
    if (is_invalid && faults->count > 0) {
        write_faults(faults, writer);
    } else {
        json_text(writer, "detail", span_of(faults->sentence));
        json_text(writer, "error_type", span_of(error_name(faults->code)));
    }
    vendor_refusal_headers(scene, answer, response);
}

/* ---------------------------------------------------------------- all of it */

void fal_write(const struct dialect_scene *scene, const struct call *call,
               const struct answer *answer, struct buffer *body, struct http_response *ret_response)
{
    struct json_writer writer;
    if (!answer->refusal && call->kind == CALL_ASK && call->ask.dry_run) {
        native_write(scene, call, answer, body, ret_response);
        return;
    }
    json_writer_init(&writer, body);
    ret_response->status = 200;
    (void)http_response_add(ret_response, "Content-Type", SPAN("application/json"));
    json_open_object(&writer, NULL);
    if (answer->refusal)
        write_refusal(scene, answer, &writer, ret_response);
    else if (call->kind == CALL_UPLOAD_BEGIN)
        write_upload_begin(answer, scene, &writer);
    else if (call->kind == CALL_UPLOAD)
        json_text(&writer, "file_url",
                  span_of(arena_print(scene->arena, "reel://%s", answer->upload->id)));
    else if (call->kind == CALL_LIST)
        write_history(scene, call, answer, &writer);
    else if (call->kind == CALL_HOOK_KEY)
        write_hook_key(answer->hook_key, &writer);
    else
        write_job(scene, call, answer, &writer, ret_response);
    json_close_object(&writer);
    ret_response->body = buffer_span(body);
}

void fal_event(const struct dialect_scene *scene, const struct call *call,
               const struct answer *answer, struct buffer *target)
{
    struct json_writer writer;
    buffer_add_text(target, "data: ");
    json_writer_init(&writer, target);
    const struct vendor_job told = vendor_job_of(scene, call, answer, &writer);
    const struct fal_how how = how_of(call, told.job, scene->arena);
    json_open_object(&writer, NULL);
    (void)fal_job_write_status(&told, &how);
    json_close_object(&writer);
    buffer_add_text(target, "\n\n");
}

void fal_hook(const struct vendor_job *told, const struct hook_insert *hook)
{
    const struct job *job = told->job;
    bool good = job->state == STATE_SUCCEEDED;
    (void)hook;
    json_open_object(told->writer, NULL);
    json_text(told->writer, "request_id", span_of(job->id));
    json_text(told->writer, "gateway_request_id", span_of(job->id));
    json_text(told->writer, "status", good ? SPAN("OK") : SPAN("ERROR"));
    if (!good)
        json_text(told->writer, "error", vendor_error(job));
    json_open_object(told->writer, "payload");
    if (good)
        fal_job_write_result(told);
    else
        write_failure(job, told->writer);
    json_close_object(told->writer);
    json_close_object(told->writer);
}
