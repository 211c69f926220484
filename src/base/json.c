#include "base/json.h"

#include "base/json_cut.h"
#include "base/memory.h"
#include "base/time.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Depth and count of values, without recursion, before the parser sees a byte: jansson's own limit
 * is a compile-time 2048 and its memory grows with what is sent. */
static bool scan(struct span text, size_t values_max, char fault[static JSON_FAULT_SIZE])
{
    size_t depth = 0, digits = 0, values = 1; /* an empty list or object counts as two */
    size_t texts = 0;
    for (size_t n = 0; n < text.size; n++) {
        char byte = text.data[n];
        if (byte == '"') {
            n = json_cut_end(text, n + 1);
            texts++;
            digits = 0;
        }
        depth += byte == '{' || byte == '[';
        depth -= depth > 0 && (byte == '}' || byte == ']');
        values += byte == ',' || byte == '{' || byte == '[';
        digits = byte >= '0' && byte <= '9' ? digits + 1 : 0;
        if (depth > JSON_DEPTH_MAX) {
            (void)snprintf(fault, JSON_FAULT_SIZE,
                           "The JSON is nested deeper than %d levels at byte %zu.", JSON_DEPTH_MAX,
                           n);
            return false;
        }
        /* Every value may have a name; more texts than that are in nobody's JSON. */
        if (values > values_max || texts > 2 * values_max) {
            (void)snprintf(fault, JSON_FAULT_SIZE, "The JSON has more than %zu values.",
                           values_max);
            return false;
        }
        if (digits > JSON_DIGITS_MAX) {
            (void)snprintf(fault, JSON_FAULT_SIZE,
                           "The JSON has a number of more than %d digits at byte %zu.",
                           JSON_DIGITS_MAX, n);
            return false;
        }
    }
    return true;
}

/* Copies the text with ".0" behind every integer that 64 bits can't hold: it becomes a real. */
static void widen(struct span text, struct buffer *target)
{
    bool in_text = false;
    for (size_t n = 0, size; n < text.size; n += size) {
        char byte = text.data[n];
        size = 1;
        bool number = !in_text && (byte == '-' || (byte >= '0' && byte <= '9'));
        bool whole = true;
        while (number && n + size < text.size &&
               memchr("+-.eE0123456789", text.data[n + size], 15)) {
            whole = whole && text.data[n + size] >= '0' && text.data[n + size] <= '9';
            size++;
        }
        if (in_text && byte == '\\' && n + 1 < text.size)
            size = 2;
        else if (byte == '"')
            in_text = !in_text;
        int64_t value;
        struct span part = {text.data + n, size};
        buffer_add(target, part);
        if (number && whole && !span_integer(part, INT64_MIN, INT64_MAX, &value))
            buffer_add_text(target, ".0");
    }
}

json_t *json_read(struct span text, char ret_fault[static JSON_FAULT_SIZE])
{
    const struct json_bounds bounds = {.values = JSON_VALUES_MAX, .bytes = SIZE_MAX};
    return json_read_bounded(text, &bounds, ret_fault);
}

/* Where that is in the whole text, as jansson would have said it: a column is a character's. */
static void explain(struct span whole, const struct json_cuts *cuts, const json_error_t *error,
                    char fault[static JSON_FAULT_SIZE])
{
    size_t place = json_cut_place(cuts, (size_t)error->position), line = 1, column = 0;
    for (size_t n = 0; n < place && n < whole.size; n++) {
        line += whole.data[n] == '\n';
        column =
            whole.data[n] == '\n' ? 0 : column + (((unsigned char)whole.data[n] & 0xc0) != 0x80);
    }
    (void)snprintf(fault, JSON_FAULT_SIZE, "The JSON is broken at line %zu, column %zu: %.100s.",
                   line, column, error->text);
}

static json_t *parse(struct span whole, const struct json_cuts *cuts,
                     char fault[static JSON_FAULT_SIZE])
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    struct span text = cuts->rest;
    json_error_t error;
    json_t *value = json_loadb(text.size ? text.data : "", text.size, flags, &error);
    if (!value && json_error_code(&error) == json_error_numeric_overflow) {
        struct buffer wide;
        buffer_init(&wide, 2 * text.size);
        widen(text, &wide);
        value = json_loadb(wide.data, wide.size, flags, &error);
        buffer_done(&wide);
    }
    if (!value)
        explain(whole, cuts, &error, fault);
    else if (cuts->count > 0)
        json_cut_restore(cuts, value);
    return value;
}

