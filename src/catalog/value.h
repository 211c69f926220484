/* One value against one parameter. Private to the room; input.h is for the others. */
#ifndef CATALOG_VALUE_H
#define CATALOG_VALUE_H

#include "base/fault.h"
#include "catalog/catalog.h"

/* A new canonical value for the caller to free, or NULL with a fault at `path`. */
json_t *value_check(const struct parameter *parameter, const json_t *value, const char *path,
                    struct faults *faults);
/* "a whole number from 3 to 10", "one of ai2v, at2v", in the arena. */
const char *value_allowed(const struct parameter *parameter, struct arena *arena);
/* Whether a canonical value is one of a list's. */
bool value_among(const json_t *value, const json_t *list);
/* Code points of valid UTF-8. */
size_t value_characters(struct span text);

#endif
