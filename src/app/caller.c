#include "app/caller.h"

#include "app/caller_stream.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/clock.h"
#include "edge/mailbox.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    CALLER_MAILBOX = 65536,
    CALLER_BATCH = 64,
    CALLER_RETRY_MS = 100, /* before word that the core had no room for is told again */
    CALLER_SMALL_MAX = 1024 * 1024
};

/* What the thread is told: an errand that begins, or one whose answer names an id that may be
 * another's; word that the core had no room for; a job that is dropped. Nothing of these: to look
 * at the streams. */
struct order {
    struct errand *errand;
    const struct told *told; /* in the errand's arena */
    struct message *message;
    int64_t dropped; /* 0: none */
};

void caller_errand_free(struct errand *errand)
{
    if (errand->kind == EFFECT_SUBMIT)
        (void)atomic_fetch_sub(&errand->caller->submissions, 1);
    json_decref(errand->mapped);
    arena_done(&errand->arena);
    memory_free(errand);
}

unsigned caller_submissions(const struct caller *caller)
{
    return atomic_load(&caller->submissions);
}

static bool give_order(struct caller *caller, const struct order *given)
{
    struct order *order = memory_new(struct order);
    *order = *given;
    if (mailbox_post(caller->box, order))
        return true;
    memory_free(order);
    return false;
}

/* ---------------------------------------------------------------- marks */

void caller_mark(struct secret secret, const char *job_id, unsigned attempt,
                 char ret_mark[static CALLER_MARK_SIZE])
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    char text[ID_SIZE + 32], hex[CRYPTO_SHA256_HEX];
    int size = snprintf(text, sizeof text, "attempt\n%s\n%u", job_id, attempt);
    crypto_hmac_sha256(secret, span_make(text, (size_t)size), digest);
    crypto_hex(digest, sizeof digest, hex);
    (void)span_copy(span_make(hex, CALLER_MARK_SIZE - 1), ret_mark, CALLER_MARK_SIZE);
}

bool caller_read_path(struct secret secret, struct span path, struct span *ret_provider,
                      int64_t *ret_job, unsigned *ret_attempt)
{
    struct span first, id, number;
    char job_id[ID_SIZE], mark[CALLER_MARK_SIZE];
    int64_t attempt = 0;
    if (!span_take(&path, '/', &first) || first.size > 0 || !span_take(&path, '/', &first) ||
        !span_is(first, "callbacks") || !span_take(&path, '/', ret_provider) ||
        !span_take(&path, '.', &id) || !span_take(&path, '.', &number) ||
        !span_integer(number, 1, INT32_MAX, &attempt) || !id_read(id, "gen_", ret_job) ||
        !span_copy(id, job_id, sizeof job_id))
        return false;
    *ret_attempt = (unsigned)attempt;
    caller_mark(secret, job_id, *ret_attempt, mark);
    return secret_equal((struct secret){mark, CALLER_MARK_SIZE - 1}, path);
}

/* ---------------------------------------------------------------- telling the core */

void caller_tell(struct caller *caller, struct message *message)
{
    if (caller->config.post(caller->config.context, message))
        return;
    if (!give_order(caller, &(struct order){.message = message})) {
        message_free(message); /* it is stopping: recovery asks again */
        log_warn("a provider's word could not be told");
    }
}

static struct span keep(struct arena *arena, struct span text)
{
    return text.size ? span_make(arena_copy(arena, text), text.size) : (struct span){0};
}

static struct told *copy_told(struct arena *arena, const struct told *told)
{
    struct told *copy = arena_new(arena, struct told);
    *copy = *told;
    copy->preview = keep(arena, told->preview);
    for (unsigned n = 0; n < told->file_count; n++) {
        copy->files[n].url = keep(arena, told->files[n].url);
        copy->files[n].base64 = keep(arena, told->files[n].base64);
        copy->files[n].type = keep(arena, told->files[n].type);
    }
    return copy;
}

/* Who in a list belongs to another attempt already, or the id that a call back named; or whether
 * the id of a new one is another job's. On the caller's thread, whose reader it is. */
