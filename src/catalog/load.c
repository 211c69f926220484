#include "catalog/load.h"

#include "base/memory.h"
#include "catalog/model.h"
#include "catalog/offer.h"
#include "catalog/shared.h"

#include <stddef.h>
#include <string.h>

/* A file while its group is being read. */
struct source {
    const char *name;
    const json_t *root;
};

struct load {
    struct catalog *catalog;
    struct reader *reader;
    unsigned group;
    struct source *sources;
    size_t count;
};

static struct node node_of(const struct load *load, const struct source *source)
{
    load->reader->file = source->name;
    return (struct node){.reader = load->reader, .value = source->root, .path = ""};
}

static void read_provider(const struct load *load, const struct node *root)
{
    static const struct reader_field keys[] = {
        {"name", READER_IDENTIFIER, offsetof(struct provider_entry, name), true, 0, 0},
        {"title", READER_TEXT, offsetof(struct provider_entry, title), true, 0, 100},
        {"summary", READER_TEXT, offsetof(struct provider_entry, summary), false, 0, 500},
        {"limit", READER_UNSIGNED, offsetof(struct provider_entry, limit), false, 1, 100000},
        {"readsPerMinute", READER_UNSIGNED, offsetof(struct provider_entry, reads), false, 1,
         1000000},
        {"fetches", READER_UNSIGNED, offsetof(struct provider_entry, fetches), false, 1, 1000},
        {"needs", READER_VARIABLES, offsetof(struct provider_entry, needs), false, 0, 0},
        {"baseUrl", READER_TEXT, offsetof(struct provider_entry, base_url), false, 0, 500},
        {"baseUrlVariable", READER_VARIABLE, offsetof(struct provider_entry, base_url_variable),
         false, 0, 0},
        {"details", READER_OBJECT, offsetof(struct provider_entry, details), false, 0, 0},
        {"note", READER_LATER, 0, false, 0, 0},
    };
    struct node node = reader_key(root, "provider"), name = reader_key(&node, "name");
    struct provider_entry read = {
        .limit = CATALOG_LIMIT, .reads = CATALOG_READS, .fetches = CATALOG_FETCHES};
    if (!node.value)
        return;
    reader_fields(&node, keys, sizeof keys / sizeof *keys, &read);
    if (load->reader->failed)
        return;
    struct provider_entry *entry =
        shelf_put(&load->catalog->providers, &name, load->group, read.name, sizeof *entry);
    if (entry)
        *entry = read;
}

static void read_models(const struct load *load, const struct node *root)
{
    struct node list = reader_key(root, "models");
    for (size_t n = 0; n < json_array_size(list.value) && !load->reader->failed; n++) {
        struct node node = reader_item(&list, n), id = reader_key(&node, "id");
        struct model read = {0};
        model_read(&node, &read);
        if (load->reader->failed)
            return;
        struct load_model *entry =
            shelf_put(&load->catalog->models, &id, load->group, read.id, sizeof *entry);
        if (entry)
            entry->model = read;
    }
}

static struct load_model *must_find_model(const struct load *load, const struct node *node)
{
    struct load_model *entry = shelf_get(&load->catalog->models, json_span(node->value));
    if (!entry || !json_is_string(node->value)) {
        reader_fault(node, "the id of a model in the catalogue", "is %s",
                     reader_show(load->reader->arena, node->value));
        return NULL;
    }
    return entry;
}

/* The offer's own word, else the file's provider. */
static const struct provider_entry *
must_find_provider(const struct load *load, const struct node *root, const struct node *offer)
{
    struct node named = reader_key(offer, "provider");
    const json_t *file_name = json_object_get(json_object_get(root->value, "provider"), "name");
    const json_t *name = named.value ? named.value : file_name;
    const struct provider_entry *entry = shelf_get(&load->catalog->providers, json_span(name));
    if (!name)
        reader_fault(offer, NULL, "names no \"provider\", and neither does its file");
    else if (!entry || !json_is_string(name))
        reader_fault(&named, "the name of a provider in the catalogue", "is %s",
                     reader_show(load->reader->arena, name));
    return entry;
}

