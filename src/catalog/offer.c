#include "catalog/offer.h"

#include "catalog/mapping.h"
#include "catalog/parameter.h"
#include "catalog/price.h"

#include <stddef.h>
#include <string.h>

enum {
    ROWS_MAX = 64,
    TABLES_MAX = 8,
    TABLE_ROWS_MAX = 200,
    SECONDS_MAX = 86400,
    WORDS_MAX = 64,
    WORD_MAX = 4096
};

#define OFFER_FIELD(key, kind, member, max)                                                        \
    {                                                                                              \
        key, kind, offsetof(struct offer, member), false, 0, max                                   \
    }

static const struct reader_field fields[] = {
    {"model", READER_LATER, 0, false, 0, 0},
    {"provider", READER_LATER, 0, false, 0, 0},
    OFFER_FIELD("slug", READER_TEXT, slug, 200),
    OFFER_FIELD("endpointVariable", READER_VARIABLE, endpoint_variable, 0),
    OFFER_FIELD("needs", READER_VARIABLES, needs, 0),
    OFFER_FIELD("without", READER_NAMES, without, 0),
    OFFER_FIELD("allow", READER_OBJECT, allow, 0),
    {"price", READER_LATER, 0, false, 0, 0},
    {"mapping", READER_LATER, 0, false, 0, 0},
    {"hardware", READER_LATER, 0, false, 0, 0},
    {"command", READER_LATER, 0, false, 0, 0},
    {"silenceSeconds", READER_SECONDS, offsetof(struct offer, silence_ms), false, 1, SECONDS_MAX},
    OFFER_FIELD("details", READER_OBJECT, details, 0),
    {"note", READER_LATER, 0, false, 0, 0},
};

static const struct parameter *find(const struct offer *offer, const struct node *node,
                                    const char *name)
{
    return parameter_must_find(offer->model->parameters, offer->model->parameter_count, node, name);
}

static void check_allow(const struct node *node, const struct offer *offer)
{
    const char *name;
    json_t *value;
    json_object_foreach(reader_loose(node->value), name, value) {
        struct node list = reader_key(node, name);
        const struct parameter *parameter = find(offer, &list, name);
        if (json_array_size(value) == 0)
            reader_fault(&list, "a list that is not empty", "is %s",
                         reader_show(node->reader->arena, value));
        for (size_t n = 0; parameter && n < json_array_size(value); n++) {
            struct node item = reader_item(&list, n);
            (void)parameter_read_value(parameter, &item);
        }
    }
}

static void read_amount(const struct node *node, const char *key, nano_t *ret_amount)
{
    struct node at = reader_key(node, key);
    if (at.value && !price_read(at.value, ret_amount))
        reader_fault(&at, "dollars from 0 to 1000000 as text or a number, at most 9 decimals",
                     "is %s", reader_show(node->reader->arena, at.value));
}

static void read_row(const struct node *node, const struct offer *offer, struct price_row *row)
{
    struct node when = reader_key(node, "when");
    struct price_row read = {0};
    const char *name;
    json_t *value;
    read_amount(node, "amount", &read.amount);
    read.amount_max = read.amount;
    read_amount(node, "amountMax", &read.amount_max);
    read_amount(node, "base", &read.base);
    if (read.amount_max < read.amount)
        reader_fault(node, NULL, "has an amount above its amountMax");
    struct condition *list =
        arena_array(node->reader->arena, struct condition, json_object_size(when.value));
    json_object_foreach(reader_loose(when.value), name, value) {
        struct node at = reader_key(&when, name);
        const struct parameter *parameter = find(offer, &at, name);
        if (!parameter)
            return;
        list[read.when_count++] =
            (struct condition){.parameter = name, .value = parameter_read_value(parameter, &at)};
    }
    read.when = list;
    *row = read;
}

/* The rows in their order; what stands beside them is the last row, which always holds. */
static void read_rows(const struct node *node, struct offer *offer)
{
    static const struct reader_field keys[] = {
        {"when", READER_LATER, 0, true, 0, 0},
        {"amount", READER_LATER, 0, true, 0, 0},
        {"amountMax", READER_LATER, 0, false, 0, 0},
        {"base", READER_LATER, 0, false, 0, 0},
    };
    struct node list = reader_key(node, "rows");
    size_t count = json_array_size(list.value);
    bool last = json_object_get(node->value, "amount") != NULL;
    if (count > ROWS_MAX || (count == 0 && (list.value || !last)))
        reader_fault(node, NULL, "wants an \"amount\", or 1 to %d \"rows\"", ROWS_MAX);
    struct price_row *rows = arena_array(node->reader->arena, struct price_row, count + 1);
    for (size_t n = 0; n < count && !node->reader->failed; n++) {
        struct node item = reader_item(&list, n), when = reader_key(&item, "when");
        reader_fields(&item, keys, sizeof keys / sizeof *keys, &rows[n]);
        if (!json_is_object(when.value))
            reader_fault(&when, "an object of parameters and values", "is %s",
                         reader_show(node->reader->arena, when.value));
        read_row(&item, offer, &rows[n]);
    }
    if (last)
        read_row(node, offer, &rows[count]);
    offer->price.rows = rows;
    offer->price.row_count = (unsigned)count + last;
}

