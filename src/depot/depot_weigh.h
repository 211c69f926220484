/* How much room a folder takes: what a worker has written so far, asked while it writes. */
#ifndef DEPOT_DEPOT_WEIGH_H
#define DEPOT_DEPOT_WEIGH_H

#include <stdint.h>

enum { DEPOT_WEIGH_ENTRIES_MAX = 10000, DEPOT_WEIGH_DEPTH_MAX = 8 };

/* Bytes that everything beneath `folder` has on the disk. Follows no links. UINT64_MAX when that is
 * more than DEPOT_WEIGH_ENTRIES_MAX entries, deeper than DEPOT_WEIGH_DEPTH_MAX folders, or can not
 * be read. 0 when there is no such folder. */
uint64_t depot_weigh(const char *folder);

#endif
