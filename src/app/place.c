#include "app/place.h"

#include "base/memory.h"

#include <assert.h>

struct place_line {
    char provider[JOB_PROVIDER_SIZE];
    unsigned at_work;
    struct list waiting;
};

static struct place_line *line_of(struct map *lines, const char *provider)
{
    struct place_line *line = map_get(lines, span_of(provider));
    if (line)
        return line;
    line = memory_new(struct place_line);
    bool fits = span_copy(span_of(provider), line->provider, sizeof line->provider);
    assert(fits);
    list_init(&line->waiting);
    map_set(lines, span_of(line->provider), line);
    return line;
}

void place_done(struct map *lines)
{
    size_t cursor = 0;
    for (struct place_line *line; (line = map_next(lines, &cursor));)
        memory_free(line);
    map_done(lines);
}

bool place_idle(const struct map *lines, const char *provider)
{
    const struct place_line *line = map_get(lines, span_of(provider));
    return !line || line->at_work == 0;
}

void place_take(struct map *lines, const char *provider, unsigned max, struct place *place)
{
    struct place_line *line = place->line = line_of(lines, provider);
    list_init(&place->link);
    place->is_had = line->at_work < max && list_empty(&line->waiting);
    if (place->is_had)
        line->at_work++;
    else
        list_add(&line->waiting, &place->link);
}

struct place *place_leave(struct place *place)
{
    struct place_line *line = place->line;
    bool was_had = place->is_had;
    if (!line)
        return NULL;
    list_remove(&place->link);
    place->line = NULL;
    place->is_had = false;
    if (!was_had)
        return NULL;
    struct list *link = list_take(&line->waiting);
    line->at_work -= !link;
    if (!link)
        return NULL;
    struct place *next = LIST_OWNER(link, struct place, link);
    next->is_had = true;
    return next;
}
