/* Where the sandbox's script breaks things: requests that are answered late, badly or not at all,
 * and what is accepted and how it shall end. In a gateway all of it is a pointer that is NULL. */
#include "app/ingress_private.h"
#include "app/sandbox.h"
#include "app/sandbox_mark.h"
#include "base/crypto.h"
#include "catalog/price.h"

#include <string.h>

enum { LEDGER_LIMIT = 1000, DIGEST_BYTES = 8 };

static struct sandbox *sandbox_of(const struct request *request)
{
    return request->ingress->shared->sandbox;
}

bool sandbox_is_here(const struct request *request)
{
    return sandbox_of(request) != NULL;
}

bool sandbox_speaks(const struct request *request, const struct dialect *dialect)
{
    return !sandbox_of(request) || (dialect != &native_dialect && dialect != &relay_dialect);
}

/* ---------------------------------------------------------------- which call it is */

static bool call_of(const struct request *request, enum sandbox_call *ret_call)
{
    const struct call *call = &request->call;
    switch ((int)call->kind) {
    case CALL_ASK:
        *ret_call = SANDBOX_CREATE;
        return true;
    case CALL_STATUS:
        *ret_call = call->route && strcmp(call->route->action, "result") == 0 ? SANDBOX_RESULT
                                                                              : SANDBOX_STATUS;
        return true;
    case CALL_STREAM:
        *ret_call = SANDBOX_STATUS;
        return true;
    case CALL_CANCEL:
        *ret_call = SANDBOX_CANCEL;
        return true;
    case CALL_LIST:
        *ret_call = SANDBOX_FIND;
        return true;
    default:
        return false;
    }
}

/* Of a call about a job: whose, and of which model. */
static void plan_job(struct request *request, enum sandbox_call call, int64_t key)
{
    struct sandbox *sandbox = sandbox_of(request);
    struct arena *arena = exchange_arena(request->exchange);
    struct sandbox_mark mark = {.provider = request->dialect->name};
    struct sandbox_plan *plan = request->sandbox;
    struct job job;
    if (!sandbox_script_knows(sandbox->script, call) ||
        reader_job(request->ingress->reader, key, &job, NULL) != STORE_OK)
        return;
    (void)sandbox_mark_read(job.options, arena, &mark);
    sandbox_script_plan(sandbox->script, call, span_of(mark.provider), span_of(job.model), plan);
    reader_job_done(&job);
}

static void plan_call(struct request *request, enum sandbox_call call)
{
    const struct call *asked = &request->call;
    const char *model = call == SANDBOX_CREATE ? asked->ask.model->id : "";
    if (call == SANDBOX_CREATE || call == SANDBOX_FIND)
        sandbox_script_plan(sandbox_of(request)->script, call, span_of(request->dialect->name),
                            asked->filter_model.size ? asked->filter_model : span_of(model),
                            request->sandbox);
    else
        plan_job(request, call, asked->job);
}

/* ---------------------------------------------------------------- answers that are none */

static void refuse(struct request *request, int status, int64_t retry_after)
{
    static const struct {
        int status;
        enum error_code code;
    } codes[] = {{429, ERROR_RATE_LIMITED},
                 {500, ERROR_INTERNAL},
                 {502, ERROR_PROVIDER_FAILED},
                 {503, ERROR_PROVIDER_UNAVAILABLE},
                 {504, ERROR_TIMEOUT}};
    enum error_code code = ERROR_INTERNAL;
    for (size_t n = 0; n < sizeof codes / sizeof codes[0]; n++)
        if (codes[n].status == status)
            code = codes[n].code;
    request->retry_seconds = retry_after;
    ingress_refuse(request, code, "The sandbox's script answers %d.", status);
}

/* True when the script has seen to the answer. */
static bool is_broken(struct request *request)
{
    const struct sandbox_plan *plan = request->sandbox;
    if (sandbox_plan_has(plan, SANDBOX_FAULT_STATUS))
        refuse(request, plan->status, plan->retry_after);
    else if (sandbox_plan_has(plan, SANDBOX_FAULT_LOST_BEFORE))
        ingress_drop(request);
    else if (sandbox_plan_has(plan, SANDBOX_FAULT_EXPIRED_LINK))
        ingress_refuse(request, ERROR_NOT_FOUND, "The link has expired.");
    else
        return false;
    return true;
}

/* ---------------------------------------------------------------- what is accepted */

static int64_t price_at(const struct request *request)
{
    const struct call_ask *ask = &request->call.ask;
    int64_t least = 0, most = 0;
    for (unsigned n = 0; n < ask->model->offer_count; n++) {
        const struct offer *offer = ask->model->offers[n];
        if (strcmp(offer->provider->name, request->dialect->name) == 0)
            return price_of(offer, ask->input, &least, &most) ? most : -1;
    }
    return -1;
}

