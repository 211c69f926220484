#include "dialect/native_ask.h"

#include "catalog/input.h"
#include "catalog/reference.h"
#include "dialect/call_input.h"
#include "dialect/native_hook.h"

#include <string.h>

enum { NATIVE_YEARS_MAX = 10 };

/* What is being read, handed through the readers of single fields. */
struct reading {
    const struct dialect_scene *scene;
    struct faults *faults;
    struct call_ask *ask;
    json_t *options; /* owned: what is kept for later (webhookUrl …) */
};

const char *native_ask_cut(struct arena *arena, struct span text, size_t max)
{
    struct buffer shown;
    size_t done = 0, size;
    buffer_init(&shown, max + 8);
    for (; done < text.size; done += size) {
        size = span_utf8((struct span){text.data + done, text.size - done});
        if (done + (size ? size : 1) > max)
            break;
        buffer_add(&shown, size ? (struct span){text.data + done, size} : SPAN("?"));
        size = size ? size : 1;
    }
    if (done < text.size)
        buffer_add_text(&shown, "…");
    const char *copy = arena_copy(arena, buffer_span(&shown));
    buffer_done(&shown);
    return copy;
}

json_t *native_ask_body(const struct http_request *request, struct faults *faults)
{
    struct span type;
    if (http_request_header(request, "content-type", &type)) {
        ptrdiff_t end = span_find(type, ';');
        if (end >= 0)
            type.size = (size_t)end;
        type = span_trim(type);
        if (!span_is_nocase(type, "application/json") && !span_ends(type, "+json")) {
            faults_refuse(faults, ERROR_UNSUPPORTED_TYPE,
                          "The content type is \"%s\"; send application/json.",
                          native_ask_cut(faults->arena, type, 80));
            return NULL;
        }
    }
    if (request->body.size == 0) {
        faults_refuse(faults, ERROR_VALIDATION, "The body is empty; send a JSON object.");
        return NULL;
    }
    static const struct json_bounds bounds = {NATIVE_VALUES_MAX, NATIVE_JSON_MAX};
    char fault[JSON_FAULT_SIZE];
    json_t *body = json_read_bounded(request->body, &bounds, fault);
    if (!body) {
        faults_refuse(faults, ERROR_VALIDATION, "%s", fault);
        return NULL;
    }
    if (!json_is_object(body)) {
        json_decref(body);
        faults_refuse(faults, ERROR_VALIDATION, "The body is no JSON object.");
        return NULL;
    }
    if (json_object_size(body) > NATIVE_MEMBERS_MAX) {
        faults_refuse(faults, ERROR_VALIDATION, "The body has %zu members; at most %d are read.",
                      json_object_size(body), NATIVE_MEMBERS_MAX);
        json_decref(body);
        return NULL;
    }
    return body;
}

bool native_ask_time(const json_t *value, const char *field, ms_t now, struct faults *faults,
                     ms_t *ret_at)
{
    static const char allowed[] =
        "an ISO time (\"2026-01-21T21:00:00Z\") or a number of seconds from now, within ten years";
    const double most = NATIVE_YEARS_MAX * 366.0 * 86400.0;
    ms_t at = 0;
    if (json_is_null(value)) {
        *ret_at = 0;
        return true;
    }
    if (json_is_number(value)) {
        double seconds = json_number_value(value);
        if (!(seconds >= 0 && seconds <= most)) {
            faults_add(faults, field, allowed, "is %.15g", seconds);
            return false;
        }
        at = now + (ms_t)(seconds * 1000);
    } else if (!json_is_string(value) || !time_read_iso(json_span(value), &at)) {
        faults_add(faults, field, allowed, "is no time");
        return false;
    }
    if (at <= 0 || at > now + (ms_t)(most * 1000)) {
        faults_add(faults, field, allowed, "is out of range");
        return false;
    }
    *ret_at = at;
    return true;
}

