#include "catalog/mapping.h"

#include "catalog/reader.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = CATALOG_DATA_URL_MAX + 4096, FORM_DEPTH = 8, STEP_SIZE = 80, INDEX_MAX = 15 };

bool mapping_snake(const char *name, char *target, size_t capacity)
{
    size_t used = 0;
    for (; *name; name++) {
        bool upper = *name >= 'A' && *name <= 'Z';
        if (used + 3 > capacity)
            return false;
        if (upper)
            target[used++] = '_';
        target[used++] = (char)(upper ? *name - 'A' + 'a' : *name);
    }
    target[used] = '\0';
    return used > 0;
}

/* A step of a path as "input.media[0].url": a key, an index, or "[+]", the place after the last. */
struct step {
    char key[STEP_SIZE]; /* empty: an index */
    size_t index;
    bool append;
};

static bool take_index(const char **path, struct step *ret_step)
{
    const char *at = *path + 1;
    struct step step = {0};
    if (*at == '+') {
        step.append = true;
        at++;
    } else {
        const char *first = at;
        while (isdigit((unsigned char)*at) && step.index <= INDEX_MAX)
            step.index = step.index * 10 + (size_t)(*at++ - '0');
        if (at == first || step.index > INDEX_MAX)
            return false;
    }
    if (*at != ']')
        return false;
    *ret_step = step;
    *path = at + 1;
    return true;
}

static bool take_step(const char **path, bool first, struct step *ret_step)
{
    const char *at = *path;
    struct step step = {0};
    if (*at == '[' && !first)
        return take_index(path, ret_step);
    if (!first && *at++ != '.')
        return false;
    size_t size = strcspn(at, ".[]{}\"\\ ");
    if (size == 0 || size >= STEP_SIZE)
        return false;
    memcpy(step.key, at, size);
    *ret_step = step;
    *path = at + size;
    return true;
}

bool mapping_is_path(const char *path)
{
    struct step step;
    for (bool first = true; *path || first; first = false)
        if (!take_step(&path, first, &step))
            return false;
    return true;
}

static json_t *child(json_t *parent, const struct step *step)
{
    if (step->key[0])
        return json_object_get(parent, step->key);
    return step->append ? NULL : json_array_get(parent, step->index);
}

static void set_child(json_t *parent, const struct step *step, json_t *value)
{
    if (step->key[0]) {
        (void)json_object_set_new(parent, step->key, value);
        return;
    }
    size_t index = step->append ? json_array_size(parent) : step->index;
    while (json_array_size(parent) <= index)
        (void)json_array_append_new(parent, json_null());
    (void)json_array_set_new(parent, index, value);
}

/* Takes `value`. What stands in the way as another type is replaced: the data were wrong, and the
 * provider will say so. */
static void set_path(json_t *root, const char *path, json_t *value)
{
    struct step step, next;
    json_t *at = root;
    bool good = take_step(&path, true, &step);
    assert(good && json_is_object(root));
    while (*path) {
        good = take_step(&path, false, &next);
        assert(good);
        json_t *below = child(at, &step);
        if (!below || (next.key[0] ? !json_is_object(below) : !json_is_array(below))) {
            below = next.key[0] ? json_object() : json_array();
            set_child(at, &step, below);
        }
        at = below;
        step = next;
    }
    set_child(at, &step, value);
}

static void add_text_of(struct buffer *text, const json_t *value)
{
    if (json_is_string(value))
        buffer_add(text, json_span(value));
    else
        json_canonical(value, text);
}

static json_t *text_value(struct buffer *text)
{
    struct span span = buffer_span(text);
    json_t *value = json_stringn(span.size ? span.data : "", span.size);
    buffer_done(text);
    return value;
}

static json_t *convert(const struct mapping_entry *entry, const json_t *value)
{
    struct buffer text;
    const char *as = entry->as ? entry->as : "";
    buffer_init(&text, TEXT_MAX);
    if (entry->values) {
        add_text_of(&text, value);
        json_t *key = text_value(&text);
        const json_t *theirs = key ? json_object_get(entry->values, json_string_value(key)) : NULL;
        json_decref(key);
        if (theirs)
            return json_deep_copy(theirs);
    }
    if (entry->suffix || strcmp(as, "text") == 0) {
        add_text_of(&text, value);
        buffer_add_text(&text, entry->suffix ? entry->suffix : "");
        return text_value(&text);
    }
    double number = json_number_value(value);
    if (json_is_string(value) && (strcmp(as, "number") == 0 || strcmp(as, "integer") == 0) &&
        !span_number(json_span(value), &number))
        return json_deep_copy(value);
    if (strcmp(as, "integer") == 0 && fabs(number) < 9e15)
        return json_integer((json_int_t)llround(number));
    if (strcmp(as, "number") == 0)
        return json_real(number);
    return json_deep_copy(value);
}

/* `form` with `value` wherever it says "$". The data's forms are nested less than FORM_DEPTH deep,
 * which is checked when they are read. */
