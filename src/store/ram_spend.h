/* The sums of what jobs came to, in memory. */
#ifndef STORE_RAM_SPEND_H
#define STORE_RAM_SPEND_H

#include "store/ram_table.h"

/* NULL, or the rule that it breaks. */
const char *ram_spend_change(struct ram *ram, const struct spend_row *delta);
/* What the open transaction changed holds; or is undone. */
void ram_spend_keep(struct ram *ram);
void ram_spend_undo(struct ram *ram);
void ram_spend_start(const struct ram *ram, const struct store_sink *sink);
void ram_spend_read(const struct ram *ram, const struct reader_usage_filter *filter,
                    struct reader_usage *ret_usage);
void ram_spend_clone(struct ram *target, const struct ram *source);
void ram_spend_free(struct ram *ram);

#endif
