/* Calls about webhooks: what of an ask is about them, deliveries, secrets, the test call. */
#include "app/hook_sign.h"
#include "app/ingress_private.h"
#include "base/crypto.h"
#include "base/memory.h"

#include <string.h>

/* One lane for each tenant and receiver. */
static int64_t lane_of(const char *tenant, const struct guard_url *url)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    struct buffer name;
    int64_t lane = 0;
    buffer_init(&name, 1024);
    buffer_print(&name, "%s\n%s://%s:%u", tenant, url->https ? "https" : "http", url->host,
                 url->port);
    crypto_sha256(buffer_span(&name), digest);
    memcpy(&lane, digest, sizeof lane);
    buffer_done(&name);
    return lane ? lane : 1;
}

/* Judges what can be judged without asking the network, so that a typing error is told at once. */
static bool read_url(struct request *request, struct span text, const char *field,
                     struct guard_url *ret_url)
{
    char why[GUARD_WHY_SIZE];
    if (guard_url(request->ingress->shared->guard, text, ret_url, why))
        return true;
    faults_add(&request->faults, field, "an http(s) URL with a public address",
               "can't be called: %s", why);
    return false;
}

bool hook_check(struct request *request)
{
    struct guard_url url;
    struct span text = request->call.ask.hook_url;
    const char *field = request->call.ask.hook_field ? request->call.ask.hook_field : "webhookUrl";
    if (text.size == 0 || read_url(request, text, field, &url))
        return true;
    struct answer answer = {.refusal = &request->faults};
    ingress_answer(request, &answer);
    return false;
}

void hook_fill(struct request *request, struct message *message)
{
    const struct call_ask *ask = &request->call.ask;
    struct asked *asked = &message->event.asked;
    struct guard_url url;
    char why[GUARD_WHY_SIZE];
    if (ask->hook_url.size == 0 || !guard_url_read(ask->hook_url, &url, why))
        return;
    asked->hook_lane = lane_of(request->tenant, &url);
    asked->hook_events = ask->hook_events;
    if (ask->has_hook_secret)
        return;
    char secret[HOOK_SECRET_SIZE];
    hook_sign_make_secret(secret);
    asked->secret = arena_copy(&message->arena, span_of(secret));
    explicit_bzero(secret, sizeof secret);
}

/* Of the options, for the row forgets them when the receiver is gone. */
static unsigned events_of(const json_t *list)
{
    unsigned events = list ? 0 : 1u << NOTIFY_COMPLETED;
    for (size_t n = 0; n < json_array_size(list); n++) {
        enum notify_event event;
        if (notify_event_find(json_span(json_array_get(list, n)), &event))
            events |= 1u << event;
    }
    return events;
}

void hook_retry(struct request *request, const struct job *job)
{
    static const char *const kept[] = {"webhookUrl", "webhookEvents", "webhookSecret",
                                       "webhookDialect"};
    char fault[JSON_FAULT_SIZE];
    struct call_ask *ask = &request->call.ask;
    struct arena *arena = exchange_arena(request->exchange);
    json_t *old = job->options ? json_read(span_of(job->options), fault) : NULL;
    json_t *options = json_object();
    for (size_t n = 0; n < sizeof kept / sizeof kept[0]; n++) {
        json_t *value = json_object_get(old, kept[n]);
        if (value)
            (void)json_object_set(options, kept[n], value);
    }
    (void)json_object_set_new(options, "retryOf", json_string(job->id));
    struct buffer text;
    buffer_init(&text, SIZE_MAX / 4);
    json_canonical(options, &text);
    ask->options = span_make(arena_copy(arena, buffer_span(&text)), text.size);
    ask->hook_url = span_of(arena_copy(arena, json_span(json_object_get(options, "webhookUrl"))));
    ask->hook_events = events_of(json_object_get(options, "webhookEvents"));
    ask->has_hook_secret = json_object_get(options, "webhookSecret") != NULL;
    buffer_done(&text);
    json_decref(options);
    json_decref(old);
}

/* ---------------------------------------------------------------- deliveries */

