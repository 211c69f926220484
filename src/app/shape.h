/* The words in which requests say the shape of a picture. */
#ifndef APP_SHAPE_H
#define APP_SHAPE_H

#include "base/span.h"

/* "720p", "1080P", "4k": pixels of the shorter side; 0 for anything else. */
int64_t shape_side(struct span resolution);
/* "16:9": width by height; 0 for anything else. */
double shape_aspect(struct span text);

#endif
