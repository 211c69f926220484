#include "app/hook_body.h"

#include "app/link.h"
#include "dialect/native_hook.h"
#include "dialect/vendor.h"
#include "edge/clock.h"

static void add_base(const struct hook_body *scene, struct buffer *target)
{
    link_base(scene->config, scene->port, target);
}

/* A link in a webhook works for as long as that may be tried, and a link's time beyond. */
static void link_output(void *context, const struct job *job, const char *name,
                        struct buffer *target)
{
    const struct hook_body *scene = context;
    const struct config *config = scene->config;
    struct buffer base;
    ms_t expires = job->ended_at + config->output.link_ttl;
    for (unsigned n = 0; n < config->webhooks.schedule_count; n++)
        expires += config->webhooks.schedule[n] + config->webhooks.schedule[n] / 10;
    buffer_init(&base, 4096);
    add_base(scene, &base);
    const struct link_rule rule = {base.data, scene->url_secret, expires};
    link_write(config, &rule, job, name, target);
    buffer_done(&base);
}

static void write_address(void *context, struct span path, struct buffer *target)
{
    add_base(context, target);
    buffer_add(target, path);
}

void hook_body_write(const struct hook_body *scene, const struct hook_insert *hook,
                     struct buffer *target)
{
    const char *name = vendor_hook_dialect(hook->job);
    const struct dialect *dialect = name ? dialect_find(span_of(name)) : NULL;
    void *context = (void *)(uintptr_t)scene;
    struct json_writer writer;
    struct arena arena;
    if (!dialect || !dialect->hook) {
        native_hook_body(hook, link_output, context, target);
        return;
    }
    arena_init(&arena);
    json_writer_init(&writer, target);
    const struct vendor_job told = {
        .catalog = scene->catalog,
        .arena = &arena,
        .job = hook->job,
        .now = clock_wall(),
        .link = link_output,
        .address = write_address,
        .link_context = context,
        .writer = &writer,
    };
    dialect->hook(&told, hook);
    arena_done(&arena);
}
