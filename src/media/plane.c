#include "media/plane.h"

#include <stdlib.h>
#include <string.h>

bool plane_make(int width, int height, struct plane *ret_plane)
{
    if (width < 1 || height < 1 || width > PLANE_SIDE_MAX || height > PLANE_SIDE_MAX)
        return false;
    size_t stride = ((size_t)width + PLANE_ALIGN - 1) / PLANE_ALIGN * PLANE_ALIGN;
    /* One more unit, since a filter may load a whole vector at the very last column. */
    uint8_t *data = aligned_alloc(PLANE_ALIGN, stride * (size_t)height + PLANE_ALIGN);
    if (!data)
        return false;
    /* The padding is read (never used), so it must hold something that is known. */
    for (int row = 0; row < height; row++)
        memset(data + stride * (size_t)row + width, 0, stride - (size_t)width);
    memset(data + stride * (size_t)height, 0, PLANE_ALIGN);
    *ret_plane = (struct plane){data, width, height, (ptrdiff_t)stride};
    return true;
}

void plane_free(struct plane *plane)
{
    free(plane->data);
    *plane = (struct plane){0};
}

void plane_fill(struct plane *plane, uint8_t value)
{
    for (int row = 0; row < plane->height; row++)
        memset(plane_row(plane, row), value, (size_t)plane->width);
}

bool picture_make(int width, int height, struct picture *ret_picture)
{
    struct picture picture = {0};
    for (int i = 0; i < PICTURE_PLANES; i++) {
        if (!plane_make(width, height, &picture.plane[i])) {
            picture_free(&picture);
            return false;
        }
    }
    *ret_picture = picture;
    return true;
}

void picture_free(struct picture *picture)
{
    for (int i = 0; i < PICTURE_PLANES; i++)
        plane_free(&picture->plane[i]);
}
