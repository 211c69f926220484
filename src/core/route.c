#include "core/route.h"

#include <string.h>

static struct span cut(struct span *rest, char end)
{
    const char *place = rest->size ? memchr(rest->data, end, rest->size) : NULL;
    size_t size = place ? (size_t)(place - rest->data) : rest->size;
    struct span part = {rest->data, size};
    size_t step = place ? size + 1 : size;
    *rest = (struct span){rest->data + step, rest->size - step};
    return part;
}

bool route_read(const char *route, unsigned number, struct route_offer *ret_offer)
{
    struct span rest = span_of(route), line = {0};
    for (unsigned n = 0; n <= number; n++) {
        if (rest.size == 0 || n == ROUTE_OFFERS_MAX)
            return false;
        line = cut(&rest, '\n');
    }
    struct span provider = cut(&line, '\t'), price = cut(&line, '\t');
    ret_offer->slug = line;
    return span_copy(provider, ret_offer->provider, sizeof ret_offer->provider) &&
           span_integer(price, -1, INT64_MAX, &ret_offer->price);
}

unsigned route_count(const char *route)
{
    struct route_offer offer;
    unsigned count = 0;
    while (route && route_read(route, count, &offer))
        count++;
    return count;
}
