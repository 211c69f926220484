#include "dialect/native_keys.h"

#include "catalog/price.h"
#include "dialect/native_ask.h"
#include "dialect/native_usage.h"

#include <math.h>
#include <string.h>

enum { SHOWN_ROOM = 4096 };

/* What is being read, handed through the readers of single fields. */
struct reading {
    const struct dialect_scene *scene;
    struct faults *faults;
    struct call *call;
};

typedef void field_f(struct reading *reading, const char *name, const json_t *value);

struct field {
    const char *name;
    field_f *read;
};

/* Each field of the object to its reader; others are faults. `within` goes before their names. */
static void read_fields(struct reading *reading, const json_t *object, const char *within,
                        const struct field *fields, size_t count)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        const char *whole = arena_print(reading->scene->arena, "%s%.60s", within, name);
        size_t n = 0;
        while (n < count && strcmp(fields[n].name, name) != 0)
            n++;
        if (n < count)
            fields[n].read(reading, whole, value);
        else
            faults_add(reading->faults, whole, NULL, "is not known here");
    }
}

/* What the client sent, cut for showing. */
static const char *shown(struct reading *reading, const json_t *value)
{
    struct buffer text;
    buffer_init(&text, SHOWN_ROOM);
    json_canonical(value, &text);
    const char *cut = text.failed ? json_is_string(value) ? "a long text" : "too much"
                                  : native_ask_cut(reading->scene->arena, buffer_span(&text), 40);
    buffer_done(&text);
    return cut;
}

/* A whole number, or null for `none`. */
static int64_t read_number(struct reading *reading, const char *name, const json_t *value,
                           int64_t max, int64_t none)
{
    if (json_is_null(value))
        return none;
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        json_integer_value(value) <= max)
        return json_integer_value(value);
    faults_add(
        reading->faults, name,
        arena_print(reading->scene->arena, "an integer from 0 to %lld, or null", (long long)max),
        "is %s", shown(reading, value));
    return none;
}

/* Dollars, as micro-dollars; null for none. */
static int64_t read_money(struct reading *reading, const char *name, const json_t *value)
{
    double dollars = json_number_value(value);
    if (json_is_null(value))
        return TENANT_NO_BUDGET;
    if (json_is_number(value) && dollars >= 0 && dollars <= NATIVE_KEYS_MONEY_MAX)
        return llround(dollars * 1e6);
    faults_add(reading->faults, name, "dollars as a number from 0 to 1000000000, or null", "is %s",
               shown(reading, value));
    return TENANT_NO_BUDGET;
}

/* ---------------------------------------------------------------- a key */

static bool is_printable(struct span text)
{
    for (size_t n = 0; n < text.size; n++) {
        if ((unsigned char)text.data[n] < 0x20 || text.data[n] == 0x7F)
            return false;
    }
    return true;
}

static size_t count_characters(struct span text)
{
    size_t count = 0;
    for (size_t n = 0; n < text.size; n++)
        count += ((unsigned char)text.data[n] & 0xC0) != 0x80;
    return count;
}

static void read_name(struct reading *reading, const char *name, const json_t *value)
{
    struct span text = json_span(value);
    struct api_key_row *row = &reading->call->api_key;
    if (!json_is_string(value) || count_characters(text) > NATIVE_KEYS_NAME_MAX ||
        !is_printable(text) || !span_copy(text, row->name, sizeof row->name))
        faults_add(reading->faults, name, "a text of at most 100 characters (127 bytes), in a line",
                   "is %s", shown(reading, value));
}

static void read_tenant_name(struct reading *reading, const char *name, const json_t *value)
{
    struct api_key_row *row = &reading->call->api_key;
    if (!tenant_is_name(json_span(value)) ||
        !span_copy(json_span(value), row->tenant, sizeof row->tenant))
        faults_add(reading->faults, name,
                   "1 to 63 letters, digits, '.', '_' and '-', a letter or digit first", "is %s",
                   shown(reading, value));
}

/* "generate, read, …" */
static const char *all_scopes(struct arena *arena)
{
    const char *text = "";
    for (int scope = 0; scope < SCOPE_COUNT; scope++)
        text = arena_print(arena, "%s%s%s", text, scope ? ", " : "", scope_name((enum scope)scope));
    return text;
}

