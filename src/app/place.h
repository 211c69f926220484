/* Places at a provider for what is done after its jobs: so many files are fetched and looked at at
 * once, the others stand in line, in the order in which they came (SPEC 7). Of one thread. */
#ifndef APP_PLACE_H
#define APP_PLACE_H

#include "base/list.h"
#include "base/map.h"
#include "core/job.h"

struct place_line; /* a provider's */

/* Embedded in whoever wants one; all zero: neither in line nor at work. */
struct place {
    struct list link;        /* of those that wait */
    struct place_line *line; /* NULL: neither */
    bool is_had;             /* it is its turn */
};

/* `lines` is a map for nothing else, emptied by place_done when nobody holds a place any more. */
void place_done(struct map *lines);
/* Whether nobody is at work for that provider. */
bool place_idle(const struct map *lines, const char *provider);
/* Takes one of `max` places, or stands in line; place->is_had says which. */
void place_take(struct map *lines, const char *provider, unsigned max, struct place *place);
/* Gives the place, or that in the line, up; harmless when it has neither. Gives who has the free
 * place now, or NULL. */
struct place *place_leave(struct place *place);

#endif
