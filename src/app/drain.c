#include "app/drain.h"

#include "edge/clock.h"

#include <time.h>

static void wait_a_moment(void)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000000L};
    (void)nanosleep(&pause, NULL);
}

void drain_run(const struct drain *drain, ms_t until)
{
    for (unsigned n = 0; n < drain->ingress_count; n++)
        ingress_drain(drain->ingresses[n]);
    for (unsigned n = 0; n < drain->ingress_count; n++) {
        while (!ingress_idle(drain->ingresses[n]) && clock_monotonic() < until) {
            wait_a_moment();
            ingress_drain(drain->ingresses[n]); /* makes it look again */
        }
    }
    (void)engine_close(drain->engine, until);
    while (caller_submissions(drain->caller) > 0 && clock_monotonic() < until)
        wait_a_moment();
    (void)engine_close(drain->engine, until); /* their word is taken down */
}