static void read_price(const struct node *node, struct offer *offer)
{
    static const struct reader_field keys[] = {
        {"unit", READER_LATER, 0, true, 0, 0},
        {"quantity", READER_NAMES, offsetof(struct price, quantity), false, 0, 0},
        {"amount", READER_LATER, 0, false, 0, 0},
        {"amountMax", READER_LATER, 0, false, 0, 0},
        {"base", READER_LATER, 0, false, 0, 0},
        {"rows", READER_LATER, 0, false, 0, 0},
    };
    struct node unit = reader_key(node, "unit");
    const char *units[PRICE_UNIT_COUNT - 1];
    unsigned choice;
    struct price read = {0};
    if (!node->value)
        return;
    reader_fields(node, keys, sizeof keys / sizeof *keys, &read);
    for (unsigned n = 1; n < PRICE_UNIT_COUNT; n++)
        units[n - 1] = catalog_unit_name((enum price_unit)n);
    if (node->reader->failed || !reader_choose(&unit, units, PRICE_UNIT_COUNT - 1, &choice))
        return;
    offer->price = (struct price){.unit = (enum price_unit)(choice + 1), .quantity = read.quantity};
    for (unsigned n = 0; n < read.quantity.count; n++) {
        struct node at = reader_key(node, "quantity");
        const struct parameter *parameter = find(offer, &at, read.quantity.items[n]);
        if (parameter && parameter->kind != PARAMETER_INTEGER &&
            parameter->kind != PARAMETER_NUMBER && parameter->kind != PARAMETER_TEXT &&
            parameter->kind != PARAMETER_LIST)
            reader_fault(&at, "parameters that are numbers, texts or lists", "names \"%.64s\"",
                         parameter->name);
    }
    if (offer->price.unit == PRICE_GPU_HOUR && read.quantity.count > 0)
        reader_fault(node, NULL, "is by the hour and has a quantity");
    if (offer->price.unit == PRICE_FREE) {
        if (json_object_size(node->value) > 1)
            reader_fault(node, NULL, "is free and has more than a unit");
    } else {
        read_rows(node, offer);
    }
}

static void read_entry(const struct node *node, struct mapping_entry *entry)
{
    static const struct reader_field keys[] = {
        {"to", READER_TEXT, offsetof(struct mapping_entry, target), true, 0, 200},
        {"as", READER_LATER, 0, false, 0, 0},
        {"suffix", READER_TEXT, offsetof(struct mapping_entry, suffix), false, 0, 40},
        {"values", READER_OBJECT, offsetof(struct mapping_entry, values), false, 0, 0},
        {"form", READER_ANY, offsetof(struct mapping_entry, form), false, 0, 0},
        {"each", READER_BOOLEAN, offsetof(struct mapping_entry, each), false, 0, 0},
        {"alias", READER_TEXTS, offsetof(struct mapping_entry, aliases), false, 0, 8},
    };
    static const char *const types[] = {"text", "integer", "number"};
    unsigned choice;
    if (json_is_null(node->value))
        return;
    if (json_is_string(node->value)) {
        entry->target = json_string_value(node->value);
    } else {
        struct node as = reader_key(node, "as"), form = reader_key(node, "form");
        reader_fields(node, keys, sizeof keys / sizeof *keys, entry);
        if (as.value && reader_choose(&as, types, 3, &choice))
            entry->as = types[choice];
        if (!mapping_is_form(entry->form, 0))
            reader_fault(&form, NULL, "is nested too deep");
    }
    if (!node->reader->failed && !mapping_is_path(entry->target))
        reader_fault(node, "a path as \"input.media[0].url\"", "is \"%.100s\"", entry->target);
}

/* A value for each parameter of the table, then the provider's word. */
static void check_table_row(const struct node *node, const struct offer *offer,
                            const struct mapping_table *table)
{
    if (json_array_size(node->value) != table->of.count + 1) {
        reader_fault(node, "a list of a value for each of \"of\", and the provider's word", "is %s",
                     reader_show(node->reader->arena, node->value));
        return;
    }
    for (unsigned n = 0; n < table->of.count; n++) {
        struct node item = reader_item(node, n);
        const struct parameter *parameter = find(offer, &item, table->of.items[n]);
        if (parameter)
            (void)parameter_read_value(parameter, &item);
    }
}

