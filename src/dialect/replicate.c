#include "dialect/replicate.h"

#include "dialect/native_ask.h"
#include "dialect/native_upload.h"

#include <string.h>

enum { WAIT_MAX = 60, CANCEL_AFTER_MIN = 5, CANCEL_AFTER_MAX = 86400 };

/* "/replicate/v1" or "/v1": what stands before the rest of any path. */
static struct span base_of(struct span path)
{
    return span_starts(path, "/v1/") ? SPAN("/v1") : SPAN("/replicate/v1");
}

/* "Prefer: wait" or "Prefer: wait=N"; what makes no sense is ignored, as RFC 7240 wants. */
static ms_t preferred_wait(const struct http_request *request)
{
    struct span list, part, name;
    int64_t seconds;
    if (!http_request_header(request, "prefer", &list))
        return 0;
    while (span_take(&list, ',', &part)) {
        if (!span_take(&part, '=', &name) || !span_is_nocase(span_trim(name), "wait"))
            continue;
        if (!part.data)
            return WAIT_MAX * MS_SECOND;
        if (span_integer(span_trim(part), 1, INT32_MAX, &seconds))
            return (seconds < WAIT_MAX ? seconds : WAIT_MAX) * MS_SECOND;
    }
    return 0;
}

/* Cancel-After: seconds, or numbers with units as "90s", "1m30s", "2h". */
static void read_cancel_after(const struct dialect_scene *scene, const struct http_request *request,
                              struct faults *faults, struct call_ask *ask)
{
    struct span text;
    int64_t total = 0, number = 0;
    bool good = true, has_digit = false;
    if (!http_request_header(request, "cancel-after", &text))
        return;
    for (size_t n = 0; n < text.size && good; n++) {
        char byte = text.data[n];
        int64_t unit = byte == 's' ? 1 : byte == 'm' ? 60 : byte == 'h' ? 3600 : 0;
        if (byte >= '0' && byte <= '9' && number < CANCEL_AFTER_MAX) {
            number = 10 * number + (byte - '0');
            has_digit = true;
        } else {
            good = unit > 0 && has_digit;
            total += number * unit;
            number = 0;
            has_digit = false;
        }
    }
    total += number;
    if (!good || total < CANCEL_AFTER_MIN || total > CANCEL_AFTER_MAX)
        faults_add(faults, "Cancel-After", "5 seconds to 24 hours, as \"90\", \"90s\" or \"2h\"",
                   "is \"%s\"", native_ask_cut(scene->arena, text, 20));
    else if (!ask->deadline)
        ask->deadline = scene->now + total * MS_SECOND;
}

/* ---------------------------------------------------------------- whom it asks for */

/* A model whose entry names this version. */
static void find_version(const struct catalog *catalog, struct span version,
                         struct vendor_models *models)
{
    for (size_t at = 0; at < catalog_model_count(catalog); at++) {
        const struct model *model = catalog_model_at(catalog, at);
        for (unsigned n = 0; n < model->offer_count; n++) {
            const struct offer *offer = model->offers[n];
            struct span known = json_span(json_object_get(offer->details, "version"));
            if (offer->provider == models->provider && known.size && span_equal(known, version) &&
                models->count < VENDOR_MODELS_MAX)
                models->list[models->count++] = model;
        }
    }
}

/* `version` is the hash alone, "owner/name:hash", or, of official models, "owner/name". */
static void find_by_version(const struct dialect_scene *scene, struct span version,
                            struct vendor_models *models)
{
    struct span rest = version, name;
    vendor_find(scene->catalog, "replicate", version, models);
    if (models->count > 0 || !span_take(&rest, ':', &name))
        return;
    if (rest.data)
        vendor_find(scene->catalog, "replicate", name, models);
    else
        find_version(scene->catalog, version, models);
}

static void find_in_path(const struct dialect_scene *scene, const struct route_match *match,
                         struct faults *faults, struct vendor_models *models)
{
    struct span raw = route_value(match, "model"), name = SPAN("");
    if (http_decode(raw, false, scene->arena, &name))
        vendor_find(scene->catalog, "replicate", name, models);
    if (models->count == 0)
        faults_refuse(faults, ERROR_NOT_FOUND, "There is no model \"%s\".",
                      native_ask_cut(scene->arena, raw, 80));
}

/* ---------------------------------------------------------------- predictions */

/* start is ours; output and logs come as progress does. Nothing given means all of them. */
static unsigned read_events(const json_t *list, struct faults *faults)
{
    static const struct {
        const char *word;
        enum notify_event event;
    } words[] = {
        {"start", NOTIFY_STARTED},
        {"output", NOTIFY_PROGRESS},
        {"logs", NOTIFY_PROGRESS},
        {"completed", NOTIFY_COMPLETED},
    };
    unsigned events = 0;
    bool good = !list || json_is_array(list);
    for (size_t n = 0; n < json_array_size(list); n++) {
        struct span word = json_span(json_array_get(list, n));
        unsigned bit = 0;
        for (size_t at = 0; at < sizeof words / sizeof words[0]; at++)
            bit |= span_is(word, words[at].word) ? 1u << words[at].event : 0;
        good = good && bit;
        events |= bit;
    }
    if (!good)
        faults_add(faults, "webhook_events_filter", "a list of start, output, logs and completed",
                   "is something else");
    return events ? events : (1u << NOTIFY_EVENT_COUNT) - 1;
}

static void check_members(const struct dialect_scene *scene, json_t *body, struct faults *faults)
{
    static const char *const known[] = {"input", "version", "webhook", "webhook_events_filter",
                                        "stream"};
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value) {
        bool found = false;
        for (size_t n = 0; n < sizeof known / sizeof known[0]; n++)
            found = found || strcmp(known[n], name) == 0;
        if (!found)
            faults_add(faults, native_ask_cut(scene->arena, span_of(name), 60),
                       "input, version, webhook, webhook_events_filter and stream",
                       "is not a member of a prediction");
    }
}

