#include "app/glyph.h"

#include <wchar.h>

struct glyph {
    struct span bytes;
    uint32_t code;
    unsigned width;
    bool plain; /* may be shown as it is */
};

/* Takes the first character off *rest. */
static struct glyph take(struct span *rest)
{
    struct glyph glyph = {.bytes = {rest->data, 1}, .width = 1};
    for (size_t size = 1; size <= 4 && size <= rest->size; size++) {
        if (!span_is_utf8(span_make(rest->data, size)))
            continue;
        const unsigned char *at = (const unsigned char *)rest->data;
        glyph.code = size == 1 ? at[0] : at[0] & (0xFFu >> (size + 1));
        for (size_t n = 1; n < size; n++)
            glyph.code = glyph.code << 6 | (at[n] & 0x3Fu);
        glyph.bytes.size = size;
        glyph.plain = true;
        break;
    }
    rest->data += glyph.bytes.size;
    rest->size -= glyph.bytes.size;
    if (!glyph.plain)
        return glyph;
    /* The C library knows widths by its locale, which main() sets to one of UTF-8. Bidirectional
     * overrides are invisible but turn the rest of the line around. */
    bool control = glyph.code < 0x20 || (glyph.code >= 0x7F && glyph.code < 0xA0) ||
                   (glyph.code >= 0x202A && glyph.code <= 0x202E) ||
                   (glyph.code >= 0x2066 && glyph.code <= 0x2069) || glyph.code == 0x2028 ||
                   glyph.code == 0x2029;
    int width = control ? 1 : wcwidth((wchar_t)glyph.code);
    glyph.plain = !control;
    glyph.width = width >= 0 ? (unsigned)width : 1;
    return glyph;
}

static void add(struct buffer *target, const struct glyph *glyph)
{
    if (glyph->plain)
        buffer_add(target, glyph->bytes);
    else
        buffer_add_byte(target, glyph->code ? ' ' : '?');
}

unsigned glyph_width(struct span text)
{
    unsigned width = 0;
    while (text.size > 0)
        width += take(&text).width;
    return width;
}

void glyph_add(struct buffer *target, struct span text)
{
    while (text.size > 0) {
        struct glyph glyph = take(&text);
        add(target, &glyph);
    }
}

static void fill(struct buffer *target, unsigned count)
{
    while (count-- > 0)
        buffer_add_byte(target, ' ');
}

void glyph_fit(struct buffer *target, struct span text, unsigned width, bool right)
{
    unsigned whole = glyph_width(text), used = 0;
    if (width == 0)
        return;
    if (whole <= width) {
        fill(target, right ? width - whole : 0);
        glyph_add(target, text);
        fill(target, right ? 0 : width - whole);
        return;
    }
    while (text.size > 0) {
        struct glyph glyph = take(&text);
        if (used + glyph.width > width - 1)
            break;
        add(target, &glyph);
        used += glyph.width;
    }
    buffer_add_text(target, "…");
    fill(target, width - 1 - used);
}