bool native_ask_priority(const json_t *value, struct faults *faults, int *ret_priority)
{
    struct span name = json_span(value);
    if (span_is(name, "low")) {
        *ret_priority = -50;
    } else if (span_is(name, "normal")) {
        *ret_priority = 0;
    } else if (span_is(name, "high")) {
        *ret_priority = 50;
    } else if (json_is_integer(value) && json_integer_value(value) >= JOB_PRIORITY_MIN &&
               json_integer_value(value) <= JOB_PRIORITY_MAX) {
        *ret_priority = (int)json_integer_value(value);
    } else {
        faults_add(faults, "priority", "low, normal, high or an integer from -100 to 100",
                   "is neither a name nor an integer in range");
        return false;
    }
    return true;
}

static void read_priority(struct reading *reading, const json_t *value)
{
    (void)native_ask_priority(value, reading->faults, &reading->ask->priority);
}

static void read_start_at(struct reading *reading, const json_t *value)
{
    (void)native_ask_time(value, "startAt", reading->scene->now, reading->faults,
                          &reading->ask->start_at);
}

static void read_deadline(struct reading *reading, const json_t *value)
{
    if (native_ask_time(value, "deadline", reading->scene->now, reading->faults,
                        &reading->ask->deadline) &&
        reading->ask->deadline && reading->ask->deadline <= reading->scene->now)
        faults_add(reading->faults, "deadline", "a time in the future", "has passed");
}

static void read_key(struct reading *reading, const json_t *value)
{
    struct span key = json_span(value);
    if (key.size == 0 || key.size > NATIVE_KEY_MAX)
        faults_add(reading->faults, "idempotencyKey", "a text of 1 to 255 bytes",
                   json_is_string(value) ? "has %zu bytes" : "is no text", key.size);
    else if (reading->ask->key.size && !span_equal(reading->ask->key, key))
        faults_add(reading->faults, "idempotencyKey", "the same value in both places",
                   "differs from the header Idempotency-Key");
    else
        reading->ask->key = span_of(arena_copy(reading->scene->arena, key));
}

static void read_duplicates(struct reading *reading, const json_t *value)
{
    reading->ask->join = span_is(json_span(value), "join");
    if (!reading->ask->join && !span_is(json_span(value), "allow"))
        faults_add(reading->faults, "duplicates", "\"allow\" or \"join\"", "is something else");
}

static void read_count(struct reading *reading, const json_t *value)
{
    json_int_t count = json_is_integer(value) ? json_integer_value(value) : 0;
    if (count < 1 || count > JOB_COUNT_MAX)
        faults_add(reading->faults, "count", "an integer from 1 to 8", "is out of range");
    else
        reading->ask->count = (unsigned)count;
}

static void read_depends_on(struct reading *reading, const json_t *value)
{
    if (!json_is_array(value) || json_array_size(value) > JOB_DEPENDENCIES_MAX) {
        faults_add(reading->faults, "dependsOn", "a list of at most 32 ids of jobs",
                   json_is_array(value) ? "has %zu" : "is no list", json_array_size(value));
        return;
    }
    size_t n;
    const json_t *item;
    json_array_foreach(value, n, item) {
        call_input_depend(reading->ask, json_span(item), "dependsOn", false, reading->faults);
    }
}

static void read_provider(struct reading *reading, const json_t *value)
{
    struct span name = json_span(value);
    if (!name.size || !catalog_find_provider(reading->scene->catalog, name))
        faults_add(reading->faults, "provider", "the name of a provider",
                   "is no provider that the catalogue knows");
    else
        reading->ask->provider = span_of(arena_copy(reading->scene->arena, name));
}

static void read_bool(struct reading *reading, const char *field, const json_t *value,
                      bool *ret_value)
{
    if (json_is_boolean(value))
        *ret_value = json_is_true(value);
    else
        faults_add(reading->faults, field, "true or false", "is something else");
}

static void read_fallback(struct reading *reading, const json_t *value)
{
    bool fallback = true;
    read_bool(reading, "fallback", value, &fallback);
    reading->ask->only_provider = !fallback;
    reading->ask->flags |= fallback ? 0 : JOB_FLAG_NO_FALLBACK;
}

static void read_dry_run(struct reading *reading, const json_t *value)
{
    read_bool(reading, "dryRun", value, &reading->ask->dry_run);
}

static struct span keep_json(struct reading *reading, const json_t *value, size_t max)
{
    struct buffer text;
    buffer_init(&text, max);
    json_canonical(value, &text);
    struct span kept = {NULL, 0};
    if (!text.failed)
        kept = span_make(arena_copy(reading->scene->arena, buffer_span(&text)), text.size);
    buffer_done(&text);
    return kept;
}

