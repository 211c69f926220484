#include "catalog/reference.h"

#include "base/id.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { OUTPUTS_MAX = 1000, PATH_SIZE = 400 };

/* Blanks, controls and what a URL must escape; bytes beyond ASCII pass, since people paste them and
 * the HTTP client escapes them. */
static bool clean(struct span url)
{
    for (size_t n = 0; n < url.size; n++) {
        unsigned char byte = (unsigned char)url.data[n];
        if (byte <= 0x20 || byte == 0x7f || strchr("\"<>\\", byte))
            return false;
    }
    return true;
}

static bool drop(struct span *text, const char *prefix)
{
    size_t size = strlen(prefix);
    if (text->size < size || !span_is_nocase((struct span){text->data, size}, prefix))
        return false;
    *text = (struct span){text->data + size, text->size - size};
    return true;
}

static bool is_http(struct span url)
{
    if (url.size > CATALOG_URL_MAX || !(drop(&url, "https://") || drop(&url, "http://")))
        return false;
    return clean(url) && url.size > 0 && !strchr("/?#:@.", url.data[0]);
}

bool reference_read_reel(struct span url, struct span *ret_id, unsigned *ret_output)
{
    struct span rest = url, id;
    int64_t key, output = 0;
    if (!span_starts(url, "reel://"))
        return false;
    rest = (struct span){url.data + 7, url.size - 7};
    if (!span_take(&rest, '/', &id))
        return false;
    if (id_read(id, "upl_", &key)) {
        if (rest.data)
            return false;
    } else if (!id_read(id, "gen_", &key) ||
               (rest.data && !span_integer(rest, 0, OUTPUTS_MAX - 1, &output))) {
        return false;
    }
    *ret_id = id;
    *ret_output = (unsigned)output;
    return true;
}

static bool is_base64(struct span text)
{
    static const char extra[] = "+/";
    size_t size = text.size;
    for (int n = 0; n < 2 && size > 0 && text.data[size - 1] == '='; n++)
        size--;
    /* Unpadded text is common and has one meaning; a single character over has none. */
    if (size == 0 || size % 4 == 1 || (size != text.size && text.size % 4 != 0))
        return false;
    for (size_t n = 0; n < size; n++) {
        char byte = text.data[n];
        bool good = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                    (byte >= '0' && byte <= '9') || byte == extra[0] || byte == extra[1];
        if (!good)
            return false;
    }
    return true;
}

bool reference_read_data(struct span url, struct span *ret_type, struct span *ret_base64)
{
    struct span rest = url, head;
    if (url.size > CATALOG_DATA_URL_MAX || !drop(&rest, "data:") || !span_take(&rest, ',', &head))
        return false;
    struct span type = head;
    if (!rest.data || !span_ends(head, ";base64") || !span_take(&head, ';', &type) ||
        span_find(type, '/') <= 0 || !clean(type) || !is_base64(rest))
        return false;
    *ret_type = type;
    *ret_base64 = rest;
    return true;
}

enum reference_kind reference_kind(struct span url)
{
    struct span first, second;
    unsigned output;
    if (is_http(url))
        return REFERENCE_HTTP;
    if (reference_read_reel(url, &first, &output))
        return span_starts(first, "upl_") ? REFERENCE_UPLOAD : REFERENCE_JOB;
    if (reference_read_data(url, &first, &second))
        return REFERENCE_DATA;
    return REFERENCE_BAD;
}

struct walk {
    reference_found_f *found;
    void *context;
    struct reference reference;
};

/* Parameters nest at most CATALOG_NEST_MAX deep, which bounds the calls of itself. */
static void visit(struct walk *walk, const struct parameter *parameter, const json_t *value,
                  const char *path, unsigned depth)
{
    assert(depth <= CATALOG_NEST_MAX);
    char below[PATH_SIZE];
    if (parameter->kind == PARAMETER_URL && json_is_string(value)) {
        walk->reference.path = path;
        walk->reference.media = parameter->media;
        walk->reference.url = json_span(value);
        walk->reference.kind = reference_kind(walk->reference.url);
        walk->found(walk->context, &walk->reference);
    } else if (parameter->kind == PARAMETER_LIST) {
        for (size_t n = 0; n < json_array_size(value); n++) {
            if (depth == 0)
                walk->reference.index = (unsigned)n;
            (void)snprintf(below, sizeof below, "%s[%zu]", path, n);
            visit(walk, parameter->items, json_array_get(value, n), below, depth + 1);
        }
    } else if (parameter->kind == PARAMETER_OBJECT) {
        for (unsigned n = 0; n < parameter->field_count; n++) {
            const struct parameter *field = &parameter->fields[n];
            (void)snprintf(below, sizeof below, "%s.%s", path, field->name);
            visit(walk, field, json_object_get(value, field->name), below, depth + 1);
        }
    }
}

void reference_each(const struct model *model, const json_t *input, reference_found_f *found,
                    void *context)
{
    for (unsigned n = 0; n < model->parameter_count; n++) {
        const struct parameter *parameter = &model->parameters[n];
        struct walk walk = {
            .found = found, .context = context, .reference = {.parameter = parameter}};
        visit(&walk, parameter, json_object_get(input, parameter->name), parameter->name, 0);
    }
}
