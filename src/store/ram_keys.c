#include "store/ram_keys.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* The rules are those of the other stores' schemas. */
static const char *change_api_key(struct ram *ram, const struct api_key_change *change)
{
    const struct api_key_row *row = &change->row;
    struct ram_api_key *key = map_get(&ram->api_keys, span_of(row->id));
    if (change->act == API_KEY_REVOKED && key && !key->row.revoked_at)
        key->row.revoked_at = row->revoked_at;
    if (change->act == API_KEY_USED && key && key->row.used_at < row->used_at)
        key->row.used_at = row->used_at;
    if (change->act == API_KEY_CHARGED && key) {
        key->row.spent += row->spent;
        key->row.reserved += row->reserved;
        return key->row.spent < 0 || key->row.reserved < 0 ? "no key has less than nothing" : NULL;
    }
    if (change->act != API_KEY_MADE)
        return NULL;
    if (key || !row->id[0] || !row->tenant[0] || row->rate < 0 ||
        row->spend_limit < API_KEY_NO_LIMIT)
        return "an API key is made once, and its limits are in range";
    key = memory_new(struct ram_api_key);
    key->row = *row;
    key->is_new = true;
    map_set(&ram->api_keys, span_of(key->row.id), key);
    return NULL;
}

static const char *change_tenant(struct ram *ram, const struct tenant_row *row)
{
    if (!row->tenant[0] || row->in_flight < TENANT_AS_SERVER || row->queued < TENANT_AS_SERVER ||
        row->rate < TENANT_AS_SERVER || row->budget < TENANT_NO_BUDGET)
        return "a tenant's limits are in range";
    struct ram_tenant *tenant = map_get(&ram->tenants, span_of(row->tenant));
    if (!tenant) {
        tenant = memory_new(struct ram_tenant);
        tenant->is_new = true;
    }
    tenant->row = *row;
    map_set(&ram->tenants, span_of(tenant->row.tenant), tenant);
    return NULL;
}

static const char *change_waiting(struct ram *ram, const struct waiting_change *change)
{
    struct ram_waiting *waiting = map_get(&ram->waiting, span_of(change->tenant));
    if (!waiting) {
        waiting = memory_new(struct ram_waiting);
        (void)span_copy(span_of(change->tenant), waiting->tenant, sizeof waiting->tenant);
        map_set(&ram->waiting, span_of(waiting->tenant), waiting);
    }
    waiting->count += change->delta;
    return waiting->count < 0 ? "no fewer than none wait" : NULL;
}

static const char *change_pause(struct ram *ram, const struct pause_row *row)
{
    if (!row->provider[0] || row->since < 0)
        return "a pause is of a provider, and begins at a time";
    struct ram_pause *pause = map_get(&ram->pauses, span_of(row->provider));
    if (!pause)
        pause = memory_new(struct ram_pause);
    pause->row = *row;
    map_set(&ram->pauses, span_of(pause->row.provider), pause);
    return NULL;
}

const char *ram_keys_change(struct ram *ram, const struct change *change)
{
    ram->keys_touched = true;
    if (change->kind == CHANGE_API_KEY)
        return change_api_key(ram, &change->api_key);
    if (change->kind == CHANGE_TENANT)
        return change_tenant(ram, &change->tenant);
    if (change->kind == CHANGE_PAUSE)
        return change_pause(ram, &change->pause);
    return change_waiting(ram, &change->waiting);
}

void ram_keys_keep(struct ram *ram)
{
    size_t cursor = 0;
    if (!ram->keys_touched)
        return;
    for (struct ram_api_key *key; (key = map_next(&ram->api_keys, &cursor));) {
        key->before = key->row;
        key->is_new = false;
    }
    cursor = 0;
    for (struct ram_tenant *tenant; (tenant = map_next(&ram->tenants, &cursor));) {
        tenant->before = tenant->row;
        tenant->is_new = false;
    }
    cursor = 0;
    for (struct ram_waiting *waiting; (waiting = map_next(&ram->waiting, &cursor));)
        waiting->before = waiting->count;
    cursor = 0;
    for (struct ram_pause *pause; (pause = map_next(&ram->pauses, &cursor));)
        pause->before = pause->row;
    ram->keys_touched = false;
}