static json_t *fill(const json_t *form, const json_t *value, unsigned depth)
{
    assert(depth <= FORM_DEPTH);
    if (json_is_string(form) && span_is(json_span(form), "$"))
        return json_deep_copy(value);
    if (json_is_array(form)) {
        json_t *list = json_array();
        for (size_t n = 0; n < json_array_size(form); n++)
            (void)json_array_append_new(list, fill(json_array_get(form, n), value, depth + 1));
        return list;
    }
    if (!json_is_object(form))
        return json_deep_copy(form);
    const char *key;
    json_t *below, *object = json_object();
    json_object_foreach(reader_loose(form), key, below)
        (void)json_object_set_new(object, key, fill(below, value, depth + 1));
    return object;
}

bool mapping_is_form(const json_t *form, unsigned depth)
{
    if (depth > FORM_DEPTH)
        return false;
    for (size_t n = 0; n < json_array_size(form); n++)
        if (!mapping_is_form(json_array_get(form, n), depth + 1))
            return false;
    const char *key;
    json_t *below;
    json_object_foreach(reader_loose(form), key, below)
        if (!mapping_is_form(below, depth + 1))
            return false;
    return true;
}

static json_t *shape(const struct mapping_entry *entry, const json_t *value)
{
    if (!entry->each || !json_is_array(value)) {
        json_t *theirs = convert(entry, value);
        json_t *shaped = entry->form ? fill(entry->form, theirs, 0) : json_incref(theirs);
        json_decref(theirs);
        return shaped;
    }
    json_t *list = json_array();
    for (size_t n = 0; n < json_array_size(value); n++) {
        json_t *theirs = convert(entry, json_array_get(value, n));
        (void)json_array_append_new(list, entry->form ? fill(entry->form, theirs, 0)
                                                      : json_incref(theirs));
        json_decref(theirs);
    }
    return list;
}

/* NULL when a parameter that the constant names is absent. */
static json_t *constant(const json_t *value, const json_t *input, struct span job)
{
    struct span rest = json_span(value), part;
    struct buffer text;
    if (!json_is_string(value) || span_find(rest, '{') < 0)
        return json_deep_copy(value);
    buffer_init(&text, TEXT_MAX);
    for (bool literal = true; span_take(&rest, literal ? '{' : '}', &part); literal = !literal) {
        if (literal) {
            buffer_add(&text, part);
            continue;
        }
        if (span_is(part, "jobId")) {
            buffer_add(&text, job);
            continue;
        }
        const json_t *given = json_object_getn(input, part.data, part.size);
        /* A constant that is one parameter and nothing else keeps its type. */
        bool whole = json_string_length(value) == part.size + 2;
        if (!given || whole) {
            buffer_done(&text);
            return json_deep_copy(given);
        }
        add_text_of(&text, given);
    }
    return text_value(&text);
}

const struct mapping_entry *mapping_find(const struct mapping *mapping, const char *parameter)
{
    for (unsigned n = 0; n < mapping->entry_count; n++)
        if (strcmp(mapping->entries[n].parameter, parameter) == 0)
            return &mapping->entries[n];
    return NULL;
}

bool mapping_in_table(const struct mapping *mapping, const char *parameter)
{
    for (unsigned n = 0; n < mapping->table_count; n++)
        for (unsigned of = 0; of < mapping->tables[n].of.count; of++)
            if (strcmp(mapping->tables[n].of.items[of], parameter) == 0)
                return true;
    return false;
}

/* The row that holds for an input; NULL when none does. */
static const json_t *find_row(const struct mapping_table *table, const json_t *input)
{
    for (size_t n = 0; n < json_array_size(table->rows); n++) {
        const json_t *row = json_array_get(table->rows, n);
        unsigned same = 0;
        while (same < table->of.count &&
               json_equal(json_array_get(row, same), json_object_get(input, table->of.items[same])))
            same++;
        if (same == table->of.count)
            return row;
    }
    return NULL;
}

static void apply_tables(const struct mapping *mapping, const json_t *input, json_t *result)
{
    for (unsigned n = 0; n < mapping->table_count; n++) {
        const struct mapping_table *table = &mapping->tables[n];
        const json_t *row = find_row(table, input);
        if (row)
            set_path(result, table->target, json_deep_copy(json_array_get(row, table->of.count)));
    }
}

json_t *mapping_apply(const struct offer *offer, const json_t *input, struct span job)
{
    const struct mapping *mapping = &offer->mapping;
    json_t *result = json_object();
    char snake[160];
    for (unsigned n = 0; n < offer->model->parameter_count; n++) {
        const char *name = offer->model->parameters[n].name;
        const json_t *value = json_object_get(input, name);
        const struct mapping_entry *entry = mapping_find(mapping, name);
        bool sent = entry ? entry->target != NULL
                          : !mapping->only_entries && !mapping_in_table(mapping, name);
        if (!value || !sent)
            continue;
        if (entry)
            set_path(result, entry->target, shape(entry, value));
        else if (mapping->names == MAPPING_SNAKE && mapping_snake(name, snake, sizeof snake))
            (void)json_object_set_new(result, snake, json_deep_copy(value));
        else
            (void)json_object_set_new(result, name, json_deep_copy(value));
    }
    apply_tables(mapping, input, result);
    const char *path;
    json_t *set;
    json_object_foreach(reader_loose(mapping->set), path, set) {
        json_t *value = constant(set, input, job);
        if (value)
            set_path(result, path, value);
    }
    return result;
}
