/* The body of a relay's submit. */
#include "catalog/mapping.h"
#include "catalog/reverse.h"
#include "dialect/native_ask.h"
#include "dialect/relay.h"

#include <string.h>

static bool has_slug(const struct model *model, struct span slug)
{
    for (unsigned n = 0; n < model->offer_count; n++)
        if (span_is(slug, model->offers[n]->slug))
            return true;
    return false;
}

/* By the variant's name, the model's id, or a provider's slug of it. */
static const struct model *find_variant(const struct route *route, struct span text)
{
    for (unsigned n = 0; n < route->variant_count; n++) {
        const struct model *model = route->variants[n].model;
        if (span_is(text, route->variants[n].name) || span_is(text, model->id) ||
            has_slug(model, text))
            return model;
    }
    if (route->model && (span_is(text, route->model->id) || has_slug(route->model, text)))
        return route->model;
    return NULL;
}

static const char *list_variants(const struct route *route, struct arena *arena)
{
    const char *list = route->variant_count > 0 ? "one of " : "nothing: the route has one model";
    for (unsigned n = 0; n < route->variant_count; n++)
        list = arena_print(arena, "%s%s%s", list, n ? ", " : "", route->variants[n].name);
    return list;
}

/* Whether the provider itself has a parameter of that name. */
static bool is_parameter(const struct offer *offer, const char *name)
{
    for (unsigned n = 0; offer && n < offer->mapping.entry_count; n++) {
        const char *target = offer->mapping.entries[n].target;
        if (target && strcmp(target, name) == 0)
            return true;
    }
    return false;
}

/* `variant`, or `model`, where the provider has no parameter of that name. Takes both out. */
static const struct model *pick(const struct route *route, json_t *body, struct faults *faults)
{
    static const char *const fields[] = {"variant", "model"};
    const struct model *model = route->model;
    for (size_t n = 0; n < sizeof fields / sizeof fields[0]; n++) {
        const json_t *value = json_object_get(body, fields[n]);
        if (!value || (model && is_parameter(relay_offer(model, route->provider), fields[n])))
            continue;
        const struct model *found = find_variant(route, json_span(value));
        if (!found)
            faults_add(faults, fields[n], list_variants(route, faults->arena),
                       json_is_string(value) ? "is \"%s\", which this route does not have"
                                             : "is no text",
                       native_ask_cut(faults->arena, json_span(value), 80));
        else if (n > 0 && found != model && model != route->model)
            faults_add(faults, fields[n], NULL, "contradicts the variant");
        model = found ? found : model;
        (void)json_object_del(body, fields[n]);
    }
    if (!model)
        faults_add(faults, "variant", list_variants(route, faults->arena), "is missing");
    return model;
}

static void add_preset(const struct route *route, json_t *body)
{
    json_t *preset = json_deep_copy(route->preset);
    if (preset)
        (void)json_object_update_missing(body, preset);
    json_decref(preset);
}

/* Says the faults of the canonical body in the client's words. */
static void add_faults(const struct faults *found, const struct reverse *names,
                       struct faults *faults)
{
    for (unsigned n = 0; n < found->count; n++) {
        const struct fault *fault = &found->list[n];
        const char *field = fault->field ? reverse_field(names, fault->field, faults->arena) : NULL;
        faults_add(faults, field, fault->allowed, "%s", fault->problem);
    }
    if (found->code != ERROR_NONE)
        faults_refuse(faults, found->code, "%s", found->sentence);
}

void relay_ask_read(const struct dialect_scene *scene, const struct http_request *request,
                    const struct route *route, struct faults *faults, struct call_ask *ret_ask)
{
    struct reverse names = {.count = 0};
    struct faults found;
    json_t *body = native_ask_body(request, faults);
    const struct model *model = body ? pick(route, body, faults) : NULL;
    if (!model) {
        json_decref(body);
        return;
    }
    const struct offer *offer = relay_offer(model, route->provider);
    json_t *ours = offer ? reverse_apply(offer, body, faults, &names) : json_incref(body);
    add_preset(route, ours);
    faults_init(&found, scene->arena);
    native_ask_fill(scene, request, model, ours, &found, ret_ask);
    add_faults(&found, &names, faults);
    for (unsigned n = 0; n < ret_ask->upload_count; n++) /* they are looked at later */
        ret_ask->uploads[n].field = reverse_field(&names, ret_ask->uploads[n].field, scene->arena);
    if (route->provider && ret_ask->provider.size == 0)
        ret_ask->provider = span_of(route->provider->name);
    /* The address is a part of what the client asked for: it names the model. */
    if (ret_ask->key.size)
        ret_ask->hash_of = span_of(arena_print(
            scene->arena, "%.*s\n%.*s", SPAN_PRINT(request->path), SPAN_PRINT(request->body)));
    json_decref(ours);
    json_decref(body);
}
