/* The native dialect (SPEC 3): JSON in and out, camelCase. */
#include "dialect/native_ask.h"
#include "dialect/native_hook.h"
#include "dialect/native_keys.h"
#include "dialect/native_provider.h"
#include "dialect/native_upload.h"
#include "dialect/native_usage.h"
#include "dialect/native_write.h"

#include <string.h>

static void read_id(const struct route_match *match, const struct dialect_scene *scene,
                    struct faults *faults, struct call *call)
{
    struct span raw = route_value(match, "id");
    if (!http_decode(raw, false, scene->arena, &call->job_id) ||
        !id_read(call->job_id, "gen_", &call->job))
        faults_refuse(faults, ERROR_NOT_FOUND, "There is no job \"%s\".",
                      native_ask_cut(scene->arena, raw, 60));
}

/* A parameter of the query. One that can't be decoded is a fault, for a filter that is not heard
 * would show what nobody asked for. */
static bool read_query(struct span query, const char *name, const struct dialect_scene *scene,
                       struct faults *faults, struct span *ret_text)
{
    struct span rest = query, pair, key;
    if (http_query(query, name, scene->arena, ret_text))
        return true;
    while (span_take(&rest, '&', &pair)) {
        if (span_take(&pair, '=', &key) && span_is(key, name))
            faults_add(faults, name, "percent-encoded UTF-8", "can't be decoded");
    }
    return false;
}

/* The first `wait` of all Prefer lines; what makes no sense is ignored (RFC 7240). */
static int64_t preferred_wait(const struct http_request *request)
{
    for (unsigned n = 0; n < request->header_count; n++) {
        struct span list = request->headers[n].value, part, value, name;
        if (!span_is_nocase(request->headers[n].name, "prefer"))
            continue;
        while (span_take(&list, ',', &part)) {
            int64_t seconds;
            (void)span_take(&part, ';', &value);
            if (!span_take(&value, '=', &name) || !span_is_nocase(span_trim(name), "wait"))
                continue;
            value = span_trim(value);
            if (value.size > 1 && value.data[0] == '"' && span_ends(value, "\""))
                value = (struct span){value.data + 1, value.size - 2};
            if (!span_integer(value, 0, INT32_MAX, &seconds))
                return 0;
            return seconds < CALL_WAIT_MAX_SECONDS ? seconds : CALL_WAIT_MAX_SECONDS;
        }
    }
    return 0;
}

/* ?wait=N or Prefer: wait=N, in seconds. */
static void read_wait(const struct http_request *request, const struct dialect_scene *scene,
                      struct faults *faults, struct call *call)
{
    struct span text;
    int64_t seconds = 0;
    if (!read_query(request->query, "wait", scene, faults, &text))
        seconds = preferred_wait(request);
    else if (!span_integer(text, 0, CALL_WAIT_MAX_SECONDS, &seconds))
        faults_add(faults, "wait", "an integer from 0 to 60 (seconds)", "is \"%s\"",
                   native_ask_cut(scene->arena, text, 20));
    call->wait = seconds * MS_SECOND;
    (void)http_request_header(request, "if-none-match", &call->if_none_match);
}

static void read_change(const struct http_request *request, const struct dialect_scene *scene,
                        struct faults *faults, struct call *call)
{
    json_t *body = native_ask_body(request, faults);
    const char *name;
    json_t *value;
    if (!body)
        return;
    json_object_foreach(body, name, value) {
        if (strcmp(name, "priority") == 0)
            call->change.has_priority = native_ask_priority(value, faults, &call->change.priority);
        else if (strcmp(name, "startAt") == 0)
            call->change.has_start_at =
                native_ask_time(value, name, scene->now, faults, &call->change.start_at);
        else if (strcmp(name, "deadline") == 0)
            call->change.has_deadline =
                native_ask_time(value, name, scene->now, faults, &call->change.deadline);
        else
            faults_add(faults, name, "priority, startAt and deadline", "can't be changed");
    }
    if (json_object_size(body) == 0)
        faults_refuse(faults, ERROR_VALIDATION,
                      "Nothing to change; give priority, startAt or deadline.");
    if (call->change.has_deadline && call->change.deadline && call->change.deadline <= scene->now)
        faults_add(faults, "deadline", "a time in the future, or null", "has passed");
    json_decref(body);
}

