/* Replicate's predictions. Facts: the provider's HTTP reference and OpenAPI description, and what
 * its own clients' recorded exchanges show. The stream that a prediction may name (urls.stream) is
 * one of a model's output, meant for text that grows, and does not say how the job stands: it is
 * not followed. */
#include "provider/response.h"

#include "provider/signature.h"

#include <string.h>

static const char credential[] = "Bearer {key:replicate}";

/* Theirs counts from the creation and so holds the time in the queue too; it only has to end what
 * we forgot, hence far above our own limit. At most 24 hours. */
static int64_t cancel_after(const struct ask *ask)
{
    int64_t seconds = (2 * ask->run_limit + MS_HOUR) / MS_SECOND;
    return seconds > 86400 ? 86400 : seconds;
}

static void submit(const struct ask *ask, struct http_request *ret_request)
{
    const char *version = json_string_value(json_object_get(ask->offer->details, "version"));
    const char *path = version
                           ? "/predictions"
                           : arena_print(ask->arena, "/models/%s/predictions", ask->offer->slug);
    json_t *body = json_pack("{s:O}", "input", ask->input);
    if (version)
        (void)json_object_set_new(body, "version", json_string(version));
    if (ask->hook_url) {
        (void)json_object_set_new(body, "webhook", json_string(ask->hook_url));
        (void)json_object_set_new(body, "webhook_events_filter",
                                  json_pack("[s,s]", "start", "completed"));
    }
    request_start(ask, HTTP_POST, path, credential, ret_request);
    request_header(ret_request, "Cancel-After",
                   arena_print(ask->arena, "%lld", (long long)cancel_after(ask)));
    request_json(ask, body, ret_request);
}

static const char *prediction_path(const struct remote *remote, const char *tail)
{
    struct arena *arena = remote->ask->arena;
    return arena_print(arena, "/predictions/%s%s", request_escape(arena, remote->id), tail);
}

static void poll(const struct remote *remote, struct http_request *ret_request)
{
    request_start(remote->ask, HTTP_GET, prediction_path(remote, ""), credential, ret_request);
}

static void cancel(const struct remote *remote, struct http_request *ret_request)
{
    request_start(remote->ask, HTTP_POST, prediction_path(remote, "/cancel"), credential,
                  ret_request);
}

/* The list is the whole account's, newest first; a minute is left for clocks that differ, see
 * knows_when. */
static void find(const struct ask *ask, const char *page, struct http_request *ret_request)
{
    char since[TIME_ISO_SIZE];
    time_write_iso(ask->sent_at - MS_MINUTE, since);
    const char *path = *page ? page
                             : arena_print(ask->arena, "/predictions?created_after=%s",
                                           request_escape(ask->arena, since));
    request_start(ask, HTTP_GET, path, credential, ret_request);
}

/* ---------------------------------------------------------------- answers */

/* What stands in a failed prediction's free text. Four digits are the platform's own codes, three
 * those of a model's author. */
static const struct {
    const char *part;
    enum error_code error;
    bool again;
} failures[] = {
    {"flagged as sensitive", ERROR_CONTENT_POLICY, false},
    {"E005", ERROR_CONTENT_POLICY, false},
    {"NSFW", ERROR_CONTENT_POLICY, false},
    {"E1001", ERROR_OUT_OF_MEMORY, false},
    {"CUDA out of memory", ERROR_OUT_OF_MEMORY, false},
    {"E1000", ERROR_PROVIDER_FAILED, true},
    {"E6716", ERROR_PROVIDER_FAILED, true},
    {"E8765", ERROR_PROVIDER_FAILED, true},
    {"E9243", ERROR_PROVIDER_FAILED, true},
    {"E9825", ERROR_PROVIDER_FAILED, true},
    {"E8367", ERROR_PROVIDER_FAILED, true},
    {"E004", ERROR_PROVIDER_UNAVAILABLE, true},
    {"temporarily unavailable", ERROR_PROVIDER_UNAVAILABLE, true},
    {"Input validation error:", ERROR_PROVIDER_REJECTED, false},
};

static void read_failure(const json_t *prediction, struct told *told)
{
    const json_t *error = json_object_get(prediction, "error");
    const char *text = json_is_string(error) ? json_string_value(error) : "";
    told->kind = TOLD_FAILED;
    told->error = ERROR_PROVIDER_FAILED;
    told_say(told, *text ? span_of(text) : SPAN("The prediction failed without a reason."));
    for (size_t n = 0; n < sizeof failures / sizeof failures[0]; n++) {
        if (!strstr(text, failures[n].part))
            continue;
        told->error = failures[n].error;
        told->again = failures[n].again;
        break;
    }
}

static void read_prediction(const json_t *prediction, struct arena *arena, struct told *told)
{
    struct span status = json_span(json_object_get(prediction, "status"));
    double ran =
        json_number_value(json_object_get(json_object_get(prediction, "metrics"), "predict_time"));
    response_text(json_object_get(prediction, "id"), told->remote_id, sizeof told->remote_id);
    told->progress = response_progress(json_span(json_object_get(prediction, "logs")));
    told->ran = ran > 0 && ran < 1e9 ? (ms_t)(ran * 1000) : 0;
    /* Time on their machine is what is billed; what ended before it began never is. */
    told->billed = told->ran > 0;
    if (span_is(status, "starting")) {
        told->kind = TOLD_WAITING;
    } else if (span_is(status, "processing")) {
        told->kind = TOLD_RUNNING;
    } else if (span_is(status, "succeeded")) {
        if (json_is_true(json_object_get(prediction, "data_removed"))) {
            told->kind = TOLD_GONE;
            told_say(told, SPAN("The provider has removed the output."));
            return;
        }
        told->kind = TOLD_DONE;
        response_files(json_object_get(prediction, "output"), arena, told);
    } else if (span_is(status, "failed")) {
        read_failure(prediction, told);
    } else if (span_is(status, "canceled") || span_is(status, "aborted")) {
        told->kind = TOLD_STOPPED;
        told->billed = span_is(status, "canceled");
    } else if (status.size > 0) {
        told->kind =
            TOLD_RUNNING; /* a word that is new: it is not over as long as no end is told */
    }
}

