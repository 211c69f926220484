#include "catalog/value.h"

#include "catalog/reader.h"
#include "catalog/reference.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Doubles, and so most clients, hold whole numbers exactly up to here. */
#define WHOLE_MAX 9007199254740991.0

enum { OBJECT_TEXT_MAX = 16384, SHOWN_CHOICES = 40 };

size_t value_characters(struct span text)
{
    const uint64_t ones = 0x0101010101010101u;
    size_t inner = 0, n = 0; /* bytes inside a character, of which the upper bits are 10 */
    for (uint64_t word; n + sizeof word <= text.size; n += sizeof word) {
        memcpy(&word, text.data + n, sizeof word);
        inner += (size_t)__builtin_popcountll(word >> 7 & ~word >> 6 & ones);
    }
    for (; n < text.size; n++)
        inner += ((unsigned char)text.data[n] & 0xc0) == 0x80;
    return text.size - inner;
}

bool value_among(const json_t *value, const json_t *list)
{
    for (size_t n = 0; n < json_array_size(list); n++) {
        const json_t *item = json_array_get(list, n);
        bool equal = json_is_number(value) && json_is_number(item)
                         ? json_number_value(value) == json_number_value(item)
                         : json_equal(value, item);
        if (equal)
            return true;
    }
    return false;
}

static const char *list_values(struct arena *arena, const json_t *list)
{
    struct buffer text;
    buffer_init(&text, 2000);
    for (size_t n = 0; n < json_array_size(list) && n < SHOWN_CHOICES; n++) {
        const json_t *item = json_array_get(list, n);
        if (n > 0)
            buffer_add(&text, SPAN(", "));
        if (json_is_string(item))
            buffer_add(&text, json_span(item));
        else
            json_canonical(item, &text);
    }
    if (json_array_size(list) > SHOWN_CHOICES)
        buffer_add_text(&text, ", …");
    const char *copy = arena_copy(arena, buffer_span(&text));
    buffer_done(&text);
    return copy;
}

static const char *allowed_size(const struct parameter *parameter, struct arena *arena,
                                const char *what)
{
    if (parameter->size_min > 0)
        return arena_print(arena, "%zu to %zu %s", parameter->size_min, parameter->size_max, what);
    return arena_print(arena, "at most %zu %s", parameter->size_max, what);
}

static const char *allowed_number(const struct parameter *parameter, struct arena *arena)
{
    bool whole = parameter->kind == PARAMETER_INTEGER;
    const char *what = whole ? "a whole number" : "a number";
    double min = parameter->min, max = parameter->max;
    if (isfinite(min) && isfinite(max))
        return arena_print(arena, "%s from %.16g to %.16g", what, min, max);
    if (isfinite(min))
        return arena_print(arena, "%s from %.16g up", what, min);
    if (isfinite(max))
        return arena_print(arena, "%s up to %.16g", what, max);
    return what;
}

static const char *allowed_url(const struct parameter *parameter, struct arena *arena)
{
    const char *media = "";
    for (unsigned n = 1; n < MEDIA_COUNT; n++)
        if (parameter->media & 1u << n)
            media = arena_print(arena, "%s%s%s", media, *media ? " or " : "",
                                catalog_media_name((enum media)n));
    return arena_print(arena,
                       "an http(s) URL, reel://gen_…, reel://upl_… or a base64 data: URL%s%s",
                       *media ? " of type " : "", media);
}

const char *value_allowed(const struct parameter *parameter, struct arena *arena)
{
    const char *also =
        parameter->also ? arena_print(arena, "%s, or ", list_values(arena, parameter->also)) : "";
    const char *main = NULL;
    if (parameter->choices)
        return arena_print(arena, "%sone of %s", also, list_values(arena, parameter->choices));
    switch (parameter->kind) {
    case PARAMETER_TEXT:
        main = arena_print(arena, "a text of %s", allowed_size(parameter, arena, "characters"));
        break;
    case PARAMETER_INTEGER:
    case PARAMETER_NUMBER:
        main = allowed_number(parameter, arena);
        break;
    case PARAMETER_BOOLEAN:
        main = "true or false";
        break;
    case PARAMETER_URL:
        main = allowed_url(parameter, arena);
        break;
    case PARAMETER_LIST:
        main = arena_print(arena, "a list of %s", allowed_size(parameter, arena, "items"));
        break;
    case PARAMETER_OBJECT:
        main = "an object";
        break;
    case PARAMETER_KIND_COUNT:
        break;
    }
    assert(main);
    return arena_print(arena, "%s%s", also, main);
}

/* Whole numbers become integers, so that 5 and 5.0 are one input. */
static json_t *canonical_scalar(const json_t *value)
{
    double number = json_number_value(value);
    if (json_is_real(value) && number == floor(number) && fabs(number) <= WHOLE_MAX)
        return json_integer((json_int_t)number);
    return json_deep_copy(value);
}

static bool number_fits(const struct parameter *parameter, const json_t *value)
{
    double number = json_number_value(value);
    if (!json_is_number(value) || !isfinite(number))
        return false;
    if (parameter->kind == PARAMETER_INTEGER &&
        (number != floor(number) || fabs(number) > WHOLE_MAX))
        return false;
    return number >= parameter->min && number <= parameter->max;
}

