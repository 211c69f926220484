/* Whole homes as copies: files brought from one folder tree into another, by hard link where that
 * works, and read back. For backups and for what is restored from them. */
#ifndef DEPOT_DEPOT_COPY_H
#define DEPOT_DEPOT_COPY_H

#include "depot/depot.h"

/* Whether these are names that a tree of ours can have: one plain part each, no "." in front. */
bool depot_copy_name(const char *name);

/* `from`/`folder`/`owner`/`name` appears at the same place under `to`, whose missing folders are
 * made, and can be read by its owner alone if it was copied. With `may_link` a hard link is tried
 * first. What lies there then was read to its end: that is what ret_kept says. Not yet synced. A
 * place that is taken is TAKEN; a symbolic link or anything but a plain file is REFUSED. */
struct depot_copy {
    const char *from, *to;
    const char *folder, *owner, *name;
    bool may_link;
};
enum depot_result depot_copy_file(const struct depot_copy *copy, struct depot_kept *ret_kept);

/* Size and digest of what lies at a place of a tree; MISSING, or REFUSED as above. */
enum depot_result depot_copy_look(const char *tree, const char *folder, const char *owner,
                                  const char *name, struct depot_kept *ret_kept);

/* A folder that appears as a whole: it is made beside its place with ".part" after its name, locked
 * for this process, and what a dead one left there is removed. NULL with a sentence when the place
 * is taken, another process is at it, or it can't be made. */
struct depot_draft;
struct depot_draft *depot_draft_make(const char *place, char ret_fault[static DEPOT_FAULT_SIZE]);
const char *depot_draft_path(const struct depot_draft *draft);
/* Removes everything in it. */
bool depot_draft_clear(struct depot_draft *draft);
/* Syncs all of it and gives it its place, which must still be free. False with a sentence. */
bool depot_draft_settle(struct depot_draft *draft, char ret_fault[static DEPOT_FAULT_SIZE]);
/* Makes a new name in the folder above it last. */
bool depot_draft_sync_above(const struct depot_draft *draft);
/* The other way to end it: syncs all of it and moves what lies in it into `folder`, on the same
 * file system, where no such names may be; `last` comes last. False with a sentence; what was moved
 * by then stays there, and the rest in the draft. */
bool depot_draft_spill(struct depot_draft *draft, const char *folder, const char *last,
                       char ret_fault[static DEPOT_FAULT_SIZE]);
/* Removes it unless it was settled. Accepts NULL. */
void depot_draft_free(struct depot_draft *draft);

#endif
