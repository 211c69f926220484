#include "catalog/route.h"

#include "catalog/load.h"

#include <string.h>

static bool is_capture(struct span segment)
{
    return span_starts(segment, "{");
}

static void keep(struct route_match *match, struct span segment, struct span value)
{
    match->captures[match->capture_count++] =
        (struct route_capture){.name = segment, .value = value};
}

/* Cuts a path into segments; 0 when it has too many, or does not begin with a slash. */
static unsigned cut(struct span path, struct span segments[static ROUTE_SEGMENTS_MAX])
{
    struct span rest = path, part;
    unsigned count = 0;
    if (!span_starts(path, "/"))
        return 0;
    rest = (struct span){rest.data + 1, rest.size - 1};
    while (span_take(&rest, '/', &part)) {
        if (count == ROUTE_SEGMENTS_MAX)
            return 0;
        segments[count++] = part;
    }
    return count;
}

/* The star, if there is one, takes what the other segments leave over. */
static bool matches(const struct load_route *entry, const struct span *segments, unsigned count,
                    struct route_match *match)
{
    unsigned extra = count - entry->segment_count, at = 0;
    if (count < entry->segment_count || (entry->star < 0 && extra > 0))
        return false;
    match->capture_count = 0;
    for (unsigned n = 0; n < entry->segment_count; n++) {
        struct span pattern = entry->segments[n], first = segments[at];
        unsigned taken = 1 + ((int)n == entry->star ? extra : 0);
        struct span last = segments[at + taken - 1];
        struct span value = {first.data, (size_t)(last.data - first.data) + last.size};
        if (is_capture(pattern) ? value.size == 0 : !span_equal(pattern, value))
            return false;
        if (is_capture(pattern))
            keep(match,
                 (struct span){pattern.data + 1, pattern.size - ((int)n == entry->star ? 3 : 2)},
                 value);
        at += taken;
    }
    match->route = &entry->route;
    return true;
}

/* What is looked for, and the best that was found so far. */
struct search {
    struct span method;
    struct span segments[ROUTE_SEGMENTS_MAX];
    unsigned count;
    enum route_result result;
    const struct load_route *best;
    struct route_match match;
};

static void look(struct search *search, const struct load_route *entry)
{
    const struct load_route *best = search->best;
    for (struct route_match match; entry; entry = entry->next) {
        bool better = !best || entry->literal_count > best->literal_count ||
                      (entry->literal_count == best->literal_count && entry->number < best->number);
        if (!better || !matches(entry, search->segments, search->count, &match))
            continue;
        if (span_is(search->method, entry->route.method)) {
            search->result = ROUTE_FOUND;
            search->match = match;
            best = entry;
        } else if (search->result == ROUTE_NONE) {
            search->result = ROUTE_OTHER_METHOD;
        }
    }
    search->best = best;
}

enum route_result route_find(const struct catalog *catalog, struct span method, struct span path,
                             struct route_match *ret_match)
{
    struct search search = {.method = method, .result = ROUTE_NONE};
    const struct load_route *literal = map_get(&catalog->literal_paths, path);
    for (; literal; literal = literal->next) {
        if (span_is(method, literal->route.method)) {
            *ret_match = (struct route_match){.route = &literal->route};
            return ROUTE_FOUND;
        }
        search.result = ROUTE_OTHER_METHOD;
    }
    search.count = cut(path, search.segments);
    if (search.count == 0)
        return search.result;
    look(&search, map_get(&catalog->starts, search.segments[0]));
    look(&search, map_get(&catalog->starts, SPAN("")));
    if (search.result == ROUTE_FOUND)
        *ret_match = search.match;
    return search.result;
}

const struct route *route_of(const struct catalog *catalog, const char *dialect, const char *action)
{
    for (size_t n = 0; n < catalog->routes.count; n++) {
        const struct load_route *entry = catalog->routes.items[n]->thing;
        if (strcmp(entry->route.dialect, dialect) == 0 && strcmp(entry->route.action, action) == 0)
            return &entry->route;
    }
    return NULL;
}

struct span route_value(const struct route_match *match, const char *name)
{
    for (unsigned n = 0; n < match->capture_count; n++)
        if (span_is(match->captures[n].name, name))
            return match->captures[n].value;
    return SPAN("");
}
