#include "store/ram_table.h"

#include "base/memory.h"
#include "store/ram_hook.h"
#include "store/ram_keys.h"
#include "store/ram_spend.h"
#include "store/ram_upload.h"

#include <assert.h>
#include <string.h>

struct ram_row *ram_table_find(const struct ram *ram, int64_t key)
{
    return map_get(&ram->by_key, span_make(&key, sizeof key));
}

struct ram_row *ram_table_find_live(const struct ram *ram, int64_t key)
{
    struct ram_row *row = ram_table_find(ram, key);
    return row && !row->is_gone ? row : NULL;
}

static size_t write_name(char target[static JOB_TENANT_SIZE + JOB_MODEL_SIZE], const char *tenant,
                         const char *model)
{
    size_t tenant_size = strlen(tenant), model_size = strlen(model);
    assert(tenant_size < JOB_TENANT_SIZE && model_size < JOB_MODEL_SIZE);
    memcpy(target, tenant, tenant_size + 1);
    memcpy(target + tenant_size + 1, model, model_size);
    return tenant_size + 1 + model_size;
}

struct ram_line *ram_table_find_line(const struct ram *ram, const char *tenant, const char *model)
{
    char name[JOB_TENANT_SIZE + JOB_MODEL_SIZE];
    return map_get(&ram->lines, span_make(name, write_name(name, tenant, model)));
}

struct ram_line *ram_table_line(struct ram *ram, const char *tenant, const char *model)
{
    struct ram_line *line = ram_table_find_line(ram, tenant, model);
    if (line)
        return line;
    line = memory_new(struct ram_line);
    line->name_size = write_name(line->name, tenant, model);
    line->tenant_size = strlen(tenant);
    line->hash = span_hash(span_make(line->name, line->name_size));
    map_set(&ram->lines, span_make(line->name, line->name_size), line);
    return line;
}

struct ram_bucket *ram_table_bucket(struct ram_line *line, int priority)
{
    struct ram_node *node = ram_tree_from(&line->buckets, priority, 0);
    if (node && node->major == priority)
        return RAM_OWNER(node, struct ram_bucket, node);
    struct ram_bucket *bucket = memory_new(struct ram_bucket);
    bucket->line = line;
    ram_tree_add(&line->buckets, &bucket->node, priority, 0);
    return bucket;
}

int64_t ram_table_twin(const struct ram_line *line, uint64_t fingerprint)
{
    return (int64_t)(line->hash ^ fingerprint * 0x9E3779B97F4A7C15u);
}

void ram_table_copy(struct job *target, const struct job *source)
{
    memcpy(target, source, offsetof(struct job, outputs));
    assert(source->output_count <= JOB_OUTPUTS_MAX);
    memcpy(target->outputs, source->outputs, source->output_count * sizeof source->outputs[0]);
    target->output_count = source->output_count;
}

static char *copy_text(const char *text)
{
    return text ? memory_copy(span_of(text)) : NULL;
}

static void copy_texts(struct job *target, const struct job *source)
{
    target->input = copy_text(source->input);
    target->metadata = copy_text(source->metadata);
    target->options = copy_text(source->options);
    target->warnings = copy_text(source->warnings);
    target->words = copy_text(source->words);
    target->route = copy_text(source->route);
}

struct job *ram_table_make(const struct job *source)
{
    struct job *job = job_make();
    ram_table_copy(job, source);
    copy_texts(job, source);
    return job;
}

void ram_table_read(struct job *target, const struct job *source)
{
    *target = (struct job){0};
    list_init(&target->link);
    list_init(&target->dirty_link);
    ram_table_copy(target, source);
    copy_texts(target, source);
}

const struct job *ram_table_committed(const struct ram_row *row)
{
    if (row->before)
        return &row->before->job;
    return row->is_new ? NULL : &row->job;
}

static void place(struct ram_tree *tree, struct ram_node *node, int64_t major, int64_t minor)
{
    if (node->tree == tree && (!tree || (node->major == major && node->minor == minor)))
        return;
    ram_tree_remove(node);
    if (tree)
        ram_tree_add(tree, node, major, minor);
}

