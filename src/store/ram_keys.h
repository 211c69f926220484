/* API keys, tenants, the counts of waiting jobs and providers' pauses in the memory store. */
#ifndef STORE_RAM_KEYS_H
#define STORE_RAM_KEYS_H

#include "store/ram_table.h"

/* As a part of ram_change_apply; the rule that the change breaks, or NULL. */
const char *ram_keys_change(struct ram *ram, const struct change *change);
/* As parts of ram_change_keep and ram_change_undo. */
void ram_keys_keep(struct ram *ram);
void ram_keys_undo(struct ram *ram);
/* What is told of them, as store_start tells them. */
void ram_keys_start(const struct ram *ram, const struct store_sink *sink);
/* What is committed. */
void ram_keys_tell(const struct ram *ram, const struct reader_keys_sink *sink);
void ram_keys_clone(struct ram *target, const struct ram *source);
void ram_keys_free(struct ram *ram);

#endif