/* {"action": "link", "remoteId": "…"}, of the attempt at hand or of "attempt"; resubmit, give_up.
 */
static void read_resolve(const struct http_request *request, const struct dialect_scene *scene,
                         struct faults *faults, struct call *call)
{
    static const char *const acts[] = {
        [RESOLVE_LINK] = "link",
        [RESOLVE_RESUBMIT] = "resubmit",
        [RESOLVE_GIVE_UP] = "give_up",
    };
    json_t *body = native_ask_body(request, faults), *value;
    const char *name;
    unsigned act = 0;
    if (!body)
        return;
    struct span action = json_span(json_object_get(body, "action"));
    struct span id = json_span(json_object_get(body, "remoteId"));
    while (act <= RESOLVE_GIVE_UP && !span_is(action, acts[act]))
        act++;
    json_object_foreach(body, name, value) {
        if (strcmp(name, "action") != 0 && strcmp(name, "remoteId") != 0 &&
            strcmp(name, "attempt") != 0)
            faults_add(faults, name, "action, remoteId and attempt", "is not known here");
    }
    if (act > RESOLVE_GIVE_UP)
        faults_add(faults, "action", "link, resubmit or give_up", "is missing or something else");
    else if (act == RESOLVE_LINK && (id.size == 0 || id.size >= JOB_REMOTE_ID_SIZE))
        faults_add(faults, "remoteId", "the provider's own id, 1 to 159 bytes",
                   "is missing or too long");
    const json_t *attempt = json_object_get(body, "attempt");
    json_int_t number = json_integer_value(attempt);
    if (attempt && (act != RESOLVE_LINK || number < 1 || number > RESOLVE_ATTEMPT_MAX))
        faults_add(faults, "attempt", "for link alone, the number of an attempt, 1 to 1000",
                   "is something else");
    call->resolve.attempt = (unsigned)number;
    call->resolve.act = (enum resolve_act)act;
    call->resolve.remote_id = arena_copy(scene->arena, id);
    json_decref(body);
}

/* No body, or {"acceptDoubleCharge": true}. */
static void read_retry(const struct http_request *request, struct faults *faults, struct call *call)
{
    const char *name;
    json_t *value, *body = request->body.size ? native_ask_body(request, faults) : NULL;
    json_object_foreach(body, name, value) {
        if (strcmp(name, "acceptDoubleCharge") != 0)
            faults_add(faults, name, "acceptDoubleCharge", "is not known here");
        else if (!json_is_boolean(value))
            faults_add(faults, name, "true or false", "is something else");
        else
            call->accept_double_charge = json_is_true(value);
    }
    json_decref(body);
}

/* The native words for groups of states. */
static unsigned states_of(struct span word)
{
    static const struct {
        const char *word;
        unsigned states;
    } words[] = {
        {"queued", 1u << STATE_WAITING | 1u << STATE_QUEUED},
        {"processing", 1u << STATE_SUBMITTING | 1u << STATE_UNCERTAIN | 1u << STATE_RUNNING |
                           1u << STATE_STORING},
        {"completed", 1u << STATE_SUCCEEDED},
        {"failed", 1u << STATE_FAILED | 1u << STATE_EXPIRED},
        {"canceled", 1u << STATE_CANCELED},
    };
    for (size_t n = 0; n < sizeof words / sizeof words[0]; n++) {
        if (span_is(word, words[n].word))
            return words[n].states;
    }
    return 0;
}

