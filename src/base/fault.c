#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>

void faults_init(struct faults *faults, struct arena *arena)
{
    /* The list is not touched: most requests have no fault. */
    faults->arena = arena;
    faults->code = ERROR_NONE;
    faults->sentence = NULL;
    faults->count = 0;
}

/* What a stranger sent may be in it, so it is cut to a readable size. */
enum { FAULT_TEXT = 400 };

static const char *copy(struct arena *arena, const char *text)
{
    struct span span = span_of(text);
    if (span.size >= FAULT_TEXT)
        span.size = FAULT_TEXT - 1;
    while (span.size > 0 && !span_is_utf8(span))
        span.size--;
    return arena_copy(arena, span);
}

static const char *print(struct arena *arena, const char *format, va_list list)
{
    char text[FAULT_TEXT];
    return vsnprintf(text, sizeof text, format, list) < 0 ? "" : copy(arena, text);
}

void faults_add(struct faults *faults, const char *field, const char *allowed, const char *problem,
                ...)
{
    if (faults->count == FAULTS_MAX)
        return;
    va_list list;
    va_start(list, problem);
    const char *text = print(faults->arena, problem, list);
    va_end(list);
    const char *name = field ? copy(faults->arena, field) : NULL;
    struct fault *fault = &faults->list[faults->count++];
    fault->field = name;
    fault->problem = text;
    fault->allowed = allowed ? arena_copy(faults->arena, span_of(allowed)) : NULL;
    if (faults->code != ERROR_NONE)
        return;
    faults->code = ERROR_VALIDATION;
    faults->sentence = arena_print(faults->arena, "%s %s%s%s.", name ? name : "The request", text,
                                   allowed ? "; allowed is " : "", allowed ? allowed : "");
}

void faults_refuse(struct faults *faults, enum error_code code, const char *sentence, ...)
{
    if (faults->code != ERROR_NONE)
        return;
    va_list list;
    va_start(list, sentence);
    faults->sentence = print(faults->arena, sentence, list);
    va_end(list);
    faults->code = code;
}

bool faults_any(const struct faults *faults)
{
    return faults->code != ERROR_NONE;
}