void ram_table_link(struct ram *ram, struct ram_row *row)
{
    const struct job *job = &row->job;
    if (!row->bucket || row->bucket->node.major != job->priority)
        row->bucket = ram_table_bucket(row->line, job->priority);
    place(job->state == STATE_QUEUED ? &row->bucket->queue : NULL, &row->queue, job->queued_at,
          job->key);
    place(state_is_in_flight(job->state) || job->following ? &ram->flight : NULL, &row->flight,
          job->key, 0);
    place(job->wake_at > 0 ? &ram->wake : NULL, &row->wake, job->wake_at, job->key);
    place(state_is_terminal(job->state) ? NULL : &ram->twins, &row->twin,
          ram_table_twin(row->line, job->fingerprint), job->key);
}

/* Keys grow with time, so the new row nearly always goes to the end. */
static void add_row(struct ram_rows *rows, struct ram_row *row)
{
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity ? rows->capacity * 2 : 64;
        rows->list = memory_grow(rows->list, rows->capacity * sizeof(struct ram_row *));
    }
    size_t place = rows->count++;
    while (place > 0 && rows->list[place - 1]->job.key > row->job.key) {
        rows->list[place] = rows->list[place - 1];
        place--;
    }
    rows->list[place] = row;
}

static void take_row(struct ram_rows *rows, const struct ram_row *row)
{
    size_t place = rows->count;
    while (place > 0 && rows->list[place - 1] != row)
        place--;
    assert(place > 0);
    memmove(&rows->list[place - 1], &rows->list[place],
            (rows->count - place) * sizeof(struct ram_row *));
    rows->count--;
}

struct ram_row *ram_table_insert(struct ram *ram, const struct job *job)
{
    struct ram_row *row = memory_grow(NULL, sizeof *row);
    memset(row, 0, offsetof(struct ram_row, job));
    ram_table_copy(&row->job, job);
    copy_texts(&row->job, job);
    row->line = ram_table_line(ram, job->tenant, job->model);
    map_set(&ram->by_key, job_key_span(&row->job), row);
    add_row(&ram->rows, row);
    ram_table_link(ram, row);
    return row;
}

static void free_row(struct ram_row *row)
{
    reader_job_done(&row->job);
    for (unsigned n = 0; n < row->timeline_count; n++)
        memory_free(row->timeline[n].note);
    memory_free(row->timeline);
    memory_free(row->attempts);
    memory_free(row);
}

void ram_table_remove(struct ram *ram, struct ram_row *row)
{
    assert(!row->before);
    ram_tree_remove(&row->queue);
    ram_tree_remove(&row->flight);
    ram_tree_remove(&row->wake);
    ram_tree_remove(&row->twin);
    (void)map_remove(&ram->by_key, job_key_span(&row->job));
    take_row(&ram->rows, row);
    free_row(row);
}

struct span ram_table_key_span(const struct key_row *row)
{
    static_assert(offsetof(struct key_row, key_hash) == JOB_TENANT_SIZE, "tenant and hash touch");
    return span_make(row, JOB_TENANT_SIZE + KEY_HASH_SIZE);
}

struct ram_key *ram_table_find_key(const struct ram *ram, const char *tenant, struct span key_hash)
{
    struct key_row row = {.count = 0};
    (void)span_copy(span_of(tenant), row.tenant, sizeof row.tenant);
    memcpy(row.key_hash, key_hash.data, sizeof row.key_hash);
    return map_get(&ram->keys, ram_table_key_span(&row));
}

void ram_table_remove_key(struct ram *ram, struct ram_key *key)
{
    ram_tree_remove(&key->expiry);
    (void)map_remove(&ram->keys, ram_table_key_span(&key->row));
    memory_free(key);
}

static void clone_row(struct ram *target, const struct ram_row *source)
{
    struct ram_row *row = ram_table_insert(target, &source->job);
    row->attempt_count = source->attempt_count;
    if (row->attempt_count) {
        row->attempts = memory_grow(NULL, row->attempt_count * sizeof *row->attempts);
        memcpy(row->attempts, source->attempts, row->attempt_count * sizeof *row->attempts);
    }
    row->timeline_count = row->timeline_capacity = source->timeline_count;
    if (row->timeline_count)
        row->timeline = memory_make(row->timeline_count * sizeof *row->timeline);
    for (unsigned n = 0; n < row->timeline_count; n++) {
        row->timeline[n] = source->timeline[n];
        row->timeline[n].note = copy_text(source->timeline[n].note);
    }
}

