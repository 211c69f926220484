/* The way out of a server that was asked to end: nothing new comes in or is begun, and what others
 * wait for is answered. A submission that is out is awaited, because whoever is not there to hear
 * its answer has to search for it; what is done on this machine begins again after the next start.
 */
#ifndef APP_DRAIN_H
#define APP_DRAIN_H

#include "app/caller.h"
#include "app/engine.h"
#include "app/ingress.h"

struct drain {
    struct ingress *const *ingresses;
    unsigned ingress_count;
    struct engine *engine;
    struct caller *caller;
};

/* Returns when there is nothing to wait for any more, at `until` (monotonic) at the latest. All
 * threads go on running. */
void drain_run(const struct drain *drain, ms_t until);

#endif
