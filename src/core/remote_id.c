/* Which attempt has which id at its provider: whether an id is another's is asked at each answer to
 * a submission, however many jobs are in flight. Whose attempt has ended the store knows; but what
 * it was asked may have been answered just before, so the latest are remembered here too. */
#include "core/core_private.h"

#include "base/memory.h"

#include <stdio.h>

enum { REMOTE_KEY_SIZE = JOB_PROVIDER_SIZE + 1 + JOB_REMOTE_ID_SIZE };

struct remote_id {
    char key[REMOTE_KEY_SIZE]; /* provider, line break, id */
    int64_t job;
    unsigned attempt;
    bool is_open;
    struct list link; /* core->ended_ids, once it has ended */
};

static struct span key_of(char target[static REMOTE_KEY_SIZE], const char *provider,
                          const char *remote_id)
{
    int size = snprintf(target, REMOTE_KEY_SIZE, "%s\n%s", provider, remote_id);
    assert(size > 0 && size < REMOTE_KEY_SIZE);
    return span_make(target, (size_t)size);
}

static struct remote_id *find(const struct core *core, const char *provider, const char *remote_id)
{
    char text[REMOTE_KEY_SIZE];
    return map_get(&core->remote_ids, key_of(text, provider, remote_id));
}

static void forget_oldest(struct core *core)
{
    struct remote_id *entry = LIST_OWNER(list_take(&core->ended_ids), struct remote_id, link);
    core->ended_id_count--;
    memory_free(map_remove(&core->remote_ids, span_of(entry->key)));
}

void remote_id_hold(struct core *core, const struct job *job)
{
    struct remote_id *entry = find(core, job->attempt.provider, job->attempt.remote_id);
    if (!entry) {
        entry = memory_new(struct remote_id);
        list_init(&entry->link);
        map_set(&core->remote_ids,
                key_of(entry->key, job->attempt.provider, job->attempt.remote_id), entry);
    } else if (!entry->is_open) {
        list_remove(&entry->link);
        core->ended_id_count--;
    }
    entry->job = job->key; /* two rows may name one: the newer counts */
    entry->attempt = job->attempt.number;
    entry->is_open = true;
}

void remote_id_drop(struct core *core, const struct job *job)
{
    struct remote_id *entry = find(core, job->attempt.provider, job->attempt.remote_id);
    if (!entry || !entry->is_open || entry->job != job->key)
        return;
    entry->is_open = false;
    list_add(&core->ended_ids, &entry->link);
    if (++core->ended_id_count > REMOTE_ID_ENDED_MAX)
        forget_oldest(core);
}

bool remote_id_is_open(const struct core *core, const char *provider, const char *remote_id)
{
    const struct remote_id *entry = find(core, provider, remote_id);
    return entry && entry->is_open;
}

bool remote_id_is_taken(const struct core *core, const char *provider, const char *remote_id,
                        int64_t job, unsigned attempt)
{
    const struct remote_id *entry = find(core, provider, remote_id);
    if (!entry)
        return false;
    return entry->job != job || (entry->is_open && entry->attempt != attempt);
}

void remote_id_done(struct core *core)
{
    size_t cursor = 0;
    for (void *entry; (entry = map_next(&core->remote_ids, &cursor));)
        memory_free(entry);
    map_done(&core->remote_ids);
}
