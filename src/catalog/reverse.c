#include "catalog/reverse.h"

#include "catalog/mapping.h"
#include "catalog/reader.h"
#include "catalog/value.h"

#include <math.h>
#include <string.h>

static bool is_name_of(const struct mapping *mapping, const struct parameter *parameter,
                       const char *key)
{
    const struct mapping_entry *entry = mapping_find(mapping, parameter->name);
    char snake[160];
    if (entry) {
        for (unsigned n = 0; n < entry->aliases.count; n++)
            if (strcmp(entry->aliases.items[n], key) == 0)
                return true;
        return entry->target && !entry->form && strcmp(entry->target, key) == 0;
    }
    return mapping->names == MAPPING_SNAKE && !mapping->only_entries &&
           !mapping_in_table(mapping, parameter->name) &&
           mapping_snake(parameter->name, snake, sizeof snake) && strcmp(snake, key) == 0;
}

/* Our names go before theirs, which may be the same for another parameter. */
static const struct parameter *find_parameter(const struct offer *offer, const char *key)
{
    const struct model *model = offer->model;
    const struct parameter *own = catalog_find_parameter(model, span_of(key));
    for (unsigned n = 0; !own && n < model->parameter_count; n++)
        if (is_name_of(&offer->mapping, &model->parameters[n], key))
            own = &model->parameters[n];
    return own;
}

static const struct mapping_table *find_table(const struct offer *offer, const char *key)
{
    for (unsigned n = 0; n < offer->mapping.table_count; n++)
        if (strcmp(offer->mapping.tables[n].target, key) == 0)
            return &offer->mapping.tables[n];
    return NULL;
}

/* Text as a value of the parameter's kind; NULL when it is none. */
static json_t *parse(const struct parameter *parameter, struct span text)
{
    double number;
    if (parameter->kind == PARAMETER_BOOLEAN && (span_is(text, "true") || span_is(text, "false")))
        return json_boolean(span_is(text, "true"));
    if (parameter->kind == PARAMETER_TEXT)
        return json_stringn(text.data, text.size);
    if ((parameter->kind != PARAMETER_INTEGER && parameter->kind != PARAMETER_NUMBER) ||
        !span_number(text, &number))
        return NULL;
    return number == floor(number) && fabs(number) < 9e15 ? json_integer((json_int_t)number)
                                                          : json_real(number);
}

/* Ours for a value that the mapping's `values` name as theirs; NULL when they don't. */
static json_t *find_value(const struct mapping_entry *entry, const struct parameter *parameter,
                          const json_t *value)
{
    const char *ours;
    json_t *theirs;
    json_object_foreach(reader_loose(entry->values), ours, theirs)
        if (json_equal(theirs, value))
            return parse(parameter, span_of(ours));
    return NULL;
}

/* A value that could be ours is left alone: a wrong one is shown to the client as it was sent. */
static json_t *convert(const struct offer *offer, const struct parameter *parameter,
                       const json_t *value)
{
    const struct mapping_entry *entry = mapping_find(&offer->mapping, parameter->name);
    bool ours = value_among(value, parameter->choices) || value_among(value, parameter->also);
    json_t *found = entry && !ours ? find_value(entry, parameter, value) : NULL;
    if (!found && entry && !ours && json_is_string(value)) {
        struct span text = json_span(value);
        if (entry->suffix && span_ends(text, entry->suffix))
            text.size -= strlen(entry->suffix);
        bool in_text = entry->suffix || (entry->as && strcmp(entry->as, "text") == 0);
        found = in_text ? parse(parameter, text) : NULL;
    }
    return found ? found : json_deep_copy(value);
}

/* What is being made of a body. */
struct making {
    const struct offer *offer;
    json_t *result;
    struct reverse *names;
    struct faults *faults;
};

/* The client's word for a parameter that the new body has already; NULL when it has not. */
static const char *given_as(const struct making *making, const char *parameter)
{
    const struct reverse *names = making->names;
    for (unsigned n = 0; n < names->count; n++)
        if (strcmp(names->names[n].parameter, parameter) == 0)
            return names->names[n].given;
    return json_object_get(making->result, parameter) ? parameter : NULL;
}

/* Takes `value`. */
static void put(struct making *making, const struct parameter *parameter, const char *key,
                json_t *value)
{
    struct reverse *names = making->names;
    const char *before = given_as(making, parameter->name);
    if (before) {
        faults_add(making->faults, arena_print(making->faults->arena, "%.60s", key), NULL,
                   "says the same as %.60s, which is given too", before);
        json_decref(value);
        return;
    }
    if (strcmp(parameter->name, key) != 0 && names->count < REVERSE_NAMES_MAX)
        names->names[names->count++] =
            (struct reverse_name){.parameter = parameter->name, .given = key};
    (void)json_object_set_new(making->result, parameter->name, value);
}

static const char *list_words(const struct mapping_table *table, struct arena *arena)
{
    const char *list = "one of ";
    for (size_t n = 0; n < json_array_size(table->rows); n++) {
        const json_t *word = json_array_get(json_array_get(table->rows, n), table->of.count);
        const char *shown =
            json_is_string(word) ? json_string_value(word) : reader_show(arena, word);
        list = arena_print(arena, "%s%s%s", list, n ? ", " : "", shown);
    }
    return list;
}

static void put_row(struct making *making, const struct mapping_table *table, const char *key,
                    const json_t *word)
{
    struct arena *arena = making->faults->arena;
    const struct model *model = making->offer->model;
    const json_t *row = NULL;
    for (size_t n = 0; !row && n < json_array_size(table->rows); n++)
        if (json_equal(json_array_get(json_array_get(table->rows, n), table->of.count), word))
            row = json_array_get(table->rows, n);
    if (!row)
        faults_add(making->faults, key, list_words(table, arena), "is %s",
                   reader_show(arena, word));
    for (unsigned n = 0; row && n < table->of.count; n++)
        put(making, catalog_find_parameter(model, span_of(table->of.items[n])), key,
            json_deep_copy(json_array_get(row, n)));
}

json_t *reverse_apply(const struct offer *offer, const json_t *body, struct faults *faults,
                      struct reverse *ret_names)
{
    struct making making = {offer, json_object(), ret_names, faults};
    const char *key;
    json_t *value;
    *ret_names = (struct reverse){.count = 0};
    json_object_foreach(reader_loose(body), key, value) {
        const struct parameter *parameter = find_parameter(offer, key);
        const struct mapping_table *table = parameter ? NULL : find_table(offer, key);
        if (parameter)
            put(&making, parameter, key, convert(offer, parameter, value));
        else if (table)
            put_row(&making, table, key, value);
        else
            (void)json_object_set(making.result, key, value);
    }
    return making.result;
}

const char *reverse_field(const struct reverse *names, const char *field, struct arena *arena)
{
    size_t size = strcspn(field, "[.");
    for (unsigned n = 0; n < names->count; n++)
        if (span_is((struct span){field, size}, names->names[n].parameter))
            return arena_print(arena, "%.60s%s", names->names[n].given, field + size);
    return field;
}
