/* Which way up a picture was taken: the orientation tag (1 … 8) of EXIF, as JPEG, PNG, WebP and
 * TIFF carry it, and the turning that it asks for. */
#ifndef MEDIA_ORIENT_H
#define MEDIA_ORIENT_H

#include "base/sniff.h"
#include "media/plane.h"

enum { ORIENT_UPRIGHT = 1, ORIENT_MAX = 8 };

/* ORIENT_UPRIGHT when the file does not say, or says nonsense. Pure. */
int orient_find(enum sniff_kind kind, const uint8_t *data, size_t size);
/* Turns and mirrors as the tag says; 5 … 8 exchange width and height. False when memory is short;
 * the picture is untouched then. */
bool orient_apply(struct picture *picture, int orientation);
/* One plane turned into another, which has the turned size already. */
void orient_plane(const struct plane *from, int orientation, struct plane *to);

#endif
