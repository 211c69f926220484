#include "edge/clock.h"

#include <assert.h>
#include <time.h>

static ms_t read_clock(clockid_t id)
{
    struct timespec now;
    int fault = clock_gettime(id, &now);
    assert(fault == 0);
    return (ms_t)now.tv_sec * MS_SECOND + now.tv_nsec / 1000000;
}

ms_t clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

ms_t clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