/* "~30s" in the text, or retry_after beside it, where no header says it. */
static void read_problem(const json_t *problem, struct told *told)
{
    const json_t *detail = json_object_get(problem, "detail");
    const json_t *after = json_object_get(problem, "retry_after");
    if (!told->text[0])
        told_say(told, json_span(detail));
    if (!told->after && json_is_number(after) && json_number_value(after) < 86400)
        told->after = (ms_t)(json_number_value(after) * 1000);
    const char *mark = json_is_string(detail) ? strstr(json_string_value(detail), "~") : NULL;
    int64_t seconds = 0;
    if (told->after || !mark)
        return;
    size_t digits = strspn(mark + 1, "0123456789");
    if (mark[1 + digits] == 's' && span_integer(span_make(mark + 1, digits), 0, 86400, &seconds))
        told->after = seconds * MS_SECOND;
}

static void add_found(struct told *told, const json_t *prediction, bool exact)
{
    if (told->found_count == TOLD_FOUND_MAX)
        return;
    struct told_found *found = &told->found[told->found_count++];
    response_text(json_object_get(prediction, "id"), found->remote_id, sizeof found->remote_id);
    found->handle[0] = '\0';
    found->exact = exact;
}

/* Whether the list began before ours can have been made. It begins a minute before our clock's time
 * of the submission: were that clock ahead of theirs, ours would not be listed, and it would seem
 * that it never was. Half of the minute is the answer's for its way. */
static bool knows_when(const struct ask *ask, const struct http_response *answer)
{
    struct span date;
    ms_t theirs = 0;
    return http_find(answer->headers, answer->header_count, "date", &date) &&
           time_read_http(date, &theirs) && ask->asked_at - theirs <= MS_MINUTE / 2;
}

static void read_list(const struct ask *ask, const struct http_response *answer, const json_t *list,
                      struct told *told)
{
    const json_t *results = json_object_get(list, "results"), *prediction;
    struct span next = json_span(json_object_get(list, "next"));
    size_t index;
    if (!json_is_array(results))
        return;
    json_array_foreach(results, index, prediction) {
        struct span hook = json_span(json_object_get(prediction, "webhook"));
        bool exact = ask->hook_url && span_is(hook, ask->hook_url);
        bool other = hook.size > 0 && !exact; /* somebody else's, whatever its input */
        if (exact || (!other && response_same(json_object_get(prediction, "input"), ask->input)))
            add_found(told, prediction, exact);
    }
    told->kind = told->found_count > 0 ? TOLD_FOUND : TOLD_ABSENT;
    if (told->kind == TOLD_ABSENT && !knows_when(ask, answer)) {
        told->kind = TOLD_NOTHING;
        told_say(told, SPAN("The provider's clock and ours differ, so that its list may begin too "
                            "late to prove anything."));
        return;
    }
    if (told->kind == TOLD_FOUND || next.size == 0)
        return;
    /* A further page is asked for only where ours are; one elsewhere leaves it open. */
    size_t base = strlen(ask->base_url);
    bool ours = span_starts(next, ask->base_url) &&
                span_copy((struct span){next.data + base, next.size - base}, told->handle,
                          sizeof told->handle);
    told->kind = ours ? TOLD_MORE : TOLD_NOTHING;
}

static void read_answer(enum provider_call call, const struct ask *ask,
                        const struct http_response *answer, struct told *ret_told)
{
    struct told *told = ret_told;
    told_init(told);
    response_status(call, answer, told);
    json_t *body = response_json(answer);
    if (!json_is_object(body)) {
        json_decref(body);
        return;
    }
    if (!response_is_good(answer)) {
        read_problem(body, told);
    } else if (call == PROVIDER_CALL_FIND) {
        read_list(ask, answer, body, told);
    } else {
        read_prediction(body, ask->arena, told);
        if (call == PROVIDER_CALL_SUBMIT)
            told->kind = told->remote_id[0] ? TOLD_ACCEPTED : TOLD_NOTHING;
    }
    json_decref(body);
}

static bool read_hook(const struct http_request *request, struct secret secret, ms_t now,
                      struct arena *arena, struct told *ret_told)
{
    char fault[JSON_FAULT_SIZE];
    told_init(ret_told);
    if (secret.size > 0 && !signature_standard(request, secret, now))
        return false;
    json_t *body = json_read(request->body, fault);
    if (json_is_object(body))
        read_prediction(body, arena, ret_told);
    json_decref(body);
    return ret_told->remote_id[0] != '\0';
}

const struct provider provider_replicate = {
    .traits =
        {
            .name = "replicate",
            .can = CAN_FIND_EXACT | CAN_FIND_LIKELY | CAN_FIND_ABSENCE | CAN_CANCEL | CAN_HOOK |
                   CAN_HOOK_SIGNED | CAN_PROGRESS,
            .result_kept = MS_HOUR,
            .url_kept = MS_HOUR,
            .poll_min = MS_SECOND,
            .list_kept = MS_HOUR, /* then input and webhook are gone from it */
            .poll_first = 5 * MS_SECOND,
            .poll_last = 30 * MS_SECOND,
        },
    .submit = submit,
    .poll = poll,
    .cancel = cancel,
    .find = find,
    .read = read_answer,
    .read_hook = read_hook,
};
