/* What befalls the machine that the gateway runs on: its wall clock, its store and its disk. Each
 * is asked once a turn whether something happens now. */
#ifndef SIM_DISTURB_H
#define SIM_DISTURB_H

#include "world.h"

void disturb_clock(struct world *world);
void disturb_store(struct world *world);
void disturb_disk(struct world *world);

#endif
