#include "app/sandbox_mark.h"

#include "base/json.h"

enum { OPTIONS_MAX = 64 * 1024 };

struct span sandbox_mark_add(struct span options, const struct sandbox_mark *mark,
                             struct arena *arena)
{
    char fault[JSON_FAULT_SIZE];
    struct buffer text;
    json_t *all = options.size ? json_read(options, fault) : json_object();
    json_t *own = json_pack("{s:s,s:s,s:s,s:I}", "provider", mark->provider, "tag", mark->tag,
                            "digest", mark->digest, "price", (json_int_t)mark->price);
    if (mark->has_end) {
        (void)json_object_set_new(own, "end", json_string(sandbox_fault_name(mark->end)));
        (void)json_object_set_new(own, "after", json_integer(mark->end_after));
        (void)json_object_set_new(own, "text", json_string(mark->text));
    }
    if (mark->has_end && mark->file) {
        (void)json_object_set_new(own, "file", json_string(mark->file));
        (void)json_object_set_new(own, "type", json_string(mark->type));
    }
    (void)json_object_set_new(all, "sandbox", own);
    buffer_init(&text, OPTIONS_MAX);
    json_canonical(all, &text);
    struct span copy = span_make(arena_copy(arena, buffer_span(&text)), text.size);
    buffer_done(&text);
    json_decref(all);
    return copy;
}

static const char *text_of(const json_t *object, const char *key, struct arena *arena)
{
    return arena_copy(arena, json_span(json_object_get(object, key)));
}

bool sandbox_mark_read(const char *options, struct arena *arena, struct sandbox_mark *ret_mark)
{
    char fault[JSON_FAULT_SIZE];
    json_t *all = options ? json_read(span_of(options), fault) : NULL;
    const json_t *own = json_object_get(all, "sandbox");
    bool found = json_is_object(own);
    if (found) {
        *ret_mark = (struct sandbox_mark){
            .provider = text_of(own, "provider", arena),
            .tag = text_of(own, "tag", arena),
            .digest = text_of(own, "digest", arena),
            .price = json_integer_value(json_object_get(own, "price")),
            .end_after = json_integer_value(json_object_get(own, "after")),
            .file = text_of(own, "file", arena),
            .type = text_of(own, "type", arena),
            .text = text_of(own, "text", arena),
        };
        ret_mark->has_end =
            sandbox_fault_find(json_span(json_object_get(own, "end")), &ret_mark->end);
    }
    json_decref(all);
    return found;
}
