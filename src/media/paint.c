#include "media/paint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CELL = 8,
    CELLS_MAX = 4096 / CELL + 2,
    NOISE_SIDE = 64,
};

struct colour paint_hex(uint32_t hex)
{
    return (struct colour){(float)(hex >> 16 & 255) / 255, (float)(hex >> 8 & 255) / 255,
                           (float)(hex & 255) / 255};
}

struct colour paint_mix(struct colour a, struct colour b, float share_of_b)
{
    return (struct colour){a.red + (b.red - a.red) * share_of_b,
                           a.green + (b.green - a.green) * share_of_b,
                           a.blue + (b.blue - a.blue) * share_of_b};
}

double paint_smooth(double from, double to, double value)
{
    double t = (value - from) / (to - from);
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return t * t * (3 - 2 * t);
}

/* Noise of one bit's height with a triangular spread, the same on every call: a hash of the
 * position and the channel. */
static inline float noise(int x, int y, int channel)
{
    uint32_t h = (uint32_t)(x & (NOISE_SIDE - 1)) * 0x9e3779b1u ^
                 (uint32_t)(y & (NOISE_SIDE - 1)) * 0x85ebca6bu ^ (uint32_t)channel * 0xc2b2ae35u;
    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    h ^= h >> 12;
    h *= 0x297a2d39u;
    h ^= h >> 15;
    return ((float)(h & 0xffff) + (float)(h >> 16)) / 65536.0f - 1.0f;
}

