/* How long a run takes, in milliseconds, before the first one has been seen. */
#ifndef CATALOG_ESTIMATE_H
#define CATALOG_ESTIMATE_H

#include "catalog/catalog.h"

/* A typical run of a checked input on a warm machine; never 0, never over the model's time-out.
 * `input` may be NULL: with the defaults then. */
ms_t estimate_typical(const struct model *model, const json_t *input);
/* A slow run at this offer, after its longest cold start. */
ms_t estimate_long(const struct offer *offer, const json_t *input);

/* A parameter as a quantity: a number as it is, a text's characters, a list's items. The value of
 * the input, else the default, else, as a range, what the limits admit. False when nothing bounds
 * it. */
bool estimate_quantity(const struct model *model, const json_t *input, const char *name,
                       double ret_range[static 2]);

#endif
