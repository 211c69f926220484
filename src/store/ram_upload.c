#include "store/ram_upload.h"

#include "base/memory.h"
#include "store/ram_change.h"

#include <string.h>

static struct ram_upload *find(const struct ram *ram, int64_t key)
{
    struct ram_upload *upload = map_get(&ram->uploads, span_make(&key, sizeof key));
    return upload && !upload->is_gone ? upload : NULL;
}

enum store_result ram_upload_load(const struct ram *ram, int64_t key, struct upload *ret_upload)
{
    const struct ram_upload *upload = find(ram, key);
    if (!upload)
        return STORE_NONE;
    *ret_upload = upload->upload;
    return STORE_OK;
}

void ram_upload_total(const struct ram *ram, const char *tenant, int64_t *ret_bytes,
                      int64_t *ret_count)
{
    size_t cursor = 0;
    *ret_bytes = *ret_count = 0;
    for (const struct ram_upload *upload; (upload = map_next(&ram->uploads, &cursor));) {
        if (upload->is_gone || strcmp(upload->upload.tenant, tenant) != 0)
            continue;
        *ret_bytes += upload->upload.size;
        ++*ret_count;
    }
}

/* ---------------------------------------------------------------- uses */

static struct ram_use *first_use(const struct ram *ram, int64_t source)
{
    struct ram_node *node = ram_tree_from(&ram->uses_by_source, source, INT64_MIN);
    return node && node->major == source ? RAM_OWNER(node, struct ram_use, by_source) : NULL;
}

bool ram_upload_is_used(const struct ram *ram, int64_t source)
{
    return first_use(ram, source) != NULL;
}

enum store_result ram_upload_user(const struct ram *ram, int64_t source,
                                  char ret_id[static ID_SIZE])
{
    const struct ram_use *use = first_use(ram, source);
    const struct ram_row *row = use ? ram_table_find(ram, use->by_source.minor) : NULL;
    if (!row)
        return STORE_NONE;
    (void)span_copy(span_of(row->job.id), ret_id, ID_SIZE);
    return STORE_OK;
}

static bool put_use(struct ram *ram, int64_t job, int64_t source)
{
    struct ram_node *node = ram_tree_from(&ram->uses_by_source, source, job);
    if (node && node->major == source && node->minor == job)
        return false;
    struct ram_use *use = memory_new(struct ram_use);
    ram_tree_add(&ram->uses_by_source, &use->by_source, source, job);
    ram_tree_add(&ram->uses_by_job, &use->by_job, job, source);
    return true;
}

static void take_use(struct ram_use *use)
{
    ram_tree_remove(&use->by_source);
    ram_tree_remove(&use->by_job);
    memory_free(use);
}

static void note_use(struct ram *ram, int64_t job, int64_t source, bool made)
{
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_USE);
    undo->made = made;
    undo->use.job = job;
    undo->use.source = source;
}

static void end_uses(struct ram *ram, int64_t job)
{
    struct ram_node *node;
    while ((node = ram_tree_from(&ram->uses_by_job, job, INT64_MIN)) && node->major == job) {
        note_use(ram, job, node->minor, false);
        take_use(RAM_OWNER(node, struct ram_use, by_job));
    }
}

void ram_upload_undo_use(struct ram *ram, const struct ram_undo *undo)
{
    if (!undo->made) {
        (void)put_use(ram, undo->use.job, undo->use.source);
        return;
    }
    struct ram_node *node = ram_tree_from(&ram->uses_by_source, undo->use.source, undo->use.job);
    take_use(RAM_OWNER(node, struct ram_use, by_source));
}

/* ---------------------------------------------------------------- changes */

static struct ram_upload *insert(struct ram *ram, const struct upload *source)
{
    struct ram_upload *upload = memory_new(struct ram_upload);
    upload->upload = *source;
    map_set(&ram->uploads, span_make(&upload->upload.key, sizeof upload->upload.key), upload);
    ram_tree_add(&ram->upload_expiry, &upload->expiry, source->expires_at, source->key);
    return upload;
}

static void drop(struct ram *ram, struct ram_upload *upload)
{
    (void)map_remove(&ram->uploads, span_make(&upload->upload.key, sizeof upload->upload.key));
    ram_tree_remove(&upload->expiry);
    memory_free(upload);
}

static enum store_result add(struct ram *ram, const struct upload *source)
{
    if (source->key <= 0 || !source->id[0] || !source->tenant[0] || !source->content_type[0] ||
        source->size < 0 || map_get(&ram->uploads, span_make(&source->key, sizeof source->key)))
        return ram_change_broken("an upload has a key of its own, a tenant and a type",
                                 source->key);
    struct ram_upload *upload = insert(ram, source);
    upload->is_new = true;
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_UPLOAD);
    undo->made = true;
    undo->upload = upload;
    return STORE_OK;
}

static enum store_result take(struct ram *ram, int64_t key)
{
    struct ram_upload *upload = find(ram, key);
    if (!upload)
        return ram_change_broken("an upload is removed once", key);
    upload->is_gone = true;
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_UPLOAD);
    undo->made = false;
    undo->upload = upload;
    return STORE_OK;
}

enum store_result ram_upload_apply(struct ram *ram, const struct change *change)
{
    if (change->kind == CHANGE_UPLOAD_ADD)
        return add(ram, &change->upload);
    if (change->kind == CHANGE_UPLOAD_REMOVE)
        return take(ram, change->upload.key);
    if (change->use.done) {
        end_uses(ram, change->use.job);
    } else {
        if (!put_use(ram, change->use.job, change->use.source))
            return ram_change_broken("a job reads a source once", change->use.job);
        note_use(ram, change->use.job, change->use.source, true);
    }
    return STORE_OK;
}

void ram_upload_keep(struct ram *ram, struct ram_upload *upload, bool made)
{
    if (made)
        upload->is_new = false;
    else
        drop(ram, upload);
}

void ram_upload_undo(struct ram *ram, struct ram_upload *upload, bool made)
{
    if (made)
        drop(ram, upload);
    else
        upload->is_gone = false;
}

/* ---------------------------------------------------------------- the whole */

void ram_upload_clone(struct ram *target, const struct ram *source)
{
    size_t cursor = 0;
    for (const struct ram_upload *upload; (upload = map_next(&source->uploads, &cursor));)
        (void)insert(target, &upload->upload);
    for (const struct ram_node *node = ram_tree_from(&source->uses_by_source, INT64_MIN, INT64_MIN);
         node; node = ram_tree_after(&source->uses_by_source, node))
        (void)put_use(target, node->minor, node->major);
}

void ram_upload_free(struct ram *ram)
{
    size_t cursor = 0;
    for (struct ram_upload *upload; (upload = map_next(&ram->uploads, &cursor));)
        memory_free(upload);
    map_done(&ram->uploads);
    while (ram->uses_by_source.root)
        take_use(RAM_OWNER(ram->uses_by_source.root, struct ram_use, by_source));
}
