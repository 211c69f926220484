#include "app/ingress.h"

#include "app/ingress_private.h"
#include "app/sandbox.h"
#include "base/log.h"
#include "base/memory.h"
#include "depot/sign.h"
#include "dialect/native_write.h"
#include "edge/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INGRESS_BODY_KEPT = 64 << 10, /* what the buffer of bodies may keep */
};

/* What other threads tell this one. */
struct note {
    enum { NOTE_REPLY, NOTE_TESTED, NOTE_CHANGED, NOTE_DRAIN, NOTE_QUIT } kind;
    int64_t job;
    struct reply reply;
    uint64_t token; /* TESTED */
    struct answer_hook_test test;
};

static const char *read_variable(const char *name)
{
    return getenv(name);
}

struct dialect_scene ingress_scene(struct request *request)
{
    return (struct dialect_scene){
        .catalog = request->ingress->shared->catalog,
        .now = clock_wall(),
        .arena = exchange_arena(request->exchange),
        .variable = read_variable,
    };
}

static void add_cors(struct request *request, const struct http_request *http,
                     struct http_response *response)
{
    const struct config_list *allowed = &request->ingress->shared->config->cors_origins;
    struct span origin;
    if (allowed->count == 0 || !http_request_header(http, "origin", &origin))
        return;
    for (unsigned n = 0; n < allowed->count; n++) {
        if (!span_is(origin, allowed->items[n]) && strcmp(allowed->items[n], "*") != 0)
            continue;
        (void)http_response_add(response, "Access-Control-Allow-Origin", origin);
        (void)http_response_add(response, "Vary", SPAN("Origin"));
        (void)http_response_add(
            response, "Access-Control-Expose-Headers",
            SPAN("ETag, Location, Retry-After, X-Request-Id, "
                 "Idempotency-Replayed, X-Fal-Request-Id, RateLimit-Limit, RateLimit-Remaining, "
                 "RateLimit-Reset, RateLimit-Policy"));
        return;
    }
}

/* Counts it, and adds what goes with every answer. */
static void finish(struct request *request, struct http_response *response)
{
    struct board_counters *counters = board_counters(request->ingress->shared->board);
    int class = response->status / 100;
    atomic_fetch_add(&counters->requests[class > 0 && class < 6 ? class : 0], 1);
    if (request->ingress->shared->config->cors_origins.count > 0)
        add_cors(request, exchange_request(request->exchange), response);
    pass_show(request, response);
}

void ingress_send(struct request *request, struct http_response *response)
{
    finish(request, response);
    if (request->resend.key[0])
        vendor_close(request, response->status >= 300                 ? RESEND_REFUSED
                              : exchange_peer_left(request->exchange) ? RESEND_LOST
                                                                      : RESEND_DELIVERED);
    exchange_on_gone(request->exchange, NULL, NULL);
    call_done(&request->call);
    exchange_reply(request->exchange, response);
}

void ingress_drop(struct request *request)
{
    exchange_on_gone(request->exchange, NULL, NULL);
    call_done(&request->call);
    exchange_drop(request->exchange);
}

bool ingress_begin(struct request *request, struct http_response *response)
{
    finish(request, response);
    return exchange_begin(request->exchange, response);
}

static void fill_answer(struct request *request, struct answer *answer)
{
    answer->request_id = exchange_request_id(request->exchange);
    answer->now = clock_wall();
    answer->link = file_link;
    answer->address = file_address;
    answer->signed_address = file_signed_address;
    answer->link_context = request;
}

void ingress_write_event(struct request *request, struct answer *answer, struct buffer *target)
{
    struct dialect_scene scene = ingress_scene(request);
    fill_answer(request, answer);
    request->dialect->event(&scene, &request->call, answer, target);
}

/* In the request's dialect; `body` is forgotten first. */
static void write_answer(struct request *request, struct answer *answer, struct buffer *body,
                         struct http_response *response)
{
    struct dialect_scene scene = ingress_scene(request);
    fill_answer(request, answer);
    answer->retry_seconds = request->retry_seconds;
    if (faults_any(&request->faults))
        answer->refusal = &request->faults;
    buffer_clear(body);
    request->dialect->write(&scene, &request->call, answer, body, response);
}

void ingress_answer(struct request *request, struct answer *answer)
{
    struct http_response response = {.status = 500};
    struct buffer *body = &request->ingress->body;
    write_answer(request, answer, body, &response);
    ingress_send(request, &response);
    if (body->capacity > INGRESS_BODY_KEPT)
        buffer_done(body);
}

