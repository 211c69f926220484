/* Which offers this server can use: those of a provider that it speaks to, whose environment
 * variables are set. */
#ifndef APP_OFFERS_H
#define APP_OFFERS_H

#include "base/arena.h"
#include "catalog/catalog.h"

/* As describe_configured_f; the context is not used. */
bool offers_configured(void *context, const struct offer *offer);
/* Work of our own. */
bool offers_is_local(const struct offer *offer);
/* Those of the offers that are configured and work elsewhere, as a job's route (core/route.h), and
 * the dearest of their prices. */
struct span offers_write(const struct offer *const *offers, unsigned count, const json_t *input,
                         struct arena *arena, int64_t *ret_price_max);
/* A sentence that names what is missing. */
const char *offers_missing(const struct offer *offer, struct arena *arena);
/* The model's offers that can do this input, configured ones first, the named provider before all
 * (or alone). Gives their number, at most `capacity`. */
struct offers_wish {
    struct span provider; /* or empty */
    bool only_provider;
};
unsigned offers_route(const struct model *model, const json_t *input,
                      const struct offers_wish *wish, const struct offer **ret_offers,
                      unsigned capacity);

#endif
