#include "media/whole.h"

#include "base/bytes.h"

enum { GIF_BLOCKS_MAX = 4096, TIFF_ENTRIES_MAX = 512, TIFF_STRIPS_MAX = 100000 };

/* The end mark can not occur inside coded data, so a JPEG whose last scan is followed by none is
 * cut off. */
static bool jpeg(struct bytes bytes)
{
    for (size_t at = bytes.size; at-- > 2;) {
        if (bytes.data[at - 1] == 0xff && bytes.data[at] == 0xd9)
            return true;
        if (bytes.data[at - 1] == 0xff && bytes.data[at] == 0xda)
            return false;
    }
    return false;
}

/* Past a chain of counted blocks, which a count of zero ends; SIZE_MAX when it does not end. */
static size_t after_blocks(struct bytes bytes, size_t at)
{
    while (at < bytes.size) {
        uint8_t count = bytes_u8(bytes, at);
        if (count == 0)
            return at + 1;
        at += 1 + (size_t)count;
    }
    return SIZE_MAX;
}

static size_t table_size(uint8_t flags)
{
    return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

/* The first image's blocks must end; later ones are not looked at. */
static bool gif(struct bytes bytes)
{
    size_t at = 13 + table_size(bytes_u8(bytes, 10));
    for (int i = 0; i < GIF_BLOCKS_MAX && at < bytes.size; i++) {
        uint8_t kind = bytes_u8(bytes, at);
        if (kind == 0x2c) {
            at += 10 + table_size(bytes_u8(bytes, at + 9));
            return after_blocks(bytes, at + 1) != SIZE_MAX;
        }
        if (kind != 0x21)
            return false;
        at = after_blocks(bytes, at + 2);
    }
    return false;
}

/* The RIFF header counts what follows it. */
static bool webp(struct bytes bytes)
{
    return (size_t)bytes_le32(bytes, 4) + 8 <= bytes.size;
}

/* One entry of a directory: its values lie in it or, when they need more than four bytes,
 * elsewhere. */
struct entry {
    bool little;
    uint32_t type, count;
    size_t values;
};

static uint32_t number(struct bytes bytes, bool little, bool wide, size_t at)
{
    if (wide)
        return little ? bytes_le32(bytes, at) : bytes_be32(bytes, at);
    return little ? bytes_le16(bytes, at) : bytes_be16(bytes, at);
}

static uint32_t entry_value(struct bytes bytes, const struct entry *entry, uint32_t index)
{
    bool wide = entry->type == 4;
    return number(bytes, entry->little, wide, entry->values + (size_t)index * (wide ? 4 : 2));
}

static struct entry find_entry(struct bytes bytes, uint32_t tag)
{
    struct entry entry = {.little = bytes_u8(bytes, 0) == 'I'};
    size_t at = number(bytes, entry.little, true, 4);
    uint32_t entries = number(bytes, entry.little, false, at);
    for (uint32_t i = 0; i < entries && i < TIFF_ENTRIES_MAX; i++) {
        size_t from = at + 2 + (size_t)i * 12;
        if (number(bytes, entry.little, false, from) != tag)
            continue;
        entry.type = number(bytes, entry.little, false, from + 2);
        entry.count = number(bytes, entry.little, true, from + 4);
        size_t size = (size_t)entry.count * (entry.type == 4 ? 4 : 2);
        entry.values = size <= 4 ? from + 8 : number(bytes, entry.little, true, from + 8);
        break;
    }
    return entry;
}

/* Every strip (or tile) must lie inside the file. */
static bool tiff(struct bytes bytes)
{
    struct entry offsets = find_entry(bytes, 273), sizes = find_entry(bytes, 279);
    if (offsets.count == 0) {
        offsets = find_entry(bytes, 324);
        sizes = find_entry(bytes, 325);
    }
    if (offsets.count == 0 || offsets.count != sizes.count || offsets.count > TIFF_STRIPS_MAX)
        return false;
    for (uint32_t i = 0; i < offsets.count; i++) {
        size_t end = (size_t)entry_value(bytes, &offsets, i) + entry_value(bytes, &sizes, i);
        if (end > bytes.size)
            return false;
    }
    return true;
}

bool whole_image(enum sniff_kind kind, const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, size};
    if (kind == SNIFF_JPEG)
        return jpeg(bytes);
    if (kind == SNIFF_GIF)
        return gif(bytes);
    if (kind == SNIFF_WEBP)
        return webp(bytes);
    if (kind == SNIFF_TIFF)
        return tiff(bytes);
    return true;
}
