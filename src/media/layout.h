/* A paragraph fitted into a box: lines broken where the script allows, balanced, in the largest
 * size at which everything fits; only what does not fit at the smallest size is cut, with "…". */
#ifndef MEDIA_LAYOUT_H
#define MEDIA_LAYOUT_H

#include "media/prose.h"
#include "media/typeset.h"

enum { LAYOUT_LINES_MAX = 14, LAYOUT_SEGMENTS_MAX = 256 };

struct layout_wish {
    struct typeface face;
    double width, height;      /* of the box */
    double size_min, size_max; /* of a line; size_min wins over lines_max */
    int lines_max;             /* ≤ LAYOUT_LINES_MAX */
};

struct layout_line {
    int32_t from, to; /* of the text */
    struct typeset_mask mask;
    double x, y; /* of the line's corner, from the block's */
};

/* The block's corner is the upper left one of its ink; it is `width` × `height` large. */
struct layout {
    struct layout_line line[LAYOUT_LINES_MAX];
    int count;
    double size, width, height;
    bool right_to_left, cut;
};

enum layout_align { LAYOUT_START, LAYOUT_CENTRE };

/* LAYOUT_START is left, or right for text that reads from there. False when memory is short. */
bool layout_make(struct typesetter *typesetter, const struct prose *prose,
                 const struct layout_wish *wish, enum layout_align align,
                 struct layout *ret_layout);
void layout_free(struct layout *layout);

/* The pure part. Segments have the widths `full` (with trailing space) and `bare` (without).
 * Divides them into `lines` lines so that the widest is as narrow as can be and then the others as
 * even as can be; ret_ends[i] is the segment after line i. Gives the widest line's width. */
double layout_balance(const double *full, const double *bare, int segments, int lines,
                      int *ret_ends);

#endif
