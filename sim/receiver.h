/* The faked receivers of webhooks: they answer, are slow, refuse, are down for a while, or are
 * gone; and the fake of what writes the bodies. */
#ifndef SIM_RECEIVER_H
#define SIM_RECEIVER_H

#include "world.h"

/* turn->write_body; the context is the world. */
void receiver_write_body(void *context, const struct hook_insert *hook, struct buffer *target);
/* The effect HOOK. */
void receiver_try(struct world *world, int64_t job, unsigned number);
/* A planned outcome goes into the batch. */
void receiver_say(struct world *world, const struct item *item);
/* The gateway died: nothing is in flight any more. */
void receiver_lost(struct world *world);
int64_t receiver_lane(unsigned tenant, unsigned receiver);

#endif
