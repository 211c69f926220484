#include "app/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

struct reading {
    const struct config_file_reader *reader;
    yaml_parser_t parser;
    const char *names[CONFIG_FILE_DEPTH_MAX]; /* the dotted name of each mapping we are in */
    unsigned depth;
    const char *seen[CONFIG_FILE_ENTRIES_MAX];
    unsigned seen_count;
};

static bool fault(const struct reading *reading, size_t line, const char *problem)
{
    const struct config_file_reader *reader = reading->reader;
    buffer_print(reader->faults, "%s:%zu: %s\n", reader->path, line + 1, problem);
    return false;
}

static bool next_event(struct reading *reading, yaml_event_t *event)
{
    if (yaml_parser_parse(&reading->parser, event))
        return true;
    const yaml_parser_t *parser = &reading->parser;
    const char *problem = parser->problem ? parser->problem : "it can't be read as YAML";
    buffer_print(reading->reader->faults, "%s:%zu: not valid YAML: %s%s%s\n", reading->reader->path,
                 parser->problem_mark.line + 1, problem, parser->context ? " " : "",
                 parser->context ? parser->context : "");
    return false;
}

static struct span scalar(const yaml_event_t *event)
{
    return span_make(event->data.scalar.value, event->data.scalar.length);
}

/* Anchors, aliases and tags would make a value mean something that isn't written at its place. */
static bool check_plain(const struct reading *reading, const yaml_event_t *event)
{
    size_t line = event->start_mark.line;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        return fault(reading, line, "aliases are not used here");
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    }
    return (!anchor && !tag) || fault(reading, line, "anchors and tags are not used here");
}

static bool is_nothing(const yaml_event_t *event)
{
    struct span text = scalar(event);
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text.size == 0 || span_is(text, "~") || span_is_nocase(text, "null"));
}

static bool remember(struct reading *reading, const char *name, size_t line)
{
    for (unsigned n = 0; n < reading->seen_count; n++) {
        if (strcmp(reading->seen[n], name) == 0)
            return fault(reading, line,
                         arena_print(reading->reader->arena, "%s stands here twice", name));
    }
    if (reading->seen_count == CONFIG_FILE_ENTRIES_MAX)
        return fault(reading, line, "too many entries");
    reading->seen[reading->seen_count++] = name;
    return true;
}

static bool tell(struct reading *reading, const struct config_file_entry *entry)
{
    if (!remember(reading, entry->name, entry->line - 1))
        return false;
    reading->reader->entry(reading->reader->context, entry);
    return true;
}

static bool read_list(struct reading *reading, struct config_file_entry *entry)
{
    struct arena *arena = reading->reader->arena;
    const char *text = "";
    for (;;) {
        yaml_event_t event;
        if (!next_event(reading, &event))
            return false;
        bool ended = event.type == YAML_SEQUENCE_END_EVENT;
        bool good = ended || check_plain(reading, &event);
        if (good && !ended && event.type != YAML_SCALAR_EVENT)
            good = fault(reading, event.start_mark.line, "a list holds plain values only");
        if (good && !ended && strlen(text) + event.data.scalar.length > CONFIG_FILE_LIST_MAX)
            good = fault(reading, event.start_mark.line, "the list is too long");
        if (good && !ended)
            text =
                arena_print(arena, "%s%s%.*s", text, *text ? "," : "", SPAN_PRINT(scalar(&event)));
        yaml_event_delete(&event);
        if (!good)
            return false;
        if (ended)
            break;
    }
    entry->value = span_of(text);
    entry->is_list = true;
    return tell(reading, entry);
}

static bool read_scalar(struct reading *reading, const yaml_event_t *event,
                        struct config_file_entry *entry)
{
    struct arena *arena = reading->reader->arena;
    size_t size = event->data.scalar.length;
    if (is_nothing(event))
        return fault(
            reading, entry->line - 1,
            arena_print(arena, "%s has no value; leave the line out for the default", entry->name));
    if (memchr(event->data.scalar.value, 0, size))
        return fault(reading, entry->line - 1,
                     arena_print(arena, "%s holds a NUL byte", entry->name));
    entry->value = span_make(arena_copy(arena, scalar(event)), size);
    return tell(reading, entry);
}

