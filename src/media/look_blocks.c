/* Blocks: a strip of square tiles with quarter discs, as on a poster of the twenties; tiles turn a
 * quarter one after another. The words stand on the plain ground beside the strip. */
#include "media/look.h"

#include <math.h>

enum { TILES_MAX = 64 };

static const struct look_palette palettes[] = {
    {0x16181d, 0x16181d, {0xf2b441, 0xe5533d, 0x3a6fd8, 0xf3ede2}, 0xf7f3ea, 0xf2b441},
    {0xf3ead9, 0xf3ead9, {0xd1432f, 0x1d4e89, 0xf0a830, 0x1b1b1e}, 0x1b1b1e, 0xd1432f},
    {0x123b36, 0x123b36, {0xf4d58d, 0xe98a6b, 0x4fa08b, 0xf8f1e0}, 0xf8f1e0, 0xf4d58d},
    {0x2c1e4a, 0x2c1e4a, {0xff8a5b, 0xea526f, 0x25ced1, 0xfceade}, 0xfceade, 0xff8a5b},
};

static struct colour colour_at(const void *context, double u, double v)
{
    return *(const struct colour *)context;
}

/* A number from 0 to below `limit` for a tile, the same in every frame. */
static int pick(const struct look_stage *stage, int tile, int salt, int limit)
{
    double number = stage->number[(tile * 7 + salt * 3) % LOOK_NUMBERS] * 13.7 + tile * 0.618;
    return (int)((number - floor(number)) * limit);
}

static void paint_tile(const struct look_stage *stage, int tile, const struct paint_box *box,
                       double seconds, struct picture *picture)
{
    int ground = pick(stage, tile, 1, LOOK_SHAPES);
    int figure = (ground + 1 + pick(stage, tile, 2, LOOK_SHAPES - 1)) % LOOK_SHAPES;
    struct colour front = paint_hex(stage->palette->shapes[figure]);
    paint_box(picture, box, paint_hex(stage->palette->shapes[ground]), 1);
    double side = box->right - box->left;
    if (pick(stage, tile, 3, 4) == 0) {
        /* A disc that breathes. */
        double radius = side * (0.3 + 0.05 * sin(seconds * 1.1 + tile));
        struct paint_disc disc = {(box->left + box->right) / 2, (box->top + box->bottom) / 2,
                                  radius, 0, 1};
        paint_disc(picture, &disc, front, 1);
        return;
    }
    /* Every few seconds the quarter gives way to the one of the next corner. */
    double beat = seconds / 3.2 + stage->number[tile % LOOK_NUMBERS];
    int corner = (pick(stage, tile, 4, 4) + (int)floor(beat)) % 4;
    double change = paint_smooth(0.78, 1, beat - floor(beat));
    paint_quarter(picture, box, corner, front, 1 - change);
    if (change > 0)
        paint_quarter(picture, box, (corner + 1) % 4, front, change);
}

static void paint(const struct look_stage *stage, double seconds, struct picture *picture)
{
    struct colour ground = paint_hex(stage->palette->back);
    paint_field(picture, colour_at, &ground);
    bool beside = look_shape_of(stage->width, stage->height) == LOOK_WIDE;
    /* Two tiles deep: along the right edge of a wide frame, along the bottom of others, where they
     * take at most three tenths of the height. */
    double along = beside ? stage->height : stage->width;
    int count = beside ? 4 : (int)ceil(stage->width / (0.15 * stage->height));
    double side = along / count;
    for (int tile = 0; tile < count * 2 && tile < TILES_MAX; tile++) {
        double first = tile / 2 * side, second = (tile % 2) * side;
        struct paint_box box = {.left = first, .top = stage->height - 2 * side + second};
        if (beside)
            box = (struct paint_box){.left = stage->width - 2 * side + second, .top = first};
        /* On whole pixels, or the ground would shine through the seams. */
        box = (struct paint_box){round(box.left), round(box.top), round(box.left + side),
                                 round(box.top + side)};
        paint_tile(stage, tile, &box, seconds, picture);
    }
}

const struct look look_blocks = {
    .name = "blocks",
    .palettes = palettes,
    .palette_count = sizeof palettes / sizeof palettes[0],
    .title = {.kind = FONT_SANS, .bold = true, .tracking = -0.012},
    .align = LAYOUT_START,
    .wide = {0.06, 0.13, 0.66, 0.84},
    .square = {0.07, 0.11, 0.93, 0.59},
    .tall = {0.08, 0.10, 0.92, 0.60},
    .title_down = 0.42,
    .note_square = 0.655,
    .note_tall = 0.67,
    .shadow = 0,
    .paint = paint,
};
