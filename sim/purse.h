/* Keys that may spend so much only: one of each tenant, made once, with which some jobs are asked
 * for. */
#ifndef SIM_PURSE_H
#define SIM_PURSE_H

#include "world.h"

/* The id of a tenant's key. */
const char *purse_id(unsigned tenant);
/* Asks for the keys that are not there yet. */
void purse_open(struct world *world);
/* Rows of keys were written. */
void purse_take(struct world *world, const struct api_key_change *change);

#endif