static void clone_line(struct ram *target, const struct ram_line *source)
{
    struct ram_line *line =
        ram_table_line(target, source->name, source->name + source->tenant_size + 1);
    for (struct ram_node *node = ram_tree_from(&source->buckets, INT64_MIN, INT64_MIN); node;
         node = ram_tree_after(&source->buckets, node)) {
        struct ram_bucket *bucket = ram_table_bucket(line, (int)node->major);
        const struct ram_bucket *old = RAM_OWNER(node, struct ram_bucket, node);
        bucket->count = old->count;
        bucket->arrived = old->arrived;
    }
}

static void clone_keys(struct ram *target, const struct ram *source)
{
    size_t cursor = 0;
    for (const struct ram_key *old; (old = map_next(&source->keys, &cursor));) {
        struct ram_key *key = memory_new(struct ram_key);
        key->row = old->row;
        key->sequence = old->sequence;
        map_set(&target->keys, ram_table_key_span(&key->row), key);
        ram_tree_add(&target->expiry, &key->expiry, key->row.expires_at, key->sequence);
    }
}

void ram_table_clone(struct ram *target, const struct ram *source)
{
    size_t cursor = 0;
    for (const struct ram_line *line; (line = map_next(&source->lines, &cursor));)
        clone_line(target, line);
    for (size_t n = 0; n < source->rows.count; n++)
        clone_row(target, source->rows.list[n]);
    clone_keys(target, source);
    cursor = 0;
    for (const struct pace *old; (old = map_next(&source->paces, &cursor));) {
        struct pace *pace = memory_new(struct pace);
        *pace = *old;
        map_set(&target->paces, span_of(pace->model), pace);
    }
    for (const struct ram_node *node = ram_tree_from(&source->dependencies, INT64_MIN, INT64_MIN);
         node; node = ram_tree_after(&source->dependencies, node)) {
        struct ram_dependency *made = memory_new(struct ram_dependency);
        ram_tree_add(&target->dependencies, &made->node, node->major, node->minor);
    }
    ram_keys_clone(target, source);
    ram_spend_clone(target, source);
    ram_upload_clone(target, source);
    ram_hook_clone(target, source);
    target->turn = source->turn;
    target->now = source->now;
    target->last_key = target->last_key_before = source->last_key;
    target->key_sequence = source->key_sequence;
    memcpy(target->url_secret, source->url_secret, sizeof target->url_secret);
}

static void free_line(struct ram_line *line)
{
    while (line->buckets.root) {
        struct ram_bucket *bucket = RAM_OWNER(line->buckets.root, struct ram_bucket, node);
        ram_tree_remove(&bucket->node);
        memory_free(bucket);
    }
    memory_free(line);
}

void ram_table_free(struct ram *ram)
{
    for (size_t n = 0; n < ram->rows.count; n++)
        free_row(ram->rows.list[n]);
    memory_free(ram->rows.list);
    size_t cursor = 0;
    for (struct ram_line *line; (line = map_next(&ram->lines, &cursor));)
        free_line(line);
    cursor = 0;
    for (struct ram_key *key; (key = map_next(&ram->keys, &cursor));)
        memory_free(key);
    cursor = 0;
    for (struct pace *pace; (pace = map_next(&ram->paces, &cursor));)
        memory_free(pace);
    while (ram->dependencies.root) {
        struct ram_node *node = ram->dependencies.root;
        ram_tree_remove(node);
        memory_free(RAM_OWNER(node, struct ram_dependency, node));
    }
    while (ram->free_images) {
        struct ram_image *image = ram->free_images;
        ram->free_images = image->next_free;
        memory_free(image);
    }
    ram_upload_free(ram);
    ram_hook_free(ram);
    map_done(&ram->by_key);
    map_done(&ram->lines);
    map_done(&ram->keys);
    map_done(&ram->paces);
    ram_keys_free(ram);
    ram_spend_free(ram);
    memory_free(ram->undo);
}