const struct http_response *ingress_refusal(struct request *request)
{
    struct arena *arena = exchange_arena(request->exchange);
    struct http_response *response = arena_new(arena, struct http_response);
    struct answer answer = {.refusal = &request->faults};
    struct buffer *body = &request->ingress->body;
    write_answer(request, &answer, body, response);
    response->body = span_make(arena_copy(arena, buffer_span(body)), body->size);
    finish(request, response);
    return response;
}

void ingress_refuse(struct request *request, enum error_code code, const char *format, ...)
{
    char text[JOB_ERROR_SIZE];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    faults_refuse(&request->faults, code, "%s", text);
    struct answer answer = {.refusal = &request->faults};
    ingress_answer(request, &answer);
}

/* ---------------------------------------------------------------- requests */

/* The route is for everybody, or the address is signed and so stands for a key of the tenant that
 * it names, or of whose job it is. */
static bool needs_no_key(struct request *request, const struct http_request *http,
                         const struct route_match *match)
{
    const struct ingress_shared *shared = request->ingress->shared;
    const json_t *details = match->route->details;
    struct span tenant = route_value(match, "tenant");
    if (json_is_true(json_object_get(details, "public")))
        return true;
    if (!json_is_true(json_object_get(details, "signed")) ||
        !sign_check(shared->url_secret, http->path, http->query, clock_wall()))
        return false;
    const char *known = tenant.size ? keyring_tenant(shared->keyring, tenant, NULL) : NULL;
    request->by_link = !tenant.size || known || span_is(tenant, KEYRING_DEFAULT_TENANT);
    request->tenant = known ? known : request->tenant;
    return request->by_link;
}

/* False, with a fault, when nobody answers there. */
static bool find_route(struct request *request, const struct http_request *http,
                       struct route_match *match)
{
    /* HEAD is GET whose answer loses its body on the way out. */
    struct span method = http->method == HTTP_HEAD    ? SPAN("GET")
                         : http->method == HTTP_OTHER ? http->method_name
                                                      : span_of(http_method_name(http->method));
    enum route_result found =
        route_find(request->ingress->shared->catalog, method, http->path, match);
    const struct dialect *dialect =
        found == ROUTE_FOUND ? dialect_find(span_of(match->route->dialect)) : NULL;
    if (dialect && sandbox_speaks(request, dialect))
        request->dialect = dialect;
    else if (found == ROUTE_OTHER_METHOD)
        faults_refuse(&request->faults, ERROR_METHOD_NOT_ALLOWED,
                      "This address does not take the method %.*s.", SPAN_PRINT(method));
    else
        faults_refuse(&request->faults, ERROR_NOT_FOUND, "There is nothing at %.200s.",
                      arena_copy(exchange_arena(request->exchange), http->path));
    return !faults_any(&request->faults);
}

static void run_route(struct request *request, const struct http_request *http)
{
    struct route_match match;
    if (!find_route(request, http, &match)) {
        ingress_answer(request, &(struct answer){0});
        return;
    }
    void *received = exchange_sink_context(request->exchange); /* an upload, all here */
    bool is_open =
        needs_no_key(request, http, &match) ||
        (exchange_was_gated(request->exchange) ? pass_open_again(request, http, match.route->scope)
                                               : pass_open(request, http, match.route->scope));
    if (is_open) {
        struct dialect_scene scene = ingress_scene(request);
        request->dialect->read(&scene, http, &match, &request->faults, &request->call);
        call_run(request);
    } else if (received) {
        upload_drop(received);
    }
}

static struct request *make_request(struct ingress *ingress, struct exchange *exchange,
                                    const struct http_request *http)
{
    struct arena *arena = exchange_arena(exchange);
    struct request *request = arena_new(arena, struct request);
    request->ingress = ingress;
    request->exchange = exchange;
    request->dialect = &native_dialect;
    request->tenant = KEYRING_DEFAULT_TENANT;
    list_init(&request->watch_link);
    faults_init(&request->faults, arena);
    if (!http_request_header(http, "host", &request->host))
        request->host = SPAN("");
    return request;
}

/* Before a body is waited for: who may not ask, or asks for nothing that is there, is told so at
 * once, and nothing of theirs is kept. */
