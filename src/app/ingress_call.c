/* Carries a call out: reads from the store at once, changes through the engine. */
#include "app/ingress_private.h"
#include "app/offers.h"
#include "base/crypto.h"
#include "base/memory.h"
#include "catalog/estimate.h"
#include "catalog/price.h"
#include "core/progress.h"
#include "dialect/native_write.h"
#include "edge/clock.h"

#include <string.h>

enum { CALL_ROUTE_MAX = 8, PRIORITY_FREE = 50 };

void call_gone(void *context)
{
    struct request *request = context;
    watch_remove(request);
    struct ingress *ingress = request->ingress;
    if (request->token)
        map_remove(&ingress->pending, span_make(&request->token, sizeof request->token));
    vendor_close(request, RESEND_LOST);
    atomic_fetch_add(&board_counters(request->ingress->shared->board)->requests[0], 1);
    call_done(&request->call);
}

static ms_t estimate_of(struct request *request, const struct model *model, const json_t *input)
{
    if (!model)
        return 0;
    ms_t pace = board_pace(request->ingress->shared->board, model->id);
    return pace ? pace : estimate_typical(model, input);
}

/* ---------------------------------------------------------------- status */

/* The tag changes with the row, with the window of the links, and with what else moves. */
static struct span make_etag(struct request *request, const struct job *job, int64_t moving)
{
    ms_t window = request->ingress->shared->config->output.link_ttl / 2;
    ms_t links = job->output_count && window > 0 ? clock_wall() / window : 0;
    char *text = arena_make(exchange_arena(request->exchange), 3 * SPAN_NUMBER_SIZE + 8);
    size_t size = 3;
    memcpy(text, "W/\"", size);
    size += span_write_number(job->version, text + size);
    text[size++] = '.';
    size += span_write_number(links, text + size);
    text[size++] = '.';
    size += span_write_number(moving, text + size);
    text[size++] = '"';
    return (struct span){text, size};
}

static void answer_row(struct request *request, const struct job *job, int64_t position)
{
    const struct job *const jobs[] = {job};
    struct answer answer = {.jobs = jobs, .job_count = 1};
    const struct model *model =
        catalog_find(request->ingress->shared->catalog, span_of(job->model));
    answer.estimate = state_is_terminal(job->state) ? 0 : estimate_of(request, model, NULL);
    /* What changes without the row: the place in the queue, or the progress that is guessed. */
    bool is_guess = progress_is_estimated(job);
    answer.etag = make_etag(request, job, is_guess ? progress_of(job, clock_wall()) : position);
    board_why(request->ingress->shared->board, job, position, exchange_arena(request->exchange),
              &answer.waiting);
    ingress_answer(request, &answer);
}

static bool is_of_call(const struct request *request, const struct job *job)
{
    return (request->by_link || strcmp(job->tenant, request->tenant) == 0) &&
           (!request->call.job_id.size || span_is(request->call.job_id, job->id));
}

/* Reads the job of the call; refuses and gives false when there is none for this tenant. */
static bool read_job(struct request *request, int64_t key, struct job *ret_job,
                     struct job_place *ret_place)
{
    enum store_result result = reader_job(request->ingress->reader, key, ret_job, ret_place);
    if (result == STORE_OK && is_of_call(request, ret_job))
        return true;
    if (result == STORE_OK)
        reader_job_done(ret_job);
    if (result == STORE_OK || result == STORE_NONE)
        ingress_refuse(request, ERROR_NOT_FOUND, "There is no job %.*s.",
                       SPAN_PRINT(request->call.job_id));
    else
        ingress_refuse(request, ERROR_INTERNAL, "The job could not be read; try again.");
    return false;
}

bool call_read_job(struct request *request, int64_t key, struct job *ret_job)
{
    return read_job(request, key, ret_job, NULL);
}

void call_answer_job(struct request *request, int64_t key)
{
    struct job job;
    struct job_place place = {0};
    if (!read_job(request, key, &job, &place))
        return;
    answer_row(request, &job, place.position);
    reader_job_done(&job);
}

