/* Uploads: files that clients sent, to be read by jobs. One grows in the staging folder, which
 * every start empties; when it is whole it is synced and renamed into place, before a row names it.
 * It never changes after that. Calls block on the disk; any thread, one at a time for one id. */
#ifndef DEPOT_DEPOT_UPLOAD_H
#define DEPOT_DEPOT_UPLOAD_H

#include "depot/depot.h"

/* A new, empty file that only we can read; the caller writes to the descriptor and closes it. */
enum depot_result depot_upload_begin(struct depot *depot, struct span id, int *ret_fd);
/* Syncs what was written, makes it read-only and moves it into place, durably. Another file of that
 * id is TAKEN. The descriptor stays the caller's. */
enum depot_result depot_upload_keep(struct depot *depot, struct span id, int fd);
/* Forgets a staged file; OK when there is none. */
enum depot_result depot_upload_abort(struct depot *depot, struct span id);
/* OK when there is none. */
/* Where it lies; says nothing about whether it is there. REFUSED for what is no upload's id. */
enum depot_result depot_upload_path(const struct depot *depot, struct span id,
                                    char ret_path[static DEPOT_PATH_SIZE]);
enum depot_result depot_upload_remove(struct depot *depot, struct span id);
/* Puts it into a work folder as `name`, like depot_link_input. */
enum depot_result depot_upload_link(struct depot *depot, struct span id, const char *work_folder,
                                    struct span name);
/* At start, before anything is uploaded: what was being sent, and files that `is_known` does not
 * know. Gives the number removed. */
unsigned depot_upload_sweep(struct depot *depot, bool (*is_known)(void *context, struct span id),
                            void *context);

#endif
