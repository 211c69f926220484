/* Reads catalogue files into structs by tables: a table names every key that an object may have, so
 * unknown keys, wrong types and bad ranges are found here once and for all. Private to the room.
 *
 * The first fault wins and everything after it is idle: callers read on and look at the end. */
#ifndef CATALOG_READER_H
#define CATALOG_READER_H

#include "base/arena.h"
#include "catalog/catalog.h"

struct reader {
    struct arena *arena; /* where what is read lives */
    json_t *owned;       /* array: keeps alive values that were made while reading */
    const char *file;
    char *fault; /* CATALOG_FAULT_SIZE bytes */
    bool failed;
};

/* A place in a file. */
struct node {
    struct reader *reader;
    const json_t *value;
    const char *path; /* "models[2].parameters.width"; "" at the top */
};

enum reader_kind {
    READER_TEXT,       /* const char *; size bounded by `max`, not empty */
    READER_IDENTIFIER, /* const char *; lower-case letters, digits and . _ - / */
    READER_NAME,       /* const char *; camelCase */
    READER_VARIABLE,   /* const char *; an environment variable */
    READER_TEXTS,      /* struct texts */
    READER_NAMES,      /* struct texts of READER_NAME */
    READER_VARIABLES,  /* struct texts of READER_VARIABLE */
    READER_BOOLEAN,    /* bool */
    READER_UNSIGNED,   /* unsigned, min to max */
    READER_SIZE,       /* size_t, min to max */
    READER_NUMBER,     /* double, min to max */
    READER_SECONDS,    /* ms_t, from seconds, min to max */
    READER_OBJECT,     /* const json_t *, an object */
    READER_ARRAY,      /* const json_t *, an array that is not empty */
    READER_ANY,        /* const json_t * */
    READER_LATER       /* nothing: the key is known, the caller reads it */
};

struct reader_field {
    const char *key;
    enum reader_kind kind;
    size_t offset; /* in the target */
    bool required;
    double min, max;
};

/* Fills `target` from an object. Absent keys leave the target as it is. */
void reader_fields(const struct node *node, const struct reader_field *fields, size_t count,
                   void *target);
/* A place below. A missing key gives a node whose value is NULL. */
struct node reader_key(const struct node *node, const char *key);
struct node reader_item(const struct node *node, size_t index);
/* Whether `text` is one of `names`; a fault otherwise that lists them. */
bool reader_choose(const struct node *node, const char *const *names, unsigned count,
                   unsigned *ret_choice);
/* A fault at this place; `allowed` may be NULL. */
void reader_fault(const struct node *node, const char *allowed, const char *problem, ...)
    __attribute__((format(printf, 3, 4)));
/* Keeps a new value alive as long as the catalogue; takes the reference. Accepts NULL. */
const json_t *reader_own(struct reader *reader, json_t *value);
/* A value as JSON text, cut to a readable size, in the arena; NULL is "missing". */
const char *reader_show(struct arena *arena, const json_t *value);

/* jansson's iterators want an object that is not const, though they change nothing. */
json_t *reader_loose(const json_t *value);

bool reader_is_name(struct span text);
bool reader_is_identifier(struct span text);

#endif