static void show_status(struct request *request, const struct job *job, int64_t position)
{
    if (request->call.wait > 0 && !state_is_terminal(job->state) && !request->ingress->draining) {
        request->watched_from = native_status(job->state);
        exchange_on_gone(request->exchange, call_gone, request);
        watch_add(request, request->call.wait);
        /* It may have changed between the read and the watch. */
        watch_changed(request->ingress, request->call.job);
    } else {
        answer_row(request, job, position);
    }
}

static void run_status(struct request *request)
{
    struct job job;
    struct job_place place = {0};
    const struct job *kept = reader_kept_job(request->ingress->reader, request->call.job, &place);
    if (kept && is_of_call(request, kept)) {
        show_status(request, kept, place.position);
    } else if (read_job(request, request->call.job, &job, &place)) {
        show_status(request, &job, place.position);
        reader_job_done(&job);
    }
}

static void run_timeline(struct request *request)
{
    struct job job;
    if (!read_job(request, request->call.job, &job, NULL))
        return;
    struct reader *reader = request->ingress->reader;
    struct timeline_entry *entries =
        memory_make(READER_TIMELINE_MAX * sizeof(struct timeline_entry));
    struct attempt *attempts = memory_make(READER_TIMELINE_MAX * sizeof(struct attempt));
    const struct job *const jobs[] = {&job};
    struct answer answer = {.jobs = jobs, .job_count = 1, .entries = entries, .attempts = attempts};
    if (reader_timeline(reader, job.key, entries, &answer.entry_count) == STORE_OK &&
        reader_attempts(reader, job.key, attempts, &answer.attempt_count) == STORE_OK)
        ingress_answer(request, &answer);
    else
        ingress_refuse(request, ERROR_INTERNAL, "The timeline could not be read; try again.");
    memory_free(entries);
    memory_free(attempts);
    reader_job_done(&job);
}

static void run_models(struct request *request)
{
    const struct describe describe = {.configured = offers_configured,
                                      .full = request->call.kind == CALL_MODEL};
    struct answer answer = {
        .catalog = request->ingress->shared->catalog,
        .describe = &describe,
        .model = request->call.model,
    };
    ingress_answer(request, &answer);
}

static void run_stats(struct request *request)
{
    enum { OPERATIONS_MAX = 256 };
    struct answer_stats stats;
    struct answer_operation *operations =
        arena_array(exchange_arena(request->exchange), struct answer_operation, OPERATIONS_MAX);
    bool all = pass_allows(request, SCOPE_OPERATOR) && !request->names_tenant;
    board_stats(request->ingress->shared->board, all ? NULL : request->tenant, operations,
                OPERATIONS_MAX, &stats);
    struct answer answer = {.stats = &stats};
    ingress_answer(request, &answer);
}

static void run_deliveries(struct request *request)
{
    struct job job;
    if (!read_job(request, request->call.job, &job, NULL))
        return;
    hook_answer_deliveries(request, &job, 0);
    reader_job_done(&job);
}

/* ---------------------------------------------------------------- to the engine */

bool call_send(struct request *request, struct message *message, uint64_t *token)
{
    struct ingress *ingress = request->ingress;
    request->token = (uint64_t)ingress->number << INGRESS_TOKEN_SHIFT | ++ingress->last_token;
    *token = request->token;
    bool is_new = message->event.kind == EVENT_ASKED || message->event.kind == EVENT_UPLOADED;
    bool full = is_new && board_full(ingress->shared->board);
    if (full || ingress->draining || !engine_post(ingress->shared->engine, message, true)) {
        message_free(message);
        request->token = 0;
        ingress_refuse(request, full ? ERROR_STORAGE_FULL : ERROR_RATE_LIMITED, "%s",
                       full                ? "The store takes no writes now: the disk is full."
                       : ingress->draining ? "The server is shutting down; try again."
                                           : "Too many requests wait already; try again.");
        return false;
    }
    map_set(&ingress->pending, span_make(&request->token, sizeof request->token), request);
    exchange_on_gone(request->exchange, call_gone, request);
    return true;
}

