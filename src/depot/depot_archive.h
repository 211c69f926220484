/* A folder tree as one file and back: POSIX tar (ustar; sizes of 8 GiB and more in base 256, as GNU
 * tar writes them), so that any tar reads what we write. Only plain files, three levels deep, with
 * names that a home can have (depot_copy_name). */
#ifndef DEPOT_DEPOT_ARCHIVE_H
#define DEPOT_DEPOT_ARCHIVE_H

#include "depot/depot.h"

/* Both call `stops` (may be NULL) between pieces and give up when it gives true. False with a
 * sentence. The caller syncs, and removes what an error left. */

/* Writes the tree into an empty file, but for the entry `but` of its first level. */
bool depot_archive_write(const char *tree, const char *but, int fd, bool (*stops)(void),
                         char ret_fault[static DEPOT_FAULT_SIZE]);
/* Unpacks into an empty folder. Refuses what could lead out of it, and what is no plain file. */
bool depot_archive_read(int fd, const char *tree, bool (*stops)(void),
                        char ret_fault[static DEPOT_FAULT_SIZE]);

#endif
