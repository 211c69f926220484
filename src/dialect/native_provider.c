#include "dialect/native_provider.h"

#include "dialect/native_ask.h"

#include <string.h>

static bool is_known(const struct catalog *catalog, struct span name)
{
    for (size_t n = 0; n < catalog_provider_count(catalog); n++) {
        if (span_is(name, catalog_provider_at(catalog, n)->name))
            return true;
    }
    return false;
}

void native_provider_read(const struct route_match *match, const struct dialect_scene *scene,
                          struct faults *faults, struct call *call)
{
    struct span raw = route_value(match, "id");
    call->pause = strcmp(match->route->action, "provider-pause") == 0;
    if (!http_decode(raw, false, scene->arena, &call->name) ||
        !is_known(scene->catalog, call->name))
        faults_refuse(faults, ERROR_NOT_FOUND,
                      "There is no provider \"%s\"; GET /api/v1/providers lists them.",
                      native_ask_cut(scene->arena, raw, 60));
    else if (span_is(call->name, "local") || span_is(call->name, CATALOG_COMMAND))
        faults_refuse(faults, ERROR_CONFLICT, "This machine's own work can't be paused.");
}

/* One word that says whether it takes new jobs, and why not. */
static const char *status_of(const struct answer_provider *provider)
{
    const struct core_health *health = &provider->health;
    if (!provider->configured)
        return "not_configured";
    if (health->is_paused)
        return "paused";
    if (health->half_open)
        return "half_open";
    if (!health->blocked_until)
        return "ok";
    bool says_why = health->why == ERROR_RATE_LIMITED || health->why == ERROR_OUT_OF_CREDIT ||
                    health->why == ERROR_BAD_KEY;
    return says_why ? error_name(health->why) : "open";
}

static void write_one(const struct answer_provider *provider, struct json_writer *writer)
{
    const struct core_health *health = &provider->health;
    json_open_object(writer, NULL);
    json_text(writer, "provider", span_of(provider->name));
    json_text(writer, "status", span_of(status_of(provider)));
    json_bool(writer, "configured", provider->configured);
    if (!provider->configured)
        json_text(writer, "missing", span_of(provider->missing));
    if (health->blocked_until) {
        json_time(writer, "until", health->blocked_until);
        json_text(writer, "errorCode", span_of(error_name(health->why)));
    }
    json_number(writer, "failures", health->failures);
    json_number(writer, "inFlight", provider->in_flight);
    if (provider->limit)
        json_number(writer, "limit", provider->limit);
    else
        json_null_value(writer, "limit");
    json_number(writer, "polls", (int64_t)health->reads);
    json_number(writer, "models", provider->model_count);
    json_close_object(writer);
}

void native_provider_write(const struct call *call, const struct answer *answer,
                           struct json_writer *writer)
{
    if (call->kind == CALL_PROVIDER_PAUSE) {
        write_one(&answer->providers[0], writer);
        return;
    }
    json_open_object(writer, NULL);
    json_open_array(writer, "items");
    for (unsigned n = 0; n < answer->provider_count; n++)
        write_one(&answer->providers[n], writer);
    json_close_array(writer);
    json_close_object(writer);
}