json_t *json_read_bounded(struct span text, const struct json_bounds *bounds,
                          char ret_fault[static JSON_FAULT_SIZE])
{
    if (span_find(text, '\0') >= 0 || !span_is_utf8(text)) {
        (void)snprintf(ret_fault, JSON_FAULT_SIZE, "The JSON is not valid UTF-8 text.");
        return NULL;
    }
    if (!scan(text, bounds->values, ret_fault))
        return NULL;
    struct json_cuts cuts;
    json_t *value = NULL;
    json_cut(text, &cuts);
    if (cuts.rest.size > bounds->bytes)
        (void)snprintf(ret_fault, JSON_FAULT_SIZE,
                       "The JSON has more than %zu bytes, not counting texts of %d bytes and more "
                       "without \\u escapes.",
                       bounds->bytes, JSON_CUT_MIN);
    else
        value = parse(text, &cuts, ret_fault);
    json_cut_done(&cuts);
    return value;
}

struct span json_span(const json_t *value)
{
    if (!json_is_string(value))
        return SPAN("");
    return span_make(json_string_value(value), json_string_length(value));
}

void json_writer_init(struct json_writer *writer, struct buffer *target)
{
    *writer = (struct json_writer){.target = target};
}

static void add_escape(struct buffer *target, unsigned char byte)
{
    if (byte >= 0x80)
        buffer_add_text(target, "\xEF\xBF\xBD");
    else if (byte == '\n')
        buffer_add_text(target, "\\n");
    else if (byte == '\t')
        buffer_add_text(target, "\\t");
    else if (byte < 0x20)
        buffer_print(target, "\\u%04x", byte);
    else
        buffer_print(target, "\\%c", byte);
}

/* What stands in a JSON string as it is, whatever comes after it. */
static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Bytes at the start of a text that are plain, eight at a time. */
static size_t plain_start(struct span text)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    size_t n = 0;
    for (uint64_t word; n + sizeof word <= text.size; n += sizeof word) {
        memcpy(&word, text.data + n, sizeof word);
        uint64_t quotes = word ^ ones * '"', slashes = word ^ ones * '\\';
        /* A byte less than what is taken from it borrows into its upper bit. */
        uint64_t odd = (word - ones * 0x20) | (quotes - ones) | (slashes - ones) | word;
        if (odd & tops)
            break;
    }
    return n;
}

static void add_escaped(struct buffer *target, struct span text)
{
    buffer_add_byte(target, '"');
    size_t done = 0;
    for (size_t n = plain_start(text), size; n < text.size; n += size) {
        unsigned char byte = (unsigned char)text.data[n];
        size = 1;
        if (is_plain(byte))
            continue;
        size = span_utf8((struct span){text.data + n, text.size - n});
        if (size > 1)
            continue;
        buffer_add(target, (struct span){text.data + done, n - done});
        add_escape(target, byte);
        size = 1;
        done = n + 1;
    }
    if (text.size > done)
        buffer_add(target, (struct span){text.data + done, text.size - done});
    buffer_add_byte(target, '"');
}

static int add_dump(const char *data, size_t size, void *context)
{
    struct buffer *target = context;
    buffer_add(target, (struct span){data, size});
    return target->failed ? -1 : 0;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_canonical(const json_t *value, struct buffer *target);

static void add_members(const json_t *object, struct buffer *target)
{
    enum { FEW = 32 };
    const char *few[FEW], **keys = few, *key;
    size_t count = json_object_size(object), at = 0;
    json_t *item;
    if (count > FEW)
        keys = memory_make(count * sizeof *keys);
    json_object_foreach((json_t *)(uintptr_t)object, key, item)
        keys[at++] = key;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t n = 0; n < count; n++) {
        buffer_add_byte(target, n ? ',' : '{');
        add_escaped(target, span_of(keys[n]));
        buffer_add_byte(target, ':');
        add_canonical(json_object_get(object, keys[n]), target);
    }
    if (count == 0)
        buffer_add_byte(target, '{');
    buffer_add_byte(target, '}');
    if (keys != few)
        memory_free(keys);
}

/* As jansson would dump it, sorted and without blanks, but without its call for every character; a
 * real is left to it. The depth is that of what was read, JSON_DEPTH_MAX. */
