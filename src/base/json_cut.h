/* Long texts in JSON, as prompts and data: URLs of images are, are kept from jansson, which takes
 * 20 ns for each of their bytes: in the text that it reads they stand as "\u0001N", and the tree is
 * given them back. Whoever writes \u0001 in a text of their own gets none cut out.
 *
 * Cut out are values (no keys) of JSON_CUT_MIN bytes or more whose only escapes are those of one
 * letter. Only json.c uses this. */
#ifndef BASE_JSON_CUT_H
#define BASE_JSON_CUT_H

#include "base/buffer.h"
#include "base/span.h"

#include <jansson.h>

enum { JSON_CUT_MIN = 128 };

struct json_cut {
    struct span text; /* between the quotes; borrowed from the whole */
    size_t at;        /* where it stands in `rest` */
    size_t saved;     /* bytes by which that is shorter */
};

struct json_cuts {
    struct json_cut *list; /* owned, as the buffer is */
    size_t count, capacity;
    struct span rest; /* what is left to read: the whole, or … */
    struct buffer buffer;
};

/* `text` is UTF-8 without NUL, and stays; json_cut_done frees the rest. */
void json_cut(struct span text, struct json_cuts *ret_cuts);
void json_cut_done(struct json_cuts *cuts);
/* Puts the texts into what was read of the rest, at most JSON_DEPTH_MAX deep. */
void json_cut_restore(const struct json_cuts *cuts, json_t *value);
/* From a place in the rest to that in the whole. */
size_t json_cut_place(const struct json_cuts *cuts, size_t at);
/* Where the string ends whose first quote stands before `start`: at its last quote, or at the end
 * of the text. */
size_t json_cut_end(struct span text, size_t start);

#endif
