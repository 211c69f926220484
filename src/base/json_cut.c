#include "base/json_cut.h"

#include "base/memory.h"

#include <string.h>

static const char marker[] = "\\u0001";

size_t json_cut_end(struct span text, size_t start)
{
    size_t from = start;
    while (from < text.size) {
        const char *quote = memchr(text.data + from, '"', text.size - from);
        if (!quote)
            break;
        size_t at = (size_t)(quote - text.data), slashes = 0;
        while (at - slashes > start && text.data[at - slashes - 1] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return at;
        from = at + 1;
    }
    return text.size;
}

/* What an escape of one letter stands for; '\0' when it is none. */
static char meaning_of(char letter)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *found = letter ? strchr(letters, letter) : NULL;
    return found ? meanings[found - letters] : '\0';
}

static bool is_plain(struct span text)
{
    bool plain = true;
    for (size_t n = 0; n < text.size; n++)
        plain = plain && (unsigned char)text.data[n] >= 0x20;
    for (const char *at = text.data, *end = at + text.size;
         plain && (at = memchr(at, '\\', (size_t)(end - at))); at += 2)
        plain = meaning_of(at[1]) != '\0'; /* the last quote stands behind an even number */
    return plain;
}

/* The string may be a key, whose colon then follows. */
static bool is_value(struct span text, size_t end)
{
    size_t at = end + 1;
    while (at < text.size && memchr(" \t\r\n", text.data[at], 4))
        at++;
    return at >= text.size || text.data[at] != ':';
}

static void add_cut(struct json_cuts *cuts, struct span text)
{
    char number[SPAN_NUMBER_SIZE];
    size_t before = cuts->buffer.size;
    if (cuts->count == cuts->capacity) {
        cuts->capacity = cuts->capacity ? 2 * cuts->capacity : 4;
        cuts->list = memory_grow(cuts->list, cuts->capacity * sizeof *cuts->list);
    }
    buffer_add_text(&cuts->buffer, marker);
    buffer_add(&cuts->buffer,
               (struct span){number, span_write_number((int64_t)cuts->count, number)});
    cuts->list[cuts->count++] =
        (struct json_cut){text, before, text.size - (cuts->buffer.size - before)};
}

void json_cut(struct span text, struct json_cuts *ret_cuts)
{
    *ret_cuts = (struct json_cuts){.rest = text};
    buffer_init(&ret_cuts->buffer, text.size + 1);
    if (text.size < JSON_CUT_MIN || memmem(text.data, text.size, marker, strlen(marker)))
        return;
    size_t done = 0, at = 0;
    while (at < text.size) {
        const char *quote = memchr(text.data + at, '"', text.size - at);
        size_t start = quote ? (size_t)(quote - text.data) + 1 : text.size;
        size_t end = json_cut_end(text, start);
        struct span inside = {text.data + start, end - start};
        if (end < text.size && inside.size >= JSON_CUT_MIN && is_value(text, end) &&
            is_plain(inside)) {
            buffer_add(&ret_cuts->buffer, (struct span){text.data + done, start - done});
            add_cut(ret_cuts, inside);
            done = end;
        }
        at = end + 1;
    }
    if (ret_cuts->count == 0)
        return;
    buffer_add(&ret_cuts->buffer, (struct span){text.data + done, text.size - done});
    ret_cuts->rest = buffer_span(&ret_cuts->buffer);
}

void json_cut_done(struct json_cuts *cuts)
{
    memory_free(cuts->list);
    buffer_done(&cuts->buffer);
}

static void give_back(const struct json_cut *cut, json_t *value)
{
    struct span rest = cut->text;
    struct buffer text;
    const char *escape = memchr(rest.data, '\\', rest.size);
    if (!escape) {
        (void)json_string_setn_nocheck(value, rest.data, rest.size);
        return;
    }
    buffer_init(&text, rest.size + 1);
    while ((escape = memchr(rest.data, '\\', rest.size))) {
        size_t size = (size_t)(escape - rest.data);
        buffer_add(&text, (struct span){rest.data, size});
        buffer_add_byte(&text, meaning_of(escape[1]));
        rest = (struct span){escape + 2, rest.size - size - 2};
    }
    buffer_add(&text, rest);
    (void)json_string_setn_nocheck(value, text.data, text.size);
    buffer_done(&text);
}

void json_cut_restore(const struct json_cuts *cuts, json_t *value)
{
    const char *key;
    json_t *item;
    size_t n;
    int64_t number;
    if (json_is_string(value) && json_string_value(value)[0] == '\1' &&
        span_integer(span_of(json_string_value(value) + 1), 0, (int64_t)cuts->count - 1, &number))
        give_back(&cuts->list[number], value);
    json_object_foreach(value, key, item)
        json_cut_restore(cuts, item);
    json_array_foreach(value, n, item)
        json_cut_restore(cuts, item);
}

size_t json_cut_place(const struct json_cuts *cuts, size_t at)
{
    size_t place = at;
    for (size_t n = 0; n < cuts->count && cuts->list[n].at < at; n++)
        place += cuts->list[n].saved;
    return place;
}
