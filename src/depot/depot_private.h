/* What the depot's own files share. */
#ifndef DEPOT_DEPOT_PRIVATE_H
#define DEPOT_DEPOT_PRIVATE_H

#include "depot/depot.h"

struct depot {
    char home[DEPOT_PATH_SIZE / 2];
    int outputs, work, uploads, staging; /* descriptors of the folders */
    unsigned user;                       /* of the workers; 0: our own */
};

/* Letters, digits and '_': nothing that leads out of a folder. */
bool depot_is_id(struct span id);
/* A hard link to `path` in a work folder as `name`, one plain file name; else a copy. */
enum depot_result depot_link(const char *path, const char *work_folder, struct span name);

#endif
