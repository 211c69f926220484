/* Golden exchanges, for the tests of whatever translates. A golden file is text for people:
 *
 *     # the name of an exchange
 *     > what goes in, line by line
 *     < what must come out
 *
 * Other lines are remarks. With GOLDEN_RENEW=1 in the environment a test writes what comes out into
 * its file instead of comparing it; `git diff` then shows what changed. */
#ifndef BASE_GOLDEN_TEST_RIG_H
#define BASE_GOLDEN_TEST_RIG_H

#include "base/buffer.h"

/* Adds what comes out of `sent` to `outcome`. */
typedef void golden_translate_f(void *context, const char *name, struct span sent,
                                struct buffer *outcome);
/* Holds every exchange of the file against `translate`; fails the test after the last one. */
void golden_run(const char *path, golden_translate_f *translate, void *context);

#endif
