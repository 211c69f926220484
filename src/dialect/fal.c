#include "dialect/fal.h"

#include "dialect/native_ask.h"

#include <string.h>

enum { RUN_WAIT_MAX = 3600, PRIORITY_LOW = -50, HISTORY_LIMIT = 50, HISTORY_MAX = 100 };

static const char target_header[] = "x-fal-target-url";

/* ---------------------------------------------------------------- submit and run */

static void read_ask(const struct dialect_scene *scene, const struct http_request *request,
                     const struct route_match *match, struct faults *faults, struct call *call)
{
    struct vendor_models models = {.count = 0};
    struct span raw = route_value(match, "app"), name = SPAN(""), text;
    if (http_decode(raw, false, scene->arena, &name))
        vendor_find(scene->catalog, "fal", name, &models);
    if (models.count == 0) {
        faults_refuse(faults, ERROR_NOT_FOUND, "Application \"%s\" not found.",
                      native_ask_cut(scene->arena, raw, 80));
        return;
    }
    json_t *body = native_ask_body(request, faults);
    if (!body)
        return;
    vendor_ask(scene, request, &models, body, faults, &call->ask);
    struct vendor_hook hook = {
        .field = "fal_webhook", .events = 1u << NOTIFY_COMPLETED, .dialect = "fal"};
    if (http_query(request->query, "fal_webhook", scene->arena, &text))
        hook.url = text;
    vendor_hook_add(scene, &hook, faults, &call->ask);
    if (http_request_header(request, "x-fal-queue-priority", &text) &&
        span_is_nocase(text, "low") && call->ask.priority == 0)
        call->ask.priority = PRIORITY_LOW;
    json_decref(body);
}

/* "owner/alias" of "owner/alias/what/ever": where fal has the requests of an application. */
static struct span base_of(struct span app)
{
    struct span rest = app, part;
    unsigned parts = span_starts(app, "workflows/") || span_starts(app, "comfy/") ? 3 : 2;
    for (unsigned n = 0; n < parts; n++)
        if (!span_take(&rest, '/', &part) || !rest.data)
            return app;
    return (struct span){app.data, (size_t)(rest.data - app.data) - 1};
}

/* ---------------------------------------------------------------- the history */

/* What has ended of one application; the platform's API has it at another host. */
static void read_history(const struct dialect_scene *scene, const struct http_request *request,
                         struct faults *faults, struct call *call)
{
    struct vendor_models models = {.count = 0};
    struct span text = SPAN("");
    int64_t limit = HISTORY_LIMIT;
    if (http_query(request->query, "endpoint_id", scene->arena, &text))
        vendor_find(scene->catalog, "fal", text, &models);
    if (models.count == 0)
        faults_refuse(faults, ERROR_NOT_FOUND, "Application \"%s\" not found.",
                      native_ask_cut(scene->arena, text, 80));
    if (http_query(request->query, "start", scene->arena, &text) &&
        !time_read_iso(text, &call->since))
        faults_add(faults, "start", "an ISO time", "is \"%s\"",
                   native_ask_cut(scene->arena, text, 40));
    if (http_query(request->query, "limit", scene->arena, &text) &&
        !span_integer(text, 1, HISTORY_MAX, &limit))
        faults_add(faults, "limit", "an integer from 1 to 100", "is \"%s\"",
                   native_ask_cut(scene->arena, text, 20));
    if (http_query(request->query, "cursor", scene->arena, &text) &&
        !id_read(text, "cur_", &call->before))
        faults_add(faults, "cursor", "one of an earlier answer's next_cursor", "is something else");
    /* An application under which we have several models shows what is all of theirs. */
    call->filter_model = models.count == 1 ? span_of(models.list[0]->id) : SPAN("");
    call->limit = (unsigned)limit;
    for (int state = 0; state < STATE_COUNT; state++)
        call->states |= state_is_terminal((enum state)state) ? 1u << state : 0;
}

/* ---------------------------------------------------------------- the proxy */