/* What stands after a key. */
static bool read_value(struct reading *reading, const char *name, size_t line)
{
    struct config_file_entry entry = {.name = name, .line = (unsigned)line + 1};
    yaml_event_t event;
    if (!next_event(reading, &event))
        return false;
    bool good = check_plain(reading, &event);
    if (good && event.type == YAML_SEQUENCE_START_EVENT)
        good = read_list(reading, &entry);
    else if (good && event.type == YAML_SCALAR_EVENT)
        good = read_scalar(reading, &event, &entry);
    else if (good && reading->depth == CONFIG_FILE_DEPTH_MAX)
        good = fault(reading, line, "too many levels");
    else if (good)
        reading->names[reading->depth++] = name;
    yaml_event_delete(&event);
    return good;
}

static bool read_key(struct reading *reading, const yaml_event_t *event)
{
    size_t line = event->start_mark.line;
    if (!check_plain(reading, event))
        return false;
    if (event->type != YAML_SCALAR_EVENT)
        return fault(reading, line, "a key must be a plain word");
    struct span key = scalar(event);
    if (key.size == 0 || key.size > 100 || !span_is_utf8(key))
        return fault(reading, line, "a key must be a plain word");
    const char *before = reading->depth > 1 ? reading->names[reading->depth - 1] : "";
    const char *name = arena_print(reading->reader->arena, "%s%s%.*s", before, *before ? "." : "",
                                   SPAN_PRINT(key));
    return read_value(reading, name, line);
}

/* The event is the start of the document's content. */
static bool read_root(struct reading *reading, const yaml_event_t *event)
{
    /* An empty file, or one of comments only, is a scalar without text. */
    if (event->type == YAML_SCALAR_EVENT && is_nothing(event))
        return true;
    if (!check_plain(reading, event))
        return false;
    if (event->type != YAML_MAPPING_START_EVENT)
        return fault(reading, event->start_mark.line,
                     "the file must hold lines of the form `key: value`");
    reading->depth = 1;
    while (reading->depth > 0) {
        yaml_event_t inner;
        bool good = true;
        if (!next_event(reading, &inner))
            return false;
        if (inner.type == YAML_MAPPING_END_EVENT)
            reading->depth--;
        else
            good = read_key(reading, &inner);
        yaml_event_delete(&inner);
        if (!good)
            return false;
    }
    return true;
}

static bool read_stream(struct reading *reading)
{
    bool seen = false, good = true, ended = false;
    while (good && !ended) {
        yaml_event_t event;
        if (!next_event(reading, &event))
            return false;
        if (event.type == YAML_STREAM_END_EVENT) {
            ended = true;
        } else if (event.type == YAML_DOCUMENT_START_EVENT) {
            if (seen)
                good = fault(reading, event.start_mark.line, "only one document is expected");
            seen = true;
        } else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_END_EVENT) {
            good = read_root(reading, &event);
        }
        yaml_event_delete(&event);
    }
    return good;
}

bool config_file_read(const struct config_file_reader *reader, struct span text)
{
    struct reading reading = {.reader = reader};
    if (!yaml_parser_initialize(&reading.parser)) {
        buffer_print(reader->faults, "%s: out of memory\n", reader->path);
        return false;
    }
    yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text.data, text.size);
    bool good = read_stream(&reading);
    yaml_parser_delete(&reading.parser);
    return good;
}

bool config_file_load(const char *path, size_t max, struct arena *arena, struct span *ret_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    struct stat stat;
    if (fstat(fd, &stat) != 0 || S_ISDIR(stat.st_mode)) {
        close(fd);
        errno = EISDIR;
        return false;
    }
    char *data = arena_make(arena, max + 1);
    size_t size = 0;
    ssize_t got = 0;
    while (size <= max && (got = read(fd, data + size, max + 1 - size)) > 0)
        size += (size_t)got;
    int why = size > max ? EFBIG : errno;
    close(fd);
    if (got < 0 || size > max) {
        errno = why;
        return false;
    }
    data[size < max ? size : max] = '\0';
    *ret_text = span_make(data, size);
    return true;
}
