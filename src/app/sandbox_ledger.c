#include "app/sandbox_ledger.h"

#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "depot/depot.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 16 * 1024, READ_SIZE = 64 * 1024, PROVIDERS_MAX = 32, NAME_SIZE = 32 };

/* One submission, in the order of acceptance. */
struct entry {
    char *line;      /* owned: the object of the acceptance, without its closing brace */
    char *remote_id; /* owned */
    char became[16]; /* "" while it goes on */
    ms_t ended_at;
};

struct total {
    char provider[NAME_SIZE];
    int64_t accepted, unpriced, price;
};

struct sandbox_ledger {
    pthread_mutex_t lock;
    int fd;
    bool broken; /* a line could not be written: nothing is accepted any more */
    struct entry **entries;
    size_t count, capacity;
    struct map by_id;
    struct total totals[PROVIDERS_MAX];
    unsigned total_count;
};

/* ---------------------------------------------------------------- in memory */

static void count_row(struct sandbox_ledger *ledger, struct span provider, int64_t price)
{
    unsigned n = 0;
    while (n < ledger->total_count && !span_is(provider, ledger->totals[n].provider))
        n++;
    if (n == PROVIDERS_MAX)
        return;
    struct total *total = &ledger->totals[n];
    if (n == ledger->total_count) {
        ledger->total_count++;
        (void)span_copy(provider, total->provider, sizeof total->provider);
    }
    total->accepted++;
    total->unpriced += price < 0;
    total->price += price > 0 ? price : 0;
}

static void add_entry(struct sandbox_ledger *ledger, struct span line, struct span remote_id)
{
    struct entry *entry = memory_new(struct entry);
    entry->line = memory_copy(span_make(line.data, line.size - 1));
    entry->remote_id = memory_copy(remote_id);
    if (ledger->count == ledger->capacity) {
        ledger->capacity = ledger->capacity ? 2 * ledger->capacity : 256;
        ledger->entries =
            memory_grow(ledger->entries, ledger->capacity * sizeof ledger->entries[0]);
    }
    ledger->entries[ledger->count++] = entry;
    map_set(&ledger->by_id, span_of(entry->remote_id), entry);
}

static void set_end(struct entry *entry, struct span became, ms_t at)
{
    entry->ended_at = at;
    if (!span_copy(became, entry->became, sizeof entry->became))
        (void)span_copy(SPAN("ended"), entry->became, sizeof entry->became);
}

/* ---------------------------------------------------------------- the file */

static bool write_all(int fd, struct span rest)
{
    while (rest.size > 0) {
        ssize_t part = write(fd, rest.data, rest.size);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return false;
        rest.data += part;
        rest.size -= (size_t)part;
    }
    return true;
}

/* The line with its end. */
static bool append(struct sandbox_ledger *ledger, struct buffer *line, bool waits)
{
    buffer_add_byte(line, '\n');
    bool good = !ledger->broken && !line->failed && write_all(ledger->fd, buffer_span(line)) &&
                (!waits || fdatasync(ledger->fd) == 0);
    if (!good && !ledger->broken)
        log_error("the ledger can't be written; the sandbox accepts nothing more",
                  log_text("why", strerror(errno)));
    ledger->broken = !good;
    line->size--;
    return good;
}

static bool take_line(struct sandbox_ledger *ledger, struct span line)
{
    char fault[JSON_FAULT_SIZE];
    json_t *object = json_read(line, fault);
    struct span event = json_span(json_object_get(object, "event"));
    struct span id = json_span(json_object_get(object, "remoteId"));
    const json_t *price = json_object_get(object, "priceMicros");
    struct entry *entry = id.size ? map_get(&ledger->by_id, id) : NULL;
    ms_t at = 0;
    bool good = id.size > 0 && time_read_iso(json_span(json_object_get(object, "at")), &at);
    if (good && span_is(event, "accepted") && ledger->count < SANDBOX_LEDGER_ROWS_MAX) {
        if (!entry) {
            add_entry(ledger, line, id);
            count_row(ledger, json_span(json_object_get(object, "provider")),
                      json_is_integer(price) ? json_integer_value(price) : -1);
        }
    } else if (good && span_is(event, "ended") && entry) {
        set_end(entry, json_span(json_object_get(object, "became")), at);
    } else {
        good = false;
    }
    json_decref(object);
    return good;
}

