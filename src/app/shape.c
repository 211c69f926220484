#include "app/shape.h"

int64_t shape_side(struct span resolution)
{
    int64_t side = 0;
    if (span_is_nocase(resolution, "4k"))
        return 2160;
    if (resolution.size > 1 && (resolution.data[resolution.size - 1] | 0x20) == 'p')
        (void)span_integer(span_make(resolution.data, resolution.size - 1), 1, 8640, &side);
    return side;
}

double shape_aspect(struct span text)
{
    struct span width;
    int64_t across = 0, down = 0;
    bool good = span_take(&text, ':', &width) && text.data &&
                span_integer(width, 1, 100, &across) && span_integer(text, 1, 100, &down);
    return good ? (double)across / (double)down : 0;
}
