#include "dialect/vendor.h"

#include "catalog/mapping.h"
#include "catalog/reference.h"
#include "catalog/reverse.h"
#include "dialect/native_ask.h"
#include "dialect/relay.h"

#include <string.h>

/* Inputs beyond this are not echoed, as providers don't echo what they have deleted. */
enum { RETRY_SECONDS = 5, INPUT_SHOWN = 64 << 10 };

void vendor_find(const struct catalog *catalog, const char *provider, struct span name,
                 struct vendor_models *ret_models)
{
    const struct provider_entry *entry = catalog_find_provider(catalog, span_of(provider));
    const struct model *own = catalog_find(catalog, name);
    *ret_models = (struct vendor_models){.provider = entry};
    for (size_t at = 0; name.size > 0 && at < catalog_model_count(catalog); at++) {
        const struct model *model = catalog_model_at(catalog, at);
        for (unsigned n = 0; n < model->offer_count; n++) {
            if (model->offers[n]->provider != entry || !span_is(name, model->offers[n]->slug) ||
                ret_models->count == VENDOR_MODELS_MAX)
                continue;
            ret_models->list[ret_models->count++] = model;
            break;
        }
    }
    if (ret_models->count == 0 && own)
        ret_models->list[ret_models->count++] = own;
}

/* ---------------------------------------------------------------- inputs */

/* What the mapping sends as constants (job_id) is no parameter, but a client of the provider's may
 * well send it too. */
static void drop_constants(const struct offer *offer, json_t *input)
{
    const char *path;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)offer->mapping.set, path, value)
        if (!catalog_find_parameter(offer->model, span_of(path)))
            (void)json_object_del(input, path);
}

/* Ours in snake_case, where it means nothing in the provider's words. */
static void take_snake(struct arena *arena, const struct model *model, json_t *input,
                       struct reverse *names)
{
    for (unsigned n = 0; n < model->parameter_count; n++) {
        const char *own = model->parameters[n].name;
        char snake[160];
        const json_t *value = NULL;
        if (!json_object_get(input, own) && mapping_snake(own, snake, sizeof snake) &&
            !catalog_find_parameter(model, span_of(snake)))
            value = json_object_get(input, snake);
        if (!value)
            continue;
        (void)json_object_set(input, own, (json_t *)(uintptr_t)value);
        if (names->count < REVERSE_NAMES_MAX)
            names->names[names->count++] =
                (struct reverse_name){.parameter = own, .given = arena_copy(arena, span_of(snake))};
        (void)json_object_del(input, snake);
    }
}

/* One model's reading of the input. */
struct reading {
    struct faults faults;
    struct reverse names;
    struct call_ask ask;
};

static void read_as(const struct dialect_scene *scene, const struct http_request *request,
                    const struct vendor_models *models, const struct model *model,
                    const json_t *body, struct reading *reading)
{
    const struct offer *offer = relay_offer(model, models->provider);
    *reading = (struct reading){.names.count = 0};
    faults_init(&reading->faults, scene->arena);
    json_t *input = offer ? reverse_apply(offer, body, &reading->faults, &reading->names)
                          : json_deep_copy(body);
    if (offer)
        drop_constants(offer, input);
    take_snake(scene->arena, model, input, &reading->names);
    native_ask_fill(scene, request, model, input, &reading->faults, &reading->ask);
    if (models->provider && offer && offer->provider == models->provider &&
        reading->ask.provider.size == 0)
        reading->ask.provider = span_of(models->provider->name);
    json_decref(input);
}

static void tell_faults(const struct reading *reading, struct faults *faults)
{
    for (unsigned n = 0; n < reading->faults.count; n++) {
        const struct fault *fault = &reading->faults.list[n];
        const char *field =
            fault->field ? reverse_field(&reading->names, fault->field, faults->arena) : NULL;
        faults_add(faults, field, fault->allowed, "%s", fault->problem);
    }
    if (reading->faults.code != ERROR_NONE)
        faults_refuse(faults, reading->faults.code, "%s", reading->faults.sentence);
}

