/* Who reads what: a job that has not ended holds the outputs and uploads that it names, so that
 * they are there when it starts. Who wants to remove one asks here first. */
#include "core/core_private.h"

static struct span name_of(const int64_t *source)
{
    return span_make(source, sizeof *source);
}

const struct source_user *use_find(const struct core *core, int64_t source)
{
    return map_get(&core->users, name_of(&source));
}

void core_give_user(struct core *core, int64_t source, const char *id)
{
    if (use_find(core, source))
        return;
    struct source_user *user = arena_new(&core->arena, struct source_user);
    user->source = source;
    (void)span_copy(span_of(id), user->id, sizeof user->id);
    map_set(&core->users, name_of(&user->source), user);
}

void use_add(struct core *core, struct output *output, struct job *job, int64_t source)
{
    struct change *change = output_change(output, CHANGE_USE);
    change->use.job = job->key;
    change->use.source = source;
    job->reads = true;
    life_touch(core, job);
    core_give_user(core, source, job->id);
}

void use_end(struct core *core, struct output *output, struct job *job)
{
    if (!job->reads)
        return;
    struct change *change = output_change(output, CHANGE_USE);
    change->use.job = job->key;
    change->use.done = true;
    job->reads = false;
    life_touch(core, job);
}
