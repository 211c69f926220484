#include "catalog/parameter.h"

#include "catalog/value.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define FIELD(key, kind, member, min, max)                                                         \
    {                                                                                              \
        key, kind, offsetof(struct parameter, member), false, min, max                             \
    }
#define NUMBERS (1u << PARAMETER_INTEGER | 1u << PARAMETER_NUMBER)
#define ANY     ((1u << PARAMETER_KIND_COUNT) - 1)

enum { SIZE_MOST = 1000000, PARAMETERS_MAX = 100 };

static const struct reader_field fields[] = {
    {"type", READER_LATER, 0, true, 0, 0},
    FIELD("required", READER_BOOLEAN, required, 0, 0),
    {"requiredWhen", READER_LATER, 0, false, 0, 0},
    {"default", READER_LATER, 0, false, 0, 0},
    FIELD("choices", READER_ARRAY, choices, 0, 0),
    FIELD("also", READER_ARRAY, also, 0, 0),
    FIELD("min", READER_NUMBER, min, -1e15, 1e15),
    FIELD("max", READER_NUMBER, max, -1e15, 1e15),
    FIELD("minLength", READER_SIZE, size_min, 0, SIZE_MOST),
    FIELD("maxLength", READER_SIZE, size_max, 1, SIZE_MOST),
    FIELD("minItems", READER_SIZE, size_min, 0, SIZE_MOST),
    FIELD("maxItems", READER_SIZE, size_max, 1, SIZE_MOST),
    {"items", READER_LATER, 0, false, 0, 0},
    {"fields", READER_LATER, 0, false, 0, 0},
    {"media", READER_LATER, 0, false, 0, 0},
    FIELD("unit", READER_TEXT, unit, 0, 20),
    FIELD("description", READER_TEXT, description, 0, 500),
    {"note", READER_LATER, 0, false, 0, 0},
};

/* Keys that only some kinds of parameter have. */
static const struct {
    const char *key;
    unsigned kinds; /* bits 1 << enum parameter_kind */
    const char *allowed;
} particular[] = {
    {"min", NUMBERS, "only with integer and number"},
    {"max", NUMBERS, "only with integer and number"},
    {"choices", NUMBERS | 1u << PARAMETER_TEXT, "only with text, integer and number"},
    {"also", ANY & ~(1u << PARAMETER_LIST | 1u << PARAMETER_OBJECT), "not with list and object"},
    {"minLength", 1u << PARAMETER_TEXT, "only with text"},
    {"maxLength", 1u << PARAMETER_TEXT, "only with text"},
    {"minItems", 1u << PARAMETER_LIST, "only with list"},
    {"maxItems", 1u << PARAMETER_LIST, "only with list"},
    {"items", 1u << PARAMETER_LIST, "only with list"},
    {"fields", 1u << PARAMETER_OBJECT, "only with object"},
    {"media", 1u << PARAMETER_URL, "only with url"},
};

/* The common fields of a request (SPEC 3): a model that had one of them could not be asked for it.
 */
static const char *const reserved[] = {
    "model",          "webhookUrl", "webhookEvents", "webhookSecret", "priority",
    "idempotencyKey", "duplicates", "cache",         "count",         "startAt",
    "deadline",       "dependsOn",  "provider",      "fallback",      "metadata",
    "dryRun",         "variant",    "onUncertain",   "retryBilled"};

static void read_one(const struct node *node, unsigned depth, struct parameter *ret_parameter);

static void check_particular(const struct node *node, enum parameter_kind kind)
{
    for (size_t n = 0; n < sizeof particular / sizeof *particular; n++) {
        if (particular[n].kinds & 1u << kind || !json_object_get(node->value, particular[n].key))
            continue;
        struct node below = reader_key(node, particular[n].key);
        reader_fault(&below, particular[n].allowed, "stands in a parameter of type %s",
                     catalog_kind_name(kind));
    }
}

static void read_media(const struct node *node, struct parameter *parameter)
{
    static const char *const names[] = {"image", "audio", "video", "text"};
    static const enum media media[] = {MEDIA_IMAGE, MEDIA_AUDIO, MEDIA_VIDEO, MEDIA_TEXT};
    unsigned choice;
    if (json_array_size(node->value) == 0)
        reader_fault(node, "a list of image, audio, video and text", "is not there");
    for (size_t n = 0; n < json_array_size(node->value); n++) {
        struct node item = reader_item(node, n);
        if (reader_choose(&item, names, 4, &choice))
            parameter->media |= 1u << media[choice];
    }
}

static void read_below(const struct node *node, unsigned depth, struct parameter *parameter)
{
    struct node items = reader_key(node, "items"), named = reader_key(node, "fields");
    if (depth >= CATALOG_NEST_MAX && (items.value || named.value)) {
        reader_fault(node, NULL, "is nested more than %d deep", CATALOG_NEST_MAX);
        return;
    }
    if (parameter->kind == PARAMETER_LIST) {
        struct parameter *item = arena_new(node->reader->arena, struct parameter);
        if (items.value)
            read_one(&items, depth + 1, item);
        else
            reader_fault(node, NULL, "is a list and has no \"items\"");
        parameter->items = item;
    }
    if (named.value)
        parameter_read_all(&named, depth + 1, &parameter->fields, &parameter->field_count);
}

const json_t *parameter_read_value(const struct parameter *parameter, const struct node *node)
{
    struct faults faults;
    faults_init(&faults, node->reader->arena);
    json_t *value = value_check(parameter, node->value, "value", &faults);
    if (!value)
        reader_fault(node, faults.list[0].allowed, "%s", faults.list[0].problem);
    return reader_own(node->reader, value);
}

