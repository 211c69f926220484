/* How the memory store changes its rows, and takes changes back. */
#ifndef STORE_RAM_CHANGE_H
#define STORE_RAM_CHANGE_H

#include "store/ram_table.h"

/* In order. STORE_BROKEN, with a line in the log, when a change breaks a rule of the schema. */
enum store_result ram_change_apply(struct ram *ram, const struct changes *changes);
/* Makes all that was applied visible to readers. */
void ram_change_keep(struct ram *ram);
/* Restores what was committed. */
void ram_change_undo(struct ram *ram);
/* What a rollback needs, and what a broken rule comes to: for the files of this store. */
struct ram_undo *ram_change_note(struct ram *ram, enum ram_undo_kind kind);
enum store_result ram_change_broken(const char *rule, int64_t job);

/* For other files that change rows: an entry of what a rollback must restore, with `made` false …
 */
struct ram_undo *ram_change_note(struct ram *ram, enum ram_undo_kind kind);
/* … and STORE_BROKEN, with the rule in the log. */
enum store_result ram_change_broken(const char *rule, int64_t key);

#endif
