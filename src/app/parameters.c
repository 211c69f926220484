#include "app/parameters.h"

#include "app/config_file.h"
#include "app/config_value.h"
#include "app/data_url.h"
#include "app/glyph.h"
#include "app/nearest.h"
#include "base/id.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *option_name(const char *name, struct arena *arena)
{
    struct buffer text;
    buffer_init(&text, 512);
    buffer_add_text(&text, "--");
    for (const char *at = name; *at; at++) {
        if (isupper((unsigned char)*at))
            buffer_add_byte(&text, '-');
        buffer_add_byte(&text,
                        isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '-');
    }
    char *copy = arena_copy(arena, buffer_span(&text));
    buffer_done(&text);
    return copy;
}

/* The schema that says the type: where several forms are allowed, the last of them. */
static const json_t *typed(const json_t *property)
{
    const json_t *forms = json_object_get(property, "anyOf");
    const json_t *form = json_array_get(forms, json_array_size(forms) - 1);
    return forms && form ? form : property;
}

static const char *type_of(const json_t *property)
{
    const char *type = json_string_value(json_object_get(typed(property), "type"));
    return type ? type : "string";
}

static bool is_url(const json_t *property)
{
    const char *format = json_string_value(json_object_get(property, "format"));
    return format && strcmp(format, "uri") == 0;
}

/* What the help calls its value. */
static const char *value_name(const json_t *property)
{
    const char *type = type_of(property);
    if (strcmp(type, "boolean") == 0)
        return NULL;
    if (strcmp(type, "array") == 0)
        return is_url(json_object_get(property, "items")) ? "URL|FILE" : "VALUE";
    if (strcmp(type, "object") == 0)
        return "JSON";
    if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        return "N";
    return is_url(property) ? "URL|FILE" : "TEXT";
}

static void describe_range(const json_t *property, struct buffer *target)
{
    const json_t *least = json_object_get(property, "minimum");
    const json_t *most = json_object_get(property, "maximum");
    if (least && most)
        buffer_print(target, " %.15g to %.15g", json_number_value(least), json_number_value(most));
    else if (least)
        buffer_print(target, " from %.15g", json_number_value(least));
    else if (most)
        buffer_print(target, " up to %.15g", json_number_value(most));
}

static void add_plain(const json_t *value, struct buffer *target)
{
    if (json_is_string(value))
        buffer_add(target, json_span(value));
    else
        json_canonical(value, target);
}

void parameters_describe(const json_t *property, struct buffer *target)
{
    const json_t *form = typed(property), *choices = json_object_get(form, "enum"), *choice;
    const json_t *fallback = json_object_get(property, "default");
    const json_t *also =
        json_object_get(json_array_get(json_object_get(property, "anyOf"), 0), "enum");
    const char *unit = json_string_value(json_object_get(property, "x-unit"));
    size_t index;
    if (choices) {
        json_array_foreach(choices, index, choice) {
            buffer_add_text(target, index ? ", " : "");
            add_plain(choice, target);
        }
    } else {
        buffer_add_text(target, is_url(property) ? "URL" : type_of(property));
        describe_range(form, target);
    }
    json_array_foreach(also, index, choice) {
        buffer_add_text(target, " or ");
        add_plain(choice, target);
    }
    if (unit)
        buffer_print(target, " %s", unit);
    if (fallback) {
        buffer_add_text(target, "; default ");
        add_plain(fallback, target);
    }
}

void parameters_init(struct parameters *parameters, const json_t *schema, struct arena *arena)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *required = json_object_get(schema, "required");
    const char *name;
    json_t *property, *must;
    size_t index;
    *parameters = (struct parameters){.arena = arena, .properties = properties};
    parameters->options =
        arena_array(arena, struct arguments_option, json_object_size(properties) + 1);
    json_object_foreach((json_t *)(uintptr_t)properties, name, property) {
        struct buffer sentence, range;
        const char *about = json_string_value(json_object_get(property, "description"));
        bool is_required = false;
        json_array_foreach(required, index, must)
            is_required = is_required || span_is(json_span(must), name);
        buffer_init(&sentence, 8192);
        buffer_init(&range, 4096);
        parameters_describe(property, &range);
        glyph_add(&sentence, span_of(about));
        buffer_add_text(&sentence, about ? " (" : "(");
        glyph_add(&sentence, buffer_span(&range));
        buffer_add_text(&sentence, is_required ? "; required)" : ")");
        parameters->options[parameters->count++] = (struct arguments_option){
            .name = option_name(name, arena),
            .value = value_name(property),
            .sentence = arena_copy(arena, buffer_span(&sentence)),
        };
        buffer_done(&sentence);
        buffer_done(&range);
    }
}

const char *parameters_name(const struct parameters *parameters,
                            const struct arguments_option *option)
{
    unsigned place = 0;
    const char *name;
    json_t *property;
    json_object_foreach((json_t *)(uintptr_t)parameters->properties, name, property) {
        if (option == &parameters->options[place++])
            return name;
    }
    return NULL;
}

/* ---------------------------------------------------------------- values */

