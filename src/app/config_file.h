/* reel.yaml, flattened: each value becomes a line of its own with a dotted key. Strict: one
 * document of mappings with plain values or lists of them; no anchors, tags or repeated keys. */
#ifndef APP_CONFIG_FILE_H
#define APP_CONFIG_FILE_H

#include "base/arena.h"
#include "base/buffer.h"

enum {
    CONFIG_FILE_MAX = 1 << 20,
    CONFIG_FILE_DEPTH_MAX = 6,
    CONFIG_FILE_ENTRIES_MAX = 500,
    CONFIG_FILE_LIST_MAX = 8192
};

struct config_file_entry {
    const char *name;  /* "limits.inFlight" */
    struct span value; /* items of a list with ',' between */
    bool is_list;
    unsigned line; /* counted from 1 */
};

struct config_file_reader {
    const char *path; /* for the faults */
    struct arena *arena;
    struct buffer *faults;
    void (*entry)(void *context, const struct config_file_entry *entry);
    void *context;
};

/* Calls `entry` for each value of the text, in order; texts live in the arena. False when it is not
 * such a document: then a line for the fault, which starts with the path and the line, was added.
 */
bool config_file_read(const struct config_file_reader *reader, struct span text);
/* A whole file of at most `max` bytes into the arena; false with errno when it can't be read. */
bool config_file_load(const char *path, size_t max, struct arena *arena, struct span *ret_text);

#endif
