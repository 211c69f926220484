#include "app/stand_in.h"

#include "app/shape.h"
#include "base/arena.h"
#include "catalog/input.h"

#include <math.h>
#include <string.h>

enum { SIDE = 720, IMAGES_MAX = 20 };
static const double wide = 16.0 / 9;

/* The pictures that an input names, as local/kenburns takes them. */
static json_t *images_of(const json_t *input)
{
    static const char *const names[] = {"imageUrl", "lastImageUrl"};
    json_t *images = json_array();
    const json_t *list = json_object_get(input, "imageUrls"), *item;
    size_t n;
    for (size_t name = 0; name < sizeof names / sizeof names[0]; name++) {
        json_t *url = json_object_get(input, names[name]);
        if (json_is_string(url))
            (void)json_array_append(images, url);
    }
    json_array_foreach(list, n, item)
        if (json_is_string(item) && json_array_size(images) < IMAGES_MAX)
            (void)json_array_append(images, (json_t *)(uintptr_t)item);
    return images;
}

static void set_number(const struct model *local, const char *name, double value, json_t *body)
{
    const struct parameter *parameter = catalog_find_parameter(local, span_of(name));
    if (!parameter || !isfinite(value))
        return;
    value = fmin(fmax(value, parameter->min), parameter->max);
    (void)json_object_set_new(body, name,
                              parameter->kind == PARAMETER_INTEGER
                                  ? json_integer((json_int_t)llround(value))
                                  : json_real(value));
}

/* Numbers that both know, inside the limits of ours. */
static void take_numbers(const struct model *local, const json_t *input, json_t *body)
{
    static const char *const names[] = {"duration", "fps", "seed", "width", "height"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        const json_t *value = json_object_get(input, names[n]);
        if (json_is_number(value))
            set_number(local, names[n], json_number_value(value), body);
    }
}

/* Of a resolution and an aspect ratio, where it was not said in pixels. */
static void take_size(const struct model *local, const json_t *input, json_t *body)
{
    double side = (double)shape_side(json_span(json_object_get(input, "resolution")));
    double aspect = shape_aspect(json_span(json_object_get(input, "aspectRatio")));
    side = side > 0 ? side : SIDE;
    aspect = aspect > 0 ? aspect : local->output == MEDIA_IMAGE ? 1 : wide;
    if (json_object_get(body, "width") && json_object_get(body, "height"))
        return;
    set_number(local, "width", 2 * round((aspect > 1 ? side * aspect : side) / 2), body);
    set_number(local, "height", 2 * round((aspect > 1 ? side : side / aspect) / 2), body);
}

/* Cut between characters. */
static json_t *cut(struct span text, size_t most)
{
    size_t size = 0, count = 0, step;
    while (size < text.size && count < most &&
           (step = span_utf8((struct span){text.data + size, text.size - size})) > 0) {
        size += step;
        count++;
    }
    return json_stringn(text.data, size);
}

static void take_words(const struct model *local, const char *name, const struct model *model,
                       const json_t *input, json_t *body)
{
    const struct parameter *parameter = catalog_find_parameter(local, span_of(name));
    struct span text = json_span(json_object_get(input, "prompt"));
    text = text.size ? text : json_span(json_object_get(input, "text"));
    text = text.size ? text : span_of(model->title);
    if (parameter)
        (void)json_object_set_new(body, name, cut(text, parameter->size_max));
}

static const char *renderer_of(const struct model *model, const json_t *images)
{
    return model->output == MEDIA_IMAGE   ? "local/still"
           : model->output == MEDIA_AUDIO ? "local/speech"
           : model->output != MEDIA_VIDEO ? ""
           : json_array_size(images) > 0  ? "local/kenburns"
                                          : "local/animatic";
}

static json_t *body_of(const struct model *local, const struct model *model, const json_t *input,
                       json_t *images)
{
    json_t *body = json_object();
    if (local->output == MEDIA_AUDIO) {
        take_words(local, "text", model, input, body);
        return body;
    }
    take_words(local, "prompt", model, input, body);
    take_numbers(local, input, body);
    take_size(local, input, body);
    if (catalog_find_parameter(local, SPAN("imageUrls")))
        (void)json_object_set(body, "imageUrls", images);
    return body;
}

bool stand_in_make(const struct catalog *catalog, const struct model *model, const json_t *input,
                   struct stand_in *ret_stand_in)
{
    if (model->offer_count > 0 && strcmp(model->offers[0]->provider->name, "local") == 0) {
        *ret_stand_in = (struct stand_in){model, json_deep_copy(input)};
        return true;
    }
    struct arena arena;
    struct faults faults;
    json_t *images = images_of(input);
    const struct model *local = catalog_find(catalog, span_of(renderer_of(model, images)));
    bool good = false;
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (local) {
        json_t *body = body_of(local, model, input, images);
        *ret_stand_in = (struct stand_in){.model = local};
        good = input_check(local, body, &faults, &ret_stand_in->input);
        json_decref(body);
    }
    arena_done(&arena);
    json_decref(images);
    return good;
}
