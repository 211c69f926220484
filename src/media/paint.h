/* Painting on an RGB picture with fractions of pixels: smooth fields, soft shapes, ridges, text.
 * Colours are sRGB, 0 … 1. Smooth things are dithered with a fixed pattern, since eight bits show
 * bands in them. Positions count in pixels from the upper left corner, x right, y down. Pure. */
#ifndef MEDIA_PAINT_H
#define MEDIA_PAINT_H

#include "media/plane.h"
#include "media/typeset.h"

struct colour {
    float red, green, blue;
};

/* 0xRRGGBB */
struct colour paint_hex(uint32_t hex);
struct colour paint_mix(struct colour a, struct colour b, float share_of_b);
/* 0 below `from`, 1 above `to`, smooth between. */
double paint_smooth(double from, double to, double value);

/* Fills the picture with a colour that changes slowly: asked on a grid of eight pixels, at (u, v)
 * from 0 to 1, smooth between. */
void paint_field(struct picture *picture,
                 struct colour (*colour_at)(const void *context, double u, double v),
                 const void *context);

struct paint_disc {
    double x, y, radius;
    double hole;    /* radius of the empty middle; 0 for a full disc */
    double feather; /* width of the edge; 1 is sharp */
};
void paint_disc(struct picture *picture, const struct paint_disc *disc, struct colour colour,
                double opacity);

struct paint_box {
    double left, top, right, bottom;
};
void paint_box(struct picture *picture, const struct paint_box *box, struct colour colour,
               double opacity);

/* A quarter of a disc in a square tile; corner 0 … 3 is where its centre is, clockwise from the
 * upper left. */
void paint_quarter(struct picture *picture, const struct paint_box *tile, int corner,
                   struct colour colour, double opacity);

/* Everything below the line whose height above each column is given; the colour changes downwards
 * from `top`, at `from`, to `bottom`, at the picture's end. */
struct paint_ridge {
    const float *height; /* y for each column */
    double from, until;  /* `until`: the row from which on something else will cover it */
    struct colour top, bottom;
};
void paint_ridge(struct picture *picture, const struct paint_ridge *ridge);

/* Ink of `mask` in a colour. `reveal` 0 … 1 uncovers it with a soft edge, from the left or from the
 * right. */
struct paint_ink {
    double x, y; /* of the mask's corner */
    struct colour colour;
    double opacity, reveal;
    bool from_right;
};
void paint_mask(struct picture *picture, const struct typeset_mask *mask,
                const struct paint_ink *ink);
/* A blurred copy of a mask, larger by the blur on each side; for shadows. */
bool paint_blur(const struct typeset_mask *mask, int radius, struct typeset_mask *ret_mask);

#endif