static void send_remove(struct request *request, enum remove_what what, int64_t key)
{
    struct message *message = message_make(EVENT_REMOVE_ASKED);
    struct remove_asked *asked = &message->event.remove_asked;
    asked->what = what;
    asked->key = key;
    asked->tenant = arena_copy(&message->arena, span_of(request->tenant));
    (void)call_send(request, message, &asked->token);
}

static void run_delete(struct request *request)
{
    struct job job;
    if (!read_job(request, request->call.job, &job, NULL))
        return;
    reader_job_done(&job);
    send_remove(request, REMOVE_JOB, request->call.job);
}

static void run_upload_delete(struct request *request)
{
    struct upload upload;
    if (upload_read(request, request->call.upload, request->call.upload_id, &upload))
        send_remove(request, REMOVE_UPLOAD, request->call.upload);
}

static void run_cancel(struct request *request)
{
    struct job job;
    if (!read_job(request, request->call.job, &job, NULL))
        return;
    reader_job_done(&job);
    struct message *message = message_make(EVENT_CANCEL_ASKED);
    struct cancel_asked *asked = &message->event.cancel_asked;
    asked->tenant = arena_copy(&message->arena, span_of(request->tenant));
    asked->job = request->call.job;
    (void)call_send(request, message, &asked->token);
}

/* A priority above `high` goes before what others of the tenant hold for urgent. */
static bool may_have(struct request *request, int priority)
{
    if (priority <= PRIORITY_FREE || pass_allows(request, SCOPE_PRIORITY))
        return true;
    ingress_refuse(request, ERROR_FORBIDDEN,
                   "A priority above %d needs a key with the scope \"%s\".", PRIORITY_FREE,
                   scope_name(SCOPE_PRIORITY));
    return false;
}

static void run_change(struct request *request)
{
    struct job job;
    if (request->call.change.has_priority && !may_have(request, request->call.change.priority))
        return;
    if (!read_job(request, request->call.job, &job, NULL))
        return;
    reader_job_done(&job);
    struct message *message = message_make(EVENT_CHANGE_ASKED);
    struct change_asked *asked = &message->event.change_asked;
    *asked = request->call.change;
    asked->tenant = arena_copy(&message->arena, span_of(request->tenant));
    asked->job = request->call.job;
    (void)call_send(request, message, &asked->token);
}

static void run_redeliver(struct request *request)
{
    struct job job;
    if (!read_job(request, request->call.job, &job, NULL))
        return;
    reader_job_done(&job);
    hook_redeliver(request);
}

/* ---------------------------------------------------------------- asking for jobs */

static uint64_t fingerprint_of(const struct model *model, struct span input)
{
    unsigned char bytes[CRYPTO_SHA256_SIZE];
    struct crypto_sha256 *digest = crypto_sha256_make();
    uint64_t fingerprint = 0;
    crypto_sha256_add(digest, span_make(model->id, strlen(model->id) + 1));
    crypto_sha256_add(digest, input);
    crypto_sha256_take(digest, bytes);
    memcpy(&fingerprint, bytes, sizeof fingerprint);
    return fingerprint;
}

static struct span canonical(const json_t *input, struct arena *arena)
{
    struct buffer text;
    buffer_init(&text, SIZE_MAX / 4);
    json_canonical(input, &text);
    struct span copy = span_make(arena_copy(arena, buffer_span(&text)), text.size);
    buffer_done(&text);
    return copy;
}

/* A variant's own input: with a seed of its own, where the model takes one. Variants of a given
 * seed count on from it. */
