/* A file that only takes up room. When a commit finds the disk full it is given up, so that jobs
 * that were accepted can still end; it is laid down again once there is plenty. */
#ifndef APP_BALLAST_H
#define APP_BALLAST_H

#include <stdbool.h>
#include <stdint.h>

/* Lays `size` bytes at `path` unless they are there; false when they can't be had. */
bool ballast_lay(const char *path, uint64_t size);
/* True when there was something to give up. */
bool ballast_drop(const char *path);

#endif
