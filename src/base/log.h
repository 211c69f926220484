/* Structured logs: one JSON object a line on standard error (or plain text for a person at a
 * terminal). Safe from any thread. Texts are cut at 2 KiB, lines end within 16 KiB. A struct secret
 * has no field type, on purpose.
 *
 *     log_info("job ended", log_text("job", id), log_number("tries", 2));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_JSON, LOG_PLAIN };

struct log_field {
    const char *name; /* NULL ends the list */
    enum { LOG_FIELD_TEXT, LOG_FIELD_NUMBER } kind;
    struct span text;
    int64_t number;
};

static inline struct log_field log_span(const char *name, struct span text)
{
    return (struct log_field){name, LOG_FIELD_TEXT, text, 0};
}

static inline struct log_field log_text(const char *name, const char *text)
{
    return log_span(name, span_of(text));
}

static inline struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){name, LOG_FIELD_NUMBER, {"", 0}, number};
}

/* At any time, from any thread; the default is INFO and JSON. */
void log_set(enum log_level least, enum log_format format);
bool log_level_find(struct span name, enum log_level *ret_level);
void log_write(enum log_level level, const char *message, const struct log_field *fields);

#define LOG_END ((struct log_field){0})
#define LOG_ARGUMENTS(message, ...)                                                                \
    message, (const struct log_field[])                                                            \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define LOG_AT(level, ...) log_write(level, LOG_ARGUMENTS(__VA_ARGS__))
#define log_debug(...)     LOG_AT(LOG_DEBUG, __VA_ARGS__, LOG_END)
#define log_info(...)      LOG_AT(LOG_INFO, __VA_ARGS__, LOG_END)
#define log_warn(...)      LOG_AT(LOG_WARN, __VA_ARGS__, LOG_END)
#define log_error(...)     LOG_AT(LOG_ERROR, __VA_ARGS__, LOG_END)

#endif
