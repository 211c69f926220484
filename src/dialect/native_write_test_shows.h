/* What the native dialect is asked to write in its tests: a job in each of its states, and answers
 * to every call. */
#ifndef DIALECT_NATIVE_WRITE_TEST_SHOWS_H
#define DIALECT_NATIVE_WRITE_TEST_SHOWS_H

#include "dialect/dialect_test_rig.h"

/* What a case's set-up fills: an answer about one job that nobody asked anything special of. */
struct show {
    struct rig *rig;
    struct call call;
    struct answer answer;
    struct job job, other;
    const struct job *jobs[2];
    struct faults faults;
};

/* An answer to the call STATUS about one job that is as empty as can be. */
void show_begin(struct show *show, struct rig *rig);
/* Sets it up as the case of that name; fails the test when there is none. */
void show_set(struct show *show, const char *name);
void show_refuse(struct show *show, enum error_code code, const char *sentence);

#endif