static void check_choices(const struct node *node, const struct parameter *parameter)
{
    struct node list = reader_key(node, "choices");
    struct parameter plain = *parameter;
    plain.choices = NULL;
    for (size_t n = 0; n < json_array_size(list.value); n++) {
        struct node item = reader_item(&list, n);
        (void)parameter_read_value(&plain, &item);
    }
}

static void check_whole(const struct node *node, const struct parameter *parameter)
{
    bool has_default = json_object_get(node->value, "default") != NULL;
    if (parameter->min > parameter->max)
        reader_fault(node, NULL, "has a min above its max");
    if (parameter->size_min > parameter->size_max)
        reader_fault(node, NULL, "has a least size above its greatest");
    if (parameter->required && has_default)
        reader_fault(node, NULL, "is required and has a default");
    if (json_object_get(node->value, "requiredWhen") && (parameter->required || has_default))
        reader_fault(node, NULL, "has \"requiredWhen\" beside \"required\" or a default");
}

static void read_one(const struct node *node, unsigned depth, struct parameter *ret_parameter)
{
    static const char *const kinds[PARAMETER_KIND_COUNT] = {
#define KIND_TEXT(name, text) #text,
        PARAMETER_KIND_LIST(KIND_TEXT)
#undef KIND_TEXT
    };
    struct parameter *parameter = ret_parameter;
    struct node type = reader_key(node, "type");
    unsigned kind;
    *parameter = (struct parameter){
        .name = parameter->name, .min = -INFINITY, .max = INFINITY, .size_max = CATALOG_TEXT_MAX};
    if (json_is_object(node->value) && type.value) {
        if (!reader_choose(&type, kinds, PARAMETER_KIND_COUNT, &kind))
            return;
        parameter->kind = (enum parameter_kind)kind;
        parameter->size_max =
            parameter->kind == PARAMETER_LIST ? CATALOG_ITEMS_MAX : CATALOG_TEXT_MAX;
        check_particular(node, parameter->kind);
        /* What must be there must not be empty, unless the data say so. */
        parameter->size_min = json_is_true(json_object_get(node->value, "required"));
    }
    reader_fields(node, fields, sizeof fields / sizeof *fields, parameter);
    if (node->reader->failed)
        return;
    check_whole(node, parameter);
    if (parameter->kind == PARAMETER_URL) {
        struct node media = reader_key(node, "media");
        read_media(&media, parameter);
    }
    read_below(node, depth, parameter);
    struct node fallback = reader_key(node, "default");
    if (!node->reader->failed)
        check_choices(node, parameter);
    if (!node->reader->failed && fallback.value)
        parameter->fallback = parameter_read_value(parameter, &fallback);
}

const struct parameter *parameter_must_find(const struct parameter *parameters, unsigned count,
                                            const struct node *node, const char *name)
{
    if (node->reader->failed)
        return NULL;
    for (unsigned n = 0; n < count; n++)
        if (strcmp(parameters[n].name, name) == 0)
            return &parameters[n];
    reader_fault(node, NULL, "names \"%.64s\", which is no parameter of this model", name);
    return NULL;
}

void parameter_read_condition(const struct node *node, const struct parameter *parameters,
                              unsigned count, struct condition *ret_condition)
{
    static const struct reader_field keys[] = {
        {"parameter", READER_NAME, offsetof(struct condition, parameter), true, 0, 0},
        {"value", READER_ANY, offsetof(struct condition, value), true, 0, 0},
    };
    struct condition condition = {0};
    reader_fields(node, keys, 2, &condition);
    struct node at = reader_key(node, "parameter"), value = reader_key(node, "value");
    const struct parameter *parameter =
        parameter_must_find(parameters, count, &at, condition.parameter);
    if (!parameter)
        return;
    condition.value = parameter_read_value(parameter, &value);
    *ret_condition = condition;
}

/* Lists and objects of parameters nest at most CATALOG_NEST_MAX deep, which bounds how often these
 * functions call each other. */
void parameter_read_all(const struct node *node, unsigned depth,
                        const struct parameter **ret_parameters, unsigned *ret_count)
{
    size_t count = json_object_size(node->value), n = 0;
    const char *name;
    json_t *value;
    if (!json_is_object(node->value) || count > PARAMETERS_MAX) {
        reader_fault(node, "an object of at most 100 parameters", "is %s",
                     reader_show(node->reader->arena, node->value));
        return;
    }
    struct parameter *parameters = arena_array(node->reader->arena, struct parameter, count);
    json_object_foreach(reader_loose(node->value), name, value) {
        struct node below = reader_key(node, name);
        if (depth == 0 ? !reader_is_name(span_of(name)) : strlen(name) > 64)
            reader_fault(&below, "a name in camelCase (at most 64)", "cannot be a parameter");
        for (size_t taken = 0; depth == 0 && taken < sizeof reserved / sizeof *reserved; taken++)
            if (strcmp(name, reserved[taken]) == 0)
                reader_fault(&below, NULL, "has the name of a common field of requests");
        parameters[n].name = name;
        read_one(&below, depth, &parameters[n++]);
    }
    n = 0;
    json_object_foreach(reader_loose(node->value), name, value) {
        struct node below = reader_key(node, name), when = reader_key(&below, "requiredWhen");
        if (when.value && !node->reader->failed)
            parameter_read_condition(&when, parameters, (unsigned)count,
                                     &parameters[n].required_when);
        n++;
    }
    *ret_parameters = parameters;
    *ret_count = (unsigned)count;
}