/* The version in the body, where the path names no model. */
static bool find_models(const struct dialect_scene *scene, const struct route_match *match,
                        const json_t *body, struct faults *faults, struct vendor_models *models)
{
    const json_t *version = json_object_get(body, "version");
    if (route_value(match, "model").size > 0) {
        find_in_path(scene, match, faults, models);
    } else if (!json_is_string(version)) {
        faults_add(faults, "version", "the id of a version, or owner/name",
                   version ? "is no text" : "is required");
    } else {
        find_by_version(scene, json_span(version), models);
        if (models->count == 0)
            faults_add(faults, "version", "a version or a model that this server has",
                       "is \"%s\", which does not exist here",
                       native_ask_cut(scene->arena, json_span(version), 80));
    }
    return models->count > 0;
}

static void read_predict(const struct dialect_scene *scene, const struct http_request *request,
                         const struct route_match *match, struct faults *faults, struct call *call)
{
    struct vendor_models models = {.count = 0};
    json_t *body = native_ask_body(request, faults);
    if (!body)
        return;
    const json_t *input = json_object_get(body, "input");
    const json_t *url = json_object_get(body, "webhook");
    bool found = find_models(scene, match, body, faults, &models);
    check_members(scene, body, faults);
    if (!json_is_object(input))
        faults_add(faults, "input", "an object", input ? "is no object" : "is required");
    else if (found)
        vendor_ask(scene, request, &models, input, faults, &call->ask);
    read_cancel_after(scene, request, faults, &call->ask);
    if (url && !json_is_null(url) && !json_span(url).size)
        faults_add(faults, "webhook", "an http(s) URL", "is no text");
    const struct vendor_hook hook = {
        .url = json_span(url),
        .field = "webhook",
        .events = read_events(json_object_get(body, "webhook_events_filter"), faults),
        .dialect = "replicate",
    };
    vendor_hook_add(scene, &hook, faults, &call->ask);
    call->wait = preferred_wait(request);
    call->until_end = true;
    json_decref(body);
}

static void read_time(const struct dialect_scene *scene, struct span query, const char *name,
                      struct faults *faults, ms_t *ret_at)
{
    struct span text;
    if (http_query(query, name, scene->arena, &text) && !time_read_iso(text, ret_at))
        faults_add(faults, name, "an ISO time", "is \"%s\"",
                   native_ask_cut(scene->arena, text, 40));
}

static void read_list(const struct dialect_scene *scene, const struct http_request *request,
                      struct faults *faults, struct call *call)
{
    struct span text;
    ms_t before = 0;
    call->limit = REPLICATE_PAGE;
    read_time(scene, request->query, "created_after", faults, &call->since);
    read_time(scene, request->query, "created_before", faults, &before);
    if (http_query(request->query, "cursor", scene->arena, &text) &&
        !id_read(text, "cur_", &call->before))
        faults_add(faults, "cursor", "one of an earlier answer's next", "is something else");
    int64_t key = before > 0 ? id_next_key(0, before) : 0; /* the first of that time */
    if (key && (!call->before || key < call->before))
        call->before = key;
}

/* ---------------------------------------------------------------- the rest */

static const struct action {
    const char *name;
    enum call_kind kind;
    bool has_job;
} actions[] = {
    {"predict", CALL_ASK, false},
    {"get", CALL_STATUS, true},
    {"list", CALL_LIST, false},
    {"cancel", CALL_CANCEL, true},
    {"stream", CALL_STREAM, true},
    {"model", CALL_MODEL, false},
    {"models", CALL_MODELS, false},
    {"versions", CALL_MODEL, false},
    {"version", CALL_MODEL, false},
    {"file", CALL_UPLOAD, false},
    {"file-get", CALL_UPLOAD_STATUS, false},
    {"file-delete", CALL_UPLOAD_DELETE, false},
    {"secret", CALL_SECRET, false},
    {"account", CALL_ACCOUNT, false},
};

static void replicate_read(const struct dialect_scene *scene, const struct http_request *request,
                           const struct route_match *match, struct faults *faults,
                           struct call *ret_call)
{
    struct vendor_models models = {.count = 0};
    const struct action *action = NULL;
    for (size_t n = 0; n < sizeof actions / sizeof actions[0]; n++)
        if (strcmp(actions[n].name, match->route->action) == 0)
            action = &actions[n];
    *ret_call = (struct call){.kind = action ? action->kind : CALL_NONE,
                              .route = match->route,
                              .base = base_of(request->path)};
    if (!action) {
        faults_refuse(faults, ERROR_NOT_FOUND, "The route's action \"%s\" is unknown.",
                      match->route->action);
    } else if (action->has_job) {
        vendor_read_id(match, scene, faults, ret_call);
    } else if (action->kind == CALL_ASK) {
        read_predict(scene, request, match, faults, ret_call);
    } else if (action->kind == CALL_LIST) {
        read_list(scene, request, faults, ret_call);
    } else if (action->kind == CALL_MODEL) {
        find_in_path(scene, match, faults, &models);
        ret_call->model = models.list[0];
    } else if (action->kind == CALL_UPLOAD_STATUS || action->kind == CALL_UPLOAD_DELETE) {
        native_upload_read_id(match, scene, faults, ret_call);
    }
}

const struct dialect replicate_dialect = {
    .name = "replicate",
    .schemes = DIALECT_TOKEN,
    .resends = true,
    .read = replicate_read,
    .write = replicate_write,
    .event = replicate_event,
    .hook = replicate_hook,
};
