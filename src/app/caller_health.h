/* Why jobs wait at a provider, where it says so by a call of its own (a cold start, no machines):
 * asked at most every ten seconds for an endpoint, and told of all jobs that wait there. Any
 * thread. */
#ifndef APP_CALLER_HEALTH_H
#define APP_CALLER_HEALTH_H

#include "base/map.h"
#include "base/told.h"

#include <pthread.h>

enum { CALLER_HEALTH_EVERY_MS = 10000, CALLER_HEALTH_KEPT_MS = 60000 };

struct caller_health {
    pthread_mutex_t lock;
    struct map notes; /* struct note by the endpoint's name, owned */
};

void caller_health_init(struct caller_health *health);
void caller_health_done(struct caller_health *health);
/* Whether it is time to ask; who is told so does. `now` is monotonic. */
bool caller_health_due(struct caller_health *health, struct span endpoint, ms_t now);
/* What was said; "": nothing keeps jobs waiting. */
void caller_health_set(struct caller_health *health, struct span endpoint, const char *text,
                       ms_t now);
/* Fills the stage of a job that waits, unless it has one. */
void caller_health_tell(struct caller_health *health, struct span endpoint, ms_t now,
                        struct told *told);

#endif
