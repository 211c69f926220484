/* Which attempt that is open has which id at its provider: whether an id is another's is asked at
 * each answer to a submission, however many jobs are in flight. */
#include "core/core_private.h"

#include "base/memory.h"

#include <stdio.h>

enum { REMOTE_KEY_SIZE = JOB_PROVIDER_SIZE + 1 + JOB_REMOTE_ID_SIZE };

struct remote_id {
    char key[REMOTE_KEY_SIZE]; /* provider, line break, id */
    const struct job *job;
};

static struct span key_of(char target[static REMOTE_KEY_SIZE], const char *provider,
                          const char *remote_id)
{
    int size = snprintf(target, REMOTE_KEY_SIZE, "%s\n%s", provider, remote_id);
    assert(size > 0 && size < REMOTE_KEY_SIZE);
    return span_make(target, (size_t)size);
}

void remote_id_hold(struct core *core, const struct job *job)
{
    struct remote_id *entry = memory_new(struct remote_id);
    entry->job = job;
    struct span key = key_of(entry->key, job->attempt.provider, job->attempt.remote_id);
    memory_free(map_remove(&core->remote_ids, key)); /* two rows may name one: the newer counts */
    map_set(&core->remote_ids, key, entry);
}

void remote_id_drop(struct core *core, const struct job *job)
{
    char text[REMOTE_KEY_SIZE];
    struct span key = key_of(text, job->attempt.provider, job->attempt.remote_id);
    const struct remote_id *entry = map_get(&core->remote_ids, key);
    if (entry && entry->job == job)
        memory_free(map_remove(&core->remote_ids, key));
}

const struct job *remote_id_find(const struct core *core, const char *provider,
                                 const char *remote_id)
{
    char text[REMOTE_KEY_SIZE];
    const struct remote_id *entry = map_get(&core->remote_ids, key_of(text, provider, remote_id));
    return entry ? entry->job : NULL;
}

void remote_id_done(struct core *core)
{
    size_t cursor = 0;
    for (void *entry; (entry = map_next(&core->remote_ids, &cursor));)
        memory_free(entry);
    map_done(&core->remote_ids);
}