/* A model that takes none of it says one thing only: that it is retired. */
static unsigned weight_of(const struct reading *reading)
{
    return reading->faults.code == ERROR_NONE ? 0
           : reading->faults.count == 0       ? FAULTS_MAX + 1
                                              : reading->faults.count;
}

void vendor_ask(const struct dialect_scene *scene, const struct http_request *request,
                const struct vendor_models *models, const json_t *body, struct faults *faults,
                struct call_ask *ret_ask)
{
    struct reading *best = NULL;
    for (unsigned n = 0; n < models->count; n++) {
        struct reading *reading = arena_new(scene->arena, struct reading);
        read_as(scene, request, models, models->list[n], body, reading);
        bool better = !best || weight_of(reading) < weight_of(best);
        struct reading *worse = better ? best : reading;
        if (worse)
            json_decref(worse->ask.input);
        best = better ? reading : best;
        if (weight_of(best) == 0)
            break;
    }
    if (!best)
        return;
    tell_faults(best, faults);
    *ret_ask = best->ask;
    for (unsigned n = 0; n < ret_ask->upload_count; n++) /* they are looked at later */
        ret_ask->uploads[n].field =
            reverse_field(&best->names, ret_ask->uploads[n].field, scene->arena);
    /* The address is a part of what the client asked for: it names the model. */
    if (ret_ask->key.size)
        ret_ask->hash_of = span_of(arena_print(
            scene->arena, "%.*s\n%.*s", SPAN_PRINT(request->path), SPAN_PRINT(request->body)));
}

/* ---------------------------------------------------------------- webhooks */

void vendor_hook_add(const struct dialect_scene *scene, const struct vendor_hook *hook,
                     struct faults *faults, struct call_ask *ask)
{
    char fault[JSON_FAULT_SIZE];
    struct buffer text;
    if (hook->url.size == 0)
        return;
    if (hook->url.size > NATIVE_URL_MAX || reference_kind(hook->url) != REFERENCE_HTTP) {
        faults_add(faults, hook->field, "an http(s) URL of at most 2048 bytes",
                   "is something else");
        return;
    }
    if (faults_any(faults))
        return;
    json_t *options = ask->options.size ? json_read(ask->options, fault) : json_object();
    (void)json_object_set_new(options, "webhookUrl", json_stringn(hook->url.data, hook->url.size));
    (void)json_object_set_new(options, "webhookDialect", json_string(hook->dialect));
    json_t *events = json_array();
    for (int event = 0; event < NOTIFY_EVENT_COUNT; event++)
        if (hook->events & 1u << event)
            (void)json_array_append_new(events,
                                        json_string(notify_event_name((enum notify_event)event)));
    (void)json_object_set_new(options, "webhookEvents", events);
    buffer_init(&text, 4 * NATIVE_METADATA_MAX);
    json_canonical(options, &text);
    ask->options = span_make(arena_copy(scene->arena, buffer_span(&text)), text.size);
    ask->hook_url = span_of(arena_copy(scene->arena, hook->url));
    ask->hook_field = hook->field;
    ask->hook_events = hook->events;
    buffer_done(&text);
    json_decref(options);
}

const char *vendor_hook_dialect(const struct job *job)
{
    static const char *const dialects[] = {"replicate", "fal", "runpod"};
    char fault[JSON_FAULT_SIZE];
    const char *found = NULL;
    json_t *options = job->options ? json_read(span_of(job->options), fault) : NULL;
    struct span name = json_span(json_object_get(options, "webhookDialect"));
    for (size_t n = 0; n < sizeof dialects / sizeof dialects[0]; n++)
        if (span_is(name, dialects[n]))
            found = dialects[n];
    json_decref(options);
    return found;
}

/* ---------------------------------------------------------------- reading and telling */