/* Takes the whole lines of what was read; gives their number of bytes, or -1 at a bad one. */
static off_t take_lines(struct sandbox_ledger *ledger, struct span text, int64_t *line_number)
{
    size_t used = 0;
    const char *end;
    while ((end = memchr(text.data + used, '\n', text.size - used))) {
        size_t size = (size_t)(end - text.data) - used;
        ++*line_number;
        if (!take_line(ledger, span_make(text.data + used, size)))
            return -1;
        used += size + 1;
    }
    return (off_t)used;
}

static bool read_lines(struct sandbox_ledger *ledger, const char *path,
                       char fault[static SANDBOX_LEDGER_FAULT_SIZE])
{
    struct buffer text;
    off_t good = 0, taken = 0;
    int64_t line = 0;
    ssize_t part = 1;
    buffer_init(&text, LINE_MAX_SIZE + READ_SIZE);
    while (part > 0 && taken >= 0) {
        char *room = buffer_room(&text, READ_SIZE);
        part = room ? read(ledger->fd, room, READ_SIZE) : -1;
        text.size += part > 0 ? (size_t)part : 0;
        taken = part > 0 ? take_lines(ledger, buffer_span(&text), &line) : 0;
        if (taken > 0) {
            good += taken;
            buffer_drop(&text, (size_t)taken);
        }
    }
    buffer_done(&text);
    if (part == 0 && taken == 0 && ftruncate(ledger->fd, good) == 0)
        return true;
    (void)snprintf(fault, SANDBOX_LEDGER_FAULT_SIZE,
                   "%.400s:%lld is no line of a ledger; move the file away to begin another", path,
                   (long long)line);
    return false;
}

struct sandbox_ledger *sandbox_ledger_open(const char *home,
                                           char ret_fault[static SANDBOX_LEDGER_FAULT_SIZE])
{
    char path[1100];
    struct sandbox_ledger *ledger = memory_new(struct sandbox_ledger);
    (void)pthread_mutex_init(&ledger->lock, NULL);
    map_init(&ledger->by_id);
    (void)snprintf(path, sizeof path, "%.1000s/ledger.jsonl", home);
    ledger->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool opened = ledger->fd >= 0 && depot_sync_folder(home);
    if (!opened)
        (void)snprintf(ret_fault, SANDBOX_LEDGER_FAULT_SIZE, "%.400s: %s", path, strerror(errno));
    if (opened && read_lines(ledger, path, ret_fault))
        return ledger;
    sandbox_ledger_close(ledger);
    return NULL;
}

void sandbox_ledger_close(struct sandbox_ledger *ledger)
{
    if (!ledger)
        return;
    for (size_t n = 0; n < ledger->count; n++) {
        memory_free(ledger->entries[n]->line);
        memory_free(ledger->entries[n]->remote_id);
        memory_free(ledger->entries[n]);
    }
    memory_free(ledger->entries);
    map_done(&ledger->by_id);
    if (ledger->fd >= 0)
        (void)close(ledger->fd);
    (void)pthread_mutex_destroy(&ledger->lock);
    memory_free(ledger);
}

/* ---------------------------------------------------------------- rows */

bool sandbox_ledger_is_full(struct sandbox_ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->lock);
    bool full = ledger->broken || ledger->count >= SANDBOX_LEDGER_ROWS_MAX;
    (void)pthread_mutex_unlock(&ledger->lock);
    return full;
}

static void write_accepted(const struct sandbox_row *row, struct buffer *line)
{
    struct json_writer writer;
    json_writer_init(&writer, line);
    json_open_object(&writer, NULL);
    json_text(&writer, "event", SPAN("accepted"));
    json_time(&writer, "at", row->at);
    json_text(&writer, "provider", span_of(row->provider));
    json_text(&writer, "model", span_of(row->model));
    json_text(&writer, "remoteId", span_of(row->remote_id));
    json_text(&writer, "tag", span_of(row->tag));
    json_text(&writer, "digest", span_of(row->digest));
    if (row->price >= 0)
        json_number(&writer, "priceMicros", row->price);
    else
        json_null_value(&writer, "priceMicros");
    json_close_object(&writer);
}

