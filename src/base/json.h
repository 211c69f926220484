/* JSON: strangers' text is read by jansson behind a scan that bounds it first; what we write goes
 * through a small writer straight into a buffer. Not for the core.
 *
 * Reading refuses duplicate keys, NUL, invalid UTF-8, anything after the value, depth over
 * JSON_DEPTH_MAX, more than JSON_VALUES_MAX values and more than JSON_DIGITS_MAX digits in a row of
 * a number. Integers beyond 64 bits become reals, the others stay exact. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buffer.h"
#include "base/span.h"

#include <jansson.h>

enum {
    JSON_DEPTH_MAX = 32,
    JSON_VALUES_MAX = 100000,
    JSON_DIGITS_MAX = 400, /* the largest number of 64 bits has 309 */
    JSON_FAULT_SIZE = 200
};

/* The caller frees with json_decref. NULL on a fault, with a sentence that says what and where. */
json_t *json_read(struct span text, char ret_fault[static JSON_FAULT_SIZE]);
/* With bounds of the caller's own, with which memory and time go. Long plain texts, which cost next
 * to nothing, count for nothing (json_cut.h). */
struct json_bounds {
    size_t values, bytes;
};
json_t *json_read_bounded(struct span text, const struct json_bounds *bounds,
                          char ret_fault[static JSON_FAULT_SIZE]);
/* Borrowed text of a string value; the empty span for anything else. */
struct span json_span(const json_t *value);
/* The same value always gives the same text: sorted keys, no blanks, reals with 15 digits. */
void json_canonical(const json_t *value, struct buffer *target);

/* The writer puts the commas; the caller keeps the nesting right (asserted). */
struct json_writer {
    struct buffer *target; /* borrowed */
    unsigned depth;
    bool comma[JSON_DEPTH_MAX + 1];
};

void json_writer_init(struct json_writer *writer, struct buffer *target);
/* `name` is NULL inside arrays and at the top. */
void json_open_object(struct json_writer *writer, const char *name);
void json_close_object(struct json_writer *writer);
void json_open_array(struct json_writer *writer, const char *name);
void json_close_array(struct json_writer *writer);
/* Bytes that are not UTF-8 are written as U+FFFD, so that the outcome is always JSON. */
void json_text(struct json_writer *writer, const char *name, struct span text);
/* Writes nothing when `text` is NULL or empty. */
void json_text_if(struct json_writer *writer, const char *name, const char *text);
void json_number(struct json_writer *writer, const char *name, int64_t number);
/* At most 15 digits; a whole number is written without a fraction, what is not finite as null. */
void json_real_number(struct json_writer *writer, const char *name, double number);
void json_bool(struct json_writer *writer, const char *name, bool value);
void json_null_value(struct json_writer *writer, const char *name);
/* ISO time; writes nothing for 0. */
void json_time(struct json_writer *writer, const char *name, int64_t at);
/* JSON text as it is. */
void json_raw(struct json_writer *writer, const char *name, struct span json);
void json_value(struct json_writer *writer, const char *name, const json_t *value);

#endif