static unsigned claimed(struct errand *errand, const struct told *told)
{
    unsigned bits = 0;
    int64_t job = 0;
    if (errand->is_named)
        return reader_remote_id(errand->caller->config.reader, told->remote_id, &job) != STORE_NONE;
    if (told->kind == TOLD_ACCEPTED)
        return reader_remote_id(errand->caller->config.reader, told->remote_id, &job) == STORE_OK &&
               job != errand->job;
    for (unsigned n = 0; n < told->found_count; n++) {
        const char *id = told->found[n].remote_id;
        enum store_result result = reader_remote_id(errand->caller->config.reader, id, &job);
        if (!told->found[n].exact && result != STORE_NONE)
            bits |= 1u << n;
    }
    return bits;
}

/* The errand's one word, with `bits` of the ids in it that are another's; the errand is over. */
static void finish_claimed(struct errand *errand, const struct told *told, bool sent, unsigned bits)
{
    struct message *message = message_make(EVENT_TOLD);
    message->event.heard = (struct heard){
        .job = errand->job,
        .attempt = errand->attempt,
        .call = question_call(&errand->question),
        .sent = sent,
        .remote_id = *errand->question.remote_id
                         ? arena_copy(&message->arena, span_of(errand->question.remote_id))
                         : NULL,
        .told = copy_told(&message->arena, told),
        .claimed = bits,
    };
    caller_tell(errand->caller, message);
    caller_errand_free(errand);
}

static void finish(struct errand *errand, const struct told *told, bool sent)
{
    finish_claimed(errand, told, sent, 0);
}

static void note_call(const struct errand *errand, const struct told *told,
                      const struct egress_result *result)
{
    log_debug("provider", log_text("job", errand->job_id),
              log_text("provider", errand->provider_name),
              log_number("call", (int64_t)errand->question.call),
              log_number("status", result->response.status),
              log_text("outcome", egress_outcome_name(result->outcome)),
              log_text("told", told_name(told->kind)), log_number("ms", result->times.total));
}

static bool is_our_fault(const struct egress_result *result)
{
    return !result->sent &&
           (result->outcome == EGRESS_INVALID || result->outcome == EGRESS_REFUSED_BY_GUARD);
}

static void send_call(struct errand *errand);

/* The thread looks whose the ids are. False when it is stopping. */
static bool give_told(struct errand *errand, const struct told *told)
{
    const struct order order = {.errand = errand, .told = copy_told(&errand->arena, told)};
    return give_order(errand->caller, &order);
}

/* Where jobs of this offer wait. */
static struct span endpoint_of(struct errand *errand)
{
    const struct ask *ask = &errand->question.ask;
    return span_of(arena_print(&errand->arena, "%s %s", errand->provider_name,
                               ask->endpoint[0] ? ask->endpoint : errand->slug));
}

static void explain(struct errand *errand, struct told *told)
{
    struct caller_health *health = &errand->caller->health;
    if (told->kind != TOLD_WAITING || !errand->question.provider->health)
        return;
    struct span endpoint = endpoint_of(errand);
    if (errand->question.waiting)
        caller_health_set(health, endpoint, told->stage, clock_monotonic());
    caller_health_tell(health, endpoint, clock_monotonic(), told);
}

/* On the egress's thread. */
static void on_done(void *context, const struct egress_result *result)
{
    struct errand *errand = context;
    struct told told;
    bool goes_on = false;
    if (result->outcome == EGRESS_ANSWERED)
        goes_on = question_read(&errand->question, &result->response, &told);
    else
        question_silence(&errand->question, is_our_fault(result), span_of(result->sentence), &told);
    note_call(errand, &told, result);
    if (goes_on) {
        send_call(errand);
        return;
    }
    explain(errand, &told);
    bool is_new = errand->question.call == PROVIDER_CALL_SUBMIT && told.kind == TOLD_ACCEPTED;
    bool is_sought = told.kind == TOLD_FOUND || (errand->is_named && told.remote_id[0]);
    if ((is_new || is_sought) && give_told(errand, &told))
        return;
    if (is_sought)
        told.kind = TOLD_NOTHING; /* it is stopping */
    finish(errand, &told, result->sent);
}

bool caller_may_ask(const struct caller *caller, const struct http_request *request)
{
    const char *origin = caller->config.only_origin;
    size_t size = strlen(origin ? origin : "");
    return !origin || (span_starts(request->target, origin) && request->target.size > size &&
                       request->target.data[size] == '/');
}

/* What gets the provider's credential: the origin of its base URL or, for searches, of its history,
 * as the catalogue has them, wherever a page or an answer of its would lead. */
