/* From RGB to the YUV that video is made of: BT.709, limited range, as the encoder's tags say. */
#ifndef MEDIA_COLOUR_H
#define MEDIA_COLOUR_H

#include "media/plane.h"

/* Same size, nothing halved; the sizes agree. */
void colour_to_yuv444(const struct picture *picture, struct plane yuv[3]);
/* 4:2:0 with chroma where H.264 expects it: on the left column, between the rows. Width and height
 * are even; yuv[1] and yuv[2] have half of each. */
void colour_to_yuv420(const struct picture *picture, struct plane yuv[3]);

#endif
