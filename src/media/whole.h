/* Whether an image file is there to its end, where its format tells. libav fills what is missing of
 * a JPEG or a GIF with grey and calls it a picture; a caller wants to know instead. Pure. */
#ifndef MEDIA_WHOLE_H
#define MEDIA_WHOLE_H

#include "base/sniff.h"

/* True for formats whose decoders find out by themselves. */
bool whole_image(enum sniff_kind kind, const uint8_t *data, size_t size);

#endif