static void add_offer(const struct load *load, struct load_model *entry, const struct node *node,
                      const struct offer *offer)
{
    struct arena *arena = load->reader->arena;
    struct model *model = &entry->model;
    unsigned count = model->offer_count, at = 0;
    while (at < count && (entry->shown[at]->provider != offer->provider ||
                          strcmp(entry->shown[at]->slug, offer->slug) != 0))
        at++;
    if (at < count && entry->offers[at]->group == load->group) {
        reader_fault(node, NULL,
                     "is an offer of \"%.60s\" by %s with the slug \"%.100s\", "
                     "which is there already",
                     model->id, offer->provider->name, offer->slug);
        return;
    }
    if (at == count) {
        struct load_offer **offers = arena_array(arena, struct load_offer *, count + 1);
        const struct offer **shown = arena_array(arena, const struct offer *, count + 1);
        for (unsigned n = 0; n < count; n++) {
            offers[n] = entry->offers[n];
            shown[n] = entry->shown[n];
        }
        offers[count] = arena_new(arena, struct load_offer);
        shown[count] = &offers[count]->offer;
        entry->offers = offers;
        entry->shown = shown;
        model->offers = shown;
        model->offer_count = count + 1;
    }
    entry->offers[at]->offer = *offer;
    entry->offers[at]->group = load->group;
}

static void read_offer(const struct load *load, const struct node *root, const struct node *node,
                       struct load_model *entry)
{
    struct offer offer = {.model = &entry->model, .provider = must_find_provider(load, root, node)};
    if (offer.provider && entry->model.output == MEDIA_NONE &&
        strcmp(offer.provider->name, "local") != 0)
        reader_fault(node, NULL, "is by %s, and what makes no output is done by local alone",
                     offer.provider->name);
    if (!load->reader->failed)
        offer_read(node, &offer);
    if (!load->reader->failed)
        add_offer(load, entry, node, &offer);
}

static void read_offers(const struct load *load, const struct node *root)
{
    struct node models = reader_key(root, "models"), list = reader_key(root, "offers");
    for (size_t n = 0; n < json_array_size(models.value) && !load->reader->failed; n++) {
        struct node model = reader_item(&models, n), id = reader_key(&model, "id");
        struct node offers = reader_key(&model, "offers");
        struct load_model *entry = must_find_model(load, &id);
        if (offers.value && !json_is_array(offers.value))
            reader_fault(&offers, "a list of offers", "is %s",
                         reader_show(load->reader->arena, offers.value));
        for (size_t of = 0; entry && of < json_array_size(offers.value); of++) {
            struct node item = reader_item(&offers, of);
            if (json_object_get(item.value, "model"))
                reader_fault(&item, NULL, "stands in a model and names a \"model\"");
            read_offer(load, root, &item, entry);
        }
    }
    for (size_t n = 0; n < json_array_size(list.value) && !load->reader->failed; n++) {
        struct node item = reader_item(&list, n), id = reader_key(&item, "model");
        struct load_model *entry = must_find_model(load, &id);
        if (entry)
            read_offer(load, root, &item, entry);
    }
}

/* Cuts the path into segments, and says what is wrong with it. */
static void cut_path(const struct node *node, struct load_route *entry)
{
    struct span rest = span_of(entry->route.path), part;
    unsigned captures = 0;
    entry->star = -1;
    if (!span_starts(rest, "/")) {
        reader_fault(node, "a path that begins with /", "is \"%.100s\"", entry->route.path);
        return;
    }
    rest = (struct span){rest.data + 1, rest.size - 1};
    if (rest.size == 0) {
        entry->segments[entry->segment_count++] = rest;
        entry->literal_count++;
        return;
    }
    while (span_take(&rest, '/', &part)) {
        bool capture = span_starts(part, "{") && span_ends(part, "}");
        bool star = capture && span_ends(part, "*}");
        struct span name = {part.data + 1, part.size - (star ? 3 : 2)};
        bool good = capture ? reader_is_name(name)
                            : part.size > 0 && span_find(part, '{') < 0 && span_find(part, '}') < 0;
        if (!good || entry->segment_count == ROUTE_SEGMENTS_MAX ||
            captures + capture > ROUTE_CAPTURES_MAX || (star && entry->star >= 0)) {
            reader_fault(node,
                         "at most 24 segments: words, {name} or, once, {name*}; at most 6 names",
                         "is \"%.100s\"", entry->route.path);
            return;
        }
        if (star)
            entry->star = (int)entry->segment_count;
        captures += capture;
        entry->literal_count += !capture;
        entry->segments[entry->segment_count++] = part;
    }
}

