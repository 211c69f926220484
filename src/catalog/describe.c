#include "catalog/describe.h"

#include "catalog/estimate.h"
#include "catalog/price.h"
#include "catalog/schema.h"

#include <string.h>

static bool is_configured(const struct describe *how, const struct offer *offer)
{
    return how->configured && how->configured(how->context, offer);
}

static void write_texts(const char *name, struct texts texts, struct json_writer *writer)
{
    json_open_array(writer, name);
    for (unsigned n = 0; n < texts.count; n++)
        json_text(writer, NULL, span_of(texts.items[n]));
    json_close_array(writer);
}

static void write_money(const char *name, int64_t micros, struct json_writer *writer)
{
    char text[PRICE_TEXT_SIZE];
    price_write(micros, text);
    json_raw(writer, name, span_of(text));
}

static void write_offer_price(const struct offer *offer, struct json_writer *writer)
{
    int64_t least, most;
    if (!price_per_unit(offer, &least, &most)) {
        json_null_value(writer, "price");
        return;
    }
    json_open_object(writer, "price");
    json_text(writer, "unit", span_of(catalog_unit_name(offer->price.unit)));
    json_open_object(writer, "perUnit");
    write_money("min", least, writer);
    write_money("max", most, writer);
    json_close_object(writer);
    json_text(writer, "currency", SPAN("USD"));
    if (price_of(offer, NULL, &least, &most)) {
        write_money("min", least, writer);
        write_money("max", most, writer);
    }
    json_close_object(writer);
}

/* What a run with the defaults costs, over all offers; null when none of them knows. */
static void write_price(const struct model *model, struct json_writer *writer)
{
    int64_t least = INT64_MAX, most = 0, one, other;
    const struct offer *known = NULL;
    for (unsigned n = 0; n < model->offer_count; n++) {
        if (!price_of(model->offers[n], NULL, &one, &other))
            continue;
        known = known ? known : model->offers[n];
        least = one < least ? one : least;
        most = other > most ? other : most;
    }
    if (!known) {
        json_null_value(writer, "price");
        return;
    }
    json_open_object(writer, "price");
    write_money("min", least, writer);
    write_money("max", most, writer);
    json_text(writer, "currency", SPAN("USD"));
    json_text(writer, "unit", span_of(catalog_unit_name(known->price.unit)));
    json_close_object(writer);
}

static void write_providers(const struct model *model, struct json_writer *writer)
{
    json_open_array(writer, "providers");
    for (unsigned n = 0; n < model->offer_count; n++) {
        unsigned before = 0;
        while (before < n && model->offers[before]->provider != model->offers[n]->provider)
            before++;
        if (before == n)
            json_text(writer, NULL, span_of(model->offers[n]->provider->name));
    }
    json_close_array(writer);
}

static void write_start(const char *name, ms_t least, ms_t most, struct json_writer *writer)
{
    if (most == 0)
        return;
    json_open_object(writer, name);
    json_real_number(writer, "min", (double)least / (double)MS_SECOND);
    json_real_number(writer, "max", (double)most / (double)MS_SECOND);
    json_close_object(writer);
}

static void write_hardware(const struct hardware *hardware, struct json_writer *writer)
{
    json_open_object(writer, "hardware");
    json_text_if(writer, "gpu", hardware->gpu);
    if (hardware->workers_max > 0)
        json_number(writer, "workersMax", hardware->workers_max);
    if (hardware->memory_gb > 0)
        json_real_number(writer, "memoryGb", hardware->memory_gb);
    json_bool(writer, "scaleToZero", hardware->scale_to_zero);
    write_start("warmStartSeconds", hardware->warm_min_ms, hardware->warm_max_ms, writer);
    write_start("coldStartSeconds", hardware->cold_min_ms, hardware->cold_max_ms, writer);
    json_close_object(writer);
}

static void write_offer(const struct offer *offer, const struct describe *how,
                        struct json_writer *writer)
{
    json_open_object(writer, NULL);
    json_text(writer, "provider", span_of(offer->provider->name));
    json_text_if(writer, "slug", offer->slug);
    json_bool(writer, "configured", is_configured(how, offer));
    write_texts("needs", offer->needs, writer);
    if (offer->without.count > 0)
        write_texts("without", offer->without, writer);
    if (offer->allow)
        json_value(writer, "allow", offer->allow);
    write_offer_price(offer, writer);
    if (offer->hardware.gpu || offer->hardware.memory_gb > 0)
        write_hardware(&offer->hardware, writer);
    json_close_object(writer);
}

/* A URL parameter, or a list of such. */
static void write_input(const struct parameter *parameter, struct json_writer *writer)
{
    bool many = parameter->kind == PARAMETER_LIST && parameter->items->kind == PARAMETER_URL;
    const struct parameter *url = many ? parameter->items : parameter;
    if (url->kind != PARAMETER_URL)
        return;
    json_open_object(writer, NULL);
    json_text(writer, "name", span_of(parameter->name));
    json_bool(writer, "required", parameter->required);
    json_number(writer, "max", many ? (int64_t)parameter->size_max : 1);
    json_open_array(writer, "media");
    for (unsigned n = 1; n < MEDIA_COUNT; n++)
        if (url->media & 1u << n)
            json_text(writer, NULL, span_of(catalog_media_name((enum media)n)));
    json_close_array(writer);
    json_close_object(writer);
}

static void write_full(const struct model *model, const struct describe *how,
                       struct json_writer *writer)
{
    json_number(writer, "timeoutSeconds", model->timeout_ms / MS_SECOND);
    if (model->limit > 0)
        json_number(writer, "limit", model->limit);
    json_open_array(writer, "inputs");
    for (unsigned n = 0; n < model->parameter_count; n++)
        write_input(&model->parameters[n], writer);
    json_close_array(writer);
    schema_write(model, "parameters", writer);
    json_open_array(writer, "offers");
    for (unsigned n = 0; n < model->offer_count; n++)
        write_offer(model->offers[n], how, writer);
    json_close_array(writer);
}

void describe_model(const struct model *model, const struct describe *how,
                    struct json_writer *writer)
{
    bool configured = false;
    double memory_gb = 0;
    for (unsigned n = 0; n < model->offer_count; n++) {
        const struct offer *offer = model->offers[n];
        configured = configured || is_configured(how, offer);
        if (offer->hardware.memory_gb > memory_gb)
            memory_gb = offer->hardware.memory_gb;
    }
    ms_t typical_ms = estimate_typical(model, NULL);
    json_open_object(writer, NULL);
    json_text(writer, "id", span_of(model->id));
    json_text(writer, "family", span_of(model->family));
    json_text(writer, "title", span_of(model->title));
    json_text(writer, "summary", span_of(model->summary));
    json_text(writer, "task", span_of(model->task));
    json_text(writer, "output", span_of(catalog_media_name(model->output)));
    write_texts("extensions", model->extensions, writer);
    write_providers(model, writer);
    json_bool(writer, "configured", configured);
    json_bool(writer, "retired", model->retired);
    json_text_if(writer, "successor", model->successor);
    json_bool(writer, "deterministic", model->deterministic);
    write_price(model, writer);
    json_number(writer, "typicalDurationMs", typical_ms);
    json_number(writer, "estimatedTimeSeconds", (typical_ms + MS_SECOND - 1) / MS_SECOND);
    if (memory_gb > 0)
        json_real_number(writer, "memoryGb", memory_gb);
    if (how->full)
        write_full(model, how, writer);
    json_close_object(writer);
}