static void read_scopes(struct reading *reading, const char *name, const json_t *value)
{
    unsigned scopes = 0;
    bool good = json_is_array(value) && json_array_size(value) > 0;
    for (size_t n = 0; good && n < json_array_size(value); n++) {
        enum scope scope = SCOPE_COUNT;
        good = scope_find(json_span(json_array_get(value, n)), &scope);
        scopes |= good ? SCOPE_BIT(scope) : 0;
    }
    if (!good)
        faults_add(reading->faults, name,
                   arena_print(reading->scene->arena, "a list of some of %s",
                               all_scopes(reading->scene->arena)),
                   "is %s", shown(reading, value));
    reading->call->api_key.scopes = scopes;
}

static void read_key_rate(struct reading *reading, const char *name, const json_t *value)
{
    reading->call->api_key.rate = read_number(reading, name, value, NATIVE_KEYS_RATE_MAX, 0);
}

static void read_spend_limit(struct reading *reading, const char *name, const json_t *value)
{
    reading->call->api_key.spend_limit = read_money(reading, name, value);
}

static void read_expires_at(struct reading *reading, const char *name, const json_t *value)
{
    ms_t *at = &reading->call->api_key.expires_at;
    if (native_ask_time(value, name, reading->scene->now, reading->faults, at) && *at &&
        *at <= reading->scene->now)
        faults_add(reading->faults, name, "a time in the future, or null", "has passed");
}

static void read_key_body(struct reading *reading, const struct http_request *request)
{
    static const struct field fields[] = {
        {"name", read_name},
        {"tenant", read_tenant_name},
        {"scopes", read_scopes},
        {"requestsPerMinute", read_key_rate},
        {"spendLimit", read_spend_limit},
        {"expiresAt", read_expires_at},
    };
    struct api_key_row *row = &reading->call->api_key;
    row->scopes = SCOPE_BIT(SCOPE_GENERATE) | SCOPE_BIT(SCOPE_READ) | SCOPE_BIT(SCOPE_CANCEL);
    row->spend_limit = API_KEY_NO_LIMIT;
    json_t *body = native_ask_body(request, reading->faults);
    if (body)
        read_fields(reading, body, "", fields, sizeof fields / sizeof fields[0]);
    json_decref(body);
}

/* ---------------------------------------------------------------- a tenant */

static void read_tier(struct reading *reading, const char *name, const json_t *value)
{
    struct tenant_row *row = &reading->call->tenant;
    if (!json_is_null(value) && (!json_is_string(value) || json_string_length(value) == 0 ||
                                 !span_copy(json_span(value), row->tier, sizeof row->tier)))
        faults_add(reading->faults, name, "the name of a tier, or null", "is %s",
                   shown(reading, value));
}

static void read_in_flight(struct reading *reading, const char *name, const json_t *value)
{
    reading->call->tenant.in_flight =
        read_number(reading, name, value, NATIVE_KEYS_LIMIT_MAX, TENANT_AS_SERVER);
}

static void read_queued(struct reading *reading, const char *name, const json_t *value)
{
    reading->call->tenant.queued =
        read_number(reading, name, value, NATIVE_KEYS_LIMIT_MAX, TENANT_AS_SERVER);
}

static void read_tenant_rate(struct reading *reading, const char *name, const json_t *value)
{
    reading->call->tenant.rate =
        read_number(reading, name, value, NATIVE_KEYS_RATE_MAX, TENANT_AS_SERVER);
}

static void read_limits(struct reading *reading, const char *name, const json_t *value)
{
    static const struct field fields[] = {
        {"inFlight", read_in_flight},
        {"queued", read_queued},
        {"requestsPerMinute", read_tenant_rate},
    };
    if (json_is_object(value))
        read_fields(reading, value, "limits.", fields, sizeof fields / sizeof fields[0]);
    else
        faults_add(reading->faults, name, "an object with inFlight, queued and requestsPerMinute",
                   "is %s", shown(reading, value));
}

static void read_amount(struct reading *reading, const char *name, const json_t *value)
{
    reading->call->tenant.budget = read_money(reading, name, value);
}

static void read_period(struct reading *reading, const char *name, const json_t *value)
{
    if (!tenant_period_find(json_span(value), &reading->call->tenant.period))
        faults_add(reading->faults, name, "day, month or total", "is %s", shown(reading, value));
}

static void read_currency(struct reading *reading, const char *name, const json_t *value)
{
    if (!span_is(json_span(value), "USD"))
        faults_add(reading->faults, name, "USD", "is %s", shown(reading, value));
}