static void read_table(const struct node *node, const struct offer *offer,
                       struct mapping_table *table)
{
    static const struct reader_field keys[] = {
        {"to", READER_TEXT, offsetof(struct mapping_table, target), true, 0, 200},
        {"of", READER_NAMES, offsetof(struct mapping_table, of), true, 0, 0},
        {"rows", READER_ARRAY, offsetof(struct mapping_table, rows), true, 0, 0},
    };
    reader_fields(node, keys, sizeof keys / sizeof *keys, table);
    if (node->reader->failed)
        return;
    struct node rows = reader_key(node, "rows");
    if (!mapping_is_path(table->target))
        reader_fault(node, "a path as \"input.media[0].url\"", "is \"%.100s\"", table->target);
    if (json_array_size(table->rows) > TABLE_ROWS_MAX)
        reader_fault(&rows, "a list of 1 to 200 rows", "has %zu", json_array_size(table->rows));
    for (size_t n = 0; n < json_array_size(table->rows) && !node->reader->failed; n++) {
        struct node row = reader_item(&rows, n);
        check_table_row(&row, offer, table);
    }
}

static void read_tables(const struct node *node, struct offer *offer)
{
    size_t count = json_array_size(node->value);
    if (node->value && (count == 0 || count > TABLES_MAX))
        reader_fault(node, "a list of 1 to 8 tables", "is %s",
                     reader_show(node->reader->arena, node->value));
    struct mapping_table *tables = arena_array(node->reader->arena, struct mapping_table, count);
    for (size_t n = 0; n < count && !node->reader->failed; n++) {
        struct node item = reader_item(node, n);
        read_table(&item, offer, &tables[n]);
    }
    offer->mapping.tables = tables;
    offer->mapping.table_count = (unsigned)count;
}

/* Every "{…}" of a constant is jobId or a parameter. */
static void check_constant(const struct node *node, const struct offer *offer)
{
    struct span rest = json_span(node->value), part;
    for (bool literal = true; span_take(&rest, literal ? '{' : '}', &part); literal = !literal) {
        if (literal || span_is(part, "jobId"))
            continue;
        if (!rest.data)
            reader_fault(node, NULL, "has a { without its }");
        else
            (void)find(offer, node, arena_copy(node->reader->arena, part));
    }
}

static void read_mapping(const struct node *node, struct offer *offer)
{
    static const struct reader_field keys[] = {
        {"names", READER_LATER, 0, false, 0, 0},
        {"only", READER_BOOLEAN, offsetof(struct mapping, only_entries), false, 0, 0},
        {"parameters", READER_LATER, 0, false, 0, 0},
        {"tables", READER_LATER, 0, false, 0, 0},
        {"set", READER_OBJECT, offsetof(struct mapping, set), false, 0, 0},
    };
    static const char *const names[] = {[MAPPING_AS_IS] = "asIs", [MAPPING_SNAKE] = "snake_case"};
    struct mapping *mapping = &offer->mapping;
    unsigned choice = MAPPING_AS_IS;
    const char *name;
    json_t *value;
    if (!node->value)
        return;
    reader_fields(node, keys, sizeof keys / sizeof *keys, mapping);
    struct node style = reader_key(node, "names"), list = reader_key(node, "parameters");
    struct node set = reader_key(node, "set"), tables = reader_key(node, "tables");
    if (style.value && reader_choose(&style, names, 2, &choice))
        mapping->names = (enum mapping_names)choice;
    if (list.value && !json_is_object(list.value))
        reader_fault(&list, "an object", "is %s", reader_show(node->reader->arena, list.value));
    struct mapping_entry *entries =
        arena_array(node->reader->arena, struct mapping_entry, json_object_size(list.value));
    json_object_foreach(reader_loose(list.value), name, value) {
        struct node at = reader_key(&list, name);
        (void)find(offer, &at, name);
        entries[mapping->entry_count].parameter = name;
        read_entry(&at, &entries[mapping->entry_count++]);
    }
    mapping->entries = entries;
    read_tables(&tables, offer);
    json_object_foreach(reader_loose(set.value), name, value) {
        struct node at = reader_key(&set, name);
        if (!mapping_is_path(name))
            reader_fault(&at, "a path as \"input.media[0].url\"", "is \"%.100s\"", name);
        check_constant(&at, offer);
    }
}

