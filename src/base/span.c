#include "base/span.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool span_is_nocase(struct span a, const char *text)
{
    return a.size == strlen(text) && (a.size == 0 || strncasecmp(a.data, text, a.size) == 0);
}

bool span_ends(struct span a, const char *suffix)
{
    size_t size = strlen(suffix);
    return a.size >= size && (size == 0 || memcmp(a.data + a.size - size, suffix, size) == 0);
}

struct span span_trim(struct span a)
{
    while (a.size > 0 && (a.data[0] == ' ' || a.data[0] == '\t')) {
        a.data++;
        a.size--;
    }
    while (a.size > 0 && (a.data[a.size - 1] == ' ' || a.data[a.size - 1] == '\t'))
        a.size--;
    return a;
}

ptrdiff_t span_find(struct span a, char byte)
{
    const char *at = a.size ? memchr(a.data, byte, a.size) : NULL;
    return at ? at - a.data : -1;
}

bool span_take(struct span *rest, char separator, struct span *ret_part)
{
    if (!rest->data)
        return false;
    ptrdiff_t at = span_find(*rest, separator);
    if (at < 0) {
        *ret_part = *rest;
        *rest = (struct span){NULL, 0};
        return true;
    }
    *ret_part = (struct span){rest->data, (size_t)at};
    rest->data += at + 1;
    rest->size -= (size_t)at + 1;
    return true;
}

bool span_copy(struct span a, char *target, size_t capacity)
{
    target[0] = '\0';
    if (a.size >= capacity || span_find(a, '\0') >= 0)
        return false;
    if (a.size)
        memcpy(target, a.data, a.size);
    target[a.size] = '\0';
    return true;
}

size_t span_write_number(int64_t number, char target[static SPAN_NUMBER_SIZE])
{
    char digits[SPAN_NUMBER_SIZE];
    size_t count = 0, size = 0;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        target[size++] = '-';
    while (count > 0)
        target[size++] = digits[--count];
    return size;
}

bool span_integer(struct span a, int64_t min, int64_t max, int64_t *ret_value)
{
    char text[24];
    if (a.size == 0 || !span_copy(a, text, sizeof text))
        return false;
    if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && a.size > 1))
        return false;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end || value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

bool span_number(struct span a, double *ret_value)
{
    char text[40];
    if (a.size == 0 || !span_copy(a, text, sizeof text))
        return false;
    for (const char *at = text; *at; at++) {
        if (!isdigit((unsigned char)*at) && !strchr("+-.eE", *at))
            return false;
    }
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || *end || end == text)
        return false;
    *ret_value = value;
    return true;
}

/* Unicode 15, table 3-7. */
size_t span_utf8(struct span a)
{
    const unsigned char *at = (const unsigned char *)a.data;
    unsigned char low = 0x80, high = 0xBF;
    size_t size = 0;
    if (a.size == 0 || at[0] == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xC2 && at[0] <= 0xDF)
        size = 2;
    else if (at[0] >= 0xE0 && at[0] <= 0xEF)
        size = 3;
    else if (at[0] >= 0xF0 && at[0] <= 0xF4)
        size = 4;
    if (size == 0 || size > a.size)
        return 0;
    if (at[0] == 0xE0)
        low = 0xA0;
    else if (at[0] == 0xED)
        high = 0x9F;
    else if (at[0] == 0xF0)
        low = 0x90;
    else if (at[0] == 0xF4)
        high = 0x8F;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t n = 2; n < size; n++) {
        if ((at[n] & 0xC0) != 0x80)
            return 0;
    }
    return size;
}

/* Eight bytes at a time; none of them is 0 or above 0x7F. */
static size_t ascii_start(struct span a)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    size_t n = 0;
    for (uint64_t word; n + sizeof word <= a.size; n += sizeof word) {
        memcpy(&word, a.data + n, sizeof word);
        if ((word | (word - ones)) & tops)
            break;
    }
    return n;
}

bool span_is_utf8(struct span a)
{
    size_t start = ascii_start(a);
    a.data += start;
    a.size -= start;
    while (a.size > 0) {
        size_t size = span_utf8(a);
        if (size == 0)
            return false;
        a.data += size;
        a.size -= size;
    }
    return true;
}

uint64_t span_hash(struct span a)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t n = 0; n < a.size; n++)
        hash = (hash ^ (unsigned char)a.data[n]) * 0x100000001B3u;
    return hash;
}
