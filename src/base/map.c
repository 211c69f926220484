#include "base/map.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_done(struct map *map)
{
    memory_free(map->entries);
    memory_free(map->slots);
    map_init(map);
}

/* Eight bytes at a time: most keys are ids and names of some ten to thirty. Of no use outside this
 * process, and no protection against chosen keys. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

static uint64_t hash_of(struct span key)
{
    uint64_t hash = key.size, word = 0;
    size_t n = 0;
    for (; key.size - n >= sizeof word; n += sizeof word) {
        memcpy(&word, key.data + n, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    for (; n < key.size; n++)
        word = word << 8 | (unsigned char)key.data[n];
    return mix(hash, word);
}

static void link_entry(struct map *map, size_t index)
{
    size_t slot = map->entries[index].hash & (map->slot_count - 1);
    while (map->slots[slot])
        slot = (slot + 1) & (map->slot_count - 1);
    map->slots[slot] = (uint32_t)index + 1;
}

/* Squeezes out removed entries and makes room for at least one more. */
static void rebuild(struct map *map)
{
    size_t capacity = map->live * 2 < 16 ? 16 : map->live * 2;
    struct map_entry *entries = memory_grow(NULL, capacity * sizeof *entries);
    size_t used = 0;
    for (size_t n = 0; n < map->used; n++) {
        if (map->entries[n].value)
            entries[used++] = map->entries[n];
    }
    memory_free(map->entries);
    memory_free(map->slots);
    map->entries = entries;
    map->used = used;
    map->capacity = capacity;
    map->slot_count = 32;
    while (map->slot_count < capacity * 2)
        map->slot_count *= 2;
    map->slots = memory_make(map->slot_count * sizeof *map->slots);
    for (size_t n = 0; n < used; n++)
        link_entry(map, n);
}

static struct map_entry *find(const struct map *map, struct span key, uint64_t hash)
{
    if (!map->slot_count)
        return NULL;
    for (size_t slot = hash & (map->slot_count - 1); map->slots[slot];
         slot = (slot + 1) & (map->slot_count - 1)) {
        struct map_entry *entry = &map->entries[map->slots[slot] - 1];
        if (entry->value && entry->hash == hash && span_equal(entry->key, key))
            return entry;
    }
    return NULL;
}

void map_set(struct map *map, struct span key, void *value)
{
    assert(value);
    uint64_t hash = hash_of(key);
    struct map_entry *entry = find(map, key, hash);
    if (entry) {
        entry->key = key;
        entry->value = value;
        return;
    }
    if (map->used == map->capacity)
        rebuild(map);
    map->entries[map->used] = (struct map_entry){key, value, hash};
    link_entry(map, map->used++);
    map->live++;
}

void *map_get(const struct map *map, struct span key)
{
    struct map_entry *entry = find(map, key, hash_of(key));
    return entry ? entry->value : NULL;
}

void *map_remove(struct map *map, struct span key)
{
    struct map_entry *entry = find(map, key, hash_of(key));
    if (!entry)
        return NULL;
    void *value = entry->value;
    entry->value = NULL;
    entry->key = (struct span){NULL, 0};
    map->live--;
    return value;
}

void *map_next(const struct map *map, size_t *cursor)
{
    while (*cursor < map->used) {
        struct map_entry *entry = &map->entries[(*cursor)++];
        if (entry->value)
            return entry->value;
    }
    return NULL;
}
