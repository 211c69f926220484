/* Which of the catalogue's routes a request means. A path is made of segments; `{name}` takes
 * exactly one segment, `{name*}` one or more (at most once in a path):
 * "/fal/{app*}/requests/{id}/status". Of several that match, the one with more literal segments
 * wins, then the earlier one. */
#ifndef CATALOG_ROUTE_H
#define CATALOG_ROUTE_H

#include "catalog/catalog.h"

enum { ROUTE_CAPTURES_MAX = 6, ROUTE_SEGMENTS_MAX = 24 };

struct route_capture {
    struct span name;  /* without the braces and the star */
    struct span value; /* of the path as given: still percent-encoded */
};

struct route_match {
    const struct route *route;
    struct route_capture captures[ROUTE_CAPTURES_MAX];
    unsigned capture_count;
};

enum route_result {
    ROUTE_NONE,
    ROUTE_FOUND,
    ROUTE_OTHER_METHOD /* the path is known, but not with this method */
};

/* `path` without its query. *ret_match is written only when found. */
enum route_result route_find(const struct catalog *catalog, struct span method, struct span path,
                             struct route_match *ret_match);
/* The first route of that dialect and action, for links in answers; NULL when there is none. */
const struct route *route_of(const struct catalog *catalog, const char *dialect,
                             const char *action);
/* The empty span when the route has no such capture. */
struct span route_value(const struct route_match *match, const char *name);

#endif
