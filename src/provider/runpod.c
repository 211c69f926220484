/* RunPod's serverless endpoints with a queue. Facts: the provider's documentation and the sources
 * of its Python worker library and JavaScript client.
 *
 * Its /stream is no stream but another poll, which hands out each part of a generator's output once
 * and would take them from who reads them: it is not followed.
 *
 * What a worker takes and gives is its author's choice: `details.output` of the catalogue names the
 * keys under which the file and the failure stand. */
#include "provider/response.h"

#include <string.h>

static const char credential[] = "Bearer {key:runpod}";

enum { EXECUTION_MARGIN_S = 120 };

static const char *endpoint_path(const struct ask *ask, const char *call, const char *id)
{
    return arena_print(ask->arena, "/%s/%s%s", request_escape(ask->arena, ask->endpoint), call,
                       request_escape(ask->arena, id));
}

/* The limits are above ours, and only end what we forgot. A job is deleted, running or not, when
 * its ttl is over, so that one holds a day of waiting for a worker too. */
static json_t *policy_of(const struct ask *ask)
{
    ms_t most = 7 * MS_DAY, run = ask->run_limit + EXECUTION_MARGIN_S * MS_SECOND;
    ms_t ttl = run + MS_DAY;
    return json_pack("{s:I,s:I}", "executionTimeout", (json_int_t)(run < most ? run : most), "ttl",
                     (json_int_t)(ttl < most ? ttl : most));
}

static void submit(const struct ask *ask, struct http_request *ret_request)
{
    json_t *body = json_pack("{s:O,s:o}", "input", ask->input, "policy", policy_of(ask));
    if (ask->hook_url)
        (void)json_object_set_new(body, "webhook", json_string(ask->hook_url));
    request_start(ask, HTTP_POST, endpoint_path(ask, "run", ""), credential, ret_request);
    request_json(ask, body, ret_request);
}

static void poll(const struct remote *remote, struct http_request *ret_request)
{
    request_start(remote->ask, HTTP_GET, endpoint_path(remote->ask, "status/", remote->id),
                  credential, ret_request);
}

static void cancel(const struct remote *remote, struct http_request *ret_request)
{
    request_start(remote->ask, HTTP_POST, endpoint_path(remote->ask, "cancel/", remote->id),
                  credential, ret_request);
}

static void health(const struct ask *ask, struct http_request *ret_request)
{
    request_start(ask, HTTP_GET, endpoint_path(ask, "health", ""), credential, ret_request);
}

/* ---------------------------------------------------------------- answers */

/* The offer's word goes before the provider's. */
static const json_t *output_details(const struct offer *offer, const char *key)
{
    const json_t *own = json_object_get(json_object_get(offer->details, "output"), key);
    return own ? own : json_object_get(json_object_get(offer->provider->details, "output"), key);
}

/* A handler's exception comes as JSON inside a text; its traceback is nobody's business. */
static void read_error(struct told *told, const json_t *error)
{
    char fault[JSON_FAULT_SIZE];
    json_t *inner = json_is_string(error) ? json_read(json_span(error), fault) : NULL;
    const json_t *message = json_object_get(json_is_object(error) ? error : inner, "error_message");
    if (json_is_string(message))
        told_say(told, json_span(message));
    else if (json_is_string(error))
        told_say(told, json_span(error));
    else
        told_say(told, SPAN("The worker failed without a reason."));
    json_decref(inner);
    told->kind = TOLD_FAILED;
    told->error = ERROR_PROVIDER_FAILED;
    if (strstr(told->text, "out of memory") || strstr(told->text, "OutOfMemory"))
        told->error = ERROR_OUT_OF_MEMORY;
}

/* The first of the keys that the output has; an output that is a text stands for itself. */
static const json_t *find_key(const json_t *output, const json_t *keys)
{
    const json_t *key;
    size_t index;
    json_array_foreach(keys, index, key) {
        const json_t *value = json_object_get(output, json_string_value(key));
        if (value && !json_is_null(value))
            return value;
    }
    return NULL;
}