void vendor_read_id(const struct route_match *match, const struct dialect_scene *scene,
                    struct faults *faults, struct call *call)
{
    struct span raw = route_value(match, "id");
    if (!http_decode(raw, false, scene->arena, &call->job_id) ||
        !id_read(call->job_id, "gen_", &call->job))
        faults_refuse(faults, ERROR_NOT_FOUND, "There is no job \"%s\".",
                      native_ask_cut(scene->arena, raw, 60));
}

struct vendor_job vendor_job_of(const struct dialect_scene *scene, const struct call *call,
                                const struct answer *answer, struct json_writer *writer)
{
    return (struct vendor_job){
        .catalog = scene->catalog,
        .arena = scene->arena,
        .job = answer->job_count > 0 ? answer->jobs[0] : NULL,
        .input = call->kind == CALL_ASK ? call->ask.input : NULL,
        .position = answer->waiting.position,
        .now = answer->now,
        .link = answer->link,
        .address = answer->address,
        .signed_address = answer->signed_address,
        .link_context = answer->link_context,
        .writer = writer,
    };
}

void vendor_write_input(const struct vendor_job *told, const char *name, const struct offer *theirs)
{
    const struct job *job = told->job;
    char fault[JSON_FAULT_SIZE];
    json_t *input = NULL;
    if (told->input)
        input = json_incref((json_t *)(uintptr_t)told->input);
    else if (job->input && span_of(job->input).size <= INPUT_SHOWN)
        input = json_read(span_of(job->input), fault);
    json_t *shown =
        input && theirs ? mapping_apply(theirs, input, span_of(job->id)) : json_incref(input);
    struct buffer text;
    buffer_init(&text, INPUT_SHOWN);
    if (shown)
        json_canonical(shown, &text);
    json_raw(told->writer, name, shown && !text.failed ? buffer_span(&text) : SPAN("{}"));
    buffer_done(&text);
    json_decref(shown);
    json_decref(input);
}

void vendor_write_file(const struct vendor_job *told, const char *name, const char *file)
{
    struct buffer url;
    buffer_init(&url, 4096);
    told->link(told->link_context, told->job, file, &url);
    json_text(told->writer, name, buffer_span(&url));
    buffer_done(&url);
}

void vendor_write_address(const struct vendor_job *told, const char *name, const char *path)
{
    struct buffer url;
    buffer_init(&url, 8192);
    told->address(told->link_context, span_of(path), &url);
    json_text(told->writer, name, buffer_span(&url));
    buffer_done(&url);
}

bool vendor_add_bar(const struct job *job, struct buffer *target)
{
    if (!job->started_at || job->progress <= 0 || job->state == STATE_CANCELED)
        return false;
    buffer_print(target, "%3d%%|", job->progress);
    for (int tenth = 1; tenth <= 10; tenth++)
        buffer_add_text(target, job->progress >= 10 * tenth ? "█" : " ");
    buffer_print(target, "| %d/100", job->progress);
    return true;
}

struct span vendor_error(const struct job *job)
{
    return job->state == STATE_CANCELED ? SPAN("The request was canceled.")
           : job->error_text[0]         ? span_of(job->error_text)
                                        : span_of(error_sentence(job->error));
}

void vendor_refusal_headers(const struct dialect_scene *scene, const struct answer *answer,
                            struct http_response *response)
{
    enum error_code code = answer->refusal->code;
    if (code == ERROR_RATE_LIMITED || code == ERROR_STORAGE_FULL) {
        char *text = arena_make(scene->arena, SPAN_NUMBER_SIZE);
        int64_t seconds = answer->retry_seconds > 0 ? answer->retry_seconds : RETRY_SECONDS;
        (void)http_response_add(response, "Retry-After",
                                (struct span){text, span_write_number(seconds, text)});
    }
    if (code == ERROR_NOT_AUTHORIZED)
        (void)http_response_add(response, "WWW-Authenticate", SPAN("Bearer realm=\"reel\""));
    if (!error_retryable(code))
        (void)http_response_add(response, "x-should-retry", SPAN("false"));
}
