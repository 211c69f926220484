/* Lays decoded frames of any size, shape and pixel format into a BT.709 4:2:0 frame: scaled, turned
 * upright, cut to fill or whole over a blurred picture of itself. One canvas a thread; it keeps
 * what scaling needs from frame to frame. */
#ifndef MEDIA_CANVAS_H
#define MEDIA_CANVAS_H

#include "media/failure.h"
#include "media/plane.h"

#include <libavutil/frame.h>

enum canvas_ground { CANVAS_BLUR, CANVAS_BLACK };

struct canvas_layout {
    int width, height; /* of the frame, even */
    bool fill;         /* or else whole, over `ground` */
    enum canvas_ground ground;
};

struct canvas;

struct canvas *canvas_make(const struct canvas_layout *layout);
/* Accepts NULL. */
void canvas_free(struct canvas *canvas);

/* `pixel` is the shape of the file's pixels where the frame does not say, `orientation` as in
 * orient.h. Frames of two clips may take turns (`lane` 0 and 1) without remaking anything. */
struct canvas_frame {
    AVFrame *frame;
    AVRational pixel;
    int orientation;
    int lane;
};
/* False when memory is short or the format can not be converted. */
bool canvas_draw(struct canvas *canvas, const struct canvas_frame *frame, struct plane yuv[3]);

/* target = target + (over - target) * weight; planes of one size, weight 0 … 1. */
void canvas_blend(const struct plane *over, double weight, struct plane *target);

#endif