static const char *trusted_origin(struct errand *errand, const struct http_request *request)
{
    const char *history =
        json_string_value(json_object_get(errand->offer->provider->details, "historyUrl"));
    const char *origin = caller_origin(history ? history : "", &errand->arena);
    bool is_history = errand->question.call == PROVIDER_CALL_FIND && *origin &&
                      span_starts(request->target, origin);
    return is_history ? origin : caller_origin(errand->question.ask.base_url, &errand->arena);
}

static void send_call(struct errand *errand)
{
    struct http_request request;
    bool pays = errand->question.call == PROVIDER_CALL_SUBMIT;
    bool is_small = pays || errand->question.call == PROVIDER_CALL_CANCEL;
    const struct config *config = errand->caller->config.config;
    ms_t total = pays ? config->providers.submit_timeout : config->providers.read_timeout;
    question_request(&errand->question, &request);
    const struct egress_call call = {
        .request = &request,
        .trusted = trusted_origin(errand, &request),
        .paid = pays,
        .answer = {.max = is_small ? CALLER_SMALL_MAX : CALLER_ANSWER_MAX},
        .deadlines = {.first_byte = total, .total = total},
        .done = on_done,
        .context = errand,
    };
    bool is_allowed = caller_may_ask(errand->caller, &request);
    if (is_allowed && egress_send(errand->caller->config.egress, &call))
        return;
    struct told told;
    told_init(&told);
    told.error = ERROR_PROVIDER_UNAVAILABLE;
    told_say(&told, is_allowed ? SPAN("Too much is being sent already.")
                               : SPAN("It would leave the sandbox, so it was not sent."));
    finish(errand, &told, false);
}

/* ---------------------------------------------------------------- orders */

static enum provider_call call_of(enum effect_kind kind)
{
    return kind == EFFECT_SUBMIT   ? PROVIDER_CALL_SUBMIT
           : kind == EFFECT_FIND   ? PROVIDER_CALL_FIND
           : kind == EFFECT_CANCEL ? PROVIDER_CALL_CANCEL
                                   : PROVIDER_CALL_POLL;
}

static void begin(struct errand *errand)
{
    struct told told;
    if (errand->kind == EFFECT_STREAM) {
        caller_stream_begin(errand);
        return;
    }
    errand->question.call = call_of(errand->kind);
    if (caller_ask_fill(errand, &told)) {
        errand->question.explains =
            errand->kind == EFFECT_POLL && errand->question.provider->health &&
            caller_health_due(&errand->caller->health, endpoint_of(errand), clock_monotonic());
        send_call(errand);
        return;
    }
    if (errand->kind != EFFECT_SUBMIT)
        told.kind = TOLD_NOTHING; /* nobody said no: it can't be asked */
    finish(errand, &told, false);
}

static void take_order(struct caller *caller, struct order *order)
{
    if (order->told)
        finish_claimed(order->errand, order->told, true, claimed(order->errand, order->told));
    else if (order->errand)
        begin(order->errand);
    else if (order->message)
        caller_tell(caller, order->message);
    if (order->dropped)
        caller_stream_drop(caller, order->dropped);
    memory_free(order);
}

