/* Reads an offer from its data: price, mapping, machine. Private to the room. */
#ifndef CATALOG_OFFER_H
#define CATALOG_OFFER_H

#include "catalog/reader.h"

/* `offer` comes with its model and provider. The needs are its own alone; offer_link adds the
 * provider's. */
void offer_read(const struct node *node, struct offer *offer);
/* Once every file is read. */
void offer_link(struct offer *offer, struct arena *arena);

#endif
