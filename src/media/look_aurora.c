/* Aurora: four lights that drift and mix slowly over a dark ground. */
#include "media/look.h"

#include <math.h>

#define TURN 6.28318530717958648

static const struct look_palette palettes[] = {
    {0x050916, 0x0a1230, {0x0fb5ae, 0x3a5bd9, 0x7b3fe4, 0x12a683}, 0xffffff, 0x7cf5d6},
    {0x12070d, 0x2a0d18, {0xe8582c, 0xc21b62, 0x6f1d99, 0xe08a24}, 0xfff6ef, 0xffc27a},
    {0x03100f, 0x06242e, {0x0782a3, 0x1d4ed8, 0x1aa7bd, 0x0f766e}, 0xf0fdff, 0x67e8f9},
    {0x0b0819, 0x1b1240, {0x8f46e0, 0xcf3c85, 0x5457d6, 0xb0559c}, 0xffffff, 0xf5b8ff},
};

struct light {
    double x, y, across, down; /* centre and reach, in parts of the frame */
    struct colour colour;
    float strength;
};

struct sky {
    struct colour back, deep;
    struct light light[LOOK_SHAPES];
};

static struct colour colour_at(const void *context, double u, double v)
{
    const struct sky *sky = context;
    struct colour colour = paint_mix(sky->back, sky->deep, (float)v);
    for (int i = 0; i < LOOK_SHAPES; i++) {
        const struct light *light = &sky->light[i];
        double dx = (u - light->x) / light->across, dy = (v - light->y) / light->down;
        float share = light->strength * (float)exp(-dx * dx - dy * dy);
        colour = paint_mix(colour, light->colour, share);
    }
    /* Dark where the words are, and at the corners. */
    double ground = paint_smooth(0.35, 1.1, v) * 0.55;
    double corner = (u - 0.5) * (u - 0.5) + (v - 0.5) * (v - 0.5);
    return paint_mix(colour, sky->back, (float)fmin(ground + corner * 0.5, 0.85));
}

static void paint(const struct look_stage *stage, double seconds, struct picture *picture)
{
    const struct look_palette *palette = stage->palette;
    struct sky sky = {.back = paint_hex(palette->back), .deep = paint_hex(palette->deep)};
    for (int i = 0; i < LOOK_SHAPES; i++) {
        const double *n = stage->number + i * 6;
        double speed = 0.035 + 0.03 * n[0], phase = n[1];
        double wave = sin(TURN * (seconds * speed + phase));
        double other = cos(TURN * (seconds * speed * 0.8 + n[2]));
        sky.light[i] = (struct light){
            .x = (i + 0.5) / LOOK_SHAPES + (n[3] - 0.5) * 0.25 + 0.16 * wave,
            .y = 0.12 + 0.4 * n[4] + 0.12 * other,
            .across = 0.24 + 0.16 * n[5] + 0.03 * other,
            .down = 0.34 + 0.14 * n[0] + 0.04 * wave,
            .colour = paint_hex(palette->shapes[i]),
            .strength = (float)(0.78 + 0.14 * wave),
        };
    }
    paint_field(picture, colour_at, &sky);
}

const struct look look_aurora = {
    .name = "aurora",
    .palettes = palettes,
    .palette_count = sizeof palettes / sizeof palettes[0],
    .title = {.kind = FONT_SANS, .bold = true, .tracking = -0.008},
    .align = LAYOUT_START,
    .wide = {0.07, 0.14, 0.80, 0.84},
    .square = {0.08, 0.16, 0.90, 0.85},
    .tall = {0.09, 0.26, 0.91, 0.84},
    .title_down = 1,
    .shadow = 0.35,
    .paint = paint,
};
