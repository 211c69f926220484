/* A span is a borrowed run of bytes: it owns nothing, is not terminated, and lives as long as what
 * it points into. Text that a stranger sent travels as a span until someone copies it. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *data;
    size_t size;
};

/* A span of a string literal. */
#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})
/* For printf's "%.*s". */
#define SPAN_PRINT(span) (int)(span).size, (span).data

/* These are inline for what the compiler knows of a literal: its length, and how to compare it.
 *
 * The span of a terminated string; NULL gives the empty span. */
static inline struct span span_of(const char *text)
{
    return (struct span){text ? text : "", text ? strlen(text) : 0};
}

static inline struct span span_make(const void *data, size_t size)
{
    return (struct span){(const char *)data, size};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
    return span_equal(a, span_of(text));
}

static inline bool span_starts(struct span a, const char *prefix)
{
    size_t size = strlen(prefix);
    return a.size >= size && (size == 0 || memcmp(a.data, prefix, size) == 0);
}

/* As span_is, letters of ASCII compared without regard to case. */
bool span_is_nocase(struct span a, const char *text);
bool span_ends(struct span a, const char *suffix);
/* Without blanks and tabs at both ends. */
struct span span_trim(struct span a);
/* Takes what stands before the first `separator` off *rest; the separator is dropped. False, and
 * *ret_part untouched, once *rest is spent (its data is NULL then). */
bool span_take(struct span *rest, char separator, struct span *ret_part);
/* Position of a byte, or -1. */
ptrdiff_t span_find(struct span a, char byte);
/* Copies into a terminated array; false, and an empty string, when it does not fit or holds NUL. */
bool span_copy(struct span a, char *target, size_t capacity);
/* Decimal text, not terminated; gives its size. Much cheaper than printf, and so used where every
 * answer needs it. */
enum { SPAN_NUMBER_SIZE = 20 };
size_t span_write_number(int64_t number, char target[static SPAN_NUMBER_SIZE]);
/* Whole decimal numbers with nothing around them; false on anything else or when out of range. */
bool span_integer(struct span a, int64_t min, int64_t max, int64_t *ret_value);
bool span_number(struct span a, double *ret_value);
/* Valid UTF-8 (no surrogates, nothing overlong, at most U+10FFFF) without NUL. */
bool span_is_utf8(struct span a);
/* Length of the well-formed UTF-8 sequence at the start (NUL is none); 0 when there is none. */
size_t span_utf8(struct span a);
/* FNV-1a, for hash tables of trusted size; no protection against chosen keys. */
uint64_t span_hash(struct span a);

#endif
