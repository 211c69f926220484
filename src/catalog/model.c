#include "catalog/model.h"

#include "catalog/parameter.h"

#include <stddef.h>
#include <string.h>

enum { RULES_MAX = 50, TERMS_MAX = 10 };

#define MODEL_FIELD(key, kind, member, required, min, max)                                         \
    {                                                                                              \
        key, kind, offsetof(struct model, member), required, min, max                              \
    }

static const struct reader_field fields[] = {
    MODEL_FIELD("id", READER_IDENTIFIER, id, true, 0, 0),
    MODEL_FIELD("family", READER_IDENTIFIER, family, true, 0, 0),
    MODEL_FIELD("title", READER_TEXT, title, true, 0, 100),
    MODEL_FIELD("summary", READER_TEXT, summary, true, 0, 500),
    MODEL_FIELD("task", READER_IDENTIFIER, task, true, 0, 0),
    {"output", READER_LATER, 0, true, 0, 0},
    MODEL_FIELD("extensions", READER_TEXTS, extensions, false, 0, 8),
    MODEL_FIELD("deterministic", READER_BOOLEAN, deterministic, false, 0, 0),
    MODEL_FIELD("repeatable", READER_BOOLEAN, repeatable, false, 0, 0),
    {"retired", READER_LATER, 0, false, 0, 0},
    MODEL_FIELD("quality", READER_UNSIGNED, quality, false, 0, 100),
    MODEL_FIELD("limit", READER_UNSIGNED, limit, false, 0, 100000),
    MODEL_FIELD("timeoutSeconds", READER_SECONDS, timeout_ms, false, 1, 604800),
    {"time", READER_LATER, 0, true, 0, 0},
    {"parameters", READER_LATER, 0, true, 0, 0},
    {"rules", READER_LATER, 0, false, 0, 0},
    {"offers", READER_LATER, 0, false, 0, 0},
    {"note", READER_LATER, 0, false, 0, 0},
};

static void read_output(const struct node *node, const struct node *extensions, struct model *model)
{
    static const char *const names[] = {"video", "image", "audio", "text", "none"};
    static const enum media media[] = {MEDIA_VIDEO, MEDIA_IMAGE, MEDIA_AUDIO, MEDIA_TEXT,
                                       MEDIA_NONE};
    unsigned choice;
    if (!reader_choose(node, names, 5, &choice))
        return;
    model->output = media[choice];
    if (model->output == MEDIA_NONE && extensions->value)
        reader_fault(extensions, NULL, "is for models that make files, and \"output\" is none");
    else if (model->output != MEDIA_NONE && !extensions->value)
        reader_fault(extensions, "a list of file endings", "is missing");
}

static void read_retired(const struct node *node, struct model *model)
{
    static const struct reader_field keys[] = {
        {"successor", READER_IDENTIFIER, offsetof(struct model, successor), false, 0, 0},
    };
    if (!node->value)
        return;
    model->retired = true;
    reader_fields(node, keys, 1, model);
}

static void check_names(const struct node *node, struct texts names, const struct model *model)
{
    for (unsigned n = 0; n < names.count && !node->reader->failed; n++)
        (void)parameter_must_find(model->parameters, model->parameter_count, node, names.items[n]);
}

static void read_time(const struct node *node, struct model *model)
{
    static const struct reader_field keys[] = {
        {"baseSeconds", READER_SECONDS, offsetof(struct typical_time, base_ms), true, 0, 604800},
        {"longFactor", READER_NUMBER, offsetof(struct typical_time, long_factor), false, 1, 100},
        {"terms", READER_LATER, 0, false, 0, 0},
    };
    static const struct reader_field term_keys[] = {
        {"when", READER_LATER, 0, false, 0, 0},
        {"of", READER_NAMES, offsetof(struct time_term, of), false, 0, 0},
        {"seconds", READER_NUMBER, offsetof(struct time_term, ms), true, 0, 604800},
    };
    struct typical_time *time = &model->time;
    reader_fields(node, keys, sizeof keys / sizeof *keys, time);
    struct node list = reader_key(node, "terms");
    size_t count = json_array_size(list.value);
    if (list.value && (count == 0 || count > TERMS_MAX))
        reader_fault(&list, "a list of 1 to 10 terms", "is %s",
                     reader_show(node->reader->arena, list.value));
    struct time_term *terms = arena_array(node->reader->arena, struct time_term, count);
    for (size_t n = 0; n < count && !node->reader->failed; n++) {
        struct node item = reader_item(&list, n);
        struct node when = reader_key(&item, "when");
        reader_fields(&item, term_keys, sizeof term_keys / sizeof *term_keys, &terms[n]);
        terms[n].ms *= (double)MS_SECOND;
        if (when.value)
            parameter_read_condition(&when, model->parameters, model->parameter_count,
                                     &terms[n].when);
        if (!when.value && terms[n].of.count == 0)
            reader_fault(&item, NULL, "wants \"of\" or \"when\"");
        check_names(&item, terms[n].of, model);
    }
    time->terms = terms;
    time->term_count = (unsigned)count;
}

