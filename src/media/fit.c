#include "media/fit.h"

#include <math.h>

static bool is_turned(const struct fit_picture *picture)
{
    return picture->orientation >= 5;
}

double fit_shape(const struct fit_picture *picture)
{
    double shape = picture->pixel * picture->width / picture->height;
    return is_turned(picture) ? 1 / shape : shape;
}

static int even(double size, int max)
{
    int whole = (int)lround(size / 2) * 2;
    whole = whole < 2 ? 2 : whole;
    return whole > max ? max : whole;
}

/* The middle `part` of a side; the side itself where all of it is wanted. */
static void middle(int side, double part, int *ret_at, int *ret_size)
{
    *ret_size = part >= 1 ? side : even(side * part, side);
    *ret_at = (side - *ret_size) / 4 * 2;
}

struct fit fit_plan(const struct fit_picture *picture, int width, int height, bool fill)
{
    double frame = (double)width / height, shape = fit_shape(picture);
    struct fit fit = {.source = {0, 0, picture->width, picture->height},
                      .target = {0, 0, width, height}};
    /* A difference of less than a pixel is none. */
    if (fabs(frame / shape - 1) < 1.0 / (width > height ? width : height))
        return fit;
    bool too_wide = shape > frame;
    double part = too_wide ? frame / shape : shape / frame;
    struct fit_box *source = &fit.source, *target = &fit.target;
    if (!fill && too_wide)
        middle(height, part, &target->y, &target->height);
    else if (!fill)
        middle(width, part, &target->x, &target->width);
    else if (too_wide != is_turned(picture))
        middle(picture->width, part, &source->x, &source->width);
    else
        middle(picture->height, part, &source->y, &source->height);
    return fit;
}