static void read_budget(struct reading *reading, const char *name, const json_t *value)
{
    static const struct field fields[] = {
        {"amount", read_amount},
        {"currency", read_currency},
        {"period", read_period},
    };
    if (json_is_object(value) && json_object_get(value, "amount"))
        read_fields(reading, value, "budget.", fields, sizeof fields / sizeof fields[0]);
    else if (!json_is_null(value))
        faults_add(reading->faults, name, "an object with amount and period, or null", "is %s",
                   shown(reading, value));
}

/* All of it: what is not said is as the server has it. */
static void read_tenant_body(struct reading *reading, const struct http_request *request)
{
    static const struct field fields[] = {
        {"tier", read_tier},
        {"limits", read_limits},
        {"budget", read_budget},
    };
    json_t *body = native_ask_body(request, reading->faults);
    if (body)
        read_fields(reading, body, "", fields, sizeof fields / sizeof fields[0]);
    json_decref(body);
}

/* ---------------------------------------------------------------- calls */

static void read_page(struct reading *reading, const struct http_request *request)
{
    struct arena *arena = reading->scene->arena;
    struct span text;
    int64_t limit = CALL_LIST_DEFAULT;
    if (http_query(request->query, "limit", arena, &text) &&
        !span_integer(text, 1, CALL_LIST_MAX, &limit))
        faults_add(reading->faults, "limit", "an integer from 1 to 200", "is \"%s\"",
                   native_ask_cut(arena, text, 20));
    (void)http_query(request->query, "cursor", arena, &reading->call->name);
    reading->call->limit = (unsigned)limit;
}

static void read_id(struct reading *reading, const struct route_match *match)
{
    struct span raw = route_value(match, "id"), id = SPAN("");
    int64_t key;
    bool is_tenant = reading->call->kind >= CALL_TENANTS;
    bool good = http_decode(raw, false, reading->scene->arena, &id) &&
                (is_tenant ? tenant_is_name(id) : id_read(id, "key_", &key));
    reading->call->name = id;
    if (good)
        return;
    const char *shown = native_ask_cut(reading->scene->arena, raw, 70);
    if (reading->call->kind == CALL_TENANT_SET)
        faults_refuse(reading->faults, ERROR_VALIDATION,
                      "\"%s\" can't be a tenant's name; allowed are 1 to 63 letters, digits, '.', "
                      "'_' and '-', a letter or digit first.",
                      shown);
    else
        faults_refuse(reading->faults, ERROR_NOT_FOUND, "There is no %s \"%s\".",
                      is_tenant ? "tenant" : "key", shown);
}

void native_keys_read(const struct dialect_scene *scene, const struct http_request *request,
                      const struct route_match *match, struct faults *faults, struct call *call)
{
    struct reading reading = {scene, faults, call};
    call->name = SPAN("");
    if (call->kind == CALL_KEYS || call->kind == CALL_TENANTS) {
        read_page(&reading, request);
    } else if (call->kind == CALL_KEY_MAKE) {
        read_key_body(&reading, request);
    } else {
        read_id(&reading, match);
        if (call->kind != CALL_TENANT_SET || faults_any(faults))
            return;
        call->tenant = tenant_row_make(arena_copy(scene->arena, call->name));
        read_tenant_body(&reading, request);
    }
}

/* ---------------------------------------------------------------- answers */

static void write_amount(struct json_writer *writer, int64_t micros)
{
    char amount[PRICE_TEXT_SIZE];
    price_write(micros, amount);
    json_raw(writer, "amount", span_of(amount));
    json_text(writer, "currency", SPAN("USD"));
}

static void write_key_fields(struct json_writer *writer, const struct api_key_row *row, ms_t now)
{
    bool expired = row->expires_at && row->expires_at <= now;
    json_text(writer, "id", span_of(row->id));
    json_text(writer, "name", span_of(row->name));
    json_text(writer, "tenant", span_of(row->tenant));
    json_text(writer, "prefix", span_of(row->prefix));
    json_text(writer, "status",
              span_of(row->revoked_at ? "revoked"
                      : expired       ? "expired"
                                      : "active"));
    json_open_array(writer, "scopes");
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        if (row->scopes & SCOPE_BIT(scope))
            json_text(writer, NULL, span_of(scope_name((enum scope)scope)));
    }
    json_close_array(writer);
    if (row->rate > 0)
        json_number(writer, "requestsPerMinute", row->rate);
    else
        json_null_value(writer, "requestsPerMinute");
    if (row->spend_limit == API_KEY_NO_LIMIT) {
        json_null_value(writer, "spendLimit");
    } else {
        json_open_object(writer, "spendLimit");
        write_amount(writer, row->spend_limit);
        json_close_object(writer);
        json_open_object(writer, "spent");
        write_amount(writer, row->spent);
        json_close_object(writer);
        json_open_object(writer, "reserved");
        write_amount(writer, row->reserved);
        json_close_object(writer);
    }
    json_time(writer, "createdAt", row->created_at);
    json_time(writer, "expiresAt", row->expires_at);
    json_time(writer, "lastUsedAt", row->used_at);
    json_time(writer, "revokedAt", row->revoked_at);
}

