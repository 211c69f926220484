/* fal's queue. Facts: the provider's reference pages and its JavaScript client.
 *
 * Submitting goes to the whole endpoint id, everything else to its owner and app alone; the answer
 * to the submission says where, and that path is kept as the handle. "COMPLETED" only means that it
 * ended: what came of it is the status of the result call. The stream of the status brings the same
 * object at each change, a comment every 15 s, and closes behind COMPLETED. */
#include "provider/fal_failure.h"
#include "provider/response.h"
#include "provider/signature.h"

#include <string.h>

static const char credential[] = "Key {key:fal}";

static void submit(const struct ask *ask, struct http_request *ret_request)
{
    const char *hook = ask->hook_url ? request_escape(ask->arena, ask->hook_url) : "";
    const char *path = arena_print(ask->arena, "/%s%s%s", ask->offer->slug,
                                   ask->hook_url ? "?fal_webhook=" : "", hook);
    request_start(ask, HTTP_POST, path, credential, ret_request);
    /* Without them the queue may hand the job to another model that it finds equivalent. The pages
     * differ in the name. */
    request_header(ret_request, "x-app-fal-disable-fallback", "true");
    request_header(ret_request, "x-fal-disable-fallbacks", "true");
    request_json(ask, json_incref((json_t *)(uintptr_t)ask->input), ret_request);
}

/* "fal-ai/veo3.1/fast" → "fal-ai/veo3.1"; "workflows/x/y/z" → "workflows/x/y". */
static struct span app_of(const char *slug)
{
    struct span whole = span_of(slug);
    unsigned slashes = span_starts(whole, "workflows/") || span_starts(whole, "comfy/") ? 3 : 2;
    for (size_t n = 0; n < whole.size; n++) {
        if (whole.data[n] == '/' && --slashes == 0)
            return (struct span){whole.data, n};
    }
    return whole;
}

static void ask_about(const struct remote *remote, enum http_method method, const char *tail,
                      struct http_request *ret_request)
{
    const struct ask *ask = remote->ask;
    struct span app = *remote->handle ? span_of(remote->handle) : app_of(ask->offer->slug);
    request_start(ask, method,
                  arena_print(ask->arena, "/%.*s/requests/%s%s", SPAN_PRINT(app),
                              request_escape(ask->arena, remote->id), tail),
                  credential, ret_request);
}

static void poll(const struct remote *remote, struct http_request *ret_request)
{
    ask_about(remote, HTTP_GET, "/status?logs=1", ret_request);
}

/* Without the logs: each event would bring all of them again. */
static void stream(const struct remote *remote, struct http_request *ret_request)
{
    ask_about(remote, HTTP_GET, "/status/stream", ret_request);
    request_accept_events(ret_request);
}

static void result(const struct remote *remote, struct http_request *ret_request)
{
    ask_about(remote, HTTP_GET, "", ret_request);
}

static void cancel(const struct remote *remote, struct http_request *ret_request)
{
    ask_about(remote, HTTP_PUT, "/cancel", ret_request);
}

/* The history is on a host of its own, which the provider's entry names, and seems to show what has
 * ended only: it can find a job, not prove that there is none. */
static void find(const struct ask *ask, const char *page, struct http_request *ret_request)
{
    const char *history =
        json_string_value(json_object_get(ask->offer->provider->details, "historyUrl"));
    const char *base = ask->offer->provider->base_url;
    struct ask elsewhere = *ask;
    char since[TIME_ISO_SIZE];
    time_write_iso(ask->sent_at - MS_MINUTE, since);
    /* Who speaks to another address than fal's finds everything there. */
    if (base && strcmp(ask->base_url, base) == 0)
        elsewhere.base_url = history ? history : "https://api.fal.ai/v1";
    const char *path = arena_print(
        ask->arena,
        "/models/requests/by-endpoint?endpoint_id=%s&start=%s&expand=payloads&limit=100%s%s",
        request_escape(ask->arena, ask->offer->slug), request_escape(ask->arena, since),
        *page ? "&cursor=" : "", request_escape(ask->arena, page));
    request_start(&elsewhere, HTTP_GET, path, credential, ret_request);
}

/* ---------------------------------------------------------------- answers */