static void *run(void *context)
{
    struct caller *caller = context;
    void *orders[CALLER_BATCH];
    ms_t next = MS_NEVER;
    while (!mailbox_closed(caller->box)) {
        (void)mailbox_wait(caller->box, next);
        size_t count = mailbox_take_all(caller->box, orders, CALLER_BATCH);
        bool was_refused = false;
        for (size_t n = 0; n < count; n++) {
            was_refused |= ((struct order *)orders[n])->message != NULL;
            take_order(caller, orders[n]);
        }
        next = caller_stream_turn(caller);
        reader_rest(caller->config.reader);
        if (was_refused) {
            const struct timespec pause = {.tv_nsec = CALLER_RETRY_MS * 1000000L};
            (void)nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

/* The files that were made lie where the provider says: see work.h. */
static void run_fetch(struct caller *caller, const struct effect *effect)
{
    const struct job *job = effect->on.job;
    struct arena arena;
    const struct offer *offer = NULL;
    arena_init(&arena);
    const struct model *model = catalog_find(caller->config.catalog, span_of(job->model));
    for (unsigned n = 0; model && n < model->offer_count && !offer; n++) {
        if (strcmp(model->offers[n]->provider->name, job->attempt.provider) == 0)
            offer = model->offers[n];
    }
    const char *origin = offer ? caller_origin(caller_base_url(offer, &arena), &arena) : NULL;
    works_fetch(caller->config.works, job, effect->on.attempt, effect->on.told,
                origin && *origin ? origin : NULL);
    arena_done(&arena);
}

static struct errand *errand_make(struct caller *caller, const struct effect *effect)
{
    const struct job *job = effect->on.job;
    struct errand *errand = memory_new(struct errand);
    struct route_offer offer = {0};
    arena_init(&errand->arena);
    struct arena *arena = &errand->arena;
    errand->caller = caller;
    errand->kind = effect->kind;
    if (effect->kind == EFFECT_SUBMIT)
        (void)atomic_fetch_add(&caller->submissions, 1);
    errand->job = job->key;
    errand->attempt = effect->on.attempt;
    errand->job_id = arena_copy(arena, span_of(job->id));
    errand->tenant = arena_copy(arena, span_of(job->tenant));
    errand->model = arena_copy(arena, span_of(job->model));
    errand->provider_name = arena_copy(arena, span_of(job->attempt.provider));
    (void)route_read(job->route, job->attempt.offer, &offer);
    errand->slug = arena_copy(arena, offer.slug);
    /* A stream is held for long, and asks for nothing. */
    errand->input = effect->kind == EFFECT_STREAM ? "" : arena_copy(arena, span_of(job->input));
    errand->is_named = effect->on.remote_id != NULL;
    errand->question.remote_id = arena_copy(
        arena, span_of(effect->on.remote_id ? effect->on.remote_id : job->attempt.remote_id));
    errand->question.handle = arena_copy(arena, span_of(job->attempt.handle));
    errand->question.page = "";
    errand->intent_at = job->attempt.intent_at;
    errand->asked_at = effect->on.asked_at;
    return errand;
}

/* The job ended: no stream about it is of use any more. */
static void drop(struct caller *caller, const struct job *job)
{
    const struct provider *provider = provider_find(span_of(job->attempt.provider));
    if (provider && provider->traits.can & CAN_STREAM)
        (void)give_order(caller, &(struct order){.dropped = job->key});
}

void caller_run(struct caller *caller, const struct effect *effect)
{
    if (effect->kind == EFFECT_DROP) {
        drop(caller, effect->on.job);
        return;
    }
    if (effect->kind == EFFECT_FETCH) {
        run_fetch(caller, effect);
        return;
    }
    struct errand *errand = errand_make(caller, effect);
    if (give_order(caller, &(struct order){.errand = errand}))
        return;
    log_error("too many calls to providers are waiting; the core asks again later");
    caller_errand_free(errand);
}

void caller_wake(struct caller *caller)
{
    (void)give_order(caller, &(struct order){.errand = NULL});
}

/* ---------------------------------------------------------------- the caller */

struct caller *caller_make(const struct caller_config *config)
{
    struct caller *caller = memory_new(struct caller);
    caller->config = *config;
    list_init(&caller->streams);
    caller_health_init(&caller->health);
    caller->box = mailbox_make(CALLER_MAILBOX, NULL, NULL);
    caller->running = pthread_create(&caller->thread, NULL, run, caller) == 0;
    if (caller->running)
        return caller;
    caller_free(caller);
    return NULL;
}

void caller_call_back(struct caller *caller, const char *url)
{
    caller->hook_base = url;
}

void caller_configure(struct caller *caller, const struct catalog *catalog)
{
    caller->config.catalog = catalog;
}

void caller_stop(struct caller *caller)
{
    if (!caller)
        return;
    mailbox_close(caller->box);
    if (!caller->running)
        return;
    (void)pthread_join(caller->thread, NULL);
    caller->running = false;
    caller_stream_stop(caller);
}

void caller_free(struct caller *caller)
{
    if (!caller)
        return;
    void *orders[CALLER_BATCH];
    size_t count;
    caller_stop(caller);
    while ((count = mailbox_take_all(caller->box, orders, CALLER_BATCH)) > 0) {
        for (size_t n = 0; n < count; n++) {
            struct order *order = orders[n];
            if (order->errand)
                caller_errand_free(order->errand);
            message_free(order->message);
            memory_free(order);
        }
    }
    caller_stream_free(caller);
    caller_health_done(&caller->health);
    mailbox_free(caller->box);
    memory_free(caller);
}
