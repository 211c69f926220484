#include "catalog/reader.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 60, NAME_MAX_SIZE = 64, IDENTIFIER_MAX_SIZE = 128 };

void reader_fault(const struct node *node, const char *allowed, const char *problem, ...)
{
    struct reader *reader = node->reader;
    if (reader->failed)
        return;
    reader->failed = true;
    char text[CATALOG_FAULT_SIZE / 2];
    va_list list;
    va_start(list, problem);
    (void)vsnprintf(text, sizeof text, problem, list);
    va_end(list);
    int size = snprintf(reader->fault, CATALOG_FAULT_SIZE, "%s: %s %s%s%s.", reader->file,
                        *node->path ? node->path : "the file", text, allowed ? "; allowed is " : "",
                        allowed ? allowed : "");
    /* What was cut may end inside a character. */
    for (size_t n = CATALOG_FAULT_SIZE - 1;
         size >= CATALOG_FAULT_SIZE && n > 0 && !span_is_utf8(span_of(reader->fault)); n--)
        reader->fault[n - 1] = '\0';
}

const char *reader_show(struct arena *arena, const json_t *value)
{
    struct buffer buffer;
    struct span text = json_span(value);
    if (!value)
        return "missing";
    bool cut = text.size > SHOWN_MAX;
    /* Large values are not written out whole only to be cut: a text is cut before, and the buffer
     * stops taking of anything else. */
    buffer_init(&buffer, 4096);
    if (cut) {
        text.size = SHOWN_MAX;
        while (!span_is_utf8(text))
            text.size--;
        json_t *start = json_stringn(text.data, text.size);
        json_canonical(start, &buffer);
        json_decref(start);
    } else {
        json_canonical(value, &buffer);
    }
    text = buffer_span(&buffer);
    cut = cut || buffer.failed || text.size > SHOWN_MAX;
    if (text.size > SHOWN_MAX)
        text.size = SHOWN_MAX;
    while (!span_is_utf8(text))
        text.size--;
    const char *shown = arena_print(arena, "%.*s%s", SPAN_PRINT(text), cut ? "…" : "");
    buffer_done(&buffer);
    return shown;
}

json_t *reader_loose(const json_t *value)
{
    return (json_t *)(uintptr_t)value;
}

const json_t *reader_own(struct reader *reader, json_t *value)
{
    if (value)
        (void)json_array_append_new(reader->owned, value);
    return value;
}

/* Three texts as one. Every value that is read has a path, and with printf those took a third of
 * the reading's time. */
static const char *join(struct arena *arena, const char *one, const char *two, const char *three)
{
    const size_t sizes[] = {strlen(one), strlen(two), strlen(three)};
    char *text = arena_make(arena, sizes[0] + sizes[1] + sizes[2] + 1);
    memcpy(text, one, sizes[0]);
    memcpy(text + sizes[0], two, sizes[1]);
    memcpy(text + sizes[0] + sizes[1], three, sizes[2] + 1);
    return text;
}

struct node reader_key(const struct node *node, const char *key)
{
    return (struct node){.reader = node->reader,
                         .value = json_object_get(node->value, key),
                         .path =
                             join(node->reader->arena, node->path, *node->path ? "." : "", key)};
}

struct node reader_item(const struct node *node, size_t index)
{
    char number[SPAN_NUMBER_SIZE + 2] = "[";
    size_t size = 1 + span_write_number((int64_t)index, number + 1);
    memcpy(number + size, "]", 2);
    return (struct node){.reader = node->reader,
                         .value = json_array_get(node->value, index),
                         .path = join(node->reader->arena, node->path, number, "")};
}