static void read_variants(const struct load *load, const struct node *node, struct route *route)
{
    size_t count = json_object_size(node->value);
    const char *name;
    json_t *value;
    if (node->value && count == 0)
        reader_fault(node, "an object of names and model ids", "is %s",
                     reader_show(load->reader->arena, node->value));
    struct variant *variants = arena_array(load->reader->arena, struct variant, count);
    json_object_foreach(reader_loose(node->value), name, value) {
        struct node at = reader_key(node, name);
        struct load_model *entry = must_find_model(load, &at);
        variants[route->variant_count++] =
            (struct variant){.name = name, .model = entry ? &entry->model : NULL};
    }
    route->variants = variants;
}

/* Without the key it is admin: a route that forgot it must not be open to everybody. */
static void read_scope(const struct node *node, struct route *route)
{
    const char *names[SCOPE_COUNT];
    unsigned choice = SCOPE_ADMIN;
    for (int scope = 0; scope < SCOPE_COUNT; scope++)
        names[scope] = scope_name((enum scope)scope);
    if (node->value)
        (void)reader_choose(node, names, SCOPE_COUNT, &choice);
    route->scope = (enum scope)choice;
}

static void read_route(const struct load *load, const struct node *root, const struct node *node)
{
    static const struct reader_field keys[] = {
        {"method", READER_LATER, 0, true, 0, 0},
        {"path", READER_TEXT, offsetof(struct route, path), true, 0, 200},
        {"dialect", READER_IDENTIFIER, offsetof(struct route, dialect), true, 0, 0},
        {"action", READER_IDENTIFIER, offsetof(struct route, action), true, 0, 0},
        {"scope", READER_LATER, 0, false, 0, 0},
        {"provider", READER_LATER, 0, false, 0, 0},
        {"model", READER_LATER, 0, false, 0, 0},
        {"variants", READER_LATER, 0, false, 0, 0},
        {"preset", READER_OBJECT, offsetof(struct route, preset), false, 0, 0},
        {"details", READER_OBJECT, offsetof(struct route, details), false, 0, 0},
        {"note", READER_LATER, 0, false, 0, 0},
    };
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    unsigned choice;
    struct load_route read = {0};
    reader_fields(node, keys, sizeof keys / sizeof *keys, &read.route);
    struct node method = reader_key(node, "method"), path = reader_key(node, "path");
    struct node model = reader_key(node, "model"), variants = reader_key(node, "variants");
    if (load->reader->failed || !reader_choose(&method, methods, 5, &choice))
        return;
    struct node scope = reader_key(node, "scope");
    read.route.method = methods[choice];
    read_scope(&scope, &read.route);
    cut_path(&path, &read);
    if (json_object_get(node->value, "provider") || json_object_get(root->value, "provider"))
        read.route.provider = must_find_provider(load, root, node);
    struct load_model *found = model.value ? must_find_model(load, &model) : NULL;
    read.route.model = found ? &found->model : NULL;
    read_variants(load, &variants, &read.route);
    const char *key = arena_print(load->reader->arena, "%s %s", read.route.method, read.route.path);
    struct load_route *entry =
        shelf_put(&load->catalog->routes, &path, load->group, key, sizeof *entry);
    if (entry)
        *entry = read;
}

