/* What the tests of the adapters share: one ask, and golden exchanges (base/golden_test_rig.h) of
 * two kinds. What we send:
 *
 *     > submit SLUG [hook]          or: poll ID [HANDLE], result ID, cancel ID, stream ID [HANDLE],
 *                                   find [PAGE], health
 *     > {"prompt": …}               the input of the ask; none: {"prompt":"a paper boat"}
 *     < POST https://…              the request: first line, headers, an empty line, the body
 *
 * and how an answer is read, with an input before the head where a search needs one:
 *
 *     > read submit 201
 *     > Header: value
 *     >
 *     > the body
 *     < accepted h3s8…              the kind with the id, then a line for what else was said
 *
 * An event of a stream is read likewise, from the line behind "event"; "nothing" says nothing. */
#ifndef PROVIDER_PROVIDER_TEST_RIG_H
#define PROVIDER_PROVIDER_TEST_RIG_H

#include "provider/provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Runs every exchange of the file. The offer stands for all; an empty slug takes the line's. */
void rig_exchanges(const struct provider *provider, const struct offer *offer, const char *path);
/* What a call back says, or "refused". */
void rig_show_told(const struct told *told, struct buffer *target);

#endif