static const char *digest_of(struct request *request)
{
    const struct call_ask *ask = &request->call.ask;
    unsigned char digest[CRYPTO_SHA256_SIZE];
    char *text = arena_make(exchange_arena(request->exchange), 2 * DIGEST_BYTES + 1);
    struct buffer whole;
    buffer_init(&whole, SIZE_MAX / 4);
    buffer_print(&whole, "%s\n", ask->model->id);
    json_canonical(ask->input, &whole);
    crypto_sha256(buffer_span(&whole), digest);
    buffer_done(&whole);
    crypto_hex(digest, DIGEST_BYTES, text);
    return text;
}

static void mark_ask(struct request *request)
{
    struct call_ask *ask = &request->call.ask;
    struct arena *arena = exchange_arena(request->exchange);
    const struct sandbox_plan *plan = request->sandbox;
    struct span tag = ask->hook_url.size ? ask->hook_url : ask->key;
    struct sandbox_mark mark = {
        .provider = request->dialect->name,
        .tag = arena_copy(arena, tag),
        .digest = digest_of(request),
        .price = price_at(request),
        .end_after = plan->end_after,
        .file = plan->file,
        .type = plan->type,
        .text = plan->text,
    };
    for (int end = SANDBOX_FAULT_FAIL; end <= SANDBOX_FAULT_CANNED; end++) {
        if (!sandbox_plan_has(plan, (enum sandbox_fault)end))
            continue;
        mark.has_end = true;
        mark.end = (enum sandbox_fault)end;
    }
    ask->options = sandbox_mark_add(ask->options, &mark, arena);
}

/* False when the request is answered, or waits. */
static bool admit(struct request *request, void (*again)(struct request *request))
{
    if (request->sandbox->delay > 0) {
        ms_t delay = request->sandbox->delay;
        request->sandbox->delay = 0;
        watch_park(request, delay, again);
        return false;
    }
    return !is_broken(request);
}

bool sandbox_admits(struct request *request)
{
    struct sandbox *sandbox = sandbox_of(request);
    enum sandbox_call call;
    if (!sandbox)
        return true;
    if (request->call.kind == CALL_RETRY) {
        ingress_refuse(request, ERROR_NOT_FOUND, "The sandbox repeats no request; submit it anew.");
        return false;
    }
    if (!call_of(request, &call))
        return true;
    if (!request->sandbox) {
        request->sandbox = arena_new(exchange_arena(request->exchange), struct sandbox_plan);
        plan_call(request, call);
    }
    if (!admit(request, call_run))
        return false;
    if (call != SANDBOX_CREATE)
        return true;
    if (sandbox_ledger_is_full(sandbox->ledger)) {
        ingress_refuse(request, ERROR_STORAGE_FULL, "The sandbox's ledger takes no more rows.");
        return false;
    }
    mark_ask(request);
    return true;
}

bool sandbox_admits_file(struct request *request, const struct http_request *http,
                         void (*again)(struct request *request))
{
    struct span rest = http->path, part;
    int64_t key = 0;
    if (!sandbox_of(request))
        return true;
    if (!request->sandbox) {
        request->sandbox = arena_new(exchange_arena(request->exchange), struct sandbox_plan);
        (void)span_take(&rest, '/', &part); /* "/outputs/{id}/{name}" */
        (void)span_take(&rest, '/', &part);
        if (span_take(&rest, '/', &part) && id_read(part, "gen_", &key))
            plan_job(request, SANDBOX_FILE, key);
    }
    return admit(request, again);
}

bool sandbox_loses(const struct request *request, const struct reply *reply)
{
    return request->sandbox && request->call.kind == CALL_ASK && reply->error == ERROR_NONE &&
           sandbox_plan_has(request->sandbox, SANDBOX_FAULT_LOST_AFTER);
}

/* ---------------------------------------------------------------- GET /sandbox/ledger */

static bool read_number(struct request *request, const struct http_request *http, const char *name,
                        int64_t max, int64_t *number)
{
    struct span text;
    return !http_query(http->query, name, exchange_arena(request->exchange), &text) ||
           span_integer(text, 0, max, number);
}

void sandbox_show(struct request *request, const struct http_request *http)
{
    struct http_response response = {.status = 200};
    int64_t from = 0, limit = LEDGER_LIMIT;
    struct buffer *body = &request->ingress->body;
    if (!sandbox_of(request)) {
        ingress_refuse(request, ERROR_NOT_FOUND, "There is nothing at %.*s.",
                       SPAN_PRINT(http->path));
    } else if (!read_number(request, http, "from", SANDBOX_LEDGER_ROWS_MAX, &from) ||
               !read_number(request, http, "limit", SANDBOX_LEDGER_PAGE_MAX, &limit)) {
        ingress_refuse(request, ERROR_VALIDATION,
                       "from is the number of a row (0 to %d), and limit how many (0 to %d).",
                       SANDBOX_LEDGER_ROWS_MAX, SANDBOX_LEDGER_PAGE_MAX);
    } else {
        buffer_clear(body);
        sandbox_ledger_write(sandbox_of(request)->ledger, from, limit, body);
        response.body = buffer_span(body);
        (void)http_response_add(&response, "Content-Type", SPAN("application/json"));
        ingress_send(request, &response);
        buffer_done(body);
    }
}
