#include "media/burn.h"

#include <ass/ass.h>
#include <errno.h>
#include <libavutil/error.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { GLYPHS_MAX = 4000, BITMAPS_MB = 64, OPAQUE = 255 };

struct burn {
    ASS_Library *library;
    ASS_Renderer *renderer;
    ASS_Track *track;
    struct burn_layer *shown; /* NULL: nothing is */
    int width, height;
    bool begun;
};

/* Colours that are already multiplied by how much they cover. Chroma has half the size. */
struct burn_layer {
    atomic_int users;
    int x, y; /* of the frame, even */
    struct plane yuv[3], cover, cover_half;
};

static void hush(int level, const char *format, va_list arguments, void *data)
{
}

struct burn *burn_make(const char *text, size_t size, int width, int height,
                       struct failure *failure)
{
    struct burn *burn = calloc(1, sizeof *burn);
    char *copy = malloc(size + 1);
    if (burn && copy && (burn->library = ass_library_init())) {
        memcpy(copy, text, size);
        copy[size] = '\0';
        ass_set_message_cb(burn->library, hush, NULL);
        burn->renderer = ass_renderer_init(burn->library);
        burn->track = ass_read_memory(burn->library, copy, size, NULL);
    }
    free(copy);
    if (!burn || !burn->renderer || !burn->track) {
        burn_free(burn);
        failure_note_av(failure, ERROR_INTERNAL, "preparing the subtitles", AVERROR(ENOMEM));
        return NULL;
    }
    burn->width = width;
    burn->height = height;
    ass_set_frame_size(burn->renderer, width, height);
    ass_set_storage_size(burn->renderer, width, height);
    ass_set_hinting(burn->renderer, ASS_HINTING_NONE);
    ass_set_shaper(burn->renderer, ASS_SHAPING_COMPLEX);
    ass_set_cache_limits(burn->renderer, GLYPHS_MAX, BITMAPS_MB);
    ass_set_fonts(burn->renderer, NULL, "Noto Sans", ASS_FONTPROVIDER_FONTCONFIG, NULL, 1);
    return burn;
}

void burn_free(struct burn *burn)
{
    if (!burn)
        return;
    burn_let_go(burn->shown);
    if (burn->track)
        ass_free_track(burn->track);
    if (burn->renderer)
        ass_renderer_done(burn->renderer);
    if (burn->library)
        ass_library_done(burn->library);
    free(burn);
}

void burn_let_go(struct burn_layer *layer)
{
    if (!layer || atomic_fetch_sub(&layer->users, 1) > 1)
        return;
    for (int i = 0; i < 3; i++)
        plane_free(&layer->yuv[i]);
    plane_free(&layer->cover);
    plane_free(&layer->cover_half);
    free(layer);
}

struct box {
    int left, top, right, bottom;
};

/* All that was drawn, inside the frame, with even corners. */
static struct box bounds(const struct burn *burn, const ASS_Image *image)
{
    struct box box = {burn->width, burn->height, 0, 0};
    for (; image; image = image->next) {
        if (image->w <= 0 || image->h <= 0)
            continue;
        int right = image->dst_x + image->w, bottom = image->dst_y + image->h;
        box.left = image->dst_x < box.left ? image->dst_x : box.left;
        box.top = image->dst_y < box.top ? image->dst_y : box.top;
        box.right = right > box.right ? right : box.right;
        box.bottom = bottom > box.bottom ? bottom : box.bottom;
    }
    box.left = box.left < 0 ? 0 : box.left & ~1;
    box.top = box.top < 0 ? 0 : box.top & ~1;
    box.right = box.right > burn->width ? burn->width : (box.right + 1) & ~1;
    box.bottom = box.bottom > burn->height ? burn->height : (box.bottom + 1) & ~1;
    return box;
}

/* BT.709, limited range, in 1/65536. */
static void colour_of(uint32_t rgba, int yuv[3])
{
    int red = (int)(rgba >> 24), green = (int)(rgba >> 16 & 255), blue = (int)(rgba >> 8 & 255);
    yuv[0] = 16 + ((11966 * red + 40254 * green + 4064 * blue + 32768) >> 16);
    yuv[1] = 128 + ((-6596 * red - 22189 * green + 28784 * blue + 32768) >> 16);
    yuv[2] = 128 + ((28784 * red - 26145 * green - 2639 * blue + 32768) >> 16);
}

static int divide255(int value)
{
    return (value + 128 + ((value + 128) >> 8)) >> 8;
}

static void put(uint8_t *under, int colour, int cover)
{
    *under = (uint8_t)(divide255(colour * cover) + divide255(*under * (OPAQUE - cover)));
}

