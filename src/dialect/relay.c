#include "dialect/relay.h"

#include "dialect/native_ask.h"
#include "dialect/native_write.h"

#include <string.h>

enum { STATUS_CLIENT_CLOSED = 499 };

static const struct relay_words *const words[] = {&relay_fal, &relay_replicate};

static const struct relay_words *words_of(const struct route *route)
{
    for (size_t n = 0; route && route->provider && n < sizeof words / sizeof words[0]; n++)
        if (strcmp(words[n]->provider, route->provider->name) == 0)
            return words[n];
    return NULL;
}

const struct offer *relay_offer(const struct model *model, const struct provider_entry *provider)
{
    for (unsigned n = 0; n < model->offer_count; n++)
        if (model->offers[n]->provider == provider)
            return model->offers[n];
    return model->offer_count > 0 ? model->offers[0] : NULL;
}

/* ---------------------------------------------------------------- requests */

static void read_id(const struct route_match *match, const struct dialect_scene *scene,
                    struct faults *faults, struct call *call)
{
    struct span raw = route_value(match, "id");
    if (!http_decode(raw, false, scene->arena, &call->job_id) ||
        !id_read(call->job_id, "gen_", &call->job))
        faults_refuse(faults, ERROR_NOT_FOUND, "There is no job \"%s\".",
                      native_ask_cut(scene->arena, raw, 60));
}

/* "/api/fal/veo3/text-to-video" of ".../submit" or ".../status/gen_…". */
static struct span base_of(struct span path, const char *action, struct span id)
{
    size_t extra = strlen(action) + 1 + (id.size ? id.size + 1 : 0);
    return extra < path.size ? (struct span){path.data, path.size - extra} : path;
}

static void relay_read(const struct dialect_scene *scene, const struct http_request *request,
                       const struct route_match *match, struct faults *faults,
                       struct call *ret_call)
{
    static const struct {
        const char *action;
        enum call_kind kind;
    } actions[] = {
        {"submit", CALL_ASK},
        {"status", CALL_STATUS},
        {"result", CALL_STATUS},
        {"cancel", CALL_CANCEL},
    };
    const struct route *route = match->route;
    *ret_call = (struct call){.kind = CALL_NONE, .route = route};
    for (size_t n = 0; n < sizeof actions / sizeof actions[0]; n++)
        if (strcmp(actions[n].action, route->action) == 0)
            ret_call->kind = actions[n].kind;
    ret_call->base = base_of(request->path, route->action, route_value(match, "id"));
    if (ret_call->kind == CALL_NONE || !words_of(route))
        faults_refuse(faults, ERROR_NOT_FOUND,
                      "The route's action \"%s\" in the words of %s is unknown.", route->action,
                      route->provider ? route->provider->title : "no provider");
    else if (ret_call->kind == CALL_ASK)
        relay_ask_read(scene, request, route, faults, &ret_call->ask);
    else
        read_id(match, scene, faults, ret_call);
}

/* ---------------------------------------------------------------- answers */

const char *relay_path(const struct relay *relay, const char *action)
{
    return arena_print(relay->scene->arena, "%.*s/%s/%s", SPAN_PRINT(relay->call->base), action,
                       relay->job->id);
}

/* What every answer has beside the provider's own members. */
static void write_ids(const struct relay *relay)
{
    json_text(relay->writer, "requestId", span_of(relay->job->id));
    json_text(relay->writer, "taskId", span_of(relay->job->id));
    if (relay->call->kind != CALL_ASK || relay->answer->job_count < 2)
        return;
    json_open_array(relay->writer, "taskIds");
    for (unsigned n = 0; n < relay->answer->job_count; n++)
        json_text(relay->writer, NULL, span_of(relay->answer->jobs[n]->id));
    json_close_array(relay->writer);
}

static void add_retry_after(const struct relay *relay)
{
    char *text = arena_make(relay->scene->arena, SPAN_NUMBER_SIZE);
    int seconds = native_retry_after(relay->answer, relay->job);
    (void)http_response_add(relay->response, "Retry-After",
                            (struct span){text, span_write_number(seconds, text)});
}

static void refuse_result(const struct relay *relay)
{
    const struct job *job = relay->job;
    struct faults faults;
    faults_init(&faults, relay->scene->arena);
    if (!state_is_terminal(job->state)) {
        relay->response->status = 409;
        faults_refuse(&faults, ERROR_CONFLICT,
                      "The job is %s; there is no result before it has succeeded.",
                      native_status(job->state));
        add_retry_after(relay);
    } else if (job->state == STATE_CANCELED) {
        relay->response->status = STATUS_CLIENT_CLOSED;
        faults_refuse(&faults, ERROR_CANCELED, "The job was canceled, so there is no result.");
    } else {
        relay->response->status = job->state == STATE_EXPIRED ? 410 : 422;
        faults_refuse(&faults, job->error, "%s",
                      job->error_text[0] ? job->error_text : error_sentence(job->error));
    }
    if (state_is_terminal(job->state))
        (void)http_response_add(relay->response, "x-should-retry", SPAN("false"));
    native_write_error(&faults, relay->answer->request_id, relay->writer);
}

static void write_object(const struct relay *relay, const struct relay_words *own)
{
    json_open_object(relay->writer, NULL);
    if (relay->call->kind == CALL_ASK)
        own->submitted(relay);
    else if (relay->call->kind == CALL_CANCEL)
        own->canceled(relay);
    else if (strcmp(relay->call->route->action, "result") == 0)
        own->result(relay);
    else
        own->status(relay);
    write_ids(relay);
    json_close_object(relay->writer);
    if (relay->call->kind == CALL_ASK && relay->answer->replayed)
        (void)http_response_add(relay->response, "Idempotency-Replayed", SPAN("true"));
    if (relay->call->kind == CALL_STATUS && !state_is_terminal(relay->job->state))
        add_retry_after(relay);
}

static void relay_write(const struct dialect_scene *scene, const struct call *call,
                        const struct answer *answer, struct buffer *body,
                        struct http_response *ret_response)
{
    const struct relay_words *own = words_of(call->route);
    struct json_writer writer;
    if (answer->refusal || !own || (call->kind == CALL_ASK && call->ask.dry_run)) {
        native_write(scene, call, answer, body, ret_response);
        return;
    }
    const struct relay relay = {scene, call, answer, answer->jobs[0], &writer, ret_response};
    json_writer_init(&writer, body);
    ret_response->status = 200;
    (void)http_response_add(ret_response, "Content-Type", SPAN("application/json"));
    (void)http_response_add(ret_response, "Cache-Control", SPAN("private, no-cache"));
    if (strcmp(call->route->action, "result") == 0 && relay.job->state != STATE_SUCCEEDED)
        refuse_result(&relay);
    else
        write_object(&relay, own);
    ret_response->body = buffer_span(body);
}

const struct dialect relay_dialect = {
    .name = "relay",
    .read = relay_read,
    .write = relay_write,
};
