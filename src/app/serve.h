/* `reel serve`: the gateway, from its configuration to its end. */
#ifndef APP_SERVE_H
#define APP_SERVE_H

#include "app/reload.h"

enum {
    EXIT_SERVE_CONFIG = 2, /* something that the operator must change; said on standard error */
    EXIT_SERVE_FAILED = 1
};

/* Runs until SIGTERM or SIGINT; gives the exit status. Takes over the process: signals, threads. At
 * SIGHUP it reads the configuration anew from `source`; without one (NULL) it does not. */
int serve_run(const struct config *config, const struct reload_source *source);

#endif
