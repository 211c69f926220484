#include "catalog/shared.h"

static void replace(const struct node *parent, const char *key, const json_t *shared)
{
    struct node node = reader_key(parent, key);
    if (!json_is_string(node.value))
        return;
    json_t *found = json_object_get(shared, json_string_value(node.value));
    if (json_is_object(found))
        (void)json_object_set(reader_loose(parent->value), key, found);
    else
        reader_fault(&node, "an object, or the name of one under \"shared\"", "is %s",
                     reader_show(node.reader->arena, node.value));
}

static void expand_offers(const struct node *parent, const json_t *shared)
{
    struct node offers = reader_key(parent, "offers");
    for (size_t n = 0; n < json_array_size(offers.value); n++) {
        struct node offer = reader_item(&offers, n);
        replace(&offer, "price", shared);
        replace(&offer, "mapping", shared);
    }
}

void shared_expand(struct reader *reader, json_t *root)
{
    struct node file = {.reader = reader, .value = root, .path = ""};
    struct node models = reader_key(&file, "models"), shared = reader_key(&file, "shared");
    const char *name;
    json_t *value;
    if (shared.value && !json_is_object(shared.value))
        reader_fault(&shared, "an object of names and objects", "is %s",
                     reader_show(reader->arena, shared.value));
    for (size_t n = 0; n < json_array_size(models.value); n++) {
        struct node model = reader_item(&models, n), parameters = reader_key(&model, "parameters");
        replace(&model, "time", shared.value);
        json_object_foreach(reader_loose(parameters.value), name, value)
            replace(&parameters, name, shared.value);
        expand_offers(&model, shared.value);
    }
    expand_offers(&file, shared.value);
}
