/* The folder with everything that a server keeps. */
#ifndef APP_HOME_H
#define APP_HOME_H

#include "app/config.h"

/* Makes the home when it is missing: the default one with all that is above it, of one that was
 * named only the last folder, so that a mistyped path is noticed. False with a line in `faults`. */
bool home_make(const struct config *config, struct buffer *faults);

#endif