/* The address that was meant, as a request to us; false when it is none of fal's. */
static bool aim(const struct dialect_scene *scene, struct span target, struct http_request *request)
{
    static const struct {
        const char *host, *start, *ours;
    } hosts[] = {
        {"https://queue.fal.run", "/", "/fal"},
        {"https://fal.run", "/", "/fal/run"},
        {"https://rest.fal.ai", "/storage/", "/fal"},
        {"https://rest.alpha.fal.ai", "/storage/", "/fal"},
    };
    for (size_t n = 0; n < sizeof hosts / sizeof hosts[0]; n++) {
        size_t size = strlen(hosts[n].host);
        if (!span_starts(target, hosts[n].host))
            continue;
        struct span rest = {target.data + size, target.size - size}, path;
        if (!span_starts(rest, hosts[n].start))
            continue;
        (void)span_take(&rest, '?', &path);
        request->path =
            span_of(arena_print(scene->arena, "%s%.*s", hosts[n].ours, SPAN_PRINT(path)));
        request->query = rest.data ? rest : SPAN("");
        return true;
    }
    return false;
}

static void fal_read(const struct dialect_scene *scene, const struct http_request *request,
                     const struct route_match *match, struct faults *faults, struct call *ret_call);

/* The client's request as if it had come to the address that it means. */
static void read_proxied(const struct dialect_scene *scene, const struct http_request *request,
                         const struct route_match *match, struct faults *faults,
                         struct call *ret_call)
{
    static const char allowed[] =
        "an address of queue.fal.run, fal.run or rest.fal.ai/storage that this server knows";
    struct http_request *meant = arena_new(scene->arena, struct http_request);
    struct route_match inner;
    struct span target;
    *meant = *request;
    if (!http_request_header(request, target_header, &target)) {
        faults_add(faults, target_header, allowed, "is missing");
    } else if (!aim(scene, target, meant) ||
               route_find(scene->catalog, span_of(http_method_name(request->method)), meant->path,
                          &inner) != ROUTE_FOUND ||
               strcmp(inner.route->dialect, "fal") != 0 ||
               strcmp(inner.route->action, "proxy") == 0 ||
               /* What the key was asked for was the proxy's. */
               inner.route->scope != match->route->scope) {
        faults_add(faults, target_header, allowed, "is \"%s\"",
                   native_ask_cut(scene->arena, target, 120));
    } else {
        fal_read(scene, meant, &inner, faults, ret_call);
    }
}

/* ---------------------------------------------------------------- all of it */

static const struct action {
    const char *name;
    enum call_kind kind;
    bool has_job;
} actions[] = {
    {"submit", CALL_ASK, false},    {"run", CALL_ASK, false},
    {"status", CALL_STATUS, true},  {"status-stream", CALL_STREAM, true},
    {"result", CALL_STATUS, true},  {"history", CALL_LIST, false},
    {"cancel", CALL_CANCEL, true},  {"upload-begin", CALL_UPLOAD_BEGIN, false},
    {"upload", CALL_UPLOAD, false}, {"jwks", CALL_HOOK_KEY, false},
};

static const struct action *find_action(const char *name)
{
    for (size_t n = 0; n < sizeof actions / sizeof actions[0]; n++)
        if (strcmp(actions[n].name, name) == 0)
            return &actions[n];
    return NULL;
}

static void fal_read(const struct dialect_scene *scene, const struct http_request *request,
                     const struct route_match *match, struct faults *faults, struct call *ret_call)
{
    const struct action *action = find_action(match->route->action);
    *ret_call = (struct call){
        .kind = action ? action->kind : CALL_NONE,
        .route = match->route,
        .base = base_of(route_value(match, "app")),
    };
    if (strcmp(match->route->action, "proxy") == 0) {
        read_proxied(scene, request, match, faults, ret_call);
    } else if (!action) {
        faults_refuse(faults, ERROR_NOT_FOUND, "The route's action \"%s\" is unknown.",
                      match->route->action);
    } else if (action->has_job) {
        struct span logs;
        vendor_read_id(match, scene, faults, ret_call);
        ret_call->shows_logs = http_query(request->query, "logs", scene->arena, &logs) &&
                               (span_is(logs, "1") || span_is(logs, "true"));
    } else if (action->kind == CALL_LIST) {
        read_history(scene, request, faults, ret_call);
    } else if (action->kind == CALL_ASK) {
        read_ask(scene, request, match, faults, ret_call);
        bool is_run = strcmp(action->name, "run") == 0;
        ret_call->wait = is_run ? RUN_WAIT_MAX * MS_SECOND : 0;
        ret_call->until_end = is_run;
    }
}

const struct dialect fal_dialect = {
    .name = "fal",
    .schemes = DIALECT_KEY,
    .resends = true,
    .read = fal_read,
    .write = fal_write,
    .event = fal_event,
    .hook = fal_hook,
};
