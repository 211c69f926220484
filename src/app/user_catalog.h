/* The catalogue with the user's own files: built-in data, then every *.json of a folder by name. */
#ifndef APP_USER_CATALOG_H
#define APP_USER_CATALOG_H

#include "base/crypto.h"
#include "catalog/catalog.h"

enum { USER_CATALOG_FILES_MAX = 256, USER_CATALOG_FILE_SIZE_MAX = 8 << 20 };

/* `folder` may be NULL. NULL, with a sentence, when folder or a file can't be read or is at fault.
 */
struct catalog *user_catalog_make(const char *folder, char ret_fault[static CATALOG_FAULT_SIZE]);
/* The digest of those files' names and contents, to see whether anything changed; false likewise.
 */
bool user_catalog_digest(const char *folder, unsigned char ret_digest[static CRYPTO_SHA256_SIZE],
                         char ret_fault[static CATALOG_FAULT_SIZE]);

#endif
