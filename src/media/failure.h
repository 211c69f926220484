/* Why a job could not be done: one code of base/error.h, the parameter it is about, and a sentence
 * for the caller that says what was wrong, where, and what is allowed. The first failure of a job
 * wins; functions of this room that can fail return false and fill one. */
#ifndef MEDIA_FAILURE_H
#define MEDIA_FAILURE_H

#include "base/error.h"

#include <stdbool.h>

enum { FAILURE_FIELD_MAX = 48, FAILURE_TEXT_MAX = 400 };

struct failure {
    enum error_code code;          /* ERROR_NONE while nothing is wrong */
    char field[FAILURE_FIELD_MAX]; /* the request's parameter, or empty */
    char text[FAILURE_TEXT_MAX];
};

/* Notes a failure unless one is noted already; `field` may be NULL. */
void failure_note(struct failure *failure, enum error_code code, const char *field,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for an error number of libav (or a negated errno): memory and disk room get their own
 * codes, everything else gets `code`. */
void failure_note_av(struct failure *failure, enum error_code code, const char *doing,
                     int av_error);

/* The same, for `return`: false, and the compiler knows it. */
#define failure_set(...)    (failure_note(__VA_ARGS__), false)
#define failure_set_av(...) (failure_note_av(__VA_ARGS__), false)

#endif
