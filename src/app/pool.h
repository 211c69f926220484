/* The workers of local models: `reel-media` with its limits from the configuration, and a look at
 * its cage before the server answers anybody. */
#ifndef APP_POOL_H
#define APP_POOL_H

#include "app/config.h"
#include "edge/worker.h"

enum {
    POOL_FAULT_SIZE = 500,
    POOL_ARGUMENTS_MAX = 20,
    POOL_NUMBER_SIZE = 24,
    /* Threads that draw and encode: a job's processor time may be so many times its time. */
    POOL_THREADS = 8
};

/* The words after the program's name; `numbers` is what some of them point into. */
struct pool_arguments {
    const char *words[POOL_ARGUMENTS_MAX];
    char numbers[POOL_ARGUMENTS_MAX][POOL_NUMBER_SIZE];
    unsigned count;
};

/* `folder` is borrowed. */
void pool_arguments(const struct config *config, const char *folder,
                    struct pool_arguments *ret_arguments);

/* Starts a worker that only enters its cage, and waits for it. False, with what it said, when the
 * program can't be run or a required layer is missing. With config->local.weak_cage what is
 * missing is a warning in the log. */
bool pool_check(const struct config *config, const char *folder,
                char ret_fault[static POOL_FAULT_SIZE]);

/* NULL when `children` is ending. Nothing is started yet. */
struct worker_pool *pool_make(struct children *children, const struct config *config,
                              const char *folder);

#endif
