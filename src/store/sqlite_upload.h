/* Uploads, who reads what, and the deletion of jobs: the SQLite store's statements about them. */
#ifndef STORE_SQLITE_UPLOAD_H
#define STORE_SQLITE_UPLOAD_H

#include "store/sqlite_write.h"

enum store_result sqlite_upload_load(struct sqlite *sqlite, int64_t key, struct upload *ret_upload);
enum store_result sqlite_upload_total(struct sqlite *sqlite, const char *tenant, int64_t *ret_bytes,
                                      int64_t *ret_count);
enum store_result sqlite_upload_user(struct sqlite *sqlite, int64_t source,
                                     char ret_id[static ID_SIZE]);
/* UPLOAD_ADD, UPLOAD_REMOVE, USE and JOB_DELETE. */
enum store_result sqlite_upload_apply(struct sqlite *sqlite, const struct change *change);

#endif