static void add_canonical(const json_t *value, struct buffer *target)
{
    char digits[SPAN_NUMBER_SIZE];
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        add_members(value, target);
        break;
    case JSON_ARRAY:
        buffer_add_byte(target, '[');
        for (size_t n = 0; n < json_array_size(value); n++) {
            if (n)
                buffer_add_byte(target, ',');
            add_canonical(json_array_get(value, n), target);
        }
        buffer_add_byte(target, ']');
        break;
    case JSON_STRING:
        add_escaped(target, json_span(value));
        break;
    case JSON_INTEGER:
        buffer_add(target,
                   (struct span){digits, span_write_number(json_integer_value(value), digits)});
        break;
    case JSON_REAL:
        if (json_dump_callback(value, add_dump, target, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)))
            target->failed = true;
        break;
    case JSON_TRUE:
        buffer_add(target, SPAN("true"));
        break;
    case JSON_FALSE:
        buffer_add(target, SPAN("false"));
        break;
    case JSON_NULL:
        buffer_add(target, SPAN("null"));
        break;
    }
}

void json_canonical(const json_t *value, struct buffer *target)
{
    if (value)
        add_canonical(value, target);
    else
        target->failed = true;
}

/* ,"name": in one piece. */
static void begin(struct json_writer *writer, const char *name)
{
    struct span text = span_of(name);
    char *start = buffer_room(writer->target, text.size + 4), *at = start;
    if (!start)
        return;
    if (writer->comma[writer->depth])
        *at++ = ',';
    writer->comma[writer->depth] = true;
    if (name) {
        *at++ = '"';
        memcpy(at, text.data, text.size);
        at += text.size;
        *at++ = '"';
        *at++ = ':';
    }
    *at = '\0';
    writer->target->size += (size_t)(at - start);
}

static void open_with(struct json_writer *writer, const char *name, char byte)
{
    assert(writer->depth < JSON_DEPTH_MAX);
    begin(writer, name);
    buffer_add_byte(writer->target, byte);
    writer->comma[++writer->depth] = false;
}

static void close_with(struct json_writer *writer, char byte)
{
    assert(writer->depth > 0);
    writer->depth--;
    buffer_add_byte(writer->target, byte);
}

void json_open_object(struct json_writer *writer, const char *name)
{
    open_with(writer, name, '{');
}

void json_close_object(struct json_writer *writer)
{
    close_with(writer, '}');
}

void json_open_array(struct json_writer *writer, const char *name)
{
    open_with(writer, name, '[');
}

void json_close_array(struct json_writer *writer)
{
    close_with(writer, ']');
}

void json_text(struct json_writer *writer, const char *name, struct span text)
{
    begin(writer, name);
    add_escaped(writer->target, text);
}

void json_text_if(struct json_writer *writer, const char *name, const char *text)
{
    if (text && *text)
        json_text(writer, name, span_of(text));
}

void json_number(struct json_writer *writer, const char *name, int64_t number)
{
    char text[SPAN_NUMBER_SIZE];
    size_t size = span_write_number(number, text);
    begin(writer, name);
    buffer_add(writer->target, (struct span){text, size});
}

void json_real_number(struct json_writer *writer, const char *name, double number)
{
    begin(writer, name);
    if (!isfinite(number))
        buffer_add_text(writer->target, "null");
    else
        buffer_print(writer->target, "%.15g", number);
}

void json_bool(struct json_writer *writer, const char *name, bool value)
{
    begin(writer, name);
    buffer_add_text(writer->target, value ? "true" : "false");
}

void json_null_value(struct json_writer *writer, const char *name)
{
    begin(writer, name);
    buffer_add_text(writer->target, "null");
}

void json_time(struct json_writer *writer, const char *name, int64_t at)
{
    char text[TIME_ISO_SIZE];
    if (!at)
        return;
    time_write_iso(at, text);
    begin(writer, name);
    buffer_add_byte(writer->target, '"');
    buffer_add(writer->target, (struct span){text, TIME_ISO_SIZE - 1});
    buffer_add_byte(writer->target, '"');
}

void json_raw(struct json_writer *writer, const char *name, struct span json)
{
    begin(writer, name);
    buffer_add(writer->target, json);
}

void json_value(struct json_writer *writer, const char *name, const json_t *value)
{
    begin(writer, name);
    json_canonical(value, writer->target);
}