static struct span header_of(const struct http_response *answer, const char *name)
{
    struct span value = SPAN("");
    (void)http_find(answer->headers, answer->header_count, name, &value);
    return value;
}

/* A model's own failure comes as the status of the result call; whether it is one, and not a
 * stumbling gateway, is told by a body or a header that only the platform writes. */
static void read_result_failure(const struct http_response *answer, const json_t *body,
                                struct told *told)
{
    struct span type = header_of(answer, "x-fal-error-type");
    fal_failure_read(body, told, &type);
    if (answer->status == 400 && strstr(told->text, "still in progress")) {
        told->kind = TOLD_RUNNING;
        told->error = ERROR_NONE;
        return;
    }
    bool is_theirs = type.size > 0 || json_object_get(body, "detail") || answer->status == 499;
    if (!is_theirs || answer->status == 401 || answer->status == 403 || answer->status == 404 ||
        answer->status == 429)
        return;
    told->kind = TOLD_FAILED;
    fal_failure_say(answer->status == 499 ? SPAN("client_cancelled") : type, answer->status, told);
    if (span_is(header_of(answer, "x-fal-request-timeout-type"), "user") ||
        span_is(header_of(answer, "x-fal-retryable"), "false"))
        told->again = false;
}

static void read_status(const json_t *body, struct told *told)
{
    struct span status = json_span(json_object_get(body, "status"));
    const json_t *position = json_object_get(body, "queue_position"), *line;
    const json_t *logs = json_object_get(body, "logs");
    double ran =
        json_number_value(json_object_get(json_object_get(body, "metrics"), "inference_time"));
    size_t index;
    response_text(json_object_get(body, "request_id"), told->remote_id, sizeof told->remote_id);
    if (json_is_integer(position))
        told->position = json_integer_value(position);
    told->ran = ran > 0 && ran < 1e9 ? (ms_t)(ran * 1000) : 0;
    json_array_foreach(logs, index, line) {
        int progress = response_progress(json_span(json_object_get(line, "message")));
        told->progress = progress >= 0 ? progress : told->progress;
    }
    if (span_is(status, "IN_QUEUE"))
        told->kind = TOLD_WAITING;
    else if (span_is(status, "IN_PROGRESS"))
        told->kind = TOLD_RUNNING;
    else if (span_is(status, "COMPLETED"))
        told->kind = TOLD_DONE;
    struct span type = SPAN("");
    if (told->kind == TOLD_DONE && json_is_string(json_object_get(body, "error"))) {
        told->kind = TOLD_FAILED;
        fal_failure_read(body, told, &type);
        fal_failure_say(type, 422, told); /* the table knows those that are their own fault */
    }
}

/* The path of the app, out of the address that the answer gives for the result; only from the host
 * that was asked. */
static void read_accepted(const struct ask *ask, const json_t *body, struct told *told)
{
    struct span url = json_span(json_object_get(body, "response_url"));
    size_t base = strlen(ask->base_url);
    read_status(body, told);
    told->kind = told->remote_id[0] ? TOLD_ACCEPTED : TOLD_NOTHING;
    if (!span_starts(url, ask->base_url) || url.size <= base || url.data[base] != '/')
        return;
    struct span path = {url.data + base + 1, url.size - base - 1};
    const char *end = memmem(path.data, path.size, "/requests/", 10);
    if (end)
        (void)span_copy((struct span){path.data, (size_t)(end - path.data)}, told->handle,
                        sizeof told->handle);
}

static void read_refusal(const struct http_response *answer, const json_t *body, struct told *told)
{
    struct span type = header_of(answer, "x-fal-error-type");
    fal_failure_read(body, told, &type);
    /* "User is locked. Reason: Exhausted balance." */
    if (answer->status == 403 && strstr(told->text, "balance"))
        told->error = ERROR_OUT_OF_CREDIT;
    if (span_is(type, "content_policy_violation"))
        told->error = ERROR_CONTENT_POLICY;
}

