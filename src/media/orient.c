#include "media/orient.h"

#include "base/bytes.h"

enum { SEGMENTS_MAX = 4096, ENTRIES_MAX = 512, TAG_ORIENTATION = 0x112 };

/* A TIFF structure: byte order, offset of the first directory, entries of twelve bytes. */
static int from_tiff(struct bytes bytes)
{
    bool little = bytes_are(bytes, 0, "II", 2);
    if (!little && !bytes_are(bytes, 0, "MM", 2))
        return ORIENT_UPRIGHT;
    size_t at = little ? bytes_le32(bytes, 4) : bytes_be32(bytes, 4);
    uint32_t entries = little ? bytes_le16(bytes, at) : bytes_be16(bytes, at);
    for (uint32_t i = 0; i < entries && i < ENTRIES_MAX; i++) {
        size_t entry = at + 2 + (size_t)i * 12;
        uint32_t tag = little ? bytes_le16(bytes, entry) : bytes_be16(bytes, entry);
        if (tag != TAG_ORIENTATION)
            continue;
        uint32_t value = little ? bytes_le16(bytes, entry + 8) : bytes_be16(bytes, entry + 8);
        return value >= ORIENT_UPRIGHT && value <= ORIENT_MAX ? (int)value : ORIENT_UPRIGHT;
    }
    return ORIENT_UPRIGHT;
}

/* Some writers put JPEG's "Exif" mark before the structure in other containers too. */
static int from_exif(struct bytes bytes)
{
    if (bytes_are(bytes, 0, "Exif\0\0", 6))
        bytes = bytes_part(bytes, 6, SIZE_MAX);
    return from_tiff(bytes);
}

static int from_jpeg(struct bytes bytes)
{
    size_t at = 2;
    for (int i = 0; i < SEGMENTS_MAX && bytes_u8(bytes, at) == 0xff; i++) {
        uint8_t marker = bytes_u8(bytes, at + 1);
        if (marker == 0xff) {
            at++;
            continue;
        }
        if (marker == 0xda || marker == 0xd9)
            break;
        size_t length = bytes_be16(bytes, at + 2);
        if (marker == 0xe1 && length >= 8 && bytes_are(bytes, at + 4, "Exif\0\0", 6))
            return from_exif(bytes_part(bytes, at + 4, length - 2));
        at += 2 + length;
    }
    return ORIENT_UPRIGHT;
}

static int from_png(struct bytes bytes)
{
    size_t at = 8;
    for (int i = 0; i < SEGMENTS_MAX && at + 12 <= bytes.size; i++) {
        size_t length = bytes_be32(bytes, at);
        if (bytes_are(bytes, at + 4, "eXIf", 4))
            return from_exif(bytes_part(bytes, at + 8, length));
        at += 12 + length;
    }
    return ORIENT_UPRIGHT;
}

static int from_webp(struct bytes bytes)
{
    size_t at = 12;
    for (int i = 0; i < SEGMENTS_MAX && at + 8 <= bytes.size; i++) {
        size_t length = bytes_le32(bytes, at + 4);
        if (bytes_are(bytes, at, "EXIF", 4))
            return from_exif(bytes_part(bytes, at + 8, length));
        at += 8 + length + (length & 1);
    }
    return ORIENT_UPRIGHT;
}

int orient_find(enum sniff_kind kind, const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, size};
    if (kind == SNIFF_JPEG)
        return from_jpeg(bytes);
    if (kind == SNIFF_PNG)
        return from_png(bytes);
    if (kind == SNIFF_WEBP)
        return from_webp(bytes);
    if (kind == SNIFF_TIFF)
        return from_tiff(bytes);
    return ORIENT_UPRIGHT;
}

/* What stands at (column, row) of the upright picture is found in the stored one at … */
static const uint8_t *stored(const struct plane *plane, int orientation, int column, int row)
{
    int right = plane->width - 1, bottom = plane->height - 1;
    int x = column, y = row;
    switch (orientation) {
    case 2:
        x = right - column;
        break;
    case 3:
        x = right - column;
        y = bottom - row;
        break;
    case 4:
        y = bottom - row;
        break;
    case 5:
        x = row;
        y = column;
        break;
    case 6:
        x = row;
        y = bottom - column;
        break;
    case 7:
        x = right - row;
        y = bottom - column;
        break;
    case 8:
        x = right - row;
        y = column;
        break;
    default:
        break;
    }
    return plane_row(plane, y) + x;
}

void orient_plane(const struct plane *from, int orientation, struct plane *to)
{
    /* In squares that fit the cache, since one side is always walked across the rows. */
    enum { SQUARE = 64 };
    for (int top = 0; top < to->height; top += SQUARE) {
        for (int left = 0; left < to->width; left += SQUARE) {
            int bottom = top + SQUARE < to->height ? top + SQUARE : to->height;
            int right = left + SQUARE < to->width ? left + SQUARE : to->width;
            for (int row = top; row < bottom; row++) {
                const uint8_t *first = stored(from, orientation, left, row);
                ptrdiff_t step = 0;
                if (right - left > 1)
                    step = stored(from, orientation, left + 1, row) - first;
                uint8_t *target = plane_row(to, row);
                for (int column = left; column < right; column++)
                    target[column] = first[step * (column - left)];
            }
        }
    }
}

bool orient_apply(struct picture *picture, int orientation)
{
    if (orientation <= ORIENT_UPRIGHT || orientation > ORIENT_MAX)
        return true;
    bool exchange = orientation >= 5;
    int width = exchange ? picture_height(picture) : picture_width(picture);
    int height = exchange ? picture_width(picture) : picture_height(picture);
    struct plane turned[PICTURE_PLANES] = {{0}};
    for (int i = 0; i < PICTURE_PLANES; i++) {
        if (!plane_make(width, height, &turned[i])) {
            for (int k = 0; k < i; k++)
                plane_free(&turned[k]);
            return false;
        }
        orient_plane(&picture->plane[i], orientation, &turned[i]);
    }
    for (int i = 0; i < PICTURE_PLANES; i++) {
        plane_free(&picture->plane[i]);
        picture->plane[i] = turned[i];
    }
    return true;
}