void ram_keys_undo(struct ram *ram)
{
    size_t cursor = 0;
    if (!ram->keys_touched)
        return;
    for (struct ram_api_key *key; (key = map_next(&ram->api_keys, &cursor));) {
        if (key->is_new)
            memory_free(map_remove(&ram->api_keys, span_of(key->row.id)));
        else
            key->row = key->before;
    }
    cursor = 0;
    for (struct ram_tenant *tenant; (tenant = map_next(&ram->tenants, &cursor));) {
        if (tenant->is_new)
            memory_free(map_remove(&ram->tenants, span_of(tenant->row.tenant)));
        else
            tenant->row = tenant->before;
    }
    cursor = 0;
    for (struct ram_waiting *waiting; (waiting = map_next(&ram->waiting, &cursor));)
        waiting->count = waiting->before;
    cursor = 0;
    for (struct ram_pause *pause; (pause = map_next(&ram->pauses, &cursor));)
        pause->row.since = pause->before.since;
    ram->keys_touched = false;
}

void ram_keys_start(const struct ram *ram, const struct store_sink *sink)
{
    size_t cursor = 0;
    for (const struct ram_tenant *tenant; (tenant = map_next(&ram->tenants, &cursor));) {
        if (sink->tenant)
            sink->tenant(sink->context, &tenant->row);
    }
    cursor = 0;
    for (const struct ram_waiting *waiting; (waiting = map_next(&ram->waiting, &cursor));) {
        if (sink->waiting && waiting->count > 0)
            sink->waiting(sink->context, waiting->tenant, waiting->count);
    }
    cursor = 0;
    for (const struct ram_api_key *key; (key = map_next(&ram->api_keys, &cursor));) {
        if (sink->key && key->row.spend_limit != API_KEY_NO_LIMIT)
            sink->key(sink->context, &key->row);
    }
    cursor = 0;
    for (const struct ram_pause *pause; (pause = map_next(&ram->pauses, &cursor));) {
        if (sink->pause && pause->row.since)
            sink->pause(sink->context, &pause->row);
    }
}

static int compare(const void *a, const void *b)
{
    const struct ram_api_key *const *first = a, *const *second = b;
    return strcmp((*first)->row.id, (*second)->row.id);
}

void ram_keys_tell(const struct ram *ram, const struct reader_keys_sink *sink)
{
    size_t cursor = 0, count = 0;
    for (const struct ram_tenant *tenant; (tenant = map_next(&ram->tenants, &cursor));) {
        if (!tenant->is_new)
            sink->tenant(sink->context, &tenant->before);
    }
    const struct ram_api_key **keys =
        memory_make((ram->api_keys.live + 1) * sizeof(struct ram_api_key *));
    cursor = 0;
    for (const struct ram_api_key *key; (key = map_next(&ram->api_keys, &cursor));) {
        if (!key->is_new)
            keys[count++] = key;
    }
    qsort(keys, count, sizeof *keys, compare);
    for (size_t n = 0; n < count; n++)
        sink->api_key(sink->context, &keys[n]->before);
    memory_free(keys);
}

void ram_keys_clone(struct ram *target, const struct ram *source)
{
    struct change change = {.kind = CHANGE_API_KEY, .api_key = {.act = API_KEY_MADE}};
    size_t cursor = 0;
    for (const struct ram_api_key *key; (key = map_next(&source->api_keys, &cursor));) {
        change.api_key.row = key->row;
        (void)ram_keys_change(target, &change);
    }
    change.kind = CHANGE_TENANT;
    cursor = 0;
    for (const struct ram_tenant *tenant; (tenant = map_next(&source->tenants, &cursor));) {
        change.tenant = tenant->row;
        (void)ram_keys_change(target, &change);
    }
    change.kind = CHANGE_WAITING;
    cursor = 0;
    for (const struct ram_waiting *waiting; (waiting = map_next(&source->waiting, &cursor));) {
        memcpy(change.waiting.tenant, waiting->tenant, sizeof change.waiting.tenant);
        change.waiting.delta = waiting->count;
        (void)ram_keys_change(target, &change);
    }
    change.kind = CHANGE_PAUSE;
    cursor = 0;
    for (const struct ram_pause *pause; (pause = map_next(&source->pauses, &cursor));) {
        change.pause = pause->row;
        (void)ram_keys_change(target, &change);
    }
    ram_keys_keep(target);
}

static void free_all(struct map *map)
{
    size_t cursor = 0;
    for (void *row; (row = map_next(map, &cursor));)
        memory_free(row);
    map_done(map);
}

void ram_keys_free(struct ram *ram)
{
    free_all(&ram->api_keys);
    free_all(&ram->tenants);
    free_all(&ram->waiting);
    free_all(&ram->pauses);
}
