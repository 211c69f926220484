/* From whatever a decoder gave (YUV, grey, palette, 16 bits, with or without alpha) to a plain RGB
 * picture. What is transparent is laid over white, or over near-black where the visible part is so
 * light that it would vanish on white. */
#ifndef MEDIA_FLATTEN_H
#define MEDIA_FLATTEN_H

#include "media/plane.h"

#include <libavutil/frame.h>

/* False when memory is short or the format is one that can not be converted. */
bool flatten_frame(const AVFrame *frame, struct picture *ret_picture);

#endif
