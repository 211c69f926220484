/* A file of this machine as a data: URL. */
#ifndef APP_DATA_URL_H
#define APP_DATA_URL_H

#include "base/buffer.h"

/* The media type by the first bytes, as "image/png"; NULL when they are none that we know. */
const char *data_url_type(struct span bytes);
/* False with a sentence when the file can't be read, is no image, audio or video, or is larger than
 * `max` bytes. */
bool data_url_make(const char *path, size_t max, struct buffer *target, struct buffer *fault);

#endif
