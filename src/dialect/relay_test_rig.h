/* What the tests of the relay's answers share: the request is read, the case of the exchange's name
 * (native_write_test_shows.h) is what came of it, and the answer is written. */
#ifndef DIALECT_RELAY_TEST_RIG_H
#define DIALECT_RELAY_TEST_RIG_H

#include "dialect/native_write_test_shows.h"

/* The job is one of veo3/text-to-video or wan2.5/text-to-video, by the route's provider. */
rig_translate_f relay_rig_translate;

#endif
