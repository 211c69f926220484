/* Who asks, what may they do, and how often: between the route and the dialect. */
#include "app/ingress_private.h"
#include "edge/clock.h"

#include <string.h>

/* The key of a request, however its scheme is spelt; empty when there is none. */
static struct span key_of(const struct dialect *dialect, const struct http_request *http)
{
    static const struct {
        const char *name;
        unsigned scheme; /* that the dialect must have; 0: all do */
    } schemes[] = {{"bearer", 0}, {"token", DIALECT_TOKEN}, {"key", DIALECT_KEY}};
    struct span value, word;
    if (!http_request_header(http, "authorization", &value))
        return SPAN("");
    struct span rest = value;
    (void)span_take(&rest, ' ', &word);
    if (!rest.data)
        return dialect->schemes & DIALECT_BARE ? value : SPAN("");
    for (size_t n = 0; n < sizeof schemes / sizeof schemes[0]; n++)
        if (span_is_nocase(word, schemes[n].name) &&
            (!schemes[n].scheme || dialect->schemes & schemes[n].scheme))
            return span_trim(rest);
    return SPAN("");
}

/* Writes down that the key is used, seldom. When the engine has no room it is told another time. */
static void note_use(struct request *request)
{
    const char *id;
    if (!keyring_used(&request->pass, clock_wall(), &id))
        return;
    struct message *message = message_make(EVENT_API_KEY_ASKED);
    struct api_key_change *change = &message->event.api_key_asked.change;
    change->act = API_KEY_USED;
    (void)span_copy(span_of(id), change->row.id, sizeof change->row.id);
    if (!engine_post(request->ingress->shared->engine, message, true))
        message_free(message);
}

enum keyring_verdict pass_find(struct request *request, const struct http_request *http)
{
    const struct ingress_shared *shared = request->ingress->shared;
    const struct config *config = shared->config;
    struct span text = key_of(request->dialect, http);
    request->pass = (struct keyring_pass){.tenant = KEYRING_DEFAULT_TENANT, .scopes = SCOPE_ALL};
    if (secret_equal(config->auth_token, text))
        return KEYRING_GOOD;
    enum keyring_verdict verdict =
        keyring_find(shared->keyring, text, clock_wall(), &request->pass);
    /* Whoever needs no key is the operator, unless they come with one that is somebody's. */
    if (verdict != KEYRING_GOOD && config->no_auth && config->auth_token.size == 0)
        return KEYRING_GOOD;
    if (verdict == KEYRING_GOOD)
        request->tenant = request->pass.tenant;
    return verdict;
}

/* The checks leave what is wrong in the request's faults; who asked says it to the client. */

static bool is_found(struct request *request, const struct http_request *http)
{
    static const char *const sentences[] = {
        [KEYRING_GOOD] = "",
        [KEYRING_UNKNOWN] = "The key is missing or not valid; send it as \"Authorization: Bearer "
                            "…\".",
        [KEYRING_REVOKED] = "The key was revoked.",
        [KEYRING_EXPIRED] = "The key has expired.",
    };
    enum keyring_verdict verdict = pass_find(request, http);
    if (verdict == KEYRING_GOOD)
        return true;
    faults_refuse(&request->faults, ERROR_NOT_AUTHORIZED, "%s", sentences[verdict]);
    return false;
}

static bool is_admitted(struct request *request)
{
    struct keyring_pass *pass = &request->pass;
    if (!pass->key)
        return true;
    if (keyring_admit(request->ingress->shared->keyring, pass, clock_monotonic())) {
        note_use(request);
        return true;
    }
    request->retry_seconds = (pass->rate.retry + MS_SECOND - 1) / MS_SECOND;
    faults_refuse(&request->faults, ERROR_RATE_LIMITED,
                  "More than %lld requests a minute; the next may come in %lld s.",
                  (long long)pass->rate.limit, (long long)request->retry_seconds);
    return false;
}

bool pass_allows(const struct request *request, enum scope scope)
{
    return request->pass.scopes & SCOPE_BIT(scope);
}

static bool has_scope(struct request *request, enum scope scope)
{
    if (pass_allows(request, scope))
        return true;
    faults_refuse(&request->faults, ERROR_FORBIDDEN, "This needs a key with the scope \"%s\".",
                  scope_name(scope));
    return false;
}

/* tenant=NAME: for whom an operator acts; tenant=*, for lists and keys: for all. */
static bool choose_tenant(struct request *request, const struct http_request *http)
{
    struct span name;
    if (http->query.size == 0 ||
        !http_query(http->query, "tenant", exchange_arena(request->exchange), &name))
        return true;
    request->names_tenant = true;
    if (span_is(name, request->tenant))
        return true;
    if (!has_scope(request, SCOPE_OPERATOR))
        return false;
    request->all_tenants = span_is(name, "*");
    if (request->all_tenants)
        return true;
    const char *tenant = keyring_tenant(request->ingress->shared->keyring, name, NULL);
    if (tenant)
        request->tenant = tenant;
    else
        faults_refuse(&request->faults, ERROR_NOT_FOUND, "There is no tenant \"%.63s\".",
                      arena_copy(exchange_arena(request->exchange), name));
    return tenant != NULL;
}

static bool or_refuse(struct request *request, bool good)
{
    struct answer answer = {.refusal = &request->faults};
    if (!good)
        ingress_answer(request, &answer);
    return good;
}

bool pass_admit(struct request *request)
{
    return or_refuse(request, is_admitted(request));
}

bool pass_need(struct request *request, enum scope scope)
{
    return or_refuse(request, has_scope(request, scope));
}

bool pass_choose(struct request *request, const struct http_request *http)
{
    return or_refuse(request, choose_tenant(request, http));
}

bool pass_check(struct request *request, const struct http_request *http, enum scope scope)
{
    return is_found(request, http) && is_admitted(request) && has_scope(request, scope) &&
           choose_tenant(request, http);
}

bool pass_open(struct request *request, const struct http_request *http, enum scope scope)
{
    return or_refuse(request, pass_check(request, http, scope));
}

bool pass_open_again(struct request *request, const struct http_request *http, enum scope scope)
{
    bool is_good = is_found(request, http);
    if (is_good)
        keyring_look(request->ingress->shared->keyring, &request->pass, clock_monotonic());
    return or_refuse(request, is_good && has_scope(request, scope) && choose_tenant(request, http));
}

/* The headers that clients know, of the draft that had them apart (draft-ietf-httpapi-ratelimit-
 * headers-06): the limit in force, what is left of it, seconds until all of it is there again. */
void pass_show(struct request *request, struct http_response *response)
{
    const struct rate_state *rate = &request->pass.rate;
    if (!request->pass.is_limited)
        return;
    const struct {
        const char *name;
        int64_t number;
    } rows[] = {
        {"RateLimit-Limit", rate->limit},
        {"RateLimit-Remaining", rate->remaining},
        {"RateLimit-Reset", (rate->reset + MS_SECOND - 1) / MS_SECOND},
    };
    struct arena *arena = exchange_arena(request->exchange);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char *text = arena_make(arena, SPAN_NUMBER_SIZE);
        (void)http_response_add(response, rows[n].name,
                                (struct span){text, span_write_number(rows[n].number, text)});
    }
    (void)http_response_add(
        response, "RateLimit-Policy",
        span_of(arena_print(arena, "%lld;w=%d", (long long)rate->limit, RATE_WINDOW_SECONDS)));
}
