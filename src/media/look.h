/* A look: how a scene is painted behind its words, and where and in what type the words stand. One
 * file a look, a constant at its end, one line in the list of look.c. */
#ifndef MEDIA_LOOK_H
#define MEDIA_LOOK_H

#include "media/layout.h"
#include "media/paint.h"

#include <stdint.h>

enum { LOOK_SHAPES = 4, LOOK_NUMBERS = 32 };

struct look_palette {
    uint32_t back, deep; /* the ground, and its other end */
    uint32_t shapes[LOOK_SHAPES];
    uint32_t ink, accent;
};

/* Designs differ for lying, squarish and standing frames. */
enum look_shape { LOOK_WIDE, LOOK_SQUARE, LOOK_TALL };
enum look_shape look_shape_of(int width, int height);

/* What a look paints from; the same for all frames of a scene. */
struct look_stage {
    int width, height;
    double unit; /* a hundredth of the shorter side: sizes are measured in it */
    const struct look_palette *palette;
    double number[LOOK_NUMBERS]; /* 0 … 1, from the seed: where the look lets chance decide */
};

struct look {
    const char *name;
    const struct look_palette *palettes;
    int palette_count;
    struct typeface title;
    enum layout_align align;
    struct paint_box wide, square, tall; /* where the title may be, in parts of the frame */
    double title_down;                   /* 0: at the top of that box, 0.5: middle, 1: bottom */
    /* Where the small line's middle is in square and tall frames, from the top; 0: at the bottom.
     */
    double note_square, note_tall;
    double shadow; /* opacity of the soft shadow under the words */
    void (*paint)(const struct look_stage *stage, double seconds, struct picture *picture);
};

int look_count(void);
const struct look *look_at(int index);
/* NULL when there is none of that name. */
const struct look *look_find(const char *name);

extern const struct look look_aurora, look_paper, look_horizon, look_blocks, look_halftone,
    look_orbit;

#endif
