/* A plane is one channel of a picture, eight bits a sample, rows padded to 64 bytes so that wide
 * loads past the last column stay inside. A picture is three planes of one size: red, green and
 * blue, full range. */
#ifndef MEDIA_PLANE_H
#define MEDIA_PLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLANE_ALIGN = 64, PLANE_SIDE_MAX = 16384 };

struct plane {
    uint8_t *data; /* owned when made by plane_make */
    int width, height;
    ptrdiff_t stride;
};

/* Not zeroed. False when memory is short or a side is not in 1 … PLANE_SIDE_MAX. */
bool plane_make(int width, int height, struct plane *ret_plane);
/* Accepts an empty one; empties it. */
void plane_free(struct plane *plane);
void plane_fill(struct plane *plane, uint8_t value);

static inline uint8_t *plane_row(const struct plane *plane, int row)
{
    return plane->data + plane->stride * row;
}

enum { PICTURE_RED, PICTURE_GREEN, PICTURE_BLUE, PICTURE_PLANES };

struct picture {
    struct plane plane[PICTURE_PLANES];
};

bool picture_make(int width, int height, struct picture *ret_picture);
void picture_free(struct picture *picture);
static inline int picture_width(const struct picture *picture)
{
    return picture->plane[0].width;
}
static inline int picture_height(const struct picture *picture)
{
    return picture->plane[0].height;
}

#endif