static struct span input_of(const struct call_ask *ask, unsigned n, struct arena *arena)
{
    const struct parameter *seed = catalog_find_parameter(ask->model, SPAN("seed"));
    if (!seed || seed->kind != PARAMETER_INTEGER)
        return canonical(ask->input, arena);
    const json_t *given = json_object_get(ask->input, "seed");
    json_int_t max = seed->max < INT32_MAX ? (json_int_t)seed->max : INT32_MAX;
    json_int_t value = json_is_integer(given)
                           ? json_integer_value(given) + n
                           : (json_int_t)(crypto_random_number() % (uint64_t)(max + 1));
    if (n > 0 && json_is_integer(given) && (double)value > seed->max)
        value -= (json_int_t)seed->max;
    json_t *input = json_copy(ask->input);
    (void)json_object_set_new(input, "seed", json_integer(value));
    struct span text = canonical(input, arena);
    json_decref(input);
    return text;
}

static struct span sha256_of(struct span bytes, struct arena *arena)
{
    unsigned char *digest = arena_make(arena, CRYPTO_SHA256_SIZE);
    crypto_sha256(bytes, digest);
    return span_make(digest, CRYPTO_SHA256_SIZE);
}

static struct span copy_span(struct span text, struct arena *arena)
{
    return text.size ? span_make(arena_copy(arena, text), text.size) : SPAN("");
}

static struct message *make_asked(struct request *request, const struct offer *const *offers,
                                  unsigned offer_count, int64_t retry_of)
{
    const struct call_ask *ask = &request->call.ask;
    struct message *message = message_make(EVENT_ASKED);
    struct asked *asked = &message->event.asked;
    struct arena *arena = &message->arena;
    struct offers_bill bill = {.assume = request->ingress->shared->config->price.assume};
    asked->tenant = arena_copy(arena, span_of(request->tenant));
    if (request->pass.spender)
        asked->api_key = arena_copy(arena, span_of(request->pass.spender));
    asked->model = ask->model->id;              /* the catalogue outlives the message */
    bool is_sandbox = sandbox_is_here(request); /* it renders what others are asked for */
    asked->provider = is_sandbox ? "local" : offers[0]->provider->name;
    asked->count = ask->count;
    for (unsigned n = 0; n < ask->count; n++)
        asked->inputs[n] = input_of(ask, n, arena);
    asked->metadata = copy_span(ask->metadata, arena);
    asked->options = copy_span(ask->options, arena);
    asked->fingerprint = fingerprint_of(ask->model, canonical(ask->input, arena));
    asked->join = ask->join;
    asked->priority = ask->priority;
    asked->start_at = ask->start_at;
    asked->deadline = ask->deadline;
    memcpy(asked->depends_on, ask->depends_on, sizeof asked->depends_on);
    memcpy(asked->reads, ask->reads, sizeof asked->reads);
    asked->dependency_count = ask->dependency_count;
    struct asked_upload *uploads = arena_array(arena, struct asked_upload, ask->upload_count + 1);
    for (unsigned n = 0; n < ask->upload_count; n++)
        uploads[n] = (struct asked_upload){ask->uploads[n].key,
                                           arena_copy(arena, span_of(ask->uploads[n].id)),
                                           arena_copy(arena, span_of(ask->uploads[n].field))};
    asked->uploads = uploads;
    asked->upload_count = ask->upload_count;
    asked->retry_of = retry_of;
    asked->flags = ask->flags;
    if (!is_sandbox && !offers_is_ours(offers[0]))
        asked->route = offers_write(offers, offer_count, ask->input, arena, &bill);
    asked->price_max = bill.max;
    asked->price_unknown = bill.is_unknown;
    hook_fill(request, message);
    if (ask->key.size) {
        asked->key_hash = sha256_of(ask->key, arena);
        asked->body_hash = sha256_of(ask->hash_of, arena);
    }
    return message;
}

static void answer_quote(struct request *request, const struct offer *const *route,
                         unsigned route_count)
{
    struct answer answer = {.estimate = request->estimate};
    struct answer_quote *quote = &answer.quote;
    quote->route = route;
    quote->route_count = route_count;
    quote->configured = route_count > 0 && offers_configured(NULL, route[0]);
    quote->price_known = route_count > 0 && price_of(route[0], request->call.ask.input,
                                                     &quote->price_min, &quote->price_max);
    board_budget(request->ingress->shared->board, request->tenant, &quote->budget);
    ingress_answer(request, &answer);
}

