/* Keys and tenants: looked up in the keyring, changed through the engine. */
#include "app/ingress_private.h"
#include "app/key_text.h"
#include "app/tier.h"
#include "edge/clock.h"

#include <string.h>

enum { TIERS_TEXT_MAX = 1024 };

static struct keyring *keyring_of(const struct request *request)
{
    return request->ingress->shared->keyring;
}

/* Whose keys and settings this request may see; NULL: everybody's. */
static const char *seen_tenant(const struct request *request)
{
    return request->all_tenants ? NULL : request->tenant;
}

static void answer_key(struct request *request, const struct api_key_row *row)
{
    struct answer answer = {.keys = row, .key_count = 1, .key_text = request->key_text};
    ingress_answer(request, &answer);
}

/* The key of the call, if this tenant has it; refuses otherwise. */
static bool find_key(struct request *request, struct api_key_row *ret_row)
{
    const struct call *call = &request->call;
    if (keyring_key(keyring_of(request), call->name, ret_row) &&
        (request->all_tenants || strcmp(ret_row->tenant, request->tenant) == 0))
        return true;
    ingress_refuse(request, ERROR_NOT_FOUND, "There is no key %.*s.", SPAN_PRINT(call->name));
    return false;
}

void keys_list(struct request *request)
{
    const struct call *call = &request->call;
    bool more = false;
    struct api_key_row *rows =
        arena_array(exchange_arena(request->exchange), struct api_key_row, call->limit);
    struct answer answer = {.keys = rows};
    answer.key_count = keyring_keys(keyring_of(request), seen_tenant(request), call->name,
                                    call->limit, rows, &more);
    answer.next_name = more ? rows[answer.key_count - 1].id : NULL;
    ingress_answer(request, &answer);
}

void keys_show(struct request *request)
{
    struct api_key_row row;
    if (find_key(request, &row))
        answer_key(request, &row);
}

/* Nobody gives away what they have not got. */
static bool may_give(struct request *request, unsigned scopes)
{
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        if (scopes & SCOPE_BIT(scope) && !pass_need(request, (enum scope)scope))
            return false;
    }
    return true;
}

static bool choose_owner(struct request *request, struct api_key_row *row)
{
    if (!row->tenant[0])
        (void)span_copy(span_of(request->tenant), row->tenant, sizeof row->tenant);
    if (strcmp(row->tenant, request->tenant) != 0 && !pass_need(request, SCOPE_OPERATOR))
        return false;
    if (keyring_has_room(keyring_of(request), row->tenant, true))
        return true;
    ingress_refuse(request, ERROR_CONFLICT,
                   "There are as many keys (%d) or tenants (%d) as there may be.", KEYRING_KEYS_MAX,
                   KEYRING_TENANTS_MAX);
    return false;
}

void keys_make(struct request *request)
{
    struct api_key_row *row = &request->call.api_key;
    if (!may_give(request, row->scopes) || !choose_owner(request, row))
        return;
    request->key_text = arena_make(exchange_arena(request->exchange), KEY_TEXT_SIZE);
    key_text_make(clock_wall(), row, request->key_text);
    request->call.name = span_of(row->id);
    struct message *message = message_make(EVENT_API_KEY_ASKED);
    message->event.api_key_asked.change = (struct api_key_change){API_KEY_MADE, *row};
    call_send(request, message, &message->event.api_key_asked.token);
}

/* Twice is the same answer. */
void keys_revoke(struct request *request)
{
    struct api_key_row row;
    if (!find_key(request, &row))
        return;
    if (row.revoked_at) {
        answer_key(request, &row);
        return;
    }
    struct message *message = message_make(EVENT_API_KEY_ASKED);
    message->event.api_key_asked.change = (struct api_key_change){API_KEY_REVOKED, row};
    call_send(request, message, &message->event.api_key_asked.token);
}

/* The request is dead once it is answered, and nobody wipes what it leaves: the text of a new key
 * moves here first. */
void keys_replied(struct request *request)
{
    struct api_key_row row;
    char text[KEY_TEXT_SIZE];
    struct ingress *ingress = request->ingress;
    bool is_new = request->key_text != NULL;
    if (is_new) {
        memcpy(text, request->key_text, sizeof text);
        explicit_bzero(request->key_text, sizeof text);
        request->key_text = text;
    }
    if (keyring_key(keyring_of(request), request->call.name, &row))
        answer_key(request, &row);
    else
        ingress_refuse(request, ERROR_INTERNAL, "The key could not be read; try again.");
    if (is_new && ingress->body.data)
        explicit_bzero(ingress->body.data, ingress->body.capacity);
    explicit_bzero(text, sizeof text);
}

