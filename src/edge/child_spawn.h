/* Fork and exec, by hand; only for child.c, on its thread. */
#ifndef EDGE_CHILD_SPAWN_H
#define EDGE_CHILD_SPAWN_H

#include "edge/child.h"

#include <sys/types.h>

struct child_pipes {
    pid_t pid;
    int pidfd;                /* readable once the child has ended */
    int input, output, error; /* our ends; non-blocking, closed on exec */
};

/* 0, or the errno of what failed, exec in the child included; then nothing is left behind. */
int child_spawn(const struct child_plan *plan, struct child_pipes *ret_pipes);

#endif