void call_ask(struct request *request, int64_t retry_of)
{
    struct call_ask *ask = &request->call.ask;
    if (!may_have(request, ask->priority))
        return;
    struct arena *arena = exchange_arena(request->exchange);
    const struct offer *route[CALL_ROUTE_MAX];
    const struct offers_wish wish = {ask->provider, ask->only_provider};
    unsigned route_count = offers_route(ask->model, ask->input, &wish, route, CALL_ROUTE_MAX);
    request->estimate = estimate_of(request, ask->model, ask->input);
    upload_check(request);
    if (faults_any(&request->faults)) {
        struct answer answer = {.refusal = &request->faults};
        ingress_answer(request, &answer);
    } else if (!hook_check(request)) {
        return;
    } else if (route_count == 0) {
        ingress_refuse(request, ERROR_VALIDATION, "No provider of %s can do this%s.",
                       ask->model->id, ask->only_provider ? " (fallback is false)" : "");
    } else if (ask->dry_run) {
        answer_quote(request, route, route_count);
    } else if (!offers_configured(NULL, route[0])) {
        ingress_refuse(request, ERROR_PROVIDER_NOT_CONFIGURED, "%s",
                       offers_missing(route[0], arena));
    } else {
        if (!vendor_name(request))
            return; /* it is run again */
        struct message *message = make_asked(request, route, route_count, retry_of);
        (void)call_send(request, message, &message->event.asked.token);
    }
}

/* ---------------------------------------------------------------- and back */

/* The jobs of a reply as rows: fresh ones are made of what the reply says, for others (a replay, a
 * join) the store is asked. */
static bool fill_job(struct request *request, const struct reply *reply, unsigned n,
                     struct job *job)
{
    if (reply->replayed || reply->joined)
        return reader_job(request->ingress->reader, reply->jobs[n], job, NULL) == STORE_OK;
    job->key = reply->jobs[n];
    memcpy(job->id, reply->ids[n], sizeof job->id);
    (void)span_copy(span_of(request->call.ask.model->id), job->model, sizeof job->model);
    job->state = reply->state;
    job->created_at = reply->created_at;
    return true;
}

static void answer_asked(struct request *request, const struct reply *reply)
{
    struct job rows[JOB_COUNT_MAX];
    const struct job *jobs[JOB_COUNT_MAX];
    unsigned count = 0;
    memset(rows, 0, reply->job_count * sizeof rows[0]);
    for (unsigned n = 0; n < reply->job_count; n++) {
        if (fill_job(request, reply, n, &rows[count])) {
            jobs[count] = &rows[count];
            count++;
        }
    }
    struct answer answer = {
        .jobs = jobs,
        .job_count = count,
        .joined = reply->joined,
        .replayed = reply->replayed,
        .estimate = request->estimate,
        .notes = request->notes,
        .note_count = request->note_count,
    };
    if (count == 0 && reply->replayed)
        ingress_refuse(request, ERROR_NOT_FOUND,
                       "The jobs that this idempotency key made have been deleted.");
    else if (count == 0)
        ingress_refuse(request, ERROR_INTERNAL, "The job could not be read; try again.");
    else
        ingress_answer(request, &answer);
    for (unsigned n = 0; n < count; n++) {
        if (reply->replayed || reply->joined)
            reader_job_done(&rows[n]);
    }
}

static void answer_upload(struct request *request, const struct reply *reply)
{
    request->upload->created_at = reply->created_at;
    request->upload->expires_at = reply->expires_at;
    struct answer answer = {.upload = request->upload};
    ingress_answer(request, &answer);
}

static void answer_redelivered(struct request *request)
{
    struct job job;
    if (!read_job(request, request->call.job, &job, NULL))
        return;
    hook_answer_deliveries(request, &job, request->call.number);
    reader_job_done(&job);
}

