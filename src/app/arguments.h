/* The words of a command line against the options that a command knows. Strict: an unknown option,
 * a missing value or a value for a switch is a fault with a hint. Options and words may stand in
 * any order; after "--" everything is a word. */
#ifndef APP_ARGUMENTS_H
#define APP_ARGUMENTS_H

#include "base/buffer.h"
#include "base/span.h"

enum { ARGUMENTS_MAX = 256, ARGUMENTS_LISTS = 4 };

struct arguments_option {
    const char *name;     /* "--output"; NULL ends a list */
    char letter;          /* 'o', or 0 */
    const char *value;    /* what the help calls it: "FILE"; NULL: a switch */
    const char *sentence; /* for the help */
};

struct arguments_given {
    const struct arguments_option *option; /* borrowed */
    const char *value;                     /* borrowed; NULL of a switch */
};

struct arguments {
    const struct arguments_option *lists[ARGUMENTS_LISTS]; /* borrowed; set before; may be NULL */
    struct arguments_given given[ARGUMENTS_MAX];           /* in order */
    unsigned given_count;
    const char *words[ARGUMENTS_MAX];
    unsigned word_count;
};

/* False, with a sentence in `fault`. Everything is borrowed from `words`. */
bool arguments_read(struct arguments *arguments, int count, char *const *words,
                    struct buffer *fault);
/* How often the option was given. */
unsigned arguments_count(const struct arguments *arguments, const char *name);
/* The last value given; NULL when absent. */
const char *arguments_value(const struct arguments *arguments, const char *name);

#endif
