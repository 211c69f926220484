/* The only asker of clocks. Everything else is handed its `now`: wall time for showing and for
 * rows, monotonic time for waiting. */
#ifndef EDGE_CLOCK_H
#define EDGE_CLOCK_H

#include "base/time.h"

/* Milliseconds since 1970 UTC; jumps when somebody sets the machine's clock. */
ms_t clock_wall(void);
/* Milliseconds since some moment before this process; never falls. Does not count a suspended
 * machine's sleep. */
ms_t clock_monotonic(void);

#endif
