#include "base/arena.h"

#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_BLOCK = 8192, ARENA_ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(ARENA_ALIGN) char data[];
};

void arena_init(struct arena *arena)
{
    arena->blocks = NULL;
}

void *arena_make(struct arena *arena, size_t size)
{
    assert(size <= SIZE_MAX / 2);
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < size) {
        size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
        block = memory_grow(NULL, sizeof *block + room);
        block->used = 0;
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *made = block->data + block->used;
    block->used += size;
    memset(made, 0, size);
    return made;
}

char *arena_copy(struct arena *arena, struct span text)
{
    char *copy = arena_make(arena, text.size + 1);
    if (text.size)
        memcpy(copy, text.data, text.size);
    return copy;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
    assert(format);
    va_list list;
    va_start(list, format);
    va_list again;
    va_copy(again, list);
    int size = vsnprintf(NULL, 0, format, list);
    va_end(list);
    char *text = arena_make(arena, (size_t)(size < 0 ? 0 : size) + 1);
    if (size > 0)
        (void)vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

void arena_clear(struct arena *arena)
{
    struct arena_block *kept = NULL;
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        if (!kept && block->size == ARENA_BLOCK)
            kept = block;
        else
            memory_free(block);
    }
    if (kept) {
        kept->used = 0;
        kept->next = NULL;
    }
    arena->blocks = kept;
}

void arena_done(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        memory_free(block);
    }
}
