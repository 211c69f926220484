#include "base/buffer.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

void buffer_init(struct buffer *buffer, size_t max)
{
    *buffer = (struct buffer){.max = max};
}

void buffer_done(struct buffer *buffer)
{
    memory_free(buffer->data);
    buffer_init(buffer, buffer->max);
}

static void end(struct buffer *buffer)
{
    if (buffer->data)
        buffer->data[buffer->size] = '\0';
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    end(buffer);
}

char *buffer_room(struct buffer *buffer, size_t size)
{
    if (buffer->failed || size > buffer->max - buffer->size) {
        buffer->failed = true;
        return NULL;
    }
    size_t need = buffer->size + size + 1;
    if (need > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity * 2 : 256;
        if (capacity < need)
            capacity = need;
        if (capacity - 1 > buffer->max)
            capacity = buffer->max + 1;
        buffer->data = memory_grow(buffer->data, capacity);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    va_list again;
    va_copy(again, list);
    int size = vsnprintf(NULL, 0, format, list);
    va_end(list);
    char *room = size < 0 ? NULL : buffer_room(buffer, (size_t)size);
    if (room) {
        (void)vsnprintf(room, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    }
    va_end(again);
}

void buffer_drop(struct buffer *buffer, size_t size)
{
    if (size > buffer->size)
        size = buffer->size;
    if (size == 0)
        return;
    memmove(buffer->data, buffer->data + size, buffer->size - size);
    buffer->size -= size;
    end(buffer);
}

struct span buffer_span(const struct buffer *buffer)
{
    return (struct span){buffer->data ? buffer->data : "", buffer->size};
}

char *buffer_take(struct buffer *buffer)
{
    end(buffer);
    char *data = buffer->data ? buffer->data : memory_copy(SPAN(""));
    buffer_init(buffer, buffer->max);
    return data;
}