/* ---------------------------------------------------------------- tenants */

static const struct tier *find_tier(const struct ingress_shared *shared, const char *name)
{
    for (unsigned n = 0; n < shared->tier_count; n++) {
        if (strcmp(shared->tiers[n].name, name) == 0)
            return &shared->tiers[n];
    }
    return NULL;
}

static int64_t in_force(int64_t own, int64_t of_server)
{
    return own == TENANT_AS_SERVER ? of_server : own;
}

static void fill_tenant(const struct request *request, struct answer_tenant *tenant)
{
    const struct ingress_shared *shared = request->ingress->shared;
    const struct config *config = shared->config;
    const struct tier *tier = find_tier(shared, tenant->row.tier);
    tenant->weight = tier ? tier->weight : 1;
    tenant->in_flight_max = in_force(tenant->row.in_flight, config->limits.per_tenant);
    tenant->queued_max = in_force(tenant->row.queued, config->limits.queue_per_tenant);
    tenant->rate = in_force(tenant->row.rate, config->limits.requests_per_minute);
    board_tenant(shared->board, tenant);
}

void tenants_show(struct request *request)
{
    struct answer_tenant tenant = {.weight = 1};
    struct span name = request->call.name;
    /* A tenant sees itself; of others only an operator may know that they are there. */
    bool may_see = span_is(name, request->tenant) || pass_allows(request, SCOPE_OPERATOR);
    if (!may_see || !keyring_tenant(keyring_of(request), name, &tenant.row)) {
        ingress_refuse(request, ERROR_NOT_FOUND, "There is no tenant \"%.*s\".", SPAN_PRINT(name));
        return;
    }
    fill_tenant(request, &tenant);
    struct answer answer = {.tenants = &tenant, .tenant_count = 1};
    ingress_answer(request, &answer);
}

void tenants_list(struct request *request)
{
    const struct call *call = &request->call;
    struct arena *arena = exchange_arena(request->exchange);
    struct tenant_row *rows = arena_array(arena, struct tenant_row, call->limit);
    struct answer_tenant *tenants = arena_array(arena, struct answer_tenant, call->limit);
    bool more = false;
    unsigned count = 1;
    if (pass_allows(request, SCOPE_OPERATOR))
        count = keyring_tenants(keyring_of(request), call->name, call->limit, rows, &more);
    else
        (void)keyring_tenant(keyring_of(request), span_of(request->tenant), &rows[0]);
    for (unsigned n = 0; n < count; n++) {
        tenants[n].row = rows[n];
        fill_tenant(request, &tenants[n]);
    }
    struct answer answer = {.tenants = tenants, .tenant_count = count};
    answer.next_name = more ? rows[count - 1].tenant : NULL;
    ingress_answer(request, &answer);
}

/* "free, pro or null" */
static const char *allowed_tiers(const struct request *request)
{
    const struct ingress_shared *shared = request->ingress->shared;
    struct buffer text;
    buffer_init(&text, TIERS_TEXT_MAX);
    for (unsigned n = 0; n < shared->tier_count; n++)
        buffer_print(&text, "%s%s", n ? ", " : "", shared->tiers[n].name);
    buffer_add_text(&text, shared->tier_count ? " or null" : "null");
    const char *copy = arena_copy(exchange_arena(request->exchange), buffer_span(&text));
    buffer_done(&text);
    return copy;
}

void tenants_set(struct request *request)
{
    const struct tenant_row *row = &request->call.tenant;
    if (row->tier[0] && !find_tier(request->ingress->shared, row->tier)) {
        faults_add(&request->faults, "tier", allowed_tiers(request), "is \"%s\"", row->tier);
        struct answer answer = {.refusal = &request->faults};
        ingress_answer(request, &answer);
        return;
    }
    if (!keyring_has_room(keyring_of(request), row->tenant, false)) {
        ingress_refuse(request, ERROR_CONFLICT, "There are as many tenants (%d) as there may be.",
                       KEYRING_TENANTS_MAX);
        return;
    }
    struct message *message = message_make(EVENT_TENANT_ASKED);
    message->event.tenant_asked.row = *row;
    call_send(request, message, &message->event.tenant_asked.token);
}
