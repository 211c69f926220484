/* The streams of the faked providers: what a follower of one would make of it. A good one says how
 * its job stands as soon as it opens, each change, and the end; the others open late or never, say
 * that a job has ended which has not, break and come again, or go on without ever saying a word. */
#ifndef SIM_VENDOR_STREAM_H
#define SIM_VENDOR_STREAM_H

#include "world.h"

/* The effect STREAM. */
void vendor_stream_follow(struct world *world, const struct effect *effect);
/* What was planned happens. */
void vendor_stream_say(struct world *world, struct item *item);

#endif
