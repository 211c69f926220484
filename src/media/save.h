/* Pictures as files: PNG for outputs, JPEG for thumbnails. */
#ifndef MEDIA_SAVE_H
#define MEDIA_SAVE_H

#include "media/failure.h"
#include "media/plane.h"

/* Both write to an open, empty file. */
bool save_png(const struct picture *picture, int fd, struct failure *failure);
bool save_jpeg(const struct picture *picture, int fd, struct failure *failure);

#endif
