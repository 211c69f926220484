#include "catalog/input.h"

#include "catalog/mapping.h"
#include "catalog/reader.h"
#include "catalog/value.h"

#include <string.h>

static bool holds(const struct condition *condition, const json_t *input)
{
    const json_t *value = json_object_get(input, condition->parameter);
    return value && json_equal(value, condition->value);
}

static const char *list_names(const struct model *model, struct arena *arena)
{
    const char *list = "";
    for (unsigned n = 0; n < model->parameter_count; n++)
        list = arena_print(arena, "%s%s%s", list, n ? ", " : "one of ", model->parameters[n].name);
    return list;
}

/* The parameter that was meant by "image_url", "imageURL" or "imageurl"; NULL when none was. */
static const struct parameter *guess(const struct model *model, const char *name)
{
    char snake[160];
    for (unsigned n = 0; n < model->parameter_count; n++) {
        const char *known = model->parameters[n].name;
        if (span_is_nocase(span_of(name), known) ||
            (mapping_snake(known, snake, sizeof snake) && span_is_nocase(span_of(name), snake)))
            return &model->parameters[n];
    }
    return NULL;
}

static void check_unknown(const struct model *model, const json_t *body, struct faults *faults)
{
    const char *key, *names = NULL;
    json_t *value;
    json_object_foreach(reader_loose(body), key, value) {
        if (faults->count == FAULTS_MAX)
            return; /* a stranger may have sent tens of thousands */
        if (catalog_find_parameter(model, span_of(key)))
            continue;
        const struct parameter *meant = guess(model, key);
        const char *field = arena_print(faults->arena, "%.60s", key);
        names = names ? names : list_names(model, faults->arena);
        if (meant)
            faults_add(faults, field, names, "is not a parameter of %s (it is called %s)",
                       model->id, meant->name);
        else
            faults_add(faults, field, names, "is not a parameter of %s", model->id);
    }
}

static json_t *check_values(const struct model *model, const json_t *body, struct faults *faults)
{
    json_t *input = json_object();
    for (unsigned n = 0; n < model->parameter_count; n++) {
        const struct parameter *parameter = &model->parameters[n];
        const json_t *given = json_object_get(body, parameter->name);
        json_t *value = given ? value_check(parameter, given, parameter->name, faults)
                              : json_deep_copy(parameter->fallback);
        if (value)
            (void)json_object_set_new(input, parameter->name, value);
    }
    return input;
}

/* After the values, since a condition may look at any of them. What was given and is wrong is not
 * missing as well. */
static void check_missing(const struct model *model, const json_t *body, const json_t *input,
                          struct faults *faults)
{
    for (unsigned n = 0; n < model->parameter_count; n++) {
        const struct parameter *parameter = &model->parameters[n];
        const struct condition *when = &parameter->required_when;
        if (json_object_get(body, parameter->name) || json_object_get(input, parameter->name))
            continue;
        if (parameter->required)
            faults_add(faults, parameter->name, value_allowed(parameter, faults->arena),
                       "is missing");
        else if (when->parameter && holds(when, input))
            faults_add(faults, parameter->name, value_allowed(parameter, faults->arena),
                       "is missing: it is required when %s is %s", when->parameter,
                       reader_show(faults->arena, when->value));
    }
}

static const char *join_names(struct texts names, struct arena *arena)
{
    const char *list = "";
    for (unsigned n = 0; n < names.count; n++)
        list = arena_print(arena, "%s%s%s", list, n ? ", " : "", names.items[n]);
    return list;
}

/* Asks for what the caller gave, not for the defaults, wherever presence is what counts. */
static void check_rule(const struct rule *rule, const json_t *body, const json_t *input,
                       struct faults *faults)
{
    unsigned given = 0;
    for (unsigned n = 0; n < rule->names.count; n++)
        given += json_object_get(body, rule->names.items[n]) != NULL;
    const char *first = rule->names.items[0];
    const char *names = join_names(rule->names, faults->arena);
    switch (rule->kind) {
    case RULE_ANY_OF:
        if (given == 0)
            faults_add(faults, first, arena_print(faults->arena, "at least one of %s", names),
                       "is missing");
        return;
    case RULE_ONE_OF:
        if (given != 1)
            faults_add(faults, first, arena_print(faults->arena, "exactly one of %s", names),
                       given ? "is given together with another" : "is missing");
        return;
    case RULE_NOT_TOGETHER:
        if (given > 1)
            faults_add(faults, first, arena_print(faults->arena, "at most one of %s", names),
                       "is given together with another");
        return;
    case RULE_WHEN: {
        const json_t *value = json_object_get(input, first);
        if (!value || !holds(&rule->when, input) || value_among(value, rule->allowed))
            return;
        const struct parameter shown = {.choices = rule->allowed};
        faults_add(faults, first, value_allowed(&shown, faults->arena), "is %s while %s is %s",
                   reader_show(faults->arena, value), rule->when.parameter,
                   reader_show(faults->arena, rule->when.value));
        return;
    }
    case RULE_WITHOUT:
        for (unsigned n = 0; n < rule->names.count && holds(&rule->when, input); n++)
            if (json_object_get(body, rule->names.items[n]))
                faults_add(faults, rule->names.items[n],
                           arena_print(faults->arena, "another value of %s, or nothing here",
                                       rule->when.parameter),
                           "is given while %s is %s", rule->when.parameter,
                           reader_show(faults->arena, rule->when.value));
        return;
    }
}

bool input_check(const struct model *model, const json_t *body, struct faults *faults,
                 json_t **ret_input)
{
    if (!json_is_object(body)) {
        faults_add(faults, NULL, "an object of parameters", "is %s",
                   body ? reader_show(faults->arena, body) : "empty");
        return false;
    }
    unsigned before = faults->count;
    check_unknown(model, body, faults);
    json_t *input = check_values(model, body, faults);
    check_missing(model, body, input, faults);
    for (unsigned n = 0; n < model->rule_count; n++)
        check_rule(&model->rules[n], body, input, faults);
    /* Faults that were there before are of other fields; the input may still be good. */
    if (faults->count == before && before < FAULTS_MAX) {
        *ret_input = input;
        return true;
    }
    json_decref(input);
    return false;
}

bool input_fits(const struct offer *offer, const json_t *input, const char **ret_parameter)
{
    for (unsigned n = 0; n < offer->without.count; n++) {
        const char *name = offer->without.items[n];
        const struct parameter *parameter = catalog_find_parameter(offer->model, span_of(name));
        const json_t *value = json_object_get(input, name);
        /* A default that nobody asked for does not rule an offer out. */
        if (!value || (parameter && parameter->fallback && json_equal(value, parameter->fallback)))
            continue;
        if (ret_parameter)
            *ret_parameter = name;
        return false;
    }
    const char *name;
    json_t *list;
    json_object_foreach(reader_loose(offer->allow), name, list) {
        const json_t *value = json_object_get(input, name);
        if (!value || value_among(value, list))
            continue;
        if (ret_parameter)
            *ret_parameter = name;
        return false;
    }
    return true;
}
