/* Ctrl-C, as a flag that waiting code looks at, so that a command can say how to come back before
 * it ends. */
#ifndef APP_INTERRUPT_H
#define APP_INTERRUPT_H

#include <stdbool.h>

/* From now on the first SIGINT or SIGTERM sets the flag; a second one ends the process. */
void interrupt_catch(void);
bool interrupt_seen(void);
/* Sleeps, but not longer than until a signal. */
void interrupt_sleep(int ms);

#endif