static bool all_bytes(struct span text, const char *first, const char *rest, size_t max)
{
    if (text.size == 0 || text.size > max || !text.data[0] || !strchr(first, text.data[0]))
        return false;
    for (size_t n = 1; n < text.size; n++)
        if (!text.data[n] || !strchr(rest, text.data[n]))
            return false;
    return true;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool reader_is_name(struct span text)
{
    return all_bytes(text, LOWER, LOWER UPPER DIGITS, NAME_MAX_SIZE);
}

bool reader_is_identifier(struct span text)
{
    for (size_t n = 1; n < text.size; n++)
        if (text.data[n] == '/' && text.data[n - 1] == '/')
            return false;
    return all_bytes(text, LOWER DIGITS, LOWER DIGITS "._-/", IDENTIFIER_MAX_SIZE) &&
           text.data[text.size - 1] != '/';
}

static bool is_variable(struct span text)
{
    return all_bytes(text, UPPER, UPPER DIGITS "_", NAME_MAX_SIZE);
}

static const char *read_text(const struct node *node, enum reader_kind kind, double max)
{
    struct span text = json_span(node->value);
    bool good = json_is_string(node->value) && text.size > 0;
    const char *allowed = "a text that is not empty";
    if (kind == READER_IDENTIFIER) {
        allowed = "lower-case letters, digits and . _ - / (at most 128)";
        good = good && reader_is_identifier(text);
    } else if (kind == READER_NAME || kind == READER_NAMES) {
        allowed = "a name in camelCase (at most 64)";
        good = good && reader_is_name(text);
    } else if (kind == READER_VARIABLE || kind == READER_VARIABLES) {
        allowed = "an environment variable in capitals (at most 64)";
        good = good && is_variable(text);
    } else if (max > 0 && (double)text.size > max) {
        allowed = arena_print(node->reader->arena, "a text of at most %.0f bytes", max);
        good = false;
    }
    if (!good) {
        reader_fault(node, allowed, "is %s", reader_show(node->reader->arena, node->value));
        return NULL;
    }
    return json_string_value(node->value);
}

static struct texts read_texts(const struct node *node, enum reader_kind kind, double max)
{
    size_t count = json_array_size(node->value);
    if (!json_is_array(node->value) || count == 0 || count > 64) {
        reader_fault(node, "a list of 1 to 64 texts", "is %s",
                     reader_show(node->reader->arena, node->value));
        return (struct texts){0};
    }
    const char **items = arena_array(node->reader->arena, const char *, count);
    for (size_t n = 0; n < count; n++) {
        struct node item = reader_item(node, n);
        items[n] = read_text(&item, kind, max);
        for (size_t other = 0; other < n && !node->reader->failed; other++)
            if (strcmp(items[other], items[n]) == 0)
                reader_fault(&item, NULL, "is \"%s\" for the second time", items[n]);
    }
    return (struct texts){.items = items, .count = (unsigned)count};
}

static double read_number(const struct node *node, const struct reader_field *field)
{
    bool whole = field->kind == READER_UNSIGNED || field->kind == READER_SIZE;
    double value = json_number_value(node->value);
    if (json_is_number(node->value) && (!whole || value == floor(value)) && value >= field->min &&
        value <= field->max)
        return value;
    reader_fault(node,
                 arena_print(node->reader->arena, "%s from %.15g to %.15g",
                             whole ? "a whole number" : "a number", field->min, field->max),
                 "is %s", reader_show(node->reader->arena, node->value));
    return field->min;
}

static const json_t *read_json(const struct node *node, const struct reader_field *field)
{
    bool good = field->kind == READER_ANY ||
                (field->kind == READER_OBJECT && json_is_object(node->value)) ||
                (field->kind == READER_ARRAY && json_array_size(node->value) > 0);
    if (!good)
        reader_fault(node, field->kind == READER_OBJECT ? "an object" : "a list that is not empty",
                     "is %s", reader_show(node->reader->arena, node->value));
    return node->value;
}

static void read_field(const struct node *node, const struct reader_field *field, void *target)
{
    void *at = (char *)target + field->offset;
    switch (field->kind) {
    case READER_TEXT:
    case READER_IDENTIFIER:
    case READER_NAME:
    case READER_VARIABLE:
        *(const char **)at = read_text(node, field->kind, field->max);
        return;
    case READER_TEXTS:
    case READER_NAMES:
    case READER_VARIABLES:
        *(struct texts *)at = read_texts(node, field->kind, field->max);
        return;
    case READER_BOOLEAN:
        if (!json_is_boolean(node->value))
            reader_fault(node, "true or false", "is %s",
                         reader_show(node->reader->arena, node->value));
        *(bool *)at = json_is_true(node->value);
        return;
    case READER_UNSIGNED:
        *(unsigned *)at = (unsigned)read_number(node, field);
        return;
    case READER_SIZE:
        *(size_t *)at = (size_t)read_number(node, field);
        return;
    case READER_NUMBER:
        *(double *)at = read_number(node, field);
        return;
    case READER_SECONDS:
        *(ms_t *)at = (ms_t)llround(read_number(node, field) * 1000);
        return;
    case READER_OBJECT:
    case READER_ARRAY:
    case READER_ANY:
        *(const json_t **)at = read_json(node, field);
        return;
    case READER_LATER:
        return;
    }
    assert(false);
}

static const char *list_keys(struct arena *arena, const struct reader_field *fields, size_t count)
{
    const char *list = "";
    for (size_t n = 0; n < count; n++)
        list = arena_print(arena, "%s%s%s", list, n ? ", " : "one of ", fields[n].key);
    return list;
}

void reader_fields(const struct node *node, const struct reader_field *fields, size_t count,
                   void *target)
{
    struct reader *reader = node->reader;
    if (reader->failed)
        return;
    if (!json_is_object(node->value)) {
        reader_fault(node, "an object", "is %s", reader_show(reader->arena, node->value));
        return;
    }
    const char *key;
    json_t *value;
    json_object_foreach(reader_loose(node->value), key, value) {
        size_t n = 0;
        while (n < count && strcmp(fields[n].key, key) != 0)
            n++;
        if (n < count)
            continue;
        reader_fault(node, list_keys(reader->arena, fields, count), "has the unknown key \"%.60s\"",
                     key);
        return;
    }
    for (size_t n = 0; n < count && !reader->failed; n++) {
        if (!json_object_get(node->value, fields[n].key)) {
            if (fields[n].required)
                reader_fault(node, NULL, "has no \"%s\"", fields[n].key);
            continue;
        }
        struct node below = reader_key(node, fields[n].key);
        read_field(&below, &fields[n], target);
    }
}

bool reader_choose(const struct node *node, const char *const *names, unsigned count,
                   unsigned *ret_choice)
{
    for (unsigned n = 0; n < count; n++)
        if (json_is_string(node->value) && span_is(json_span(node->value), names[n])) {
            *ret_choice = n;
            return true;
        }
    const char *list = "";
    for (unsigned n = 0; n < count; n++)
        list = arena_print(node->reader->arena, "%s%s%s", list, n ? ", " : "one of ", names[n]);
    reader_fault(node, list, "is %s", reader_show(node->reader->arena, node->value));
    return false;
}