/* [least, most] in seconds. */
static void read_span(const struct node *node, ms_t *ret_min, ms_t *ret_max)
{
    double least = json_number_value(json_array_get(node->value, 0));
    double most = json_number_value(json_array_get(node->value, 1));
    if (!node->value)
        return;
    if (json_array_size(node->value) != 2 || !(least >= 0 && least <= most && most <= SECONDS_MAX))
        reader_fault(node, "a list of two: the least and the most seconds", "is %s",
                     reader_show(node->reader->arena, node->value));
    *ret_min = (ms_t)(least * 1000);
    *ret_max = (ms_t)(most * 1000);
}

static void read_hardware(const struct node *node, struct hardware *hardware)
{
    static const struct reader_field keys[] = {
        {"gpu", READER_TEXT, offsetof(struct hardware, gpu), false, 0, 100},
        {"workersMax", READER_UNSIGNED, offsetof(struct hardware, workers_max), false, 0, 10000},
        {"memoryGb", READER_NUMBER, offsetof(struct hardware, memory_gb), false, 0, 100000},
        {"scaleToZero", READER_BOOLEAN, offsetof(struct hardware, scale_to_zero), false, 0, 0},
        {"warmSeconds", READER_LATER, 0, false, 0, 0},
        {"coldSeconds", READER_LATER, 0, false, 0, 0},
    };
    if (!node->value)
        return;
    reader_fields(node, keys, sizeof keys / sizeof *keys, hardware);
    struct node warm = reader_key(node, "warmSeconds"), cold = reader_key(node, "coldSeconds");
    read_span(&warm, &hardware->warm_min_ms, &hardware->warm_max_ms);
    read_span(&cold, &hardware->cold_min_ms, &hardware->cold_max_ms);
}

static void read_words(const struct node *node, struct offer *offer)
{
    size_t count = json_array_size(node->value);
    const char **words = arena_array(node->reader->arena, const char *, count + 1);
    bool good = count > 0 && count <= WORDS_MAX;
    for (size_t n = 0; good && n < count; n++) {
        const json_t *word = json_array_get(node->value, n);
        words[n] = json_string_value(word);
        good = json_is_string(word) && json_string_length(word) <= WORD_MAX &&
               (n > 0 || span_starts(span_of(words[0]), "/"));
    }
    if (!good)
        reader_fault(node, "a list of 1 to 64 texts, of which the first is a path from the root",
                     "is %s", reader_show(node->reader->arena, node->value));
    offer->command = (struct texts){.items = words, .count = (unsigned)count};
}

/* A program makes files that are looked at before they are kept. */
static void read_command(const struct node *node, struct offer *offer)
{
    struct node command = reader_key(node, "command");
    enum media output = offer->model->output;
    if (strcmp(offer->provider->name, CATALOG_COMMAND) != 0) {
        if (command.value || offer->silence_ms)
            reader_fault(node, NULL, "is by %s, and has %s, which is for offers by %s",
                         offer->provider->name,
                         command.value ? "\"command\"" : "\"silenceSeconds\"", CATALOG_COMMAND);
    } else if (output != MEDIA_IMAGE && output != MEDIA_AUDIO && output != MEDIA_VIDEO) {
        reader_fault(node, NULL, "is by %s, which makes images, audio and video alone",
                     CATALOG_COMMAND);
    } else {
        read_words(&command, offer);
    }
}

void offer_read(const struct node *node, struct offer *offer)
{
    offer->slug = "";
    reader_fields(node, fields, sizeof fields / sizeof *fields, offer);
    if (node->reader->failed)
        return;
    struct node without = reader_key(node, "without"), allow = reader_key(node, "allow");
    struct node price = reader_key(node, "price"), mapping = reader_key(node, "mapping");
    struct node hardware = reader_key(node, "hardware");
    for (unsigned n = 0; n < offer->without.count; n++)
        (void)find(offer, &without, offer->without.items[n]);
    check_allow(&allow, offer);
    read_command(node, offer);
    read_price(&price, offer);
    read_mapping(&mapping, offer);
    read_hardware(&hardware, &offer->hardware);
}

static void add_once(const char **items, unsigned *count, const char *text)
{
    for (unsigned n = 0; n < *count; n++)
        if (strcmp(items[n], text) == 0)
            return;
    items[(*count)++] = text;
}

void offer_link(struct offer *offer, struct arena *arena)
{
    const struct texts *common = &offer->provider->needs;
    unsigned count = 0;
    const char **items = arena_array(arena, const char *, common->count + offer->needs.count + 1);
    for (unsigned n = 0; n < common->count; n++)
        add_once(items, &count, common->items[n]);
    if (offer->endpoint_variable)
        add_once(items, &count, offer->endpoint_variable);
    for (unsigned n = 0; n < offer->needs.count; n++)
        add_once(items, &count, offer->needs.items[n]);
    offer->needs = (struct texts){.items = items, .count = count};
}