static void read_routes(const struct load *load, const struct node *root)
{
    struct node list = reader_key(root, "routes");
    for (size_t n = 0; n < json_array_size(list.value) && !load->reader->failed; n++) {
        struct node item = reader_item(&list, n);
        read_route(load, root, &item);
    }
}

static void read_top(const struct load *load, const struct node *root)
{
    static const struct reader_field keys[] = {
        {"provider", READER_LATER, 0, false, 0, 0}, {"models", READER_LATER, 0, false, 0, 0},
        {"offers", READER_LATER, 0, false, 0, 0},   {"routes", READER_LATER, 0, false, 0, 0},
        {"shared", READER_LATER, 0, false, 0, 0},   {"note", READER_LATER, 0, false, 0, 0},
    };
    int nothing = 0;
    reader_fields(root, keys, sizeof keys / sizeof *keys, &nothing);
    for (size_t n = 1; n < 4; n++) {
        struct node list = reader_key(root, keys[n].key);
        if (list.value && !json_is_array(list.value))
            reader_fault(&list, "a list", "is %s", reader_show(load->reader->arena, list.value));
    }
    read_provider(load, root);
}

static const json_t *parse(struct reader *reader, const char *name, struct span text)
{
    char fault[JSON_FAULT_SIZE];
    struct node node = {.reader = reader, .path = ""};
    reader->file = name;
    json_t *root = json_read(text, fault);
    if (!root)
        reader_fault(&node, NULL, "cannot be read. %.*s", (int)strcspn(fault, "\n") - 1, fault);
    else
        shared_expand(reader, root);
    return reader_own(reader, root);
}

/* Kind by kind over all files, so that files may name each other's things whatever their order. */
void load_group(struct catalog *catalog, struct reader *reader, unsigned group,
                const struct catalog_file *files, size_t count)
{
    static void (*const passes[])(const struct load *, const struct node *) = {
        read_top, read_models, read_offers, read_routes};
    struct load load = {.catalog = catalog, .reader = reader, .group = group, .count = count};
    load.sources = arena_array(reader->arena, struct source, count);
    for (size_t n = 0; n < count && !reader->failed; n++) {
        load.sources[n].name = arena_copy(reader->arena, files[n].name);
        load.sources[n].root = parse(reader, load.sources[n].name, files[n].text);
    }
    for (size_t pass = 0; pass < sizeof passes / sizeof *passes; pass++)
        for (size_t n = 0; n < count && !reader->failed; n++) {
            struct node root = node_of(&load, &load.sources[n]);
            passes[pass](&load, &root);
        }
}

static void link_model(struct catalog *catalog, struct reader *reader,
                       const struct shelf_item *item)
{
    struct load_model *entry = item->thing;
    const char *successor = entry->model.successor;
    struct node node = {.reader = reader, .path = item->key};
    reader->file = item->file;
    for (unsigned n = 0; n < entry->model.offer_count; n++)
        offer_link(&entry->offers[n]->offer, reader->arena);
    if (successor && !shelf_get(&catalog->models, span_of(successor)))
        reader_fault(&node, "the id of a model in the catalogue", "has the successor \"%.128s\"",
                     successor);
}

void load_link(struct catalog *catalog, struct reader *reader)
{
    for (size_t n = 0; n < catalog->models.count && !reader->failed; n++)
        link_model(catalog, reader, catalog->models.items[n]);
    /* From the last to the first, so that each chain is in the order of the files. */
    for (size_t n = catalog->routes.count; n-- > 0;) {
        struct load_route *entry = catalog->routes.items[n]->thing;
        bool is_literal = entry->literal_count == entry->segment_count;
        struct map *heads = is_literal ? &catalog->literal_paths : &catalog->starts;
        struct span key = is_literal                             ? span_of(entry->route.path)
                          : span_starts(entry->segments[0], "{") ? SPAN("")
                                                                 : entry->segments[0];
        entry->number = n;
        entry->next = map_get(heads, key);
        map_set(heads, key, entry);
    }
}