static inline uint8_t to_byte(float value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

struct field {
    struct picture *picture;
    struct colour (*colour_at)(const void *context, double u, double v);
    const void *context;
    int columns;
    float line[2][PICTURE_PLANES][CELLS_MAX]; /* the grid's rows above and below, 0 … 255 */
};

static void ask_line(struct field *field, int grid_row, int which)
{
    double v = (double)grid_row * CELL / picture_height(field->picture);
    for (int i = 0; i < field->columns; i++) {
        double u = (double)i * CELL / picture_width(field->picture);
        struct colour colour = field->colour_at(field->context, u, v);
        field->line[which][PICTURE_RED][i] = colour.red * 255;
        field->line[which][PICTURE_GREEN][i] = colour.green * 255;
        field->line[which][PICTURE_BLUE][i] = colour.blue * 255;
    }
}

static void fill_row(const struct field *field, int y, int channel, const float *dither)
{
    uint8_t *row = plane_row(&field->picture->plane[channel], y);
    int width = picture_width(field->picture);
    float down = (float)(y % CELL) / CELL;
    const float *above = field->line[0][channel], *below = field->line[1][channel];
    for (int cell = 0; cell * CELL < width; cell++) {
        float left = above[cell] + (below[cell] - above[cell]) * down;
        float right = above[cell + 1] + (below[cell + 1] - above[cell + 1]) * down;
        float step = (right - left) / CELL;
        const float *grain = dither + cell * CELL % NOISE_SIDE;
        /* The last cell may reach past the width, into the row's padding. */
        for (int x = 0; x < CELL; x++)
            row[cell * CELL + x] = to_byte(left + step * (float)x + grain[x] + 0.5f);
    }
}

void paint_field(struct picture *picture,
                 struct colour (*colour_at)(const void *context, double u, double v),
                 const void *context)
{
    struct field field = {picture, colour_at, context, picture_width(picture) / CELL + 2, {{{0}}}};
    for (int y = 0; y < picture_height(picture); y++) {
        if (y % CELL == 0) {
            if (y == 0)
                ask_line(&field, 0, 0);
            else
                memcpy(field.line[0], field.line[1], sizeof field.line[0]);
            ask_line(&field, y / CELL + 1, 1);
        }
        for (int i = 0; i < PICTURE_PLANES; i++) {
            float dither[NOISE_SIDE];
            for (int x = 0; x < NOISE_SIDE; x++)
                dither[x] = noise(x, y, i) * 0.75f;
            fill_row(&field, y, i, dither);
        }
    }
}

static inline void blend(const struct picture *picture, int x, int y, struct colour colour,
                         float cover)
{
    const float channels[PICTURE_PLANES] = {colour.red, colour.green, colour.blue};
    /* Where a shape is faint its steps would show as rings: the rounding is dithered too. */
    float grain = cover > 0.996f ? 0.5f : noise(x, y, 3) * 0.5f + 0.5f;
    for (int i = 0; i < PICTURE_PLANES; i++) {
        uint8_t *at = plane_row(&picture->plane[i], y) + x;
        *at = to_byte((float)*at + (channels[i] * 255 - (float)*at) * cover + grain);
    }
}

/* The same for a run of pixels whose cover is one and the same. */
static void blend_run(const struct picture *picture, int y, int from, int to, struct colour colour,
                      float cover)
{
    const float channels[PICTURE_PLANES] = {colour.red, colour.green, colour.blue};
    for (int i = 0; i < PICTURE_PLANES; i++) {
        uint8_t *row = plane_row(&picture->plane[i], y);
        float add = channels[i] * 255 * cover + 0.5f, keep = 1 - cover;
        for (int x = from; x < to; x++)
            row[x] = to_byte((float)row[x] * keep + add);
    }
}

static int clamp_int(double value, int max)
{
    return value < 0 ? 0 : value > max ? max : (int)value;
}

void paint_disc(struct picture *picture, const struct paint_disc *disc, struct colour colour,
                double opacity)
{
    double reach = disc->radius + disc->feather;
    int left = clamp_int(floor(disc->x - reach), picture_width(picture));
    int right = clamp_int(ceil(disc->x + reach), picture_width(picture));
    int top = clamp_int(floor(disc->y - reach), picture_height(picture));
    int bottom = clamp_int(ceil(disc->y + reach), picture_height(picture));
    for (int y = top; y < bottom; y++) {
        double down = y + 0.5 - disc->y;
        double inner = disc->radius - disc->feather - 1;
        int solid_from = right, solid_to = right;
        if (disc->hole <= 0 && inner > fabs(down)) {
            double half = sqrt(inner * inner - down * down);
            solid_from = clamp_int(ceil(disc->x - half), right);
            solid_to = clamp_int(floor(disc->x + half), right);
            solid_from = solid_from < left ? left : solid_from;
            solid_to = solid_to < solid_from ? solid_from : solid_to;
            blend_run(picture, y, solid_from, solid_to, colour, (float)opacity);
        }
        for (int x = left; x < right; x++) {
            if (x == solid_from)
                x = solid_to;
            if (x >= right)
                break;
            double across = x + 0.5 - disc->x;
            double distance = sqrt(across * across + down * down);
            double cover = (disc->radius - distance) / disc->feather + 0.5;
            if (disc->hole > 0)
                cover = fmin(cover, (distance - disc->hole) / disc->feather + 0.5);
            if (cover <= 0)
                continue;
            cover = cover > 1 ? 1 : cover;
            if (disc->feather > 2)
                cover = cover * cover * (3 - 2 * cover);
            blend(picture, x, y, colour, (float)(cover * opacity));
        }
    }
}

/* How much of pixel `at` lies between two edges. */
static double overlap(double from, double to, int at)
{
    double start = from > at ? from : at, end = to < at + 1 ? to : at + 1;
    return end > start ? end - start : 0;
}

void paint_box(struct picture *picture, const struct paint_box *box, struct colour colour,
               double opacity)
{
    int left = clamp_int(floor(box->left), picture_width(picture));
    int right = clamp_int(ceil(box->right), picture_width(picture));
    int top = clamp_int(floor(box->top), picture_height(picture));
    int bottom = clamp_int(ceil(box->bottom), picture_height(picture));
    for (int y = top; y < bottom && left < right; y++) {
        double down = overlap(box->top, box->bottom, y) * opacity;
        blend(picture, left, y, colour, (float)(down * overlap(box->left, box->right, left)));
        if (right - left < 2)
            continue;
        blend_run(picture, y, left + 1, right - 1, colour, (float)down);
        int last = right - 1;
        blend(picture, last, y, colour, (float)(down * overlap(box->left, box->right, last)));
    }
}

void paint_quarter(struct picture *picture, const struct paint_box *tile, int corner,
                   struct colour colour, double opacity)
{
    double centre_x = corner == 0 || corner == 3 ? tile->left : tile->right;
    double centre_y = corner <= 1 ? tile->top : tile->bottom;
    double radius = tile->right - tile->left;
    int left = clamp_int(floor(tile->left), picture_width(picture));
    int right = clamp_int(ceil(tile->right), picture_width(picture));
    int top = clamp_int(floor(tile->top), picture_height(picture));
    int bottom = clamp_int(ceil(tile->bottom), picture_height(picture));
    for (int y = top; y < bottom; y++) {
        /* One run up to the arc, and the pixels that the arc crosses. */
        double across = y + 0.5 - centre_y;
        double reach = sqrt(fmax(radius * radius - across * across, 0));
        bool rightwards = centre_x == tile->left;
        double arc = rightwards ? centre_x + reach : centre_x - reach;
        double slope = fabs(across) / fmax(reach, 1) + 1;
        int near = clamp_int(floor(arc - slope), right), far = clamp_int(ceil(arc + slope), right);
        near = near < left ? left : near;
        far = far < near ? near : far;
        blend_run(picture, y, rightwards ? left : far, rightwards ? near : right, colour,
                  (float)opacity);
        for (int x = near; x < far; x++) {
            double cover = radius - hypot(x + 0.5 - centre_x, across) + 0.5;
            cover = cover < 0 ? 0 : cover > 1 ? 1 : cover;
            blend(picture, x, y, colour, (float)(cover * opacity));
        }
    }
}

static void ridge_row(struct plane *plane, int y, const float *heights, const float *grain,
                      bool solid)
{
    uint8_t *row = plane_row(plane, y);
    int width = plane->width;
    if (solid) {
        for (int x = 0; x < width; x++)
            row[x] = to_byte(grain[x & (NOISE_SIDE - 1)]);
        return;
    }
    for (int x = 0; x < width; x++) {
        float cover = (float)y + 1 - heights[x];
        cover = cover < 0 ? 0 : cover > 1 ? 1 : cover;
        row[x] = to_byte((float)row[x] + (grain[x & (NOISE_SIDE - 1)] - (float)row[x]) * cover);
    }
}

void paint_ridge(struct picture *picture, const struct paint_ridge *ridge)
{
    int height = picture_height(picture);
    float highest = (float)height, lowest = 0;
    for (int x = 0; x < picture_width(picture); x++) {
        highest = fminf(highest, ridge->height[x]);
        lowest = fmaxf(lowest, ridge->height[x]);
    }
    double span = fmax(height - ridge->from, 1);
    int end = clamp_int(ceil(ridge->until), height);
    for (int y = clamp_int(floor(highest), height); y < end; y++) {
        double share = (y - ridge->from) / span;
        share = share < 0 ? 0 : share > 1 ? 1 : share;
        struct colour colour = paint_mix(ridge->top, ridge->bottom, (float)share);
        const float channels[PICTURE_PLANES] = {colour.red, colour.green, colour.blue};
        for (int i = 0; i < PICTURE_PLANES; i++) {
            float grain[NOISE_SIDE];
            for (int x = 0; x < NOISE_SIDE; x++)
                grain[x] = noise(x, y, i) * 0.75f + 0.5f + channels[i] * 255;
            ridge_row(&picture->plane[i], y, ridge->height, grain, (float)y >= lowest);
        }
    }
}

static inline float mask_at(const struct typeset_mask *mask, int x, int y)
{
    if (x < 0 || y < 0 || x >= mask->width || y >= mask->height)
        return 0;
    return mask->data[(ptrdiff_t)mask->width * y + x];
}

/* Between four samples; at whole positions exactly one of them. */
static inline float mask_between(const struct typeset_mask *mask, int x, int y,
                                 const float share[2])
{
    float a = mask_at(mask, x, y), b = mask_at(mask, x + 1, y);
    float c = mask_at(mask, x, y + 1), d = mask_at(mask, x + 1, y + 1);
    float top = a + (b - a) * share[0], bottom = c + (d - c) * share[0];
    return top + (bottom - top) * share[1];
}

void paint_mask(struct picture *picture, const struct typeset_mask *mask,
                const struct paint_ink *ink)
{
    if (!mask->data || ink->opacity <= 0 || ink->reveal <= 0)
        return;
    int left = clamp_int(floor(ink->x), picture_width(picture));
    int right = clamp_int(ceil(ink->x + mask->width), picture_width(picture));
    int top = clamp_int(floor(ink->y), picture_height(picture));
    int bottom = clamp_int(ceil(ink->y + mask->height), picture_height(picture));
    /* The wipe's edge is soft over half the line's height, and begins outside. */
    double soft = fmax(mask->height, 8) * 1.5;
    double edge = ink->reveal * (mask->width + soft);
    bool whole = ink->x == floor(ink->x) && ink->y == floor(ink->y);
    for (int y = top; y < bottom; y++) {
        double from_y = y - ink->y, row = floor(from_y);
        for (int x = left; x < right; x++) {
            double from_x = x - ink->x, column = floor(from_x);
            const float share[2] = {(float)(from_x - column), (float)(from_y - row)};
            float cover = whole ? mask_at(mask, (int)column, (int)row)
                                : mask_between(mask, (int)column, (int)row, share);
            if (cover <= 0)
                continue;
            double along = ink->from_right ? mask->width - from_x : from_x;
            double shown = ink->reveal >= 1 ? 1 : 1 - paint_smooth(edge - soft, edge, along);
            blend(picture, x, y, ink->colour, (float)(cover / 255 * ink->opacity * shown));
        }
    }
}

/* One pass of a running mean along lines of `count` values that are `step` apart. */
static void mean_pass(const uint8_t *from, uint8_t *to, int count, int step, int radius)
{
    int sum = 0, size = 2 * radius + 1;
    for (int i = -radius; i < count; i++) {
        if (i + radius < count)
            sum += from[(ptrdiff_t)(i + radius) * step];
        if (i - radius - 1 >= 0)
            sum -= from[(ptrdiff_t)(i - radius - 1) * step];
        if (i >= 0)
            to[(ptrdiff_t)i * step] = (uint8_t)((sum + radius) / size);
    }
}

bool paint_blur(const struct typeset_mask *mask, int radius, struct typeset_mask *ret_mask)
{
    /* Three means are nearly a Gaussian. */
    enum { PASSES = 3 };
    int border = radius * PASSES;
    struct typeset_mask soft = {.x = mask->x - border,
                                .y = mask->y - border,
                                .width = mask->width + 2 * border,
                                .height = mask->height + 2 * border};
    size_t size = (size_t)soft.width * (size_t)soft.height;
    soft.data = calloc(size, 1);
    uint8_t *other = calloc(size, 1);
    if (!soft.data || !other) {
        free(soft.data);
        free(other);
        return false;
    }
    for (int y = 0; y < mask->height; y++)
        memcpy(soft.data + (ptrdiff_t)soft.width * (y + border) + border,
               mask->data + (ptrdiff_t)mask->width * y, (size_t)mask->width);
    for (int pass = 0; pass < PASSES; pass++) {
        for (int y = 0; y < soft.height; y++) {
            ptrdiff_t row = (ptrdiff_t)soft.width * y;
            mean_pass(soft.data + row, other + row, soft.width, 1, radius);
        }
        for (int x = 0; x < soft.width; x++)
            mean_pass(other + x, soft.data + x, soft.height, soft.width, radius);
    }
    free(other);
    *ret_mask = soft;
    return true;
}
