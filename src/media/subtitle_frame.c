#include "media/subtitle_frame.h"

#include <math.h>
#include <stddef.h>

/* In parts of the frame's height, but widths of its width. */
static const struct shape {
    double aspect;
    double columns, width, size, bottom;
} shapes[] = {
    {9.0 / 16, 24, 0.76, 0.047, 0.34}, {4.0 / 5, 28, 0.84, 0.052, 0.14},
    {1, 32, 0.86, 0.058, 0.09},        {4.0 / 3, 38, 0.84, 0.064, 0.075},
    {16.0 / 9, 42, 0.80, 0.070, 0.07},
};

enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static double between(double from, double to, double part)
{
    return from + (to - from) * part;
}

struct subtitle_frame subtitle_frame(int width, int height)
{
    double aspect = (double)width / height;
    size_t high = 1;
    while (high < SHAPES - 1 && aspect > shapes[high].aspect)
        high++;
    const struct shape *a = &shapes[high - 1], *b = &shapes[high];
    double part = (aspect - a->aspect) / (b->aspect - a->aspect);
    part = fmin(fmax(part, 0), 1);
    struct subtitle_frame frame = {
        .columns = (int)lround(between(a->columns, b->columns, part)),
        .width = between(a->width, b->width, part) * width,
        .size = between(a->size, b->size, part) * height,
        .bottom = (int)lround(between(a->bottom, b->bottom, part) * height),
    };
    /* Frames beyond the shapes of the table: neither wider letters than the width has room for, nor
     * a line that runs out of sight. */
    frame.size = fmin(frame.size, 0.115 * width);
    frame.side = (int)lround((width - frame.width) / 2);
    return frame;
}

double subtitle_frame_enlarge(UScriptCode script)
{
    switch ((int)script) {
    case USCRIPT_ARABIC:
        return 1.4;
    case USCRIPT_THAI:
    case USCRIPT_KHMER:
    case USCRIPT_LAO:
    case USCRIPT_MYANMAR:
    case USCRIPT_DEVANAGARI:
        return 1.12;
    default:
        return 1;
    }
}