void call_replied(struct request *request, const struct reply *reply)
{
    enum call_kind kind = request->call.kind;
    if (reply->error != ERROR_NONE)
        ingress_refuse(request, reply->error, "%s", reply->text);
    else if (kind == CALL_ASK && request->call.wait > 0 && reply->job_count == 1 &&
             !request->ingress->draining)
        vendor_hold(request, reply);
    else if (kind == CALL_ASK || kind == CALL_RETRY)
        answer_asked(request, reply);
    else if (request->call.kind == CALL_KEY_MAKE || request->call.kind == CALL_KEY_REVOKE)
        keys_replied(request);
    else if (request->call.kind == CALL_TENANT_SET)
        tenants_show(request);
    else if (request->call.kind == CALL_UPLOAD)
        answer_upload(request, reply);
    else if (request->call.kind == CALL_DELETE || request->call.kind == CALL_UPLOAD_DELETE)
        ingress_answer(request, &(struct answer){.job_count = 0});
    else if (kind == CALL_REDELIVER)
        answer_redelivered(request);
    else if (kind == CALL_SECRET || kind == CALL_ROTATE || kind == CALL_HOOK_TEST)
        hook_replied(request, reply);
    else if (kind == CALL_PROVIDER_PAUSE)
        provider_paused(request);
    else
        call_answer_job(request, reply->jobs[0]);
}

void call_run(struct request *request)
{
    static void (*const runs[])(struct request *) = {
        [CALL_STATUS] = run_status,
        [CALL_CANCEL] = run_cancel,
        [CALL_CHANGE] = run_change,
        [CALL_RETRY] = retry_run,
        [CALL_RESOLVE] = resolve_run,
        [CALL_LIST] = list_run,
        [CALL_TIMELINE] = run_timeline,
        [CALL_MODELS] = run_models,
        [CALL_MODEL] = run_models,
        [CALL_OPENAPI] = run_models,
        [CALL_STATS] = run_stats,
        [CALL_DELETE] = run_delete,
        [CALL_UPLOAD] = upload_run,
        [CALL_UPLOAD_STATUS] = upload_show,
        [CALL_UPLOAD_DELETE] = run_upload_delete,
        [CALL_KEYS] = keys_list,
        [CALL_KEY] = keys_show,
        [CALL_KEY_MAKE] = keys_make,
        [CALL_KEY_REVOKE] = keys_revoke,
        [CALL_TENANTS] = tenants_list,
        [CALL_TENANT] = tenants_show,
        [CALL_TENANT_SET] = tenants_set,
        [CALL_DELIVERIES] = run_deliveries,
        [CALL_REDELIVER] = run_redeliver,
        [CALL_SECRET] = hook_secret,
        [CALL_ROTATE] = hook_secret,
        [CALL_HOOK_TEST] = hook_try,
        [CALL_STREAM] = stream_run,
        [CALL_ACCOUNT] = vendor_account,
        [CALL_UPLOAD_BEGIN] = upload_announce,
        [CALL_PURGE] = list_run,
        [CALL_LOAD] = list_run,
        [CALL_HOOK_KEY] = vendor_hook_key,
        [CALL_USAGE] = usage_run,
        [CALL_PROVIDERS] = provider_list,
        [CALL_PROVIDER_PAUSE] = provider_pause,
    };
    enum call_kind kind = request->call.kind;
    bool of_all =
        kind == CALL_LIST || kind == CALL_USAGE || (kind >= CALL_KEYS && kind <= CALL_KEY_REVOKE);
    if (request->all_tenants && (!of_all || kind == CALL_KEY_MAKE))
        faults_add(&request->faults, "tenant", "the name of one tenant", "is *");
    if (faults_any(&request->faults)) {
        struct answer answer = {.refusal = &request->faults};
        ingress_answer(request, &answer);
    } else if (!sandbox_admits(request)) {
        return; /* its script has seen to it */
    } else if (kind == CALL_ASK) {
        call_ask(request, 0);
    } else {
        runs[kind](request);
    }
}
