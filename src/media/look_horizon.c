/* Horizon: a sky with a sun, and ranges of hills that pass at different speeds. The palette's back
 * and deep are the sky's two ends, its accent the sun, its shapes the ranges from far to near. */
#include "media/look.h"

#include <math.h>

#define TURN 6.28318530717958648

enum { COLUMNS_MAX = 4096, WAVES = 4 };

static const struct look_palette palettes[] = {
    {0x27335c, 0xf0a07c, {0xc07482, 0x8a4f7d, 0x553d67, 0x2a2244}, 0xfffaf0, 0xffe3b0},
    {0x1e4d6b, 0xf0c592, {0xd69463, 0xb5643f, 0x82402f, 0x482322}, 0xfff8ec, 0xfff3d6},
    {0x050918, 0x2c4877, {0x25406a, 0x1a2f52, 0x111f3a, 0x080f1f}, 0xeef3ff, 0xe9f0ff},
    {0x0f4450, 0xc9ddd0, {0x8fb5ad, 0x5f918c, 0x397170, 0x1b4648}, 0xf6fffa, 0xfdfff4},
};

struct sky {
    struct colour high, low, sun;
    double x, y, aspect;
};

static struct colour colour_at(const void *context, double u, double v)
{
    const struct sky *sky = context;
    struct colour colour = paint_mix(sky->high, sky->low, (float)paint_smooth(0.1, 0.82, v));
    double dx = (u - sky->x) * sky->aspect, dy = v - sky->y;
    double distance = dx * dx + dy * dy;
    float glow = (float)(0.42 * exp(-distance / 0.035) + 0.2 * exp(-distance / 0.25));
    return paint_mix(colour, sky->sun, glow);
}

/* A line of hills: a few waves of falling height, their lengths and phases from the seed. */
static void shape_range(const struct look_stage *stage, int layer, double seconds, float *heights)
{
    const double *n = stage->number + 4 + layer * WAVES;
    double scale = fmax(stage->width, stage->height);
    double shift = seconds * (0.004 + 0.007 * layer) * scale;
    double base = stage->height * (0.66 + 0.085 * layer);
    double tall = stage->height * 0.052 * (1.25 - 0.1 * layer);
    double step = TURN / scale;
    for (int x = 0; x < stage->width; x++) {
        double at = (x + shift) * step;
        double y = sin(at * (1.3 + 0.5 * n[0]) + TURN * n[1]) +
                   0.55 * sin(at * (2.9 + n[1]) + TURN * n[2]) +
                   0.28 * sin(at * (6.1 + 1.5 * n[2]) + TURN * n[3]) +
                   0.10 * sin(at * (13.7 + 3 * n[3]) + TURN * n[0]);
        heights[x] = (float)(base + tall * y);
    }
}

static double lowest(const float *heights, int width)
{
    float found = 0;
    for (int x = 0; x < width; x++)
        found = fmaxf(found, heights[x]);
    return found;
}

static void paint(const struct look_stage *stage, double seconds, struct picture *picture)
{
    const struct look_palette *palette = stage->palette;
    const double *n = stage->number;
    struct sky sky = {
        .high = paint_hex(palette->back),
        .low = paint_hex(palette->deep),
        .sun = paint_hex(palette->accent),
        .x = 0.2 + 0.6 * n[0],
        .y = 0.60 - 0.004 * seconds,
        .aspect = (double)stage->width / stage->height,
    };
    paint_field(picture, colour_at, &sky);
    struct paint_disc sun = {sky.x * stage->width, sky.y * stage->height, stage->unit * 6.5, 0,
                             1.2};
    paint_disc(picture, &sun, sky.sun, 0.95);
    float heights[LOOK_SHAPES][COLUMNS_MAX];
    for (int layer = 0; layer < LOOK_SHAPES; layer++)
        shape_range(stage, layer, seconds, heights[layer]);
    for (int layer = 0; layer < LOOK_SHAPES; layer++) {
        bool last = layer == LOOK_SHAPES - 1;
        struct colour top = paint_hex(palette->shapes[layer]);
        struct paint_ridge ridge = {
            .height = heights[layer],
            .until = last ? stage->height : lowest(heights[layer + 1], stage->width) + 1,
            .from = stage->height * (0.62 + 0.085 * layer),
            .top = top,
            /* Mist in the valleys of the far ranges. */
            .bottom = paint_mix(top, layer < 2 ? sky.low : sky.high, layer < 2 ? 0.45f : 0.25f),
        };
        paint_ridge(picture, &ridge);
    }
}

const struct look look_horizon = {
    .name = "horizon",
    .palettes = palettes,
    .palette_count = sizeof palettes / sizeof palettes[0],
    .title = {.kind = FONT_SANS, .bold = true, .tracking = -0.005},
    .align = LAYOUT_CENTRE,
    .wide = {0.12, 0.12, 0.88, 0.54},
    .square = {0.08, 0.12, 0.92, 0.54},
    .tall = {0.09, 0.12, 0.91, 0.52},
    .title_down = 0.45,
    .shadow = 0.3,
    .paint = paint,
};
