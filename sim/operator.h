/* The faked operators: they pause providers and let them go on, and resolve uncertain submissions,
 * mostly by what the provider's own pages say, now and then wrongly. */
#ifndef SIM_OPERATOR_H
#define SIM_OPERATOR_H

#include "world.h"

/* Acts now and then, when the fault is on. */
void operator_act(struct world *world);
/* A planned request goes in. */
void operator_send(struct world *world, struct request *request);
/* Faults are off: all providers go on. */
void operator_calm(struct world *world);

#endif
