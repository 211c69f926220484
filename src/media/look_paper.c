/* Paper: a printed page; large flat discs move past each other, the words are set in a serif. */
#include "media/look.h"

#include <math.h>

#define TURN 6.28318530717958648

static const struct look_palette palettes[] = {
    {0xf5f0e7, 0xebe3d4, {0xe2563b, 0x1f3a5f, 0xdfb84f, 0x93aa9e}, 0x1c1a17, 0xd9482c},
    {0xeff2ed, 0xdfe7dd, {0x2f6f5e, 0xe3a857, 0xb8cbb8, 0x22333b}, 0x18211d, 0x2f6f5e},
    {0xf7eeeb, 0xefdfda, {0xb5485d, 0xf2bba9, 0x6b4e71, 0x3a3042}, 0x2a1f2d, 0xb5485d},
    {0xf3f1ec, 0xe5e2d9, {0x2b4acb, 0xf25f4c, 0xffbc57, 0xb9c4e8}, 0x14161f, 0x2b4acb},
};

struct page {
    struct colour back, deep;
};

static struct colour colour_at(const void *context, double u, double v)
{
    const struct page *page = context;
    return paint_mix(page->back, page->deep, (float)(0.25 * u + 0.75 * v));
}

/* Where the discs gather: right of the words on a wide page, below them on a high one. */
static void middle(const struct look_stage *stage, enum look_shape shape, double *ret_x,
                   double *ret_y)
{
    *ret_x = stage->width * (shape == LOOK_WIDE ? 0.84 : 0.76);
    *ret_y = stage->height * (shape == LOOK_WIDE ? 0.44 : shape == LOOK_SQUARE ? 0.86 : 0.77);
}

static void paint(const struct look_stage *stage, double seconds, struct picture *picture)
{
    const struct look_palette *palette = stage->palette;
    const double *n = stage->number;
    struct page page = {paint_hex(palette->back), paint_hex(palette->deep)};
    double x, y, unit = stage->unit;
    paint_field(picture, colour_at, &page);
    enum look_shape shape = look_shape_of(stage->width, stage->height);
    middle(stage, shape, &x, &y);
    double turn = TURN * n[0] + seconds * 0.09 * (n[1] < 0.5 ? -1 : 1);
    /* A square has less room beside the words. */
    double large = unit * (30 + 6 * n[2]) * (shape == LOOK_SQUARE ? 0.78 : 1);
    struct paint_disc disc = {x + cos(turn) * unit * 5, y + sin(turn) * unit * 5, large, 0, 1};
    paint_disc(picture, &disc, paint_hex(palette->shapes[0]), 1);
    double away = large * 0.86;
    disc = (struct paint_disc){x + cos(turn * 1.7 + 2) * away, y + sin(turn * 1.7 + 2) * away,
                               large * (0.4 + 0.14 * n[3]), 0, 1};
    paint_disc(picture, &disc, paint_hex(palette->shapes[2]), 0.94);
    away = large * 1.05;
    disc = (struct paint_disc){x + cos(-turn * 1.3 + 4.2) * away, y + sin(-turn * 1.3 + 4.2) * away,
                               large * (0.21 + 0.09 * n[4]), 0, 1};
    paint_disc(picture, &disc, paint_hex(palette->shapes[1]), 1);
    double ring = large * (1.22 + 0.02 * sin(seconds * 0.7 + TURN * n[5]));
    disc = (struct paint_disc){x, y, ring, ring - fmax(unit * 0.22, 1), 1};
    paint_disc(picture, &disc, paint_hex(palette->ink), 0.55);
}

const struct look look_paper = {
    .name = "paper",
    .palettes = palettes,
    .palette_count = sizeof palettes / sizeof palettes[0],
    .title = {.kind = FONT_SERIF, .tracking = -0.004},
    .align = LAYOUT_START,
    .wide = {0.07, 0.15, 0.57, 0.83},
    .square = {0.08, 0.12, 0.90, 0.49},
    .tall = {0.09, 0.10, 0.91, 0.46},
    .title_down = 0.5,
    .shadow = 0,
    .paint = paint,
};
