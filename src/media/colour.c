#include "media/colour.h"

/* BT.709 with 15 bits; each row of the matrix sums to what white and grey need. */
enum {
    BITS = 15,
    Y_RED = 5983,    /* 0.2126 * 219/255 */
    Y_GREEN = 20127, /* 0.7152 * 219/255 */
    Y_BLUE = 2032,   /* 0.0722 * 219/255 */
    U_RED = -3298,
    U_GREEN = -11094,
    U_BLUE = 14392, /* 0.5 * 224/255 */
    V_RED = 14392,
    V_GREEN = -13073,
    V_BLUE = -1319,
    ROUND = 1 << (BITS - 1),
    BLACK = 16,
    GREY = 128,
};

static inline uint8_t luma(int r, int g, int b)
{
    return (uint8_t)(((Y_RED * r + Y_GREEN * g + Y_BLUE * b + ROUND) >> BITS) + BLACK);
}

static void luma_row(const struct picture *picture, int y, uint8_t *restrict to)
{
    const uint8_t *restrict r = plane_row(&picture->plane[PICTURE_RED], y);
    const uint8_t *restrict g = plane_row(&picture->plane[PICTURE_GREEN], y);
    const uint8_t *restrict b = plane_row(&picture->plane[PICTURE_BLUE], y);
    int width = picture_width(picture);
    for (int x = 0; x < width; x++)
        to[x] = luma(r[x], g[x], b[x]);
}

static void chroma_row(const struct picture *picture, int y, uint8_t *restrict u,
                       uint8_t *restrict v)
{
    const uint8_t *restrict r = plane_row(&picture->plane[PICTURE_RED], y);
    const uint8_t *restrict g = plane_row(&picture->plane[PICTURE_GREEN], y);
    const uint8_t *restrict b = plane_row(&picture->plane[PICTURE_BLUE], y);
    int width = picture_width(picture);
    for (int x = 0; x < width; x++) {
        int red = r[x], green = g[x], blue = b[x];
        u[x] = (uint8_t)(((U_RED * red + U_GREEN * green + U_BLUE * blue + ROUND) >> BITS) + GREY);
        v[x] = (uint8_t)(((V_RED * red + V_GREEN * green + V_BLUE * blue + ROUND) >> BITS) + GREY);
    }
}

void colour_to_yuv444(const struct picture *picture, struct plane yuv[3])
{
    for (int y = 0; y < picture_height(picture); y++) {
        luma_row(picture, y, plane_row(&yuv[0], y));
        chroma_row(picture, y, plane_row(&yuv[1], y), plane_row(&yuv[2], y));
    }
}

/* Eight times the weighted mean of a channel around one chroma sample: 1 2 1 across, 1 1 down. */
static inline int around(const uint8_t *top, const uint8_t *bottom, int x)
{
    int left = x > 0 ? x - 1 : 0;
    return top[left] + bottom[left] + 2 * (top[x] + bottom[x]) + top[x + 1] + bottom[x + 1];
}

static void chroma_pair(const struct picture *picture, int row, struct plane yuv[3])
{
    const uint8_t *top[PICTURE_PLANES], *bottom[PICTURE_PLANES];
    for (int i = 0; i < PICTURE_PLANES; i++) {
        top[i] = plane_row(&picture->plane[i], 2 * row);
        bottom[i] = plane_row(&picture->plane[i], 2 * row + 1);
    }
    uint8_t *u = plane_row(&yuv[1], row), *v = plane_row(&yuv[2], row);
    for (int x = 0; x < yuv[1].width; x++) {
        int r = around(top[PICTURE_RED], bottom[PICTURE_RED], 2 * x);
        int g = around(top[PICTURE_GREEN], bottom[PICTURE_GREEN], 2 * x);
        int b = around(top[PICTURE_BLUE], bottom[PICTURE_BLUE], 2 * x);
        int cb = (U_RED * r + U_GREEN * g + U_BLUE * b + (ROUND << 3)) >> (BITS + 3);
        int cr = (V_RED * r + V_GREEN * g + V_BLUE * b + (ROUND << 3)) >> (BITS + 3);
        u[x] = (uint8_t)(cb + GREY);
        v[x] = (uint8_t)(cr + GREY);
    }
}

void colour_to_yuv420(const struct picture *picture, struct plane yuv[3])
{
    for (int y = 0; y < yuv[0].height; y++)
        luma_row(picture, y, plane_row(&yuv[0], y));
    for (int row = 0; row < yuv[1].height; row++)
        chroma_pair(picture, row, yuv);
}