static json_t *read_file(const struct parameters *parameters, const char *path,
                         struct buffer *fault)
{
    if (parameters->bring) {
        const char *brought = parameters->bring(parameters->context, path, fault);
        return brought ? json_string(brought) : NULL;
    }
    struct buffer url;
    buffer_init(&url, PARAMETERS_FILE_MAX * 2);
    json_t *value =
        data_url_make(path, PARAMETERS_FILE_MAX, &url, fault) ? json_string(url.data) : NULL;
    buffer_done(&url);
    return value;
}

static json_t *read_url(const struct parameters *parameters, const char *name, const char *text,
                        struct buffer *fault)
{
    int64_t key;
    struct span rest = span_of(text), id;
    if (strstr(text, "://") || strncmp(text, "data:", 5) == 0)
        return json_string(text);
    /* "gen_…" or "gen_…/2" is the output of that job. */
    if (span_take(&rest, '/', &id) && id_read(id, "gen_", &key))
        return json_sprintf("reel://%s", text);
    const char *path = text[0] == '@' ? text + 1 : text;
    if (access(path, F_OK) != 0) {
        buffer_print(fault, "%s: \"%s\" is neither a URL, nor a job, nor a file here.", name, text);
        return NULL;
    }
    return read_file(parameters, path, fault);
}

static json_t *read_json(const char *name, const char *text, struct buffer *fault)
{
    char why[JSON_FAULT_SIZE];
    json_t *value = json_read(span_of(text), why);
    if (!value)
        buffer_print(fault, "%s: this is no JSON: %s", name, why);
    return value;
}

static json_t *read_text(const char *name, const char *text, bool is_pair, struct buffer *fault)
{
    struct arena arena;
    struct span content;
    if (!is_pair || text[0] != '@')
        return json_string(text);
    arena_init(&arena);
    json_t *value = NULL;
    if (!config_file_load(text + 1, PARAMETERS_TEXT_MAX, &arena, &content)) {
        buffer_print(fault, "%s: %s can't be read: %s.", name, text + 1, strerror(errno));
    } else {
        while (span_ends(content, "\n"))
            content.size--;
        value = json_stringn(content.data, content.size);
        if (!value)
            buffer_print(fault, "%s: %s is no text in UTF-8.", name, text + 1);
    }
    arena_done(&arena);
    return value;
}

/* A value of a type that is no list; NULL with a fault. */
static json_t *read_value(const struct parameters *parameters, const char *name,
                          const json_t *property, const char *text, bool is_pair,
                          struct buffer *fault)
{
    const char *type = type_of(property);
    int64_t integer;
    double number;
    bool truth;
    if (strcmp(type, "integer") == 0 && span_integer(span_of(text), INT64_MIN, INT64_MAX, &integer))
        return json_integer(integer);
    /* Whole numbers stay whole, so that 4 is not sent as 4.0; a fraction for an integer goes to the
     * server too, which says what is allowed. */
    if (strcmp(type, "number") == 0 && span_integer(span_of(text), INT64_MIN, INT64_MAX, &integer))
        return json_integer(integer);
    if ((strcmp(type, "number") == 0 || strcmp(type, "integer") == 0) &&
        span_number(span_of(text), &number))
        return json_real(number);
    if (strcmp(type, "boolean") == 0 && config_value_boolean(span_of(text), &truth))
        return json_boolean(truth);
    if (strcmp(type, "object") == 0)
        return read_json(name, text, fault);
    if (strcmp(type, "string") == 0) {
        json_t *value = is_url(property) ? read_url(parameters, name, text, fault)
                                         : read_text(name, text, is_pair, fault);
        if (!value && fault->size == 0)
            buffer_print(fault, "%s: this is no text in UTF-8.", name);
        return value;
    }
    buffer_print(fault, "%s is \"%s\"; allowed: ", name, text);
    parameters_describe(property, fault);
    return NULL;
}

static bool set_list(const struct parameters *parameters, const char *name, const char *text,
                     json_t *body, struct buffer *fault)
{
    const json_t *property = json_object_get(parameters->properties, name);
    if (text[0] == '[') {
        json_t *whole = read_json(name, text, fault);
        return whole && json_object_set_new(body, name, whole) == 0;
    }
    json_t *list = json_object_get(body, name);
    if (!json_is_array(list)) {
        list = json_array();
        (void)json_object_set_new(body, name, list);
    }
    json_t *item =
        read_value(parameters, name, json_object_get(property, "items"), text, false, fault);
    return item && json_array_append_new(list, item) == 0;
}

bool parameters_set(const struct parameters *parameters, const char *name, const char *text,
                    bool is_pair, json_t *body, struct buffer *fault)
{
    const json_t *property = json_object_get(parameters->properties, name);
    if (!property) {
        struct nearest nearest;
        const char *known;
        json_t *other;
        nearest_init(&nearest, span_of(name));
        json_object_foreach((json_t *)(uintptr_t)parameters->properties, known, other)
            nearest_offer(&nearest, known);
        buffer_print(fault, "The model has no parameter %s.", name);
        if (nearest.best)
            buffer_print(fault, " Did you mean %s?", nearest.best);
        return false;
    }
    if (strcmp(type_of(property), "array") == 0)
        return set_list(parameters, name, text ? text : "", body, fault);
    json_t *value = read_value(parameters, name, property, text ? text : "true", is_pair, fault);
    return value && json_object_set_new(body, name, value) == 0;
}
