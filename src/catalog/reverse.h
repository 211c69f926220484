/* A client's body in a provider's own words, brought back to canonical parameters: what an offer's
 * mapping says forwards (mapping.h) is read backwards, so that a route may take both languages and
 * no provider needs code for it.
 *
 * Understood are the names of the mapping (top-level ones; what it puts deeper or into a form is
 * not), their aliases, values of its tables, and values as the provider writes them: "8s" or "8"
 * for 8, "720" for "720p". Canonical names and values stay as they are and go before. */
#ifndef CATALOG_REVERSE_H
#define CATALOG_REVERSE_H

#include "base/fault.h"
#include "catalog/catalog.h"

enum { REVERSE_NAMES_MAX = 64 };

/* Which names the client used instead of ours. */
struct reverse {
    struct reverse_name {
        const char *parameter; /* borrowed from the catalogue */
        const char *given;     /* borrowed from the body */
    } names[REVERSE_NAMES_MAX];
    unsigned count;
};

/* A new object that the caller frees with json_decref. Keys that mean no parameter are kept as they
 * are, for others to understand or refuse. A parameter that comes under two names, and a word that
 * no row of its table has, are faults. */
json_t *reverse_apply(const struct offer *offer, const json_t *body, struct faults *faults,
                      struct reverse *ret_names);
/* The field as the client called it: "image_urls[2]" for "imageUrls[2]". */
const char *reverse_field(const struct reverse *names, const char *field, struct arena *arena);

#endif