static void write_own_limit(struct json_writer *writer, const char *name, int64_t limit)
{
    if (limit == TENANT_AS_SERVER)
        json_null_value(writer, name);
    else
        json_number(writer, name, limit);
}

static void write_tenant_fields(struct json_writer *writer, const struct answer_tenant *tenant)
{
    const struct tenant_row *row = &tenant->row;
    json_text(writer, "id", span_of(row->tenant));
    if (row->tier[0])
        json_text(writer, "tier", span_of(row->tier));
    else
        json_null_value(writer, "tier");
    json_number(writer, "weight", tenant->weight);
    json_open_object(writer, "limits");
    write_own_limit(writer, "inFlight", row->in_flight);
    write_own_limit(writer, "queued", row->queued);
    write_own_limit(writer, "requestsPerMinute", row->rate);
    json_close_object(writer);
    json_open_object(writer, "inForce");
    json_number(writer, "inFlight", tenant->in_flight_max);
    json_number(writer, "queued", tenant->queued_max);
    json_number(writer, "requestsPerMinute", tenant->rate);
    json_close_object(writer);
    if (row->budget == TENANT_NO_BUDGET) {
        json_null_value(writer, "budget");
    } else {
        json_open_object(writer, "budget");
        write_amount(writer, row->budget);
        json_text(writer, "period", span_of(tenant_period_name(row->period)));
        json_close_object(writer);
    }
    json_open_object(writer, "now");
    json_number(writer, "inFlight", tenant->in_flight);
    json_number(writer, "queued", tenant->queued);
    json_number(writer, "waiting", tenant->waiting);
    native_usage_write_budget(&tenant->budget, writer);
    json_close_object(writer);
    json_time(writer, "updatedAt", row->updated_at);
}

static void write_page(const struct call *call, const struct answer *answer,
                       struct json_writer *writer)
{
    json_open_array(writer, "items");
    for (unsigned n = 0; call->kind == CALL_KEYS && n < answer->key_count; n++) {
        json_open_object(writer, NULL);
        write_key_fields(writer, &answer->keys[n], answer->now);
        json_close_object(writer);
    }
    for (unsigned n = 0; call->kind == CALL_TENANTS && n < answer->tenant_count; n++) {
        json_open_object(writer, NULL);
        write_tenant_fields(writer, &answer->tenants[n]);
        json_close_object(writer);
    }
    json_close_array(writer);
    if (answer->next_name)
        json_text(writer, "nextCursor", span_of(answer->next_name));
    else
        json_null_value(writer, "nextCursor");
}

void native_keys_write(const struct dialect_scene *scene, const struct call *call,
                       const struct answer *answer, struct json_writer *writer,
                       struct http_response *response)
{
    (void)http_response_add(response, "Cache-Control", SPAN("no-store"));
    json_open_object(writer, NULL);
    if (call->kind != CALL_KEYS && call->kind != CALL_KEY && call->kind != CALL_TENANTS &&
        call->kind != CALL_TENANT)
        json_bool(writer, "success", true);
    if (call->kind == CALL_KEYS || call->kind == CALL_TENANTS)
        write_page(call, answer, writer);
    else if (call->kind == CALL_TENANT || call->kind == CALL_TENANT_SET)
        write_tenant_fields(writer, &answer->tenants[0]);
    else
        write_key_fields(writer, &answer->keys[0], answer->now);
    if (call->kind == CALL_KEY_MAKE) {
        response->status = 201;
        (void)http_response_add(
            response, "Location",
            span_of(arena_print(scene->arena, "/api/v1/keys/%s", answer->keys[0].id)));
        json_text(writer, "key", span_of(answer->key_text));
        json_text(writer, "message", SPAN("Keep the key: it is shown only here and only now."));
    }
    json_close_object(writer);
}
