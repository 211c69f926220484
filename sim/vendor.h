/* The faked providers that work elsewhere: each with a protocol of its own (base/can.h) and books
 * of its own (struct ledger_entry), which outlive every crash of the gateway. They answer late, or
 * not at all, are down, forget, bill what failed, do not hear that they shall stop, and call back
 * too often. What they promise by their `can` they keep. */
#ifndef SIM_VENDOR_H
#define SIM_VENDOR_H

#include "world.h"

enum {
    /* A call reaches its vendor within this, or never, and is given up after that. */
    VENDOR_TRAVEL_MAX_MS = 25000,
    VENDOR_CALL_MAX_MS = 60000
};

/* The effects SUBMIT, POLL, FIND, CANCEL and FETCH. */
void vendor_effect(struct world *world, const struct effect *effect);
/* What was planned happens. */
void vendor_arrive(struct world *world, struct item *item);
void vendor_say(struct world *world, struct item *item);
void vendor_hint(struct world *world, struct item *item);
/* Faults are off: who hangs ends, who is down comes back. */
void vendor_calm(struct world *world);

#endif
