/* Which offers this server can use: those of a provider that it speaks to, whose environment
 * variables are set, and whose program is there if it is one of the user's. */
#ifndef APP_OFFERS_H
#define APP_OFFERS_H

#include "base/arena.h"
#include "catalog/catalog.h"

/* As describe_configured_f; the context is not used. */
bool offers_configured(void *context, const struct offer *offer);
/* Work of our own: rendered here, or by a program of the user's. */
bool offers_is_ours(const struct offer *offer);
/* By a program of the user's. */
bool offers_is_command(const struct offer *offer);
/* The first of the model's commands that can do this input, one that can be run before all others;
 * NULL: it has none. */
const struct offer *offers_command(const struct model *model, const json_t *input);
/* What a job at such offers may cost. */
struct offers_bill {
    int64_t assume;  /* in: for a price that is not known; −1: nothing */
    int64_t max;     /* the dearest of them */
    bool is_unknown; /* one of them, and nothing is assumed */
};
/* Those of the offers that are configured and work elsewhere, as a job's route (core/route.h). */
struct span offers_write(const struct offer *const *offers, unsigned count, const json_t *input,
                         struct arena *arena, struct offers_bill *bill);
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
