/* Halftone: a screen of printed dots that swell and shrink with slow waves, thinning out towards
 * the words. */
#include "media/look.h"

#include <math.h>

#define TURN 6.28318530717958648

static const struct look_palette palettes[] = {
    {0xfff4e0, 0xffe9c7, {0xe4572e, 0xf3a712, 0xe4572e, 0xa8c686}, 0x29335c, 0xe4572e},
    {0x10243e, 0x0b1930, {0x3ec6ff, 0x2979ff, 0x8be9fd, 0x5b6ee1}, 0xf4faff, 0x8be9fd},
    {0xf7d6d0, 0xf5c4bc, {0xc2185b, 0xd81b60, 0x880e4f, 0xad1457}, 0x3b0a24, 0xc2185b},
    {0x0f1f1a, 0x0a1512, {0x9be564, 0x4cc38a, 0xd7f96e, 0x2f9e78}, 0xf3fff0, 0xd7f96e},
};

struct ground {
    struct colour back, deep;
};

static struct colour colour_at(const void *context, double u, double v)
{
    const struct ground *ground = context;
    return paint_mix(ground->back, ground->deep, (float)(0.4 * u + 0.6 * v));
}

/* How much ink a place gets, 0 … 1: more away from the words, in waves. */
static double ink_at(const struct look_stage *stage, enum look_shape shape, double u, double v,
                     double seconds)
{
    const double *n = stage->number;
    double away = shape == LOOK_WIDE ? paint_smooth(0.58, 1.04, u + 0.14 * (v - 0.5))
                                     : paint_smooth(0.65, 1.04, v + 0.14 * (u - 0.5));
    double wave = sin(TURN * (u * (1.1 + n[0]) + v * (0.7 + n[1]) - seconds * 0.09 + n[2])) +
                  0.7 * sin(TURN * (v * (1.5 + n[3]) - u * 0.8 + seconds * 0.07 + n[4]));
    return away * (0.62 + 0.22 * wave);
}

static void paint(const struct look_stage *stage, double seconds, struct picture *picture)
{
    const struct look_palette *palette = stage->palette;
    struct ground ground = {paint_hex(palette->back), paint_hex(palette->deep)};
    paint_field(picture, colour_at, &ground);
    enum look_shape shape = look_shape_of(stage->width, stage->height);
    double pitch = fmax(stage->unit * 3.4, 6), rise = pitch * 0.8660254;
    int rows = (int)(stage->height / rise) + 2, columns = (int)(stage->width / pitch) + 3;
    struct colour first = paint_hex(palette->shapes[0]), second = paint_hex(palette->shapes[1]);
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            /* Every other row stands half a step aside, as printed screens do. */
            double x = (column - 0.5 * (row % 2)) * pitch, y = row * rise;
            double u = x / stage->width, v = y / stage->height;
            double ink = ink_at(stage, shape, u, v, seconds);
            double radius = pitch * 0.56 * sqrt(fmax(fmin(ink, 1), 0));
            if (radius < 0.7)
                continue;
            struct paint_disc disc = {x, y, radius, 0, 1};
            paint_disc(picture, &disc, paint_mix(first, second, (float)paint_smooth(0.2, 0.9, ink)),
                       1);
        }
    }
}

const struct look look_halftone = {
    .name = "halftone",
    .palettes = palettes,
    .palette_count = sizeof palettes / sizeof palettes[0],
    .title = {.kind = FONT_SANS, .bold = true, .tracking = -0.012},
    .align = LAYOUT_START,
    .wide = {0.06, 0.15, 0.60, 0.83},
    .square = {0.08, 0.13, 0.92, 0.60},
    .tall = {0.08, 0.11, 0.92, 0.58},
    .title_down = 0.4,
    .note_square = 0.665,
    .note_tall = 0.635,
    .shadow = 0,
    .paint = paint,
};
