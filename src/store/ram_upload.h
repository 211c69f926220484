/* Uploads and who reads what, in the memory store. */
#ifndef STORE_RAM_UPLOAD_H
#define STORE_RAM_UPLOAD_H

#include "store/ram_table.h"

/* As the open transaction sees them. */
enum store_result ram_upload_load(const struct ram *ram, int64_t key, struct upload *ret_upload);
void ram_upload_total(const struct ram *ram, const char *tenant, int64_t *ret_bytes,
                      int64_t *ret_count);
enum store_result ram_upload_user(const struct ram *ram, int64_t source,
                                  char ret_id[static ID_SIZE]);
bool ram_upload_is_used(const struct ram *ram, int64_t source);
/* UPLOAD_ADD, UPLOAD_REMOVE and USE. */
enum store_result ram_upload_apply(struct ram *ram, const struct change *change);
/* The transaction was committed, or rolled back: `made` tells whether it had made the upload. */
void ram_upload_keep(struct ram *ram, struct ram_upload *upload, bool made);
void ram_upload_undo(struct ram *ram, struct ram_upload *upload, bool made);
void ram_upload_undo_use(struct ram *ram, const struct ram_undo *undo);
void ram_upload_clone(struct ram *target, const struct ram *source);
void ram_upload_free(struct ram *ram);

#endif