static void read_state_filters(struct span query, const struct dialect_scene *scene,
                               struct faults *faults, struct call *call)
{
    struct span text, word;
    unsigned by_status = 0, by_state = 0;
    if (read_query(query, "status", scene, faults, &text)) {
        while (span_take(&text, ',', &word)) {
            if (!states_of(word))
                faults_add(faults, "status", "queued, processing, completed, failed, canceled",
                           "names \"%s\"", native_ask_cut(scene->arena, word, 20));
            by_status |= states_of(word);
        }
    }
    if (read_query(query, "state", scene, faults, &text)) {
        while (span_take(&text, ',', &word)) {
            enum state state;
            if (state_find(word, &state))
                by_state |= 1u << state;
            else
                faults_add(faults, "state", "the name of a state, as queued or running",
                           "names \"%s\"", native_ask_cut(scene->arena, word, 20));
        }
    }
    call->states = by_status && by_state ? by_status & by_state : by_status | by_state;
    if (by_status && by_state && !call->states) /* no bits would mean all states */
        faults_add(faults, "state", "a state that the status covers", "contradicts the status");
}

/* metadata.KEY=TEXT, once. */
static void read_metadata_filter(struct span query, const struct dialect_scene *scene,
                                 struct faults *faults, struct call *call)
{
    struct span rest = query, value, raw;
    while (span_take(&rest, '&', &value)) {
        struct span key = SPAN("");
        (void)span_take(&value, '=', &raw);
        bool good = http_decode(raw, true, scene->arena, &key);
        if (!span_starts(good ? key : raw, "metadata."))
            continue;
        key = good ? (struct span){key.data + 9, key.size - 9} : key;
        value = value.data ? value : SPAN("");
        if (key.size == 0 || call->metadata_key.size > 0 ||
            !http_decode(value, true, scene->arena, &call->metadata_text))
            faults_add(faults, "metadata", "one metadata.KEY=TEXT",
                       call->metadata_key.size > 0 ? "comes twice" : "can't be read");
        else
            call->metadata_key = key;
    }
}

static void read_list(const struct http_request *request, const struct route_match *match,
                      const struct dialect_scene *scene, struct faults *faults, struct call *call)
{
    struct span query = request->query, text;
    int64_t limit = CALL_LIST_DEFAULT;
    read_state_filters(query, scene, faults, call);
    read_metadata_filter(query, scene, faults, call);
    (void)read_query(query, "model", scene, faults, &call->filter_model);
    (void)read_query(query, "provider", scene, faults, &call->filter_provider);
    (void)read_query(query, "tenant", scene, faults, &call->filter_tenant);
    if (read_query(query, "limit", scene, faults, &text) &&
        !span_integer(text, 1, CALL_LIST_MAX, &limit))
        faults_add(faults, "limit", "an integer from 1 to 200", "is \"%s\"",
                   native_ask_cut(scene->arena, text, 20));
    if (read_query(query, "since", scene, faults, &text) && !time_read_iso(text, &call->since))
        faults_add(faults, "since", "an ISO time", "is \"%s\"",
                   native_ask_cut(scene->arena, text, 40));
    if (read_query(query, "cursor", scene, faults, &text) && !id_read(text, "cur_", &call->before))
        faults_add(faults, "cursor", "a nextCursor of an earlier answer", "is something else");
    call->limit = (unsigned)limit;
    if (strcmp(match->route->action, "uncertain") == 0)
        call->states = 1u << STATE_UNCERTAIN;
}

static void read_model(const struct route_match *match, const struct dialect_scene *scene,
                       struct faults *faults, struct call *call)
{
    struct span id = SPAN("");
    if (http_decode(route_value(match, "id"), false, scene->arena, &id))
        call->model = catalog_find(scene->catalog, id);
    if (!call->model)
        faults_refuse(faults, ERROR_NOT_FOUND,
                      "There is no model \"%s\"; GET /api/v1/models lists them.",
                      native_ask_cut(scene->arena, id, 80));
}

