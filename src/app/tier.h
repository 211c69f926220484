/* The tiers of the configuration: "free=1, pro=4". */
#ifndef APP_TIER_H
#define APP_TIER_H

#include "app/config.h"
#include "core/tenant.h"

enum { TIER_MAX = 32, TIER_WEIGHT_MAX = 1000 };

struct tier {
    char name[TENANT_TIER_SIZE];
    unsigned weight;
};

/* False, with a line for each fault, when the list is not of that form or names one twice. */
bool tier_read(const struct config_list *list, struct tier ret_tiers[static TIER_MAX],
               unsigned *ret_count, struct buffer *faults);

#endif
