/* How a picture of one shape lies in a frame of another: filled, with what is too much cut away on
 * both sides, or whole, with room around it. Pure. */
#ifndef MEDIA_FIT_H
#define MEDIA_FIT_H

#include <stdbool.h>

struct fit_box {
    int x, y, width, height;
};

struct fit {
    struct fit_box source; /* of the picture as stored, before it is turned; x and y are even */
    struct fit_box target; /* of the frame; all even, so that halved chroma agrees */
};

struct fit_picture {
    int width, height; /* as stored */
    double pixel;      /* width over height of a stored pixel */
    int orientation;   /* 1 … 8, see orient.h: 5 … 8 exchange width and height */
};

/* `fill` cuts away, otherwise the whole picture is shown. The frame's sides are even. */
struct fit fit_plan(const struct fit_picture *picture, int width, int height, bool fill);
/* Width over height, as shown. */
double fit_shape(const struct fit_picture *picture);

#endif
