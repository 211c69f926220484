#include "catalog/catalog.h"

#include "base/memory.h"
#include "catalog/load.h"

#include <assert.h>

struct catalog *catalog_make(const struct embedded *builtin, const struct catalog_file *files,
                             size_t file_count, char ret_fault[static CATALOG_FAULT_SIZE])
{
    struct catalog *catalog = memory_new(struct catalog);
    arena_init(&catalog->arena);
    catalog->owned = json_array();
    shelf_init(&catalog->providers);
    shelf_init(&catalog->models);
    shelf_init(&catalog->routes);
    map_init(&catalog->literal_paths);
    map_init(&catalog->starts);
    struct reader reader = {
        .arena = &catalog->arena, .owned = catalog->owned, .file = "", .fault = ret_fault};
    size_t count = 0;
    while (builtin && builtin[count].name)
        count++;
    struct catalog_file *own = arena_array(&catalog->arena, struct catalog_file, count);
    for (size_t n = 0; n < count; n++)
        own[n] = (struct catalog_file){.name = span_of(builtin[n].name),
                                       .text = span_make(builtin[n].data, builtin[n].size)};
    load_group(catalog, &reader, 1, own, count);
    load_group(catalog, &reader, 2, files, file_count);
    load_link(catalog, &reader);
    if (!reader.failed)
        return catalog;
    catalog_free(catalog);
    return NULL;
}

void catalog_free(struct catalog *catalog)
{
    if (!catalog)
        return;
    map_done(&catalog->literal_paths);
    map_done(&catalog->starts);
    shelf_done(&catalog->providers);
    shelf_done(&catalog->models);
    shelf_done(&catalog->routes);
    json_decref(catalog->owned);
    arena_done(&catalog->arena);
    memory_free(catalog);
}

const struct model *catalog_find(const struct catalog *catalog, struct span id)
{
    return shelf_get(&catalog->models, id);
}

const struct provider_entry *catalog_find_provider(const struct catalog *catalog, struct span name)
{
    return shelf_get(&catalog->providers, name);
}

const struct parameter *catalog_find_parameter(const struct model *model, struct span name)
{
    for (unsigned n = 0; n < model->parameter_count; n++)
        if (span_is(name, model->parameters[n].name))
            return &model->parameters[n];
    return NULL;
}

size_t catalog_model_count(const struct catalog *catalog)
{
    return catalog->models.count;
}

const struct model *catalog_model_at(const struct catalog *catalog, size_t index)
{
    assert(index < catalog->models.count);
    return catalog->models.items[index]->thing;
}

size_t catalog_provider_count(const struct catalog *catalog)
{
    return catalog->providers.count;
}

const struct provider_entry *catalog_provider_at(const struct catalog *catalog, size_t index)
{
    assert(index < catalog->providers.count);
    return catalog->providers.items[index]->thing;
}

size_t catalog_route_count(const struct catalog *catalog)
{
    return catalog->routes.count;
}

const struct route *catalog_route_at(const struct catalog *catalog, size_t index)
{
    assert(index < catalog->routes.count);
    return catalog->routes.items[index]->thing;
}

const char *catalog_kind_name(enum parameter_kind kind)
{
    static const char *const names[PARAMETER_KIND_COUNT] = {
#define KIND_NAME(name, text) #text,
        PARAMETER_KIND_LIST(KIND_NAME)
#undef KIND_NAME
    };
    assert(kind < PARAMETER_KIND_COUNT);
    return names[kind];
}

const char *catalog_media_name(enum media media)
{
    static const char *const names[MEDIA_COUNT] = {
#define MEDIA_NAME(name, text) #text,
        MEDIA_LIST(MEDIA_NAME)
#undef MEDIA_NAME
    };
    assert(media < MEDIA_COUNT);
    return names[media];
}

const char *catalog_unit_name(enum price_unit unit)
{
    static const char *const names[PRICE_UNIT_COUNT] = {
#define UNIT_NAME(name, text) #text,
        PRICE_UNIT_LIST(UNIT_NAME)
#undef UNIT_NAME
    };
    assert(unit < PRICE_UNIT_COUNT);
    return names[unit];
}