/* One of libass's pictures, a single colour, over what the layer has at full size. */
static void lay(const struct burn_layer *layer, const ASS_Image *image, struct plane full[3])
{
    int yuv[3], opacity = OPAQUE - (int)(image->color & 255);
    colour_of(image->color, yuv);
    for (int row = 0; row < image->h; row++) {
        int y = image->dst_y + row - layer->y;
        if (y < 0 || y >= layer->cover.height)
            continue;
        const uint8_t *mask = image->bitmap + (ptrdiff_t)image->stride * row;
        for (int column = 0; column < image->w; column++) {
            int x = image->dst_x + column - layer->x;
            int cover = divide255(mask[column] * opacity);
            if (cover == 0 || x < 0 || x >= layer->cover.width)
                continue;
            for (int i = 0; i < 3; i++)
                put(plane_row(&full[i], y) + x, yuv[i], cover);
            put(plane_row(&layer->cover, y) + x, OPAQUE, cover);
        }
    }
}

/* Chroma's samples lie on the left one of two columns, between two rows. */
static void halve(const struct plane *full, struct plane *half)
{
    for (int y = 0; y < half->height; y++) {
        const uint8_t *upper = plane_row(full, 2 * y), *lower = plane_row(full, 2 * y + 1);
        for (int x = 0; x < half->width; x++) {
            int at = 2 * x, before = x > 0 ? at - 1 : at;
            int sum = upper[before] + 2 * upper[at] + upper[at + 1];
            sum += lower[before] + 2 * lower[at] + lower[at + 1];
            plane_row(half, y)[x] = (uint8_t)((sum + 4) >> 3);
        }
    }
}

static bool make_planes(struct burn_layer *layer, const struct box *box, struct plane full[3])
{
    int width = box->right - box->left, height = box->bottom - box->top;
    bool made = plane_make(width, height, &layer->cover) &&
                plane_make(width / 2, height / 2, &layer->cover_half);
    for (int i = 0; i < 3 && made; i++) {
        made = plane_make(width, height, &full[i]);
        if (made)
            plane_fill(&full[i], 0);
    }
    for (int i = 1; i < 3 && made; i++)
        made = plane_make(width / 2, height / 2, &layer->yuv[i]);
    if (made)
        plane_fill(&layer->cover, 0);
    return made;
}

static struct burn_layer *flatten(const struct burn *burn, const ASS_Image *images)
{
    struct box box = bounds(burn, images);
    struct plane full[3] = {{0}};
    struct burn_layer *layer = calloc(1, sizeof *layer);
    bool made = layer && make_planes(layer, &box, full);
    if (made) {
        atomic_init(&layer->users, 1);
        layer->x = box.left;
        layer->y = box.top;
        for (const ASS_Image *image = images; image; image = image->next)
            lay(layer, image, full);
        for (int i = 1; i < 3; i++)
            halve(&full[i], &layer->yuv[i]);
        halve(&layer->cover, &layer->cover_half);
        layer->yuv[0] = full[0];
        full[0] = (struct plane){0};
    }
    for (int i = 0; i < 3; i++)
        plane_free(&full[i]);
    if (!made && layer) {
        atomic_init(&layer->users, 1);
        burn_let_go(layer);
        layer = NULL;
    }
    return layer;
}

static bool is_visible(const struct burn *burn, const ASS_Image *images)
{
    struct box box = bounds(burn, images);
    return box.left < box.right && box.top < box.bottom;
}

bool burn_at(struct burn *burn, int64_t ms, struct burn_layer **ret_layer)
{
    int change = 0;
    const ASS_Image *images = ass_render_frame(burn->renderer, burn->track, ms, &change);
    if (change || !burn->begun) {
        burn_let_go(burn->shown);
        burn->shown = NULL;
        if (is_visible(burn, images) && !(burn->shown = flatten(burn, images)))
            return false;
        burn->begun = true;
    }
    if (burn->shown)
        atomic_fetch_add(&burn->shown->users, 1);
    *ret_layer = burn->shown;
    return true;
}

void burn_blend(const struct burn_layer *layer, struct plane yuv[3])
{
    for (int i = 0; i < 3; i++) {
        const struct plane *over = &layer->yuv[i];
        const struct plane *cover = i ? &layer->cover_half : &layer->cover;
        int left = i ? layer->x / 2 : layer->x, top = i ? layer->y / 2 : layer->y;
        for (int y = 0; y < over->height; y++) {
            const uint8_t *colour = plane_row(over, y), *part = plane_row(cover, y);
            uint8_t *to = plane_row(&yuv[i], top + y) + left;
            for (int x = 0; x < over->width; x++) {
                int rest = to[x] * (OPAQUE - part[x]) + 128;
                int sum = colour[x] + ((rest + (rest >> 8)) >> 8);
                to[x] = (uint8_t)(sum > OPAQUE ? OPAQUE : sum);
            }
        }
    }
}