static const struct {
    const char *action;
    enum call_kind kind;
    bool has_job;
} actions[] = {
    {"generate", CALL_ASK, false},
    {"status", CALL_STATUS, true},
    {"cancel", CALL_CANCEL, true},
    {"change", CALL_CHANGE, true},
    {"retry", CALL_RETRY, true},
    {"resolve", CALL_RESOLVE, true},
    {"uncertain", CALL_LIST, false},
    {"list", CALL_LIST, false},
    {"timeline", CALL_TIMELINE, true},
    {"models", CALL_MODELS, false},
    {"model", CALL_MODEL, false},
    {"stats", CALL_STATS, false},
    {"openapi", CALL_OPENAPI, false},
    {"keys", CALL_KEYS, false},
    {"key", CALL_KEY, false},
    {"key_make", CALL_KEY_MAKE, false},
    {"key_revoke", CALL_KEY_REVOKE, false},
    {"tenants", CALL_TENANTS, false},
    {"tenant", CALL_TENANT, false},
    {"tenant_set", CALL_TENANT_SET, false},
    {"delete", CALL_DELETE, true},
    {"upload", CALL_UPLOAD, false},
    {"upload-status", CALL_UPLOAD_STATUS, false},
    {"upload-delete", CALL_UPLOAD_DELETE, false},
    {"deliveries", CALL_DELIVERIES, true},
    {"redeliver", CALL_REDELIVER, true},
    {"webhook-secret", CALL_SECRET, false},
    {"webhook-rotate", CALL_ROTATE, false},
    {"webhook-test", CALL_HOOK_TEST, false},
    {"usage", CALL_USAGE, false},
    {"providers", CALL_PROVIDERS, false},
    {"provider-pause", CALL_PROVIDER_PAUSE, false},
    {"provider-resume", CALL_PROVIDER_PAUSE, false},
};

static void native_read(const struct dialect_scene *scene, const struct http_request *request,
                        const struct route_match *match, struct faults *faults,
                        struct call *ret_call)
{
    *ret_call = (struct call){0};
    for (size_t n = 0; n < sizeof actions / sizeof actions[0]; n++) {
        if (strcmp(actions[n].action, match->route->action) == 0) {
            ret_call->kind = actions[n].kind;
            if (actions[n].has_job)
                read_id(match, scene, faults, ret_call);
        }
    }
    if (ret_call->kind == CALL_NONE)
        faults_refuse(faults, ERROR_NOT_FOUND, "The route's action \"%s\" is unknown.",
                      match->route->action);
    else if (ret_call->kind == CALL_ASK)
        native_ask_read(scene, request, faults, &ret_call->ask);
    else if (ret_call->kind == CALL_STATUS)
        read_wait(request, scene, faults, ret_call);
    else if (ret_call->kind == CALL_CHANGE && !faults_any(faults))
        read_change(request, scene, faults, ret_call);
    else if (ret_call->kind == CALL_RETRY && !faults_any(faults))
        read_retry(request, faults, ret_call);
    else if (ret_call->kind == CALL_RESOLVE && !faults_any(faults))
        read_resolve(request, scene, faults, ret_call);
    else if (ret_call->kind == CALL_LIST)
        read_list(request, match, scene, faults, ret_call);
    else if (ret_call->kind == CALL_UPLOAD_STATUS || ret_call->kind == CALL_UPLOAD_DELETE)
        native_upload_read_id(match, scene, faults, ret_call);
    else if (ret_call->kind == CALL_REDELIVER)
        native_hook_read_number(match, scene, faults, ret_call);
    else if (ret_call->kind == CALL_HOOK_TEST)
        native_hook_read_test(request, scene, faults, ret_call);
    else if (ret_call->kind == CALL_USAGE)
        native_usage_read(scene, request, faults, ret_call);
    else if (ret_call->kind == CALL_PROVIDER_PAUSE)
        native_provider_read(match, scene, faults, ret_call);
    else if (ret_call->kind == CALL_MODEL)
        read_model(match, scene, faults, ret_call);
    else if (ret_call->kind >= CALL_KEYS && ret_call->kind <= CALL_TENANT_SET)
        native_keys_read(scene, request, match, faults, ret_call);
}

const struct dialect native_dialect = {
    .name = "native",
    .read = native_read,
    .write = native_write,
};
