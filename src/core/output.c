#include "core/output.h"

#include "base/memory.h"

#include <string.h>

void output_init(struct output *output)
{
    *output = (struct output){0};
}

void output_done(struct output *output)
{
    memory_free(output->changes.list);
    memory_free(output->effects.list);
    output_init(output);
}

struct change *output_change(struct output *output, enum change_kind kind)
{
    struct changes *changes = &output->changes;
    if (changes->count == changes->capacity) {
        changes->capacity = changes->capacity ? changes->capacity * 2 : 32;
        changes->list = memory_grow(changes->list, changes->capacity * sizeof *changes->list);
    }
    struct change *change = &changes->list[changes->count++];
    memset(change, 0, sizeof *change);
    change->kind = kind;
    return change;
}

struct effect *output_effect(struct output *output, enum effect_kind kind)
{
    struct effects *effects = &output->effects;
    if (effects->count == effects->capacity) {
        effects->capacity = effects->capacity ? effects->capacity * 2 : 32;
        effects->list = memory_grow(effects->list, effects->capacity * sizeof *effects->list);
    }
    struct effect *effect = &effects->list[effects->count++];
    memset(effect, 0, sizeof *effect);
    effect->kind = kind;
    return effect;
}

struct effect *output_on(struct output *output, enum effect_kind kind, const struct job *job)
{
    struct effect *effect = output_effect(output, kind);
    effect->on.job = job;
    effect->on.attempt = job->attempt.number;
    return effect;
}

void output_clear_changes(struct output *output)
{
    output->changes.count = 0;
}

void output_clear_effects(struct output *output)
{
    output->effects.count = 0;
}
