/* The memory store's rows of webhooks (core/notify.h). */
#ifndef STORE_RAM_HOOK_H
#define STORE_RAM_HOOK_H

#include "store/ram_table.h"

/* NULL when there is none. */
struct ram_delivery *ram_hook_find(const struct ram *ram, int64_t job, unsigned number);
enum store_result ram_hook_apply(struct ram *ram, const struct hook_change *change);
void ram_hook_want(const struct ram *ram, const struct want *want, struct got *ret_got);
/* A bounded few of the deliveries that ended long ago. */
void ram_hook_expire(struct ram *ram, ms_t now);
/* The end of a transaction, for each of its undos: what is kept needs no undo, … */
void ram_hook_keep(struct ram_undo *undo);
/* … and what is not is taken back, newest first. */
void ram_hook_undo(struct ram *ram, struct ram_undo *undo);
void ram_hook_clone(struct ram *target, const struct ram *source);
void ram_hook_free(struct ram *ram);

#endif
