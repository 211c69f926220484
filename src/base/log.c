#include "base/log.h"

#include "base/buffer.h"
#include "base/time.h"

#include <time.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 16384, LOG_TEXT_MAX = 2048, LOG_TAIL = 32 };

/* May change while others write. */
static _Atomic(enum log_level) log_least = LOG_INFO;
static _Atomic(enum log_format) log_shape = LOG_JSON;
static const char *const log_names[] = {"debug", "info", "warn", "error"};

void log_set(enum log_level least, enum log_format format)
{
    log_least = least;
    log_shape = format;
}

bool log_level_find(struct span name, enum log_level *ret_level)
{
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        if (span_is(name, log_names[level])) {
            *ret_level = (enum log_level)level;
            return true;
        }
    }
    return false;
}

/* Bytes that could forge a line or an escape sequence are written as \u escapes, in both shapes;
 * what is not UTF-8 becomes U+FFFD. */
static void add_quoted(struct buffer *line, struct span text)
{
    if (text.size > LOG_TEXT_MAX)
        text.size = LOG_TEXT_MAX;
    buffer_add_byte(line, '"');
    for (size_t n = 0, size; n < text.size; n += size) {
        unsigned char byte = (unsigned char)text.data[n];
        struct span rest = {text.data + n, text.size - n};
        size = byte < 0x80 ? 1 : span_utf8(rest);
        if (byte == '"' || byte == '\\')
            buffer_print(line, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && size && rest.data[1] < '\xA0'))
            buffer_print(line, "\\u%04x", size == 2 ? (unsigned char)rest.data[1] : byte);
        else if (size)
            buffer_add(line, (struct span){rest.data, size});
        else
            buffer_add_text(line, "\xEF\xBF\xBD");
        size += !size;
    }
    buffer_add_byte(line, '"');
}

static void add_field(struct buffer *line, const struct log_field *field)
{
    buffer_print(line, log_shape == LOG_JSON ? ",\"%s\":" : " %s=", field->name);
    if (field->kind == LOG_FIELD_TEXT)
        add_quoted(line, field->text);
    else
        buffer_print(line, "%lld", (long long)field->number);
}

/* A field that does not fit is left out whole, and "cut" says that some were. */
static void add_fields(struct buffer *line, const struct log_field *fields)
{
    bool cut = false;
    for (const struct log_field *field = fields; field->name; field++) {
        size_t before = line->size;
        add_field(line, field);
        if (line->failed || line->size > LOG_LINE_MAX - LOG_TAIL) {
            line->failed = false;
            line->size = before;
            cut = true;
        }
    }
    if (cut)
        buffer_add_text(line, log_shape == LOG_JSON ? ",\"cut\":true" : " cut=true");
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    if (level < log_least)
        return;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    char at[TIME_ISO_SIZE];
    time_write_iso((ms_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, at);
    struct buffer line;
    buffer_init(&line, LOG_LINE_MAX);
    if (log_shape == LOG_JSON) {
        buffer_print(&line, "{\"at\":\"%s\",\"level\":\"%s\",\"message\":", at, log_names[level]);
        add_quoted(&line, span_of(message));
        add_fields(&line, fields);
        buffer_add_byte(&line, '}');
    } else {
        buffer_print(&line, "%.8s %-5s %.*s", at + 11, log_names[level], LOG_TEXT_MAX, message);
        add_fields(&line, fields);
    }
    buffer_add_byte(&line, '\n');
    /* One write a line, so that lines of several threads do not mix. A log that can't be written
     * has nobody to tell. */
    ssize_t written = write(STDERR_FILENO, line.data, line.size);
    (void)written;
    buffer_done(&line);
}