static bool text_fits(const struct parameter *parameter, const json_t *value)
{
    struct span text = json_span(value);
    if (!json_is_string(value) || !span_is_utf8(text))
        return false;
    size_t count = value_characters(text);
    return count >= parameter->size_min && count <= parameter->size_max;
}

static bool url_fits(const struct parameter *parameter, const json_t *value)
{
    struct span type, base64;
    if (!json_is_string(value) || !span_is_utf8(json_span(value)))
        return false;
    if (!reference_read_data(json_span(value), &type, &base64))
        return reference_kind(json_span(value)) != REFERENCE_BAD;
    for (unsigned n = 1; n < MEDIA_COUNT; n++) {
        const char *name = catalog_media_name((enum media)n);
        size_t size = strlen(name);
        if (parameter->media & 1u << n && type.size > size + 1 && type.data[size] == '/' &&
            span_is_nocase((struct span){type.data, size}, name))
            return true;
    }
    return parameter->media == 0;
}

static bool object_fits(const json_t *value)
{
    if (!json_is_object(value))
        return false;
    struct buffer text;
    buffer_init(&text, OBJECT_TEXT_MAX);
    json_canonical(value, &text);
    bool fits = !text.failed;
    buffer_done(&text);
    return fits;
}

static bool scalar_fits(const struct parameter *parameter, const json_t *value)
{
    bool fits = false;
    switch (parameter->kind) {
    case PARAMETER_TEXT:
        fits = text_fits(parameter, value);
        break;
    case PARAMETER_INTEGER:
    case PARAMETER_NUMBER:
        fits = number_fits(parameter, value);
        break;
    case PARAMETER_BOOLEAN:
        fits = json_is_boolean(value);
        break;
    case PARAMETER_URL:
        fits = url_fits(parameter, value);
        break;
    case PARAMETER_OBJECT:
        fits = object_fits(value);
        break;
    case PARAMETER_LIST:
    case PARAMETER_KIND_COUNT:
        assert(false);
    }
    return fits && (!parameter->choices || value_among(value, parameter->choices));
}

static void add_fault(const struct parameter *parameter, const json_t *value, const char *path,
                      struct faults *faults)
{
    const char *shown = reader_show(faults->arena, value);
    const char *allowed = value_allowed(parameter, faults->arena);
    struct span text = json_span(value);
    if (parameter->kind == PARAMETER_TEXT && !parameter->choices && text.size > 0 &&
        value_characters(text) > parameter->size_max)
        faults_add(faults, path, allowed, "has %zu characters", value_characters(text));
    else if (parameter->kind == PARAMETER_LIST && json_is_array(value))
        faults_add(faults, path, allowed, "has %zu items", json_array_size(value));
    else
        faults_add(faults, path, allowed, "is %s", shown);
}

static json_t *check_list(const struct parameter *parameter, const json_t *value, const char *path,
                          struct faults *faults)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count < parameter->size_min || count > parameter->size_max) {
        add_fault(parameter, value, path, faults);
        return NULL;
    }
    json_t *list = json_array();
    bool good = true;
    for (size_t n = 0; n < count; n++) {
        const char *below = arena_print(faults->arena, "%s[%zu]", path, n);
        json_t *item = value_check(parameter->items, json_array_get(value, n), below, faults);
        good = good && item;
        if (item)
            (void)json_array_append_new(list, item);
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static const struct parameter *find_field(const struct parameter *parameter, const char *name)
{
    for (unsigned n = 0; n < parameter->field_count; n++)
        if (strcmp(parameter->fields[n].name, name) == 0)
            return &parameter->fields[n];
    return NULL;
}

static json_t *check_fields(const struct parameter *parameter, const json_t *value,
                            const char *path, struct faults *faults)
{
    const char *key;
    json_t *given, *object = json_object();
    bool good = true;
    json_object_foreach(reader_loose(value), key, given) {
        if (find_field(parameter, key))
            continue;
        faults_add(faults, arena_print(faults->arena, "%s.%.60s", path, key), NULL,
                   "is not a known field");
        good = false;
    }
    for (unsigned n = 0; n < parameter->field_count; n++) {
        const struct parameter *field = &parameter->fields[n];
        const char *below = arena_print(faults->arena, "%s.%s", path, field->name);
        const json_t *found = json_object_get(value, field->name);
        json_t *item =
            found ? value_check(field, found, below, faults) : json_deep_copy(field->fallback);
        if (!found && !item && field->required)
            faults_add(faults, below, value_allowed(field, faults->arena), "is missing");
        good = good && (item || (!found && !field->required));
        if (item)
            (void)json_object_set_new(object, field->name, item);
    }
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* Lists and objects nest at most CATALOG_NEST_MAX deep, as the reading of the parameters makes
 * sure: that bounds how often this calls itself. */
json_t *value_check(const struct parameter *parameter, const json_t *value, const char *path,
                    struct faults *faults)
{
    if (parameter->also && value_among(value, parameter->also))
        return canonical_scalar(value);
    if (parameter->kind == PARAMETER_LIST)
        return check_list(parameter, value, path, faults);
    if (parameter->kind == PARAMETER_OBJECT && parameter->field_count > 0 && json_is_object(value))
        return check_fields(parameter, value, path, faults);
    if (scalar_fits(parameter, value))
        return canonical_scalar(value);
    add_fault(parameter, value, path, faults);
    return NULL;
}
