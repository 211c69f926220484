/* An output, fetched into a file: beside its place first, checked, synced, and then put there at
 * once, so that a half of it never stands under its name. */
#ifndef APP_DOWNLOAD_H
#define APP_DOWNLOAD_H

#include "app/client.h"

enum { DOWNLOAD_PATH_SIZE = 4096 };

struct download {
    const char *url;    /* absolute, or a path at the server */
    const char *path;   /* where to */
    int64_t size;       /* expected; < 0: unknown */
    const char *sha256; /* expected, in hex; "" or NULL: unknown */
};

/* False with a sentence; no file is left then, and an older one of that name is untouched. */
bool download_run(struct client *client, const struct download *download, struct buffer *fault);
/* The last part of the URL's path, without the query; false when it is no harmless file name. */
bool download_name(const char *url, char *target, size_t capacity);

#endif