static void read_canceled(const struct http_response *answer, const json_t *body, struct told *told)
{
    struct span status = json_span(json_object_get(body, "status"));
    bool is_heard =
        span_is(status, "CANCELLATION_REQUESTED") || span_is(status, "ALREADY_COMPLETED");
    if (answer->status == 404)
        told->kind = TOLD_GONE;
    else if (answer->status == 200 && span_is(status, "OK"))
        told->kind = TOLD_STOPPED; /* taken out of the queue */
    if (told->kind != TOLD_NOTHING || !is_heard)
        return;
    /* It was heard, or came too late: the next poll says which, and what of it is billed. */
    told->kind = TOLD_RUNNING;
    told->error = ERROR_NONE;
}

static void read_history(const struct ask *ask, const json_t *body, struct told *told)
{
    const json_t *items = json_object_get(body, "items"), *item;
    size_t index;
    if (!json_is_array(items))
        return;
    json_array_foreach(items, index, item) {
        if (told->found_count == TOLD_FOUND_MAX ||
            !response_same(json_object_get(item, "json_input"), ask->input))
            continue;
        response_text(json_object_get(item, "request_id"), told->found[told->found_count].remote_id,
                      TOLD_ID_SIZE);
        told->found_count++;
    }
    told->kind = told->found_count > 0 ? TOLD_FOUND : TOLD_ABSENT;
    if (told->kind == TOLD_ABSENT && json_is_true(json_object_get(body, "has_more")) &&
        span_copy(json_span(json_object_get(body, "next_cursor")), told->handle,
                  sizeof told->handle) &&
        told->handle[0])
        told->kind = TOLD_MORE;
}

static void read_answer(enum provider_call call, const struct ask *ask,
                        const struct http_response *answer, struct told *ret_told)
{
    struct told *told = ret_told;
    bool good = response_is_good(answer);
    told_init(told);
    response_status(call, answer, told);
    json_t *body = response_json(answer);
    if (call == PROVIDER_CALL_CANCEL) {
        read_canceled(answer, body, told);
    } else if (call == PROVIDER_CALL_RESULT && good) {
        if (json_is_object(body))
            response_files(body, ask->arena, told);
        told->kind = json_is_object(body) ? TOLD_DONE : TOLD_NOTHING;
    } else if (call == PROVIDER_CALL_RESULT) {
        read_result_failure(answer, body, told);
    } else if (!good) {
        read_refusal(answer, body, told);
    } else if (call == PROVIDER_CALL_SUBMIT) {
        read_accepted(ask, body, told);
    } else if (call == PROVIDER_CALL_FIND) {
        read_history(ask, body, told);
    } else {
        read_status(body, told);
    }
    json_decref(body);
}

/* The same object as a poll's answer. */
static bool read_stream(struct span event, struct told *ret_told)
{
    char fault[JSON_FAULT_SIZE];
    json_t *body = json_read(event, fault);
    told_init(ret_told);
    read_status(body, ret_told);
    json_decref(body);
    return ret_told->kind != TOLD_NOTHING;
}

static bool read_hook(const struct http_request *request, struct secret secret, ms_t now,
                      struct arena *arena, struct told *ret_told)
{
    char fault[JSON_FAULT_SIZE];
    (void)arena;
    told_init(ret_told);
    if (secret.size > 0 && !signature_fal(request, secret, now))
        return false;
    json_t *body = json_read(request->body, fault);
    response_text(json_object_get(body, "request_id"), ret_told->remote_id,
                  sizeof ret_told->remote_id);
    json_decref(body);
    return ret_told->remote_id[0] != '\0';
}

const struct provider provider_fal = {
    .traits =
        {
            .name = "fal",
            .can = CAN_FIND_LIKELY | CAN_CANCEL | CAN_HOOK | CAN_HOOK_SIGNED | CAN_STREAM |
                   CAN_PROGRESS | CAN_RESULT,
            /* With the payloads stored, which is the default: 30 days. Ours is careful. */
            .result_kept = MS_HOUR,
            .url_kept = MS_DAY,
            .poll_min = MS_SECOND,
            .list_kept = MS_DAY,
            .poll_first = 5 * MS_SECOND,
            .poll_last = 30 * MS_SECOND,
        },
    .submit = submit,
    .poll = poll,
    .stream = stream,
    .read_stream = read_stream,
    .result = result,
    .cancel = cancel,
    .find = find,
    .read = read_answer,
    .read_hook = read_hook,
};
