/* What the core goes by, from the catalogue and the configuration in force. */
#ifndef APP_CORE_SETUP_H
#define APP_CORE_SETUP_H

#include "app/config.h"
#include "app/tier.h"
#include "catalog/catalog.h"
#include "core/core.h"

/* To be freed by engine_config_free; its names are borrowed from the catalogue and the tiers. */
struct core_config *core_setup_make(const struct config *config, const struct catalog *catalog,
                                    const struct tier *tiers, unsigned tier_count);

#endif