static void gate(void *context, struct exchange *exchange, struct server_gate *gate)
{
    struct ingress *ingress = context;
    const struct http_request *http = exchange_request(exchange);
    struct route_match match;
    if (plain_is(http)) {
        gate->body_max = plain_body_max(http);
        return;
    }
    struct request *request = make_request(ingress, exchange, http);
    if (!find_route(request, http, &match) ||
        !(needs_no_key(request, http, &match) || pass_check(request, http, match.route->scope))) {
        gate->kind = SERVER_REFUSE;
        gate->response = ingress_refusal(request);
        return;
    }
    request->upload_form = json_object_get(match.route->details, "upload");
    request->upload_id = request->by_link ? route_value(&match, "id") : SPAN("");
    if (request->upload_form)
        upload_gate(request, http, gate);
}

static void handle(void *context, struct exchange *exchange)
{
    struct ingress *ingress = context;
    const struct http_request *http = exchange_request(exchange);
    struct request *request = make_request(ingress, exchange, http);
    if (plain_is(http))
        plain_run(request, http);
    else
        run_route(request, http);
}

/* ---------------------------------------------------------------- notes from other threads */

static void post(struct ingress *ingress, const struct note *note)
{
    struct note *copy = memory_new(struct note);
    *copy = *note;
    if (!mailbox_post(ingress->box, copy))
        memory_free(copy); /* the client's connection ends by its own time-out */
}

void ingress_reply(struct ingress *ingress, const struct reply *reply)
{
    post(ingress, &(struct note){.kind = NOTE_REPLY, .reply = *reply});
}

void ingress_tested(struct ingress *ingress, uint64_t token, const struct answer_hook_test *outcome)
{
    post(ingress, &(struct note){.kind = NOTE_TESTED, .token = token, .test = *outcome});
}

unsigned ingress_of_token(uint64_t token)
{
    return (unsigned)(token >> INGRESS_TOKEN_SHIFT);
}

void ingress_publish(struct ingress *ingress, int64_t job)
{
    if (atomic_load(&ingress->watchers) > 0)
        post(ingress, &(struct note){.kind = NOTE_CHANGED, .job = job});
}

void ingress_drain(struct ingress *ingress)
{
    post(ingress, &(struct note){.kind = NOTE_DRAIN});
}

bool ingress_idle(const struct ingress *ingress)
{
    return atomic_load(&ingress->idle);
}

static void take_reply(struct ingress *ingress, const struct reply *reply)
{
    struct request *request =
        map_remove(&ingress->pending, span_make(&reply->token, sizeof reply->token));
    struct sandbox *sandbox = ingress->shared->sandbox;
    bool is_noted = !sandbox || sandbox_note(sandbox, ingress->reader, reply);
    if (!request)
        return; /* the client left; its job is in the store */
    request->token = 0;
    if (is_noted && !sandbox_loses(request, reply))
        call_replied(request, reply);
    else
        ingress_drop(request);
}