/* Levels of objects and lists in JSON text that is known to be good. */
static unsigned depth_of(struct span json)
{
    unsigned depth = 0, most = 0;
    bool in_text = false;
    for (size_t n = 0; n < json.size; n++) {
        char byte = json.data[n];
        if (in_text && byte == '\\')
            n++;
        else if (byte == '"')
            in_text = !in_text;
        else if (!in_text && (byte == '{' || byte == '['))
            most = ++depth > most ? depth : most;
        else if (!in_text && (byte == '}' || byte == ']'))
            depth--;
    }
    return most;
}

static void read_metadata(struct reading *reading, const json_t *value)
{
    if (!json_is_object(value)) {
        faults_add(reading->faults, "metadata", "an object of at most 4096 bytes", "is no object");
        return;
    }
    reading->ask->metadata = keep_json(reading, value, NATIVE_METADATA_MAX);
    if (!reading->ask->metadata.data)
        faults_add(reading->faults, "metadata", "an object of at most 4096 bytes", "is larger");
    else if (depth_of(reading->ask->metadata) > NATIVE_METADATA_DEPTH)
        faults_add(reading->faults, "metadata", "an object of at most 16 levels", "is deeper");
}

static void keep_option(struct reading *reading, const char *name, const json_t *value)
{
    if (!reading->options)
        reading->options = json_object();
    (void)json_object_set_new(reading->options, name, json_deep_copy(value));
}

static void read_webhook_url(struct reading *reading, const json_t *value)
{
    struct span url = json_span(value);
    if (url.size > NATIVE_URL_MAX || reference_kind(url) != REFERENCE_HTTP)
        faults_add(reading->faults, "webhookUrl", "an http(s) URL of at most 2048 bytes",
                   "is something else");
    else
        keep_option(reading, "webhookUrl", value);
    reading->ask->hook_url = span_of(arena_copy(reading->scene->arena, url));
}

static void read_webhook_events(struct reading *reading, const json_t *value)
{
    static const char allowed[] = "a list of started, progress and completed";
    bool good = json_is_array(value) && json_array_size(value) <= NOTIFY_EVENT_COUNT;
    reading->ask->hook_events = 0;
    for (size_t n = 0; good && n < json_array_size(value); n++) {
        enum notify_event event = NOTIFY_COMPLETED;
        good = notify_event_find(json_span(json_array_get(value, n)), &event);
        reading->ask->hook_events |= 1u << event;
    }
    if (good)
        keep_option(reading, "webhookEvents", value);
    else
        faults_add(reading->faults, "webhookEvents", allowed, "is something else");
}

static void read_webhook_secret(struct reading *reading, const json_t *value)
{
    if (!native_hook_is_secret(json_span(value)))
        faults_add(reading->faults, "webhookSecret", "whsec_ and 24 to 64 bytes in base64",
                   "is something else");
    else
        keep_option(reading, "webhookSecret", value);
    reading->ask->has_hook_secret = true;
}

static void read_cache(struct reading *reading, const json_t *value)
{
    struct span mode = json_span(value);
    if (!span_is(mode, "auto") && !span_is(mode, "off") && !span_is(mode, "refresh"))
        faults_add(reading->faults, "cache", "auto, off or refresh", "is something else");
    else
        keep_option(reading, "cache", value);
}

static void read_on_uncertain(struct reading *reading, const json_t *value)
{
    struct span mode = json_span(value);
    if (!span_is(mode, "hold") && !span_is(mode, "resubmit"))
        faults_add(reading->faults, "onUncertain", "hold or resubmit", "is something else");
    else
        keep_option(reading, "onUncertain", value);
    if (span_is(mode, "resubmit"))
        reading->ask->flags |= JOB_FLAG_RESUBMIT;
}

static void read_retry_billed(struct reading *reading, const json_t *value)
{
    bool again = false;
    read_bool(reading, "retryBilled", value, &again);
    keep_option(reading, "retryBilled", value);
    reading->ask->flags |= again ? JOB_FLAG_RETRY_BILLED : 0;
}