bool sandbox_ledger_accept(struct sandbox_ledger *ledger, const struct sandbox_row *row)
{
    struct buffer line;
    buffer_init(&line, LINE_MAX_SIZE);
    write_accepted(row, &line);
    (void)pthread_mutex_lock(&ledger->lock);
    bool known = map_get(&ledger->by_id, span_of(row->remote_id)) != NULL;
    bool good = known || append(ledger, &line, true);
    if (good && !known) {
        add_entry(ledger, buffer_span(&line), span_of(row->remote_id));
        count_row(ledger, span_of(row->provider), row->price);
    }
    (void)pthread_mutex_unlock(&ledger->lock);
    buffer_done(&line);
    return good;
}

void sandbox_ledger_end(struct sandbox_ledger *ledger, const char *remote_id, ms_t at,
                        const char *became)
{
    struct buffer line;
    struct json_writer writer;
    buffer_init(&line, LINE_MAX_SIZE);
    json_writer_init(&writer, &line);
    json_open_object(&writer, NULL);
    json_text(&writer, "event", SPAN("ended"));
    json_time(&writer, "at", at);
    json_text(&writer, "remoteId", span_of(remote_id));
    json_text(&writer, "became", span_of(became));
    json_close_object(&writer);
    (void)pthread_mutex_lock(&ledger->lock);
    struct entry *entry = map_get(&ledger->by_id, span_of(remote_id));
    if (entry && !entry->became[0] && append(ledger, &line, false))
        set_end(entry, span_of(became), at);
    (void)pthread_mutex_unlock(&ledger->lock);
    buffer_done(&line);
}

bool sandbox_ledger_has(struct sandbox_ledger *ledger, const char *remote_id, bool *ret_ended)
{
    (void)pthread_mutex_lock(&ledger->lock);
    const struct entry *entry = map_get(&ledger->by_id, span_of(remote_id));
    *ret_ended = entry && entry->became[0];
    (void)pthread_mutex_unlock(&ledger->lock);
    return entry != NULL;
}

/* ---------------------------------------------------------------- for people */

static void write_totals(const struct sandbox_ledger *ledger, struct json_writer *writer)
{
    json_open_object(writer, "totals");
    for (unsigned n = 0; n < ledger->total_count; n++) {
        const struct total *total = &ledger->totals[n];
        json_open_object(writer, total->provider);
        json_number(writer, "accepted", total->accepted);
        json_number(writer, "unpriced", total->unpriced);
        json_number(writer, "priceMicros", total->price);
        json_close_object(writer);
    }
    json_close_object(writer);
}

static void write_entry(const struct entry *entry, struct json_writer *writer)
{
    struct buffer text;
    char at[TIME_ISO_SIZE];
    buffer_init(&text, LINE_MAX_SIZE + 200);
    buffer_print(&text, "%s,\"became\":", entry->line);
    if (entry->became[0]) {
        time_write_iso(entry->ended_at, at);
        buffer_print(&text, "\"%s\",\"endedAt\":\"%s\"}", entry->became, at);
    } else {
        buffer_add_text(&text, "null}");
    }
    json_raw(writer, NULL, buffer_span(&text));
    buffer_done(&text);
}

void sandbox_ledger_write(struct sandbox_ledger *ledger, int64_t from, int64_t limit,
                          struct buffer *target)
{
    struct json_writer writer;
    json_writer_init(&writer, target);
    (void)pthread_mutex_lock(&ledger->lock);
    int64_t count = (int64_t)ledger->count;
    int64_t end = count - from > limit ? from + limit : count;
    json_open_object(&writer, NULL);
    write_totals(ledger, &writer);
    json_open_array(&writer, "rows");
    for (int64_t n = from; n < end; n++)
        write_entry(ledger->entries[n], &writer);
    json_close_array(&writer);
    if (end < count)
        json_number(&writer, "next", end);
    else
        json_null_value(&writer, "next");
    json_close_object(&writer);
    (void)pthread_mutex_unlock(&ledger->lock);
}
