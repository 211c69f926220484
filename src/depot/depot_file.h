/* Files and folders under a descriptor, for the depot alone. What fails leaves its reason in
 * errno. */
#ifndef DEPOT_DEPOT_FILE_H
#define DEPOT_DEPOT_FILE_H

#include "depot/depot.h"

/* errno as a result: FULL, MISSING, or BROKEN with a line in the log. */
enum depot_result depot_file_result(const char *what);
/* Size and digest of an open file, read from its beginning. */
bool depot_file_digest(int fd, struct depot_kept *ret_kept);
/* A new, read-only file of the same content. */
bool depot_file_copy(const char *from, const char *to);
/* The entry and, when it is a folder, all below it; true also when there is none. Follows no links
 * and descends no deeper than a few folders. */
bool depot_file_remove_tree(int folder, const char *name);
/* Removes the entries of a folder that `is_stray` names; gives their number. */
unsigned depot_file_sweep(int folder,
                          bool (*is_stray)(void *context, const char *name, ms_t changed_at),
                          void *context);

#endif