/* The common fields of SPEC 3; what is not here belongs to the model. */
static const struct {
    const char *name;
    void (*read)(struct reading *reading, const json_t *value);
} fields[] = {
    {"priority", read_priority},
    {"startAt", read_start_at},
    {"deadline", read_deadline},
    {"idempotencyKey", read_key},
    {"duplicates", read_duplicates},
    {"count", read_count},
    {"dependsOn", read_depends_on},
    {"provider", read_provider},
    {"fallback", read_fallback},
    {"dryRun", read_dry_run},
    {"metadata", read_metadata},
    {"webhookUrl", read_webhook_url},
    {"webhookEvents", read_webhook_events},
    {"webhookSecret", read_webhook_secret},
    {"cache", read_cache},
    {"onUncertain", read_on_uncertain},
    {"retryBilled", read_retry_billed},
};

static const struct model *find_model(struct reading *reading, const json_t *body)
{
    const json_t *value = json_object_get(body, "model");
    const struct model *model = catalog_find(reading->scene->catalog, json_span(value));
    if (model)
        return model;
    static const char allowed[] = "the id of a model; GET /api/v1/models lists them";
    if (!value)
        faults_add(reading->faults, "model", allowed, "is missing");
    else if (!json_is_string(value))
        faults_add(reading->faults, "model", allowed, "is no text");
    else
        faults_add(reading->faults, "model", allowed, "is \"%s\", which is no model",
                   native_ask_cut(reading->scene->arena, json_span(value), 80));
    return NULL;
}

static void read_fields(struct reading *reading, json_t *body)
{
    bool names_provider = json_object_get(body, "provider") != NULL;
    for (size_t n = 0; n < sizeof fields / sizeof fields[0]; n++) {
        const json_t *value = json_object_get(body, fields[n].name);
        if (!value)
            continue;
        fields[n].read(reading, value);
        (void)json_object_del(body, fields[n].name);
    }
    (void)json_object_del(body, "model");
    if (reading->ask->only_provider && !names_provider)
        faults_add(reading->faults, "fallback", "true, or a provider beside it",
                   "is false, but there is no provider to keep to");
}

static struct reading begin(const struct dialect_scene *scene, const struct http_request *request,
                            struct faults *faults, struct call_ask *ask)
{
    struct span key;
    ask->count = 1;
    ask->hook_events = 1u << NOTIFY_COMPLETED;
    ask->hash_of = request->body;
    if (http_request_header(request, "idempotency-key", &key)) {
        if (key.size == 0 || key.size > NATIVE_KEY_MAX)
            faults_add(faults, "Idempotency-Key", "a header of 1 to 255 bytes", "has %zu bytes",
                       key.size);
        else
            ask->key = key;
    }
    return (struct reading){.scene = scene, .faults = faults, .ask = ask};
}

static void fill(struct reading *reading, const struct model *model, json_t *body)
{
    struct faults *faults = reading->faults;
    reading->ask->model = model;
    if (model && model->retired) /* whatever else is wrong */
        faults_refuse(faults, ERROR_MODEL_RETIRED, "The model %s was retired by its owner%s%s.",
                      model->id, model->successor ? "; its successor is " : "",
                      model->successor ? model->successor : "");
    else
        read_fields(reading, body);
    if (model && !model->retired && input_check(model, body, faults, &reading->ask->input))
        call_input_find(reading->ask, reading->scene->arena, faults);
    if (reading->options)
        reading->ask->options = keep_json(reading, reading->options, 2 * NATIVE_METADATA_MAX);
    json_decref(reading->options);
}

void native_ask_fill(const struct dialect_scene *scene, const struct http_request *request,
                     const struct model *model, json_t *body, struct faults *faults,
                     struct call_ask *ret_ask)
{
    struct reading reading = begin(scene, request, faults, ret_ask);
    fill(&reading, model, body);
}

void native_ask_read(const struct dialect_scene *scene, const struct http_request *request,
                     struct faults *faults, struct call_ask *ret_ask)
{
    struct reading reading = begin(scene, request, faults, ret_ask);
    json_t *body = native_ask_body(request, faults);
    if (!body)
        return;
    fill(&reading, find_model(&reading, body), body);
    json_decref(body);
}