/* All of the job's, or the one of that number, with their logs; false when they can't be read. */
static bool read_deliveries(struct request *request, const struct job *job, unsigned number,
                            struct answer *answer)
{
    struct reader *reader = request->ingress->reader;
    struct arena *arena = exchange_arena(request->exchange);
    struct delivery *rows = arena_array(arena, struct delivery, READER_DELIVERIES_MAX);
    struct answer_delivery *shown =
        arena_array(arena, struct answer_delivery, READER_DELIVERIES_MAX);
    unsigned count = 0, shown_count = 0;
    if (reader_deliveries(reader, job->key, rows, &count) != STORE_OK)
        return false;
    for (unsigned n = 0; n < count; n++) {
        if (number && rows[n].number != number)
            continue;
        struct delivery_try *tries = arena_array(arena, struct delivery_try, NOTIFY_LOG_MAX);
        struct answer_delivery *delivery = &shown[shown_count++];
        *delivery = (struct answer_delivery){.row = rows[n], .tries = tries};
        if (reader_tries(reader, job->key, rows[n].number, tries, &delivery->try_count) != STORE_OK)
            return false;
    }
    answer->deliveries = shown;
    answer->delivery_count = shown_count;
    return true;
}

void hook_answer_deliveries(struct request *request, const struct job *job, unsigned number)
{
    char fault[JSON_FAULT_SIZE];
    struct arena *arena = exchange_arena(request->exchange);
    const struct job *const jobs[] = {job};
    struct answer answer = {.jobs = jobs, .job_count = 1};
    json_t *options = job->options ? json_read(span_of(job->options), fault) : NULL;
    answer.hook_url = span_of(arena_copy(arena, json_span(json_object_get(options, "webhookUrl"))));
    json_decref(options);
    if (read_deliveries(request, job, number, &answer))
        ingress_answer(request, &answer);
    else
        ingress_refuse(request, ERROR_INTERNAL, "The deliveries could not be read; try again.");
}

void hook_redeliver(struct request *request)
{
    struct message *message = message_make(EVENT_HOOK_ASKED);
    struct hook_asked *asked = &message->event.hook_asked;
    asked->tenant = arena_copy(&message->arena, span_of(request->tenant));
    asked->job = request->call.job;
    asked->number = request->call.number;
    call_send(request, message, &asked->token);
}

/* ---------------------------------------------------------------- secrets and the test call */

void hook_secret(struct request *request)
{
    char secret[HOOK_SECRET_SIZE];
    struct message *message = message_make(EVENT_SECRET_ASKED);
    struct secret_asked *asked = &message->event.secret_asked;
    hook_sign_make_secret(secret);
    asked->tenant = arena_copy(&message->arena, span_of(request->tenant));
    asked->text = arena_copy(&message->arena, span_of(secret));
    asked->rotate = request->call.kind == CALL_ROTATE;
    explicit_bzero(secret, sizeof secret);
    call_send(request, message, &asked->token);
}

static void answer_secret(struct request *request)
{
    struct hook_secret secret;
    struct answer answer = {.secret = &secret};
    if (reader_secret(request->ingress->reader, request->tenant, &secret) == STORE_OK)
        ingress_answer(request, &answer);
    else
        ingress_refuse(request, ERROR_INTERNAL, "The secret could not be read; try again.");
    explicit_bzero(&secret, sizeof secret);
}

/* The tenant's secret is made first, if it has none. */
void hook_try(struct request *request)
{
    struct guard_url url;
    struct answer answer = {.refusal = &request->faults};
    if (read_url(request, request->call.hook_url, "url", &url))
        hook_secret(request);
    else
        ingress_answer(request, &answer);
}

static void send_test(struct request *request)
{
    const struct ingress_shared *shared = request->ingress->shared;
    const char *url = arena_copy(exchange_arena(request->exchange), request->call.hook_url);
    request->token = ++request->ingress->last_token | (uint64_t)request->ingress->number
                                                          << INGRESS_TOKEN_SHIFT;
    if (shared->test_hook(shared->test_context, request->tenant, url, request->token)) {
        map_set(&request->ingress->pending, span_make(&request->token, sizeof request->token),
                request);
        exchange_on_gone(request->exchange, call_gone, request);
        return;
    }
    request->token = 0;
    ingress_refuse(request, ERROR_RATE_LIMITED, "Too many test calls are under way; try again.");
}

void hook_replied(struct request *request, const struct reply *reply)
{
    (void)reply;
    if (request->call.kind == CALL_HOOK_TEST)
        send_test(request);
    else
        answer_secret(request);
}

void hook_tested(struct request *request, const struct answer_hook_test *outcome)
{
    struct answer answer = {.hook_test = outcome};
    ingress_answer(request, &answer);
}
