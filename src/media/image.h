/* Any common image file as an upright RGB picture: JPEG (also CMYK), PNG, WebP, GIF (its first
 * frame), BMP, TIFF and AVIF, of any depth; transparency is laid over a plain background.
 *
 * The type comes from the bytes, the decoder from the type; nothing is probed. Sizes are checked in
 * the header before a decoder starts, and again by the decoder. */
#ifndef MEDIA_IMAGE_H
#define MEDIA_IMAGE_H

#include "media/failure.h"
#include "media/plane.h"

struct image_limits {
    int64_t pixels_max;
    int side_max;
    int64_t file_max; /* bytes */
};

extern const struct image_limits image_limits_default;

/* `field` is the request's parameter, for the failure. The caller frees *ret_picture. */
bool image_read(int fd, const char *field, const struct image_limits *limits,
                struct failure *failure, struct picture *ret_picture);

#endif
