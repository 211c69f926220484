#include "dialect/runpod.h"

#include "dialect/native_ask.h"

#include <string.h>

enum {
    WAIT_MS = 90000,
    WAIT_MIN_MS = 1000,
    WAIT_MAX_MS = 300000,
    STREAM_WAIT_MS = 10000, /* the client asks again at once, as long as it is not over */
    TTL_MIN_MS = 10000,
    PRIORITY_LOW = -50
};

#define TTL_MAX_MS (7 * 24 * MS_HOUR)

/* ---------------------------------------------------------------- endpoints */

/* "local/still" for "local-still". */
static bool is_dashed(const char *id, struct span text)
{
    bool same = strlen(id) == text.size;
    for (size_t n = 0; same && n < text.size; n++)
        same = text.data[n] == (id[n] == '/' ? '-' : id[n]);
    return same;
}

static bool is_endpoint(const struct dialect_scene *scene, const struct model *model,
                        struct span text)
{
    for (unsigned n = 0; n < model->offer_count; n++) {
        const char *variable = model->offers[n]->endpoint_variable;
        const char *value = variable && scene->variable ? scene->variable(variable) : NULL;
        if (value && *value && span_is(text, value))
            return true;
    }
    return false;
}

/* Endpoints' own ids go before ours. */
static const struct model *find_model(const struct dialect_scene *scene,
                                      const struct route_match *match, struct faults *faults)
{
    struct span raw = route_value(match, "endpoint"), text = SPAN("");
    const struct model *found = NULL;
    bool good = http_decode(raw, false, scene->arena, &text);
    for (size_t n = 0; good && n < catalog_model_count(scene->catalog); n++) {
        const struct model *model = catalog_model_at(scene->catalog, n);
        if (is_endpoint(scene, model, text))
            return model;
        if (!found && is_dashed(model->id, text))
            found = model;
    }
    if (!found)
        faults_refuse(faults, ERROR_NOT_FOUND, "There is no endpoint \"%s\".",
                      native_ask_cut(scene->arena, raw, 80));
    return found;
}

/* ---------------------------------------------------------------- run */

static void read_policy(const struct dialect_scene *scene, const json_t *policy,
                        struct faults *faults, struct call_ask *ask)
{
    const json_t *ttl = json_object_get(policy, "ttl");
    if (policy && !json_is_object(policy))
        faults_add(faults, "policy", "an object", "is no object");
    if (ttl && (!json_is_integer(ttl) || json_integer_value(ttl) < TTL_MIN_MS ||
                json_integer_value(ttl) > TTL_MAX_MS))
        faults_add(faults, "policy.ttl", "an integer from 10000 to 604800000 (milliseconds)",
                   "is out of range");
    else if (ttl && !ask->deadline)
        ask->deadline = scene->now + json_integer_value(ttl);
    if (json_is_true(json_object_get(policy, "lowPriority")) && ask->priority == 0)
        ask->priority = PRIORITY_LOW;
}

static void read_run(const struct dialect_scene *scene, const struct http_request *request,
                     const struct model *model, struct faults *faults, struct call *call)
{
    struct vendor_models models = {
        .provider = catalog_find_provider(scene->catalog, SPAN("runpod")),
        .list = {model},
        .count = 1,
    };
    json_t *body = native_ask_body(request, faults);
    if (!body)
        return;
    const json_t *input = json_object_get(body, "input");
    const json_t *url = json_object_get(body, "webhook");
    if (json_is_object(input))
        vendor_ask(scene, request, &models, input, faults, &call->ask);
    else
        faults_add(faults, "input", "an object", input ? "is no object" : "is missing");
    read_policy(scene, json_object_get(body, "policy"), faults, &call->ask);
    if (url && !json_is_null(url) && !json_span(url).size)
        faults_add(faults, "webhook", "an http(s) URL", "is no text");
    const struct vendor_hook hook = {.url = json_span(url),
                                     .field = "webhook",
                                     .events = 1u << NOTIFY_COMPLETED,
                                     .dialect = "runpod"};
    vendor_hook_add(scene, &hook, faults, &call->ask);
    json_decref(body);
}

/* ?wait=MILLISECONDS, as their limits have it. */
static void read_wait(const struct dialect_scene *scene, const struct http_request *request,
                      struct faults *faults, struct call *call)
{
    struct span text;
    int64_t wait = WAIT_MS;
    if (http_query(request->query, "wait", scene->arena, &text) &&
        !span_integer(text, WAIT_MIN_MS, WAIT_MAX_MS, &wait))
        faults_add(faults, "wait", "an integer from 1000 to 300000 (milliseconds)", "is \"%s\"",
                   native_ask_cut(scene->arena, text, 20));
    call->wait = wait;
    call->until_end = true;
}

/* ---------------------------------------------------------------- all of it */

static const struct action {
    const char *name;
    enum call_kind kind;
} actions[] = {
    {"run", CALL_ASK},       {"runsync", CALL_ASK},
    {"status", CALL_STATUS}, {"status-sync", CALL_STATUS},
    {"stream", CALL_STATUS}, {"cancel", CALL_CANCEL},
    {"retry", CALL_RETRY},   {"purge-queue", CALL_PURGE},
    {"health", CALL_LOAD},   {"requests", CALL_LIST},
};

static void runpod_read(const struct dialect_scene *scene, const struct http_request *request,
                        const struct route_match *match, struct faults *faults,
                        struct call *ret_call)
{
    const char *action = match->route->action;
    *ret_call = (struct call){.kind = CALL_NONE, .route = match->route};
    for (size_t n = 0; n < sizeof actions / sizeof actions[0]; n++)
        if (strcmp(actions[n].name, action) == 0)
            ret_call->kind = actions[n].kind;
    if (ret_call->kind == CALL_NONE) {
        faults_refuse(faults, ERROR_NOT_FOUND, "The route's action \"%s\" is unknown.", action);
        return;
    }
    const struct model *model = find_model(scene, match, faults);
    if (!model)
        return;
    if (strcmp(action, "runsync") == 0 || strcmp(action, "status-sync") == 0)
        read_wait(scene, request, faults, ret_call);
    if (ret_call->kind == CALL_ASK) {
        read_run(scene, request, model, faults, ret_call);
    } else if (ret_call->kind == CALL_LIST) {
        ret_call->filter_model = span_of(model->id);
        ret_call->limit = RUNPOD_REQUESTS;
    } else if (ret_call->kind == CALL_PURGE || ret_call->kind == CALL_LOAD) {
        ret_call->model = model;
    } else {
        vendor_read_id(match, scene, faults, ret_call);
        if (strcmp(action, "stream") == 0)
            ret_call->wait = STREAM_WAIT_MS;
    }
}

const struct dialect runpod_dialect = {
    .name = "runpod",
    .schemes = DIALECT_BARE,
    .resends = true,
    .read = runpod_read,
    .write = runpod_write,
    .hook = runpod_hook,
};
