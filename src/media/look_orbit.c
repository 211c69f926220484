/* Orbit: planets on thin rings around a sun that stands at the frame's edge, over a dark sky. The
 * palette's accent is the sun, its shapes the planets from the inside outwards. */
#include "media/look.h"

#include <math.h>

#define TURN 6.28318530717958648

enum { STARS = 70 };

static const struct look_palette palettes[] = {
    {0x0b1026, 0x1b2350, {0x7dd3fc, 0xf472b6, 0xfbbf24, 0xa78bfa}, 0xf8fafc, 0xffd166},
    {0x1a0f1f, 0x3a1730, {0xff9f80, 0xf7567c, 0xffd9a0, 0xc77dff}, 0xfff5ee, 0xff8360},
    {0x06181c, 0x0d3a3d, {0x80ffdb, 0x48bfe3, 0xf9f871, 0x56cfe1}, 0xf1fffb, 0xffe66d},
    {0x121212, 0x2b2b2f, {0xe0e0e0, 0xff6b35, 0x9aa0a6, 0xf7c59f}, 0xffffff, 0xff6b35},
};

struct sky {
    struct colour back, deep, sun;
    double x, y, aspect;
};

static struct colour colour_at(const void *context, double u, double v)
{
    const struct sky *sky = context;
    double dx = (u - sky->x) * sky->aspect, dy = v - sky->y;
    double distance = dx * dx + dy * dy;
    struct colour colour = paint_mix(sky->back, sky->deep, (float)exp(-distance / 0.45));
    return paint_mix(colour, sky->sun, (float)(0.30 * exp(-distance / 0.05)));
}

static double fraction(double value)
{
    return value - floor(value);
}

static void paint_stars(const struct look_stage *stage, double seconds, struct picture *picture)
{
    struct colour ink = paint_hex(stage->palette->ink);
    for (int i = 0; i < STARS; i++) {
        double a = fraction(stage->number[i % LOOK_NUMBERS] * 17.3 + i * 0.6180339887);
        double b = fraction(stage->number[(i + 11) % LOOK_NUMBERS] * 29.7 + i * 0.7548776662);
        double glow = 0.30 + 0.18 * sin(seconds * (0.5 + a) + TURN * b);
        struct paint_disc star = {a * stage->width, b * stage->height,
                                  fmax(stage->unit * (0.10 + 0.12 * fraction(a * 7 + b)), 0.6), 0,
                                  1};
        paint_disc(picture, &star, ink, glow);
    }
}

static void paint_planet(const struct look_stage *stage, const struct sky *sky, int planet,
                         double seconds, struct picture *picture)
{
    const double *n = stage->number + 6 + planet * 3;
    double x = sky->x * stage->width, y = sky->y * stage->height, unit = stage->unit;
    double radius = unit * (19 + 12.5 * planet), size = unit * (1.6 + 2.2 * n[0]);
    double angle = TURN * n[1] + seconds * (0.34 - 0.06 * planet);
    struct paint_disc ring = {x, y, radius, radius - fmax(unit * 0.16, 1), 1};
    paint_disc(picture, &ring, paint_hex(stage->palette->ink), 0.26);
    double px = x + cos(angle) * radius, py = y + sin(angle) * radius;
    struct colour colour = paint_hex(stage->palette->shapes[planet]);
    struct paint_disc disc = {px, py, size, 0, 1};
    /* The ring is broken around its planet, and the planet's far side is dark. */
    struct paint_disc gap = {px, py, size + unit * 0.9, 0, 1};
    paint_disc(picture, &gap, sky->back, 1);
    paint_disc(picture, &disc, colour, 1);
    struct paint_disc shade = {px + cos(angle) * size * 0.3, py + sin(angle) * size * 0.3,
                               size * 0.72, 0, size * 0.5};
    paint_disc(picture, &shade, paint_mix(colour, sky->back, 0.6f), 0.5);
}

static void paint(const struct look_stage *stage, double seconds, struct picture *picture)
{
    const struct look_palette *palette = stage->palette;
    enum look_shape shape = look_shape_of(stage->width, stage->height);
    struct sky sky = {
        .back = paint_hex(palette->back),
        .deep = paint_hex(palette->deep),
        .sun = paint_hex(palette->accent),
        .x = shape == LOOK_WIDE ? 0.90 : 0.74,
        .y = shape == LOOK_WIDE     ? 0.52
             : shape == LOOK_SQUARE ? 0.99
                                    : 0.86,
        .aspect = (double)stage->width / stage->height,
    };
    paint_field(picture, colour_at, &sky);
    paint_stars(stage, seconds, picture);
    for (int planet = LOOK_SHAPES - 1; planet >= 0; planet--)
        paint_planet(stage, &sky, planet, seconds, picture);
    double x = sky.x * stage->width, y = sky.y * stage->height;
    double swell = stage->unit * (9.5 + 0.25 * sin(seconds * 1.3));
    struct paint_disc glow = {x, y, swell * 1.25, 0, swell * 0.8};
    paint_disc(picture, &glow, sky.sun, 0.35);
    struct paint_disc sun = {x, y, swell, 0, 1};
    paint_disc(picture, &sun, sky.sun, 1);
}

const struct look look_orbit = {
    .name = "orbit",
    .palettes = palettes,
    .palette_count = sizeof palettes / sizeof palettes[0],
    .title = {.kind = FONT_SANS, .bold = true, .tracking = -0.006},
    .align = LAYOUT_START,
    .wide = {0.06, 0.15, 0.58, 0.83},
    .square = {0.08, 0.13, 0.92, 0.50},
    .tall = {0.08, 0.11, 0.92, 0.50},
    .title_down = 0.4,
    .note_square = 0.575,
    .note_tall = 0.56,
    .shadow = 0.3,
    .paint = paint,
};
