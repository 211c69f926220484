/* What went wrong at fal, and what follows from it: one list for the three places where it can
 * stand, the body of an answer, the status of a job, and a header. */
#ifndef PROVIDER_FAL_FAILURE_H
#define PROVIDER_FAL_FAILURE_H

#include "provider/provider.h"

/* The sentence goes to `told`; *ret_type is left alone when no type is said. `detail` is a list of
 * objects, one object or a text. */
void fal_failure_read(const json_t *body, struct told *told, struct span *ret_type);
/* Error, whether it may be tried again, and whether it is billed; STOPPED when it was canceled. The
 * status decides for types that are not in the list. */
void fal_failure_say(struct span type, int status, struct told *told);

#endif