static bool is_failure(const struct offer *offer, const json_t *output)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)output_details(offer, "failedWhen"), key, value) {
        if (response_same(json_object_get(output, key), value))
            return true;
    }
    return false;
}

static void read_output(const struct ask *ask, const json_t *output, struct told *told)
{
    const json_t *error = find_key(output, output_details(ask->offer, "error"));
    const json_t *url = find_key(output, output_details(ask->offer, "url"));
    const json_t *base64 = find_key(output, output_details(ask->offer, "base64"));
    if ((error && !json_is_false(error)) || is_failure(ask->offer, output)) {
        read_error(told, error ? error : json_object_get(output, "message"));
        return;
    }
    told->kind = TOLD_DONE;
    if (url || json_is_string(output) || json_is_array(output))
        response_files(url ? url : output, ask->arena, told);
    if (told->file_count > 0 || !json_is_string(base64))
        return;
    struct span text = json_span(base64);
    if (span_starts(text, "data:"))
        response_files(base64, ask->arena, told);
    else
        told->files[told->file_count++].base64 = span_make(arena_copy(ask->arena, text), text.size);
}

/* {"progress": 40, "stage": "sampling"}, a number, or "50%": there is no rule. */
static void read_progress(const json_t *output, struct told *told)
{
    const json_t *progress = json_is_object(output) ? json_object_get(output, "progress") : output;
    double number = json_number_value(progress);
    struct span text = json_span(progress), digits;
    int64_t percent = -1;
    if (json_is_number(progress) && number >= 0 && number <= 100)
        percent = (int64_t)number;
    else if (span_ends(text, "%") && span_take(&text, '%', &digits))
        (void)span_integer(digits, 0, 100, &percent);
    told->progress = (int)percent;
    response_text(json_object_get(output, "stage"), told->stage, sizeof told->stage);
}

static void read_job(const struct ask *ask, const json_t *body, struct told *told)
{
    struct span status = json_span(json_object_get(body, "status"));
    const json_t *output = json_object_get(body, "output");
    const json_t *ran = json_object_get(body, "executionTime");
    response_text(json_object_get(body, "id"), told->remote_id, sizeof told->remote_id);
    told->ran = json_is_integer(ran) && json_integer_value(ran) > 0 ? json_integer_value(ran) : 0;
    told->billed = told->ran > 0; /* by the second of a worker */
    if (span_is(status, "IN_QUEUE")) {
        told->kind = TOLD_WAITING;
    } else if (span_is(status, "IN_PROGRESS") || span_is(status, "RUNNING")) {
        told->kind = TOLD_RUNNING;
        read_progress(output, told);
    } else if (span_is(status, "COMPLETED")) {
        read_output(ask, output, told);
    } else if (span_is(status, "FAILED")) {
        read_error(told, json_object_get(body, "error"));
    } else if (span_is(status, "TIMED_OUT")) {
        told->kind = TOLD_FAILED;
        told->error = ERROR_TIMEOUT;
        told->again = !told->billed;
        told_say(told, told->billed ? SPAN("The worker ran longer than it may.")
                                    : SPAN("No worker took it in time."));
    } else if (span_is(status, "CANCELLED")) {
        told->kind = TOLD_STOPPED;
    } else if (status.size > 0) {
        told->kind = TOLD_RUNNING; /* a word that is new: not over as long as no end is told */
    }
}

