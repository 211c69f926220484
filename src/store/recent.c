#include "store/recent.h"

#include "base/memory.h"

#include <stddef.h>
#include <string.h>

/* The hash says in which set a row is kept; the oldest of a full set makes room. With a place for
 * each hash a few hundred rows would already push each other out. */
struct kept {
    struct job job; /* its texts are owned */
    uint64_t view;
    int64_t position;
    uint64_t position_view; /* 0: the position is not known */
};

struct recent {
    const struct recent_marks *marks;
    struct set {
        int64_t keys[RECENT_WAYS];      /* 0: none */
        struct kept *rows[RECENT_WAYS]; /* made when first needed */
        unsigned oldest;
    } sets[RECENT_SETS];
};

/* Keys grow with time and differ in their low bits by chance; this spreads both. */
static size_t hash_of(int64_t key)
{
    return (size_t)((uint64_t)key * 0x9E3779B97F4A7C15u >> 40);
}

void recent_mark(struct recent_marks *marks, int64_t key)
{
    atomic_store(&marks->changed[hash_of(key) % RECENT_MARKS], atomic_load(&marks->commits) + 1);
}

struct recent *recent_make(const struct recent_marks *marks)
{
    struct recent *recent = memory_new(struct recent);
    recent->marks = marks;
    return recent;
}

static void free_texts(struct job *job)
{
    memory_free(job->input);
    memory_free(job->metadata);
    memory_free(job->options);
    memory_free(job->warnings);
    memory_free(job->words);
    memory_free(job->route);
}

void recent_free(struct recent *recent)
{
    if (!recent)
        return;
    for (size_t n = 0; n < (size_t)RECENT_SETS * RECENT_WAYS; n++) {
        struct kept *kept = recent->sets[n / RECENT_WAYS].rows[n % RECENT_WAYS];
        if (kept)
            free_texts(&kept->job);
        memory_free(kept);
    }
    memory_free(recent);
}

static char *copy_text(const char *text)
{
    return text ? memory_copy(span_of(text)) : NULL;
}

/* The row alone: the copy hangs in no list, and has nothing of a flight. That and outputs that are
 * not there are most of the struct; without them hundreds of rows stay within a core's cache. */
static void copy_row(const struct job *job, struct job *ret_copy)
{
    memset(ret_copy, 0, sizeof *ret_copy);
    memcpy(ret_copy, job, offsetof(struct job, outputs));
    memcpy(ret_copy->outputs, job->outputs, job->output_count * sizeof job->outputs[0]);
    ret_copy->output_count = job->output_count;
    ret_copy->input = copy_text(job->input);
    ret_copy->metadata = copy_text(job->metadata);
    ret_copy->options = copy_text(job->options);
    ret_copy->warnings = copy_text(job->warnings);
    ret_copy->words = copy_text(job->words);
    ret_copy->route = copy_text(job->route);
    list_init(&ret_copy->link);
    list_init(&ret_copy->dirty_link);
}

static struct kept *find(const struct recent *recent, int64_t key)
{
    const struct set *set = &recent->sets[hash_of(key) % RECENT_SETS];
    for (unsigned way = 0; way < RECENT_WAYS; way++) {
        if (set->keys[way] == key)
            return set->rows[way];
    }
    return NULL;
}

/* Where the row was kept, or may be from now on. */
static struct kept *take(struct recent *recent, int64_t key)
{
    struct kept *kept = find(recent, key);
    if (kept)
        return kept;
    struct set *set = &recent->sets[hash_of(key) % RECENT_SETS];
    unsigned way = set->oldest++ % RECENT_WAYS;
    set->keys[way] = key;
    if (!set->rows[way])
        set->rows[way] = memory_new(struct kept);
    return set->rows[way];
}

const struct job *recent_look(const struct recent *recent, int64_t key)
{
    const struct kept *kept = find(recent, key);
    if (!kept || atomic_load(&recent->marks->changed[hash_of(key) % RECENT_MARKS]) > kept->view)
        return NULL;
    return &kept->job;
}

bool recent_find(const struct recent *recent, int64_t key, struct job *ret_job)
{
    const struct job *job = recent_look(recent, key);
    if (job)
        copy_row(job, ret_job);
    return job != NULL;
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) : 0;
}

void recent_keep(struct recent *recent, uint64_t view, const struct job *job)
{
    if (size_of(job->input) + size_of(job->metadata) + size_of(job->options) +
            size_of(job->warnings) + size_of(job->words) + size_of(job->route) >
        RECENT_TEXT_MAX)
        return;
    struct kept *kept = take(recent, job->key);
    free_texts(&kept->job);
    copy_row(job, &kept->job);
    kept->view = view;
    kept->position_view = 0;
}

bool recent_find_place(const struct recent *recent, int64_t key, int64_t *ret_position)
{
    const struct kept *kept = find(recent, key);
    if (!kept || kept->position_view == 0 ||
        kept->position_view != atomic_load(&recent->marks->commits))
        return false;
    *ret_position = kept->position;
    return true;
}

void recent_keep_place(struct recent *recent, uint64_t view, int64_t key, int64_t position)
{
    struct kept *kept = find(recent, key);
    if (!kept)
        return;
    kept->position = position;
    kept->position_view = view;
}
