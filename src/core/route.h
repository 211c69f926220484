/* The offers that may be tried for a job, in order, as the job's row keeps them: a line each,
 * "provider TAB price TAB slug LF". Whoever accepts a job writes it from the catalogue, which may
 * have changed by the time when the job runs. The price is the upper bound in micro-dollars that an
 * attempt there can cost; −1: unknown. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/job.h"

struct route_offer {
    char provider[JOB_PROVIDER_SIZE];
    int64_t price;
    struct span slug; /* borrowed from the route; what the app finds the offer by */
};

enum { ROUTE_OFFERS_MAX = 8 };

/* False when there is no such offer. */
bool route_read(const char *route, unsigned number, struct route_offer *ret_offer);
/* 0 for NULL. */
unsigned route_count(const char *route);

#endif
