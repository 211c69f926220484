/* A canonical input in a provider's own words: names, types and shapes, as the offer's mapping
 * says. Every provider needs this, and none needs code for it: the mapping is data. */
#ifndef CATALOG_MAPPING_H
#define CATALOG_MAPPING_H

#include "catalog/catalog.h"

/* A new object that the caller frees with json_decref. `job` replaces "{jobId}" in constants. URLs
 * should already be such as the provider can fetch. Parameters that are absent are left out; a
 * constant that names an absent parameter is left out too. */
json_t *mapping_apply(const struct offer *offer, const json_t *input, struct span job);

/* How the mapping says a parameter; NULL when it has no word of its own about it. */
const struct mapping_entry *mapping_find(const struct mapping *mapping, const char *parameter);
/* Whether a table of the mapping says it, together with others. */
bool mapping_in_table(const struct mapping *mapping, const char *parameter);

/* "guidanceScale" → "guidance_scale"; false when it does not fit. */
bool mapping_snake(const char *name, char *target, size_t capacity);

/* For the reading of the data. A path is keys joined by dots, each followed by any number of
 * indexes: "input.media[0].url"; "[+]" is the place after a list's last item. */
bool mapping_is_path(const char *path);
/* Not nested too deep to be filled; `depth` is 0. */
bool mapping_is_form(const json_t *form, unsigned depth);

#endif