/* {"when": …, "parameter": …, "allowed": […]} */
static void read_when(const struct node *node, const struct model *model, struct rule *rule)
{
    const char **name = arena_new(node->reader->arena, const char *);
    struct node at = reader_key(node, "parameter"), when = reader_key(node, "when");
    struct node list = reader_key(node, "allowed");
    unsigned count = model->parameter_count;
    rule->kind = RULE_WHEN;
    if (!json_is_string(at.value) || json_array_size(list.value) == 0) {
        reader_fault(node, NULL, "wants \"when\", \"parameter\" and a list \"allowed\"");
        return;
    }
    *name = json_string_value(at.value);
    rule->names = (struct texts){.items = name, .count = 1};
    parameter_read_condition(&when, model->parameters, count, &rule->when);
    const struct parameter *parameter = parameter_must_find(model->parameters, count, &at, *name);
    for (size_t n = 0; parameter && n < json_array_size(list.value); n++) {
        struct node item = reader_item(&list, n);
        (void)parameter_read_value(parameter, &item);
    }
    rule->allowed = list.value;
}

/* {"when": …, "without": […]} */
static void read_without(const struct node *node, const struct model *model, struct rule *rule)
{
    struct node when = reader_key(node, "when"), names = reader_key(node, "without");
    rule->kind = RULE_WITHOUT;
    parameter_read_condition(&when, model->parameters, model->parameter_count, &rule->when);
    if (rule->names.count == 0)
        reader_fault(&names, "a list of parameters", "is %s",
                     reader_show(node->reader->arena, names.value));
    check_names(&names, rule->names, model);
}

static void read_rule(const struct node *node, const struct model *model, struct rule *rule)
{
    static const struct reader_field keys[] = {
        {"anyOf", READER_NAMES, offsetof(struct rule, names), false, 0, 0},
        {"oneOf", READER_NAMES, offsetof(struct rule, names), false, 0, 0},
        {"notTogether", READER_NAMES, offsetof(struct rule, names), false, 0, 0},
        {"when", READER_LATER, 0, false, 0, 0},
        {"parameter", READER_LATER, 0, false, 0, 0},
        {"allowed", READER_LATER, 0, false, 0, 0},
        {"without", READER_NAMES, offsetof(struct rule, names), false, 0, 0},
    };
    static const enum rule_kind kinds[] = {RULE_ANY_OF, RULE_ONE_OF, RULE_NOT_TOGETHER};
    reader_fields(node, keys, sizeof keys / sizeof *keys, rule);
    if (node->reader->failed)
        return;
    if (json_object_get(node->value, "when")) {
        bool without = json_object_get(node->value, "without") != NULL;
        if (json_object_size(node->value) != (without ? 2 : 3))
            reader_fault(node, NULL,
                         "wants \"when\", and \"parameter\" and \"allowed\" or \"without\", alone");
        else if (without)
            read_without(node, model, rule);
        else
            read_when(node, model, rule);
        return;
    }
    if (json_object_size(node->value) != 1 || rule->names.count < 2)
        reader_fault(node,
                     "one of anyOf, oneOf, notTogether with a list of two names or more, or "
                     "when with parameter and allowed, or with without",
                     "is %s", reader_show(node->reader->arena, node->value));
    for (size_t n = 0; n < 3; n++)
        if (json_object_get(node->value, keys[n].key))
            rule->kind = kinds[n];
    check_names(node, rule->names, model);
}

static void read_rules(const struct node *node, struct model *model)
{
    size_t count = json_array_size(node->value);
    if (!node->value)
        return;
    if (count == 0 || count > RULES_MAX)
        reader_fault(node, "a list of 1 to 50 rules", "is %s",
                     reader_show(node->reader->arena, node->value));
    struct rule *rules = arena_array(node->reader->arena, struct rule, count);
    for (size_t n = 0; n < count && !node->reader->failed; n++) {
        struct node item = reader_item(node, n);
        read_rule(&item, model, &rules[n]);
    }
    model->rules = rules;
    model->rule_count = (unsigned)count;
}

void model_read(const struct node *node, struct model *ret_model)
{
    struct model model = {.timeout_ms = CATALOG_TIMEOUT_MS, .time = {.long_factor = 2}};
    reader_fields(node, fields, sizeof fields / sizeof *fields, &model);
    if (node->reader->failed)
        return;
    struct node output = reader_key(node, "output"), retired = reader_key(node, "retired");
    struct node parameters = reader_key(node, "parameters"), time = reader_key(node, "time");
    struct node rules = reader_key(node, "rules"), extensions = reader_key(node, "extensions");
    read_output(&output, &extensions, &model);
    read_retired(&retired, &model);
    parameter_read_all(&parameters, 0, &model.parameters, &model.parameter_count);
    if (node->reader->failed)
        return;
    read_time(&time, &model);
    read_rules(&rules, &model);
    *ret_model = model;
}