/* What a person wants to know whose job waits. */
static void read_health(const struct ask *ask, const json_t *body, struct told *told)
{
    const json_t *workers = json_object_get(body, "workers");
    json_int_t initializing = json_integer_value(json_object_get(workers, "initializing"));
    json_int_t throttled = json_integer_value(json_object_get(workers, "throttled"));
    json_int_t ready = json_integer_value(json_object_get(workers, "ready"));
    json_int_t running = json_integer_value(json_object_get(workers, "running"));
    json_int_t idle = json_integer_value(json_object_get(workers, "idle"));
    const json_t *queued = json_object_get(json_object_get(body, "jobs"), "inQueue");
    if (!json_is_object(workers))
        return;
    told->kind = TOLD_HEALTHY;
    if (json_is_integer(queued))
        told->position = json_integer_value(queued);
    const char *text = "";
    if (initializing > 0 && ready + running + idle == 0)
        text = arena_print(ask->arena, "A cold start: %lld worker%s loading.",
                           (long long)initializing, initializing == 1 ? " is" : "s are");
    else if (throttled > 0 && ready + running + idle == 0)
        text = "RunPod has no free machine of that kind just now.";
    else if (ready + running + idle + initializing == 0)
        text = "The endpoint has no worker; one starts when a job comes.";
    else if (running > 0 && ready + idle == 0)
        text = arena_print(ask->arena, "All %lld workers are busy.", (long long)running);
    told_say(told, span_of(text));
}

static void read_problem(const struct http_response *answer, const json_t *body, struct told *told)
{
    struct span text = json_span(json_object_get(body, "error"));
    text = text.size ? text : json_span(json_object_get(body, "detail"));
    told_say(told, text.size || json_is_object(body) ? text : answer->body);
}

/* The answer to a cancel is {id, status} and no more, whatever the state: what it cost, and what
 * was made all the same, stands in the status alone. So no end of it is believed before a poll. */
static void soften(struct told *told)
{
    if (told->kind != TOLD_DONE && told->kind != TOLD_FAILED && told->kind != TOLD_STOPPED)
        return;
    told->kind = TOLD_RUNNING;
    told->error = ERROR_NONE;
    told->text[0] = '\0';
    told->again = told->billed = false;
}

static void read_answer(enum provider_call call, const struct ask *ask,
                        const struct http_response *answer, struct told *ret_told)
{
    struct told *told = ret_told;
    told_init(told);
    response_status(call, answer, told);
    json_t *body = response_json(answer);
    if (!response_is_good(answer)) {
        read_problem(answer, body, told);
    } else if (!json_is_object(body)) {
        told->kind = TOLD_NOTHING;
    } else if (call == PROVIDER_CALL_HEALTH) {
        read_health(ask, body, told);
    } else {
        read_job(ask, body, told);
        if (call == PROVIDER_CALL_SUBMIT)
            told->kind = told->remote_id[0] ? TOLD_ACCEPTED : TOLD_NOTHING;
        else if (call == PROVIDER_CALL_CANCEL)
            soften(told);
    }
    json_decref(body);
}

/* There is no signature: the path that nobody can guess is all. */
static bool read_hook(const struct http_request *request, struct secret secret, ms_t now,
                      struct arena *arena, struct told *ret_told)
{
    char fault[JSON_FAULT_SIZE];
    (void)secret;
    (void)now;
    (void)arena;
    told_init(ret_told);
    json_t *body = json_read(request->body, fault);
    response_text(json_object_get(body, "id"), ret_told->remote_id, sizeof ret_told->remote_id);
    json_decref(body);
    return ret_told->remote_id[0] != '\0';
}

const struct provider provider_runpod = {
    .traits =
        {
            .name = "runpod",
            .can = CAN_CANCEL | CAN_HOOK | CAN_PROGRESS | CAN_HEALTH,
            .result_kept = 30 * MS_MINUTE,
            .url_kept = MS_NEVER, /* the worker's own bucket */
            .poll_min = MS_SECOND,
            .poll_first = 5 * MS_SECOND,
            .poll_last = 30 * MS_SECOND,
        },
    .submit = submit,
    .poll = poll,
    .cancel = cancel,
    .health = health,
    .read = read_answer,
    .read_hook = read_hook,
};
