/* What a call's input refers to on this server: outputs of other jobs and uploads, as reel:// URLs
 * in its parameters. The same for a new request and for one that repeats an old job's input. */
#ifndef DIALECT_CALL_INPUT_H
#define DIALECT_CALL_INPUT_H

#include "base/fault.h"
#include "dialect/call.h"

/* Fills in depends_on, reads and uploads from the checked input. */
void call_input_find(struct call_ask *ask, struct arena *arena, struct faults *faults);
/* One more job to wait for, and to read from if `reads`; `field` is where it stands. */
void call_input_depend(struct call_ask *ask, struct span id, const char *field, bool reads,
                       struct faults *faults);

#endif
