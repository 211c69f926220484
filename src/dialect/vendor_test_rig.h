/* What the tests of the providers' protocols share. An exchange of answers is a request and, as its
 * name, the case that came of it: one of native_write_test_shows.h or of this file; what follows in
 * brackets tells exchanges apart. */
#ifndef DIALECT_VENDOR_TEST_RIG_H
#define DIALECT_VENDOR_TEST_RIG_H

#include "dialect/native_write_test_shows.h"

/* The job is one of a model that the dialect's provider runs. */
rig_translate_f vendor_rig_answer;
/* The case's job as the dialect streams it; the name's first word is the dialect. */
rig_translate_f vendor_rig_event;
/* … as its webhook tells it. */
rig_translate_f vendor_rig_hook;

/* The main of a test with two files: how requests are read, and how answers are written. Gives what
 * main returns. */
int vendor_rig_main(int count, char **arguments);

#endif
