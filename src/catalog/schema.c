#include "catalog/schema.h"

#include <assert.h>
#include <math.h>

static void write_limits(const struct parameter *parameter, struct json_writer *writer)
{
    static const char *const types[PARAMETER_KIND_COUNT] = {
        [PARAMETER_TEXT] = "string",   [PARAMETER_INTEGER] = "integer",
        [PARAMETER_NUMBER] = "number", [PARAMETER_BOOLEAN] = "boolean",
        [PARAMETER_URL] = "string",    [PARAMETER_LIST] = "array",
        [PARAMETER_OBJECT] = "object",
    };
    json_text(writer, "type", span_of(types[parameter->kind]));
    if (parameter->choices) {
        json_value(writer, "enum", parameter->choices);
        return;
    }
    if (isfinite(parameter->min))
        json_real_number(writer, "minimum", parameter->min);
    if (isfinite(parameter->max))
        json_real_number(writer, "maximum", parameter->max);
    bool list = parameter->kind == PARAMETER_LIST;
    if (!list && parameter->kind != PARAMETER_TEXT)
        return;
    if (parameter->size_min > 0)
        json_number(writer, list ? "minItems" : "minLength", (int64_t)parameter->size_min);
    json_number(writer, list ? "maxItems" : "maxLength", (int64_t)parameter->size_max);
}

static void write_media(const struct parameter *parameter, struct json_writer *writer)
{
    json_text(writer, "format", SPAN("uri"));
    json_open_array(writer, "x-media");
    for (unsigned n = 1; n < MEDIA_COUNT; n++)
        if (parameter->media & 1u << n)
            json_text(writer, NULL, span_of(catalog_media_name((enum media)n)));
    json_close_array(writer);
}

static void write_fields(const struct parameter *fields, unsigned count,
                         struct json_writer *writer);

/* Parameters nest at most CATALOG_NEST_MAX deep, which bounds the calls of these to each other. */
static void write_parameter(const struct parameter *parameter, const char *name,
                            struct json_writer *writer)
{
    json_open_object(writer, name);
    if (parameter->also) {
        json_open_array(writer, "anyOf");
        json_open_object(writer, NULL);
        json_value(writer, "enum", parameter->also);
        json_close_object(writer);
        json_open_object(writer, NULL);
        write_limits(parameter, writer);
        json_close_object(writer);
        json_close_array(writer);
    } else {
        write_limits(parameter, writer);
    }
    if (parameter->kind == PARAMETER_URL)
        write_media(parameter, writer);
    if (parameter->kind == PARAMETER_LIST)
        write_parameter(parameter->items, "items", writer);
    if (parameter->field_count > 0)
        write_fields(parameter->fields, parameter->field_count, writer);
    if (parameter->fallback)
        json_value(writer, "default", parameter->fallback);
    json_text_if(writer, "description", parameter->description);
    json_text_if(writer, "x-unit", parameter->unit);
    json_close_object(writer);
}

static void write_fields(const struct parameter *fields, unsigned count, struct json_writer *writer)
{
    json_open_object(writer, "properties");
    for (unsigned n = 0; n < count; n++)
        write_parameter(&fields[n], fields[n].name, writer);
    json_close_object(writer);
    json_open_array(writer, "required");
    for (unsigned n = 0; n < count; n++)
        if (fields[n].required)
            json_text(writer, NULL, span_of(fields[n].name));
    json_close_array(writer);
    json_bool(writer, "additionalProperties", false);
}

static void write_required(const char *name, struct json_writer *writer)
{
    json_open_array(writer, "required");
    json_text(writer, NULL, span_of(name));
    json_close_array(writer);
}

/* `if` holds for an absent property as well, so presence is asked for too, unless the default that
 * stands in for it fulfils the condition. */
static void write_if(const struct model *model, const struct condition *when,
                     struct json_writer *writer)
{
    const struct parameter *parameter = catalog_find_parameter(model, span_of(when->parameter));
    json_open_object(writer, "if");
    json_open_object(writer, "properties");
    json_open_object(writer, when->parameter);
    json_value(writer, "const", when->value);
    json_close_object(writer);
    json_close_object(writer);
    if (!parameter->fallback || !json_equal(parameter->fallback, when->value))
        write_required(when->parameter, writer);
    json_close_object(writer);
}

