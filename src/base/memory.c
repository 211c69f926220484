#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *pointer)
{
    if (!pointer) {
        (void)fputs("reel: out of memory\n", stderr);
        _Exit(EXIT_NO_MEMORY);
    }
    return pointer;
}

void *memory_make(size_t size)
{
    return must(calloc(1, size ? size : 1));
}

void *memory_grow(void *old, size_t size)
{
    return must(realloc(old, size ? size : 1));
}

char *memory_copy(struct span text)
{
    char *copy = must(malloc(text.size + 1));
    if (text.size)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

void memory_free(void *pointer)
{
    free(pointer);
}
