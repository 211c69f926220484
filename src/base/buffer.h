/* A growing run of bytes that knows its maximum from birth. Once an addition would pass it, the
 * buffer is `failed`, keeps what it had and takes nothing more: callers add freely and check once.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/span.h"

#include <stdarg.h>

struct buffer {
    char *data; /* owned; always terminated once something was added */
    size_t size, capacity, max;
    bool failed;
};

void buffer_init(struct buffer *buffer, size_t max);
void buffer_done(struct buffer *buffer);
/* Forgets the content, keeps the memory. */
void buffer_clear(struct buffer *buffer);
/* Makes room for `size` more bytes and gives where they go; NULL when that passes the maximum. The
 * caller then adds what it wrote to buffer->size. */
char *buffer_room(struct buffer *buffer, size_t size);

/* Inline, because answers are written in many small additions. */
static inline void buffer_add(struct buffer *buffer, struct span bytes)
{
    bool fits = !buffer->failed && bytes.size < buffer->capacity - buffer->size;
    char *room = fits ? buffer->data + buffer->size : buffer_room(buffer, bytes.size);
    if (!room)
        return;
    if (bytes.size)
        memcpy(room, bytes.data, bytes.size);
    room[bytes.size] = '\0';
    buffer->size += bytes.size;
}

static inline void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, span_of(text));
}

static inline void buffer_add_byte(struct buffer *buffer, char byte)
{
    buffer_add(buffer, (struct span){&byte, 1});
}

void buffer_print(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Removes the first `size` bytes. */
void buffer_drop(struct buffer *buffer, size_t size);
struct span buffer_span(const struct buffer *buffer);
/* The content as a terminated string (never NULL), owned by the caller; the buffer is empty after.
 */
char *buffer_take(struct buffer *buffer);

#endif