static void write_together(const struct rule *rule, struct json_writer *writer)
{
    json_open_object(writer, NULL);
    if (rule->kind == RULE_NOT_TOGETHER) {
        /* At most one: no two of them. */
        json_open_object(writer, "not");
        json_open_array(writer, "anyOf");
        for (unsigned one = 0; one < rule->names.count; one++)
            for (unsigned two = one + 1; two < rule->names.count; two++) {
                json_open_object(writer, NULL);
                json_open_array(writer, "required");
                json_text(writer, NULL, span_of(rule->names.items[one]));
                json_text(writer, NULL, span_of(rule->names.items[two]));
                json_close_array(writer);
                json_close_object(writer);
            }
        json_close_array(writer);
        json_close_object(writer);
    } else {
        json_open_array(writer, rule->kind == RULE_ONE_OF ? "oneOf" : "anyOf");
        for (unsigned n = 0; n < rule->names.count; n++) {
            json_open_object(writer, NULL);
            write_required(rule->names.items[n], writer);
            json_close_object(writer);
        }
        json_close_array(writer);
    }
    json_close_object(writer);
}

static void write_rule(const struct model *model, const struct rule *rule,
                       struct json_writer *writer)
{
    if (rule->kind != RULE_WHEN && rule->kind != RULE_WITHOUT) {
        write_together(rule, writer);
        return;
    }
    json_open_object(writer, NULL);
    write_if(model, &rule->when, writer);
    json_open_object(writer, "then");
    json_open_object(writer, "properties");
    for (unsigned n = 0; n < rule->names.count; n++) {
        if (rule->kind == RULE_WITHOUT) {
            json_bool(writer, rule->names.items[n], false); /* the schema that nothing fulfils */
            continue;
        }
        json_open_object(writer, rule->names.items[n]);
        json_value(writer, "enum", rule->allowed);
        json_close_object(writer);
    }
    json_close_object(writer);
    json_close_object(writer);
    json_close_object(writer);
}

static void write_conditions(const struct model *model, struct json_writer *writer)
{
    unsigned count = model->rule_count;
    for (unsigned n = 0; n < model->parameter_count; n++)
        count += model->parameters[n].required_when.parameter != NULL;
    if (count == 0)
        return;
    json_open_array(writer, "allOf");
    for (unsigned n = 0; n < model->parameter_count; n++) {
        const struct parameter *parameter = &model->parameters[n];
        if (!parameter->required_when.parameter)
            continue;
        json_open_object(writer, NULL);
        write_if(model, &parameter->required_when, writer);
        json_open_object(writer, "then");
        write_required(parameter->name, writer);
        json_close_object(writer);
        json_close_object(writer);
    }
    for (unsigned n = 0; n < model->rule_count; n++)
        write_rule(model, &model->rules[n], writer);
    json_close_array(writer);
}

void schema_write(const struct model *model, const char *name, struct json_writer *writer)
{
    json_open_object(writer, name);
    json_text(writer, "$schema", SPAN("https://json-schema.org/draft/2020-12/schema"));
    json_text_if(writer, "title", model->title);
    json_text_if(writer, "description", model->summary);
    json_text(writer, "type", SPAN("object"));
    write_fields(model->parameters, model->parameter_count, writer);
    write_conditions(model, writer);
    json_close_object(writer);
}

void schema_write_asked(const struct model *model, const char *name, struct json_writer *writer)
{
    json_open_object(writer, name);
    json_text_if(writer, "title", model->title);
    json_text_if(writer, "description", model->summary);
    json_text(writer, "type", SPAN("object"));
    json_open_object(writer, "properties");
    json_open_object(writer, "model");
    json_text(writer, "const", span_of(model->id));
    json_close_object(writer);
    for (unsigned n = 0; n < model->parameter_count; n++)
        write_parameter(&model->parameters[n], model->parameters[n].name, writer);
    json_close_object(writer);
    json_open_array(writer, "required");
    json_text(writer, NULL, SPAN("model"));
    for (unsigned n = 0; n < model->parameter_count; n++)
        if (model->parameters[n].required)
            json_text(writer, NULL, span_of(model->parameters[n].name));
    json_close_array(writer);
    write_conditions(model, writer);
    json_close_object(writer);
}