static void take_tested(struct ingress *ingress, const struct note *note)
{
    struct request *request =
        map_remove(&ingress->pending, span_make(&note->token, sizeof note->token));
    if (!request)
        return;
    request->token = 0;
    hook_tested(request, &note->test);
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void server_stopped(void *context)
{
    struct ingress *ingress = context;
    uv_walk(&ingress->loop, close_handle, NULL);
}

static void take_note(struct ingress *ingress, const struct note *note)
{
    switch (note->kind) {
    case NOTE_REPLY:
        take_reply(ingress, &note->reply);
        break;
    case NOTE_TESTED:
        take_tested(ingress, note);
        break;
    case NOTE_CHANGED:
        watch_changed(ingress, note->job);
        break;
    case NOTE_DRAIN:
        ingress->draining = true;
        server_drain(ingress->server);
        watch_drain(ingress);
        break;
    case NOTE_QUIT:
        server_stop(ingress->server, server_stopped, ingress);
        break;
    }
}

static void on_wake(uv_async_t *wake)
{
    struct ingress *ingress = wake->data;
    void *notes[128];
    size_t count;
    while ((count = mailbox_take_all(ingress->box, notes, 128)) > 0) {
        for (size_t n = 0; n < count; n++) {
            take_note(ingress, notes[n]);
            memory_free(notes[n]);
        }
    }
    if (ingress->draining && server_idle(ingress->server))
        atomic_store(&ingress->idle, true);
}

static void notify(void *context)
{
    struct ingress *ingress = context;
    (void)uv_async_send(&ingress->wake);
}

/* The requests of one round of the loop share a view of the store. */
static void rest_reader(uv_prepare_t *before_sleep)
{
    struct ingress *ingress = before_sleep->data;
    reader_rest(ingress->reader);
}

static void run(void *context)
{
    struct ingress *ingress = context;
    (void)uv_run(&ingress->loop, UV_RUN_DEFAULT);
}

/* ---------------------------------------------------------------- making and ending */

static void fill_config(const struct config *config, struct server_config *server)
{
    server_config_init(server);
    server->address = config->listen.host;
    server->port = config->listen.port;
    server->reuse_port = config->server.loops > 1;
    server->head_max = config->server.head_max;
    server->body_max = config->server.body_max;
    server->bodies_max = config->server.bodies_max;
    server->head_timeout = config->server.head_timeout;
    server->body_timeout = config->server.body_timeout;
    server->idle_timeout = config->server.idle_timeout;
    server->connections_max = (unsigned)config->server.connections;
    server->address_max = (unsigned)config->server.connections_per_address;
    server->address_open_max = (unsigned)config->server.connections_per_open_address;
    server->open_networks = config->network.allow.items;
    server->open_network_count = config->network.allow.count;
    server->trusted_proxies = config->server.trusted_proxies.items;
    server->trusted_proxy_count = config->server.trusted_proxies.count;
    server->gate = gate;
}

static bool open_readers(struct ingress *ingress, char fault[static SERVER_FAULT_SIZE])
{
    char why[STORE_FAULT_SIZE];
    ingress->reader = store_open_reader(ingress->shared->store, why);
    ingress->list_reader = ingress->reader ? store_open_reader(ingress->shared->store, why) : NULL;
    if (ingress->list_reader) {
        reader_hold(ingress->reader);
        return uv_prepare_start(&ingress->before_sleep, rest_reader) == 0;
    }
    (void)snprintf(fault, SERVER_FAULT_SIZE, "%.190s", why);
    return false;
}

static void release(struct ingress *ingress)
{
    reader_close(ingress->reader);
    reader_close(ingress->list_reader);
    (void)pthread_mutex_destroy(&ingress->list_lock);
    void *notes[128];
    size_t count;
    while ((count = mailbox_take_all(ingress->box, notes, 128)) > 0) {
        for (size_t n = 0; n < count; n++)
            memory_free(notes[n]);
    }
    mailbox_free(ingress->box);
    map_done(&ingress->pending);
    map_done(&ingress->watched);
    heap_done(&ingress->timers);
    buffer_done(&ingress->body);
    memory_free(ingress);
}

struct ingress *ingress_make(const struct ingress_shared *shared, unsigned number, uint16_t port,
                             char ret_fault[static SERVER_FAULT_SIZE])
{
    struct server_config config;
    struct ingress *ingress = memory_new(struct ingress);
    ingress->shared = shared;
    ingress->number = number;
    map_init(&ingress->pending);
    map_init(&ingress->watched);
    heap_init(&ingress->timers);
    buffer_init(&ingress->body, INGRESS_BODY_MAX);
    (void)pthread_mutex_init(&ingress->list_lock, NULL);
    ingress->box = mailbox_make(INGRESS_MAILBOX, notify, ingress);
    fill_config(shared->config, &config);
    if (port)
        config.port = port;
    (void)uv_loop_init(&ingress->loop);
    (void)uv_async_init(&ingress->loop, &ingress->wake, on_wake);
    (void)uv_timer_init(&ingress->loop, &ingress->timer);
    (void)uv_prepare_init(&ingress->loop, &ingress->before_sleep);
    ingress->before_sleep.data = ingress;
    ingress->wake.data = ingress;
    ingress->timer.data = ingress;
    if (open_readers(ingress, ret_fault) &&
        server_start(&ingress->loop, &config, handle, ingress, &ingress->server, ret_fault) &&
        uv_thread_create(&ingress->thread, run, ingress) == 0)
        return ingress;
    server_stop(ingress->server, NULL, NULL);
    uv_walk(&ingress->loop, close_handle, NULL);
    (void)uv_run(&ingress->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&ingress->loop);
    release(ingress);
    return NULL;
}

uint16_t ingress_port(const struct ingress *ingress)
{
    return server_port(ingress->server);
}

void ingress_free(struct ingress *ingress)
{
    if (!ingress)
        return;
    post(ingress, &(struct note){.kind = NOTE_QUIT});
    (void)uv_thread_join(&ingress->thread);
    (void)uv_loop_close(&ingress->loop);
    release(ingress);
}
