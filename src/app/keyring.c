#include "app/keyring.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"

#include <pthread.h>
#include <string.h>

struct keyring_tenant {
    struct tenant_row row;
    struct rate rate;
};

struct keyring_key {
    struct api_key_row row; /* used_at is in `used` */
    struct keyring_tenant *tenant;
    struct rate rate;
    atomic_int_fast64_t used;    /* when, wall time */
    atomic_int_fast64_t written; /* the newest `used` that was given out to be written down */
};

/* Things in order, found by place. */
struct keyring_list {
    void **items;
    size_t count, capacity;
};

struct keyring {
    pthread_rwlock_t lock;
    _Atomic int64_t tenant_rate;
    struct map by_hash, by_id, by_name; /* keys, keys, tenants; owned through the lists */
    struct keyring_list keys;           /* by id */
    struct keyring_list tenants;        /* by name */
};

/* ---------------------------------------------------------------- filling it */

static const char *key_name(const void *item)
{
    return ((const struct keyring_key *)item)->row.id;
}

static const char *tenant_name(const void *item)
{
    return ((const struct keyring_tenant *)item)->row.tenant;
}

/* Nearly always at the end: ids grow with time. */
static void insert(struct keyring_list *list, void *item, const char *(*name)(const void *))
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->items = memory_grow(list->items, list->capacity * sizeof(void *));
    }
    size_t place = list->count++;
    for (; place > 0 && strcmp(name(list->items[place - 1]), name(item)) > 0; place--)
        list->items[place] = list->items[place - 1];
    list->items[place] = item;
}

static struct keyring_tenant *tenant_of(struct keyring *keyring, const char *name)
{
    struct keyring_tenant *tenant = map_get(&keyring->by_name, span_of(name));
    if (tenant)
        return tenant;
    tenant = memory_new(struct keyring_tenant);
    tenant->row = tenant_row_make(name);
    map_set(&keyring->by_name, span_of(tenant->row.tenant), tenant);
    insert(&keyring->tenants, tenant, tenant_name);
    return tenant;
}

struct keyring *keyring_make(int64_t tenant_rate)
{
    struct keyring *keyring = memory_new(struct keyring);
    (void)pthread_rwlock_init(&keyring->lock, NULL);
    keyring->tenant_rate = tenant_rate;
    map_init(&keyring->by_hash);
    map_init(&keyring->by_id);
    map_init(&keyring->by_name);
    (void)tenant_of(keyring, KEYRING_DEFAULT_TENANT);
    return keyring;
}

void keyring_configure(struct keyring *keyring, int64_t tenant_rate)
{
    keyring->tenant_rate = tenant_rate;
}

static void free_list(struct keyring_list *list)
{
    for (size_t n = 0; n < list->count; n++)
        memory_free(list->items[n]);
    memory_free(list->items);
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    map_done(&keyring->by_hash);
    map_done(&keyring->by_id);
    map_done(&keyring->by_name);
    free_list(&keyring->keys);
    free_list(&keyring->tenants);
    (void)pthread_rwlock_destroy(&keyring->lock);
    memory_free(keyring);
}

static void raise_to(atomic_int_fast64_t *time, int_fast64_t to)
{
    int_fast64_t at = atomic_load(time);
    while (at < to && !atomic_compare_exchange_weak(time, &at, to)) {
    }
}

/* A key that is known keeps its place: others hold on to it. */
static void put_key(struct keyring *keyring, const struct api_key_row *row)
{
    struct keyring_key *key = map_get(&keyring->by_id, span_of(row->id));
    if (!key) {
        key = memory_new(struct keyring_key);
        key->row = *row;
        key->tenant = tenant_of(keyring, row->tenant);
        map_set(&keyring->by_id, span_of(key->row.id), key);
        map_set(&keyring->by_hash, span_make(key->row.hash, API_KEY_HASH_SIZE), key);
        insert(&keyring->keys, key, key_name);
    }
    if (!key->row.revoked_at)
        key->row.revoked_at = row->revoked_at;
    raise_to(&key->used, row->used_at);
    raise_to(&key->written, row->used_at);
}

void keyring_take_key(struct keyring *keyring, const struct api_key_change *change)
{
    (void)pthread_rwlock_wrlock(&keyring->lock);
    struct keyring_key *key = map_get(&keyring->by_id, span_of(change->row.id));
    if (change->act == API_KEY_MADE)
        put_key(keyring, &change->row);
    else if (change->act == API_KEY_REVOKED && key && !key->row.revoked_at)
        key->row.revoked_at = change->row.revoked_at;
    if (change->act == API_KEY_CHARGED && key) {
        key->row.spent += change->row.spent;
        key->row.reserved += change->row.reserved;
    }
    (void)pthread_rwlock_unlock(&keyring->lock);
}

void keyring_take_tenant(struct keyring *keyring, const struct tenant_row *row)
{
    (void)pthread_rwlock_wrlock(&keyring->lock);
    tenant_of(keyring, row->tenant)->row = *row;
    (void)pthread_rwlock_unlock(&keyring->lock);
}

static void load_tenant(void *context, const struct tenant_row *row)
{
    keyring_take_tenant(context, row);
}

static void load_key(void *context, const struct api_key_row *row)
{
    keyring_take_key(context, &(struct api_key_change){API_KEY_MADE, *row});
}

enum store_result keyring_load(struct keyring *keyring, struct reader *reader)
{
    const struct reader_keys_sink sink = {keyring, load_tenant, load_key};
    return reader_api_keys(reader, &sink);
}

/* ---------------------------------------------------------------- the way in */

enum keyring_verdict keyring_find(struct keyring *keyring, struct span text, ms_t now,
                                  struct keyring_pass *ret_pass)
{
    unsigned char hash[CRYPTO_SHA256_SIZE];
    enum keyring_verdict verdict = KEYRING_UNKNOWN;
    if (text.size == 0 || text.size > KEYRING_TEXT_MAX)
        return verdict;
    crypto_sha256(text, hash);
    (void)pthread_rwlock_rdlock(&keyring->lock);
    struct keyring_key *key = map_get(&keyring->by_hash, span_make(hash, sizeof hash));
    if (key && secret_equal((struct secret){(char *)key->row.hash, API_KEY_HASH_SIZE},
                            span_make(hash, sizeof hash)))
        verdict = key->row.revoked_at                                 ? KEYRING_REVOKED
                  : key->row.expires_at && key->row.expires_at <= now ? KEYRING_EXPIRED
                                                                      : KEYRING_GOOD;
    if (verdict == KEYRING_GOOD)
        *ret_pass = (struct keyring_pass){
            .tenant = key->tenant->row.tenant,
            .scopes = key->row.scopes,
            .key = key,
            .spender = key->row.spend_limit == API_KEY_NO_LIMIT ? NULL : key->row.id};
    (void)pthread_rwlock_unlock(&keyring->lock);
    return verdict;
}

static int64_t rate_of(struct keyring *keyring, const struct keyring_tenant *tenant)
{
    (void)pthread_rwlock_rdlock(&keyring->lock);
    int64_t rate = tenant->row.rate;
    (void)pthread_rwlock_unlock(&keyring->lock);
    return rate == TENANT_AS_SERVER ? keyring->tenant_rate : rate;
}

bool keyring_admit(struct keyring *keyring, struct keyring_pass *pass, ms_t monotonic)
{
    struct keyring_key *key = pass->key;
    struct rate_state of_tenant;
    if (!key)
        return true;
    int64_t tenant_rate = rate_of(keyring, key->tenant);
    pass->is_limited = key->row.rate > 0 || tenant_rate > 0;
    if (key->row.rate > 0 && !rate_take(&key->rate, key->row.rate, monotonic, &pass->rate))
        return false;
    if (tenant_rate <= 0)
        return true;
    bool admitted = rate_take(&key->tenant->rate, tenant_rate, monotonic, &of_tenant);
    if (!admitted && key->row.rate > 0)
        rate_give(&key->rate, key->row.rate);
    if (!admitted || key->row.rate <= 0 || of_tenant.remaining < pass->rate.remaining)
        pass->rate = of_tenant;
    return admitted;
}

void keyring_look(struct keyring *keyring, struct keyring_pass *pass, ms_t monotonic)
{
    struct keyring_key *key = pass->key;
    struct rate_state of_tenant;
    if (!key)
        return;
    int64_t tenant_rate = rate_of(keyring, key->tenant);
    pass->is_limited = key->row.rate > 0 || tenant_rate > 0;
    if (key->row.rate > 0)
        rate_look(&key->rate, key->row.rate, monotonic, &pass->rate);
    if (tenant_rate <= 0)
        return;
    rate_look(&key->tenant->rate, tenant_rate, monotonic, &of_tenant);
    if (key->row.rate <= 0 || of_tenant.remaining < pass->rate.remaining)
        pass->rate = of_tenant;
}

bool keyring_used(struct keyring_pass *pass, ms_t now, const char **ret_id)
{
    struct keyring_key *key = pass->key;
    if (!key)
        return false;
    atomic_store_explicit(&key->used, now, memory_order_relaxed);
    int_fast64_t written = atomic_load(&key->written);
    if (written && now - written < KEYRING_USED_EVERY && now >= written)
        return false;
    *ret_id = key->row.id;
    return atomic_compare_exchange_strong(&key->written, &written, now);
}

/* ---------------------------------------------------------------- looking at it */

static void copy_key(const struct keyring_key *key, struct api_key_row *ret_row)
{
    *ret_row = key->row;
    ret_row->used_at = atomic_load((atomic_int_fast64_t *)(uintptr_t)&key->used);
}

bool keyring_key(struct keyring *keyring, struct span id, struct api_key_row *ret_row)
{
    (void)pthread_rwlock_rdlock(&keyring->lock);
    const struct keyring_key *key = map_get(&keyring->by_id, id);
    if (key)
        copy_key(key, ret_row);
    (void)pthread_rwlock_unlock(&keyring->lock);
    return key != NULL;
}

const char *keyring_tenant(struct keyring *keyring, struct span name, struct tenant_row *ret_row)
{
    (void)pthread_rwlock_rdlock(&keyring->lock);
    const struct keyring_tenant *tenant = map_get(&keyring->by_name, name);
    if (tenant && ret_row)
        *ret_row = tenant->row;
    (void)pthread_rwlock_unlock(&keyring->lock);
    return tenant ? tenant->row.tenant : NULL;
}

/* How many items have a name before this one. */
static size_t place_of(const struct keyring_list *list, struct span name,
                       const char *(*name_of)(const void *))
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct span here = span_of(name_of(list->items[middle]));
        size_t size = here.size < name.size ? here.size : name.size;
        int order = memcmp(here.data, name.data, size);
        if (order < 0 || (order == 0 && here.size < name.size))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

unsigned keyring_keys(struct keyring *keyring, const char *tenant, struct span before,
                      unsigned limit, struct api_key_row *ret_rows, bool *ret_more)
{
    unsigned count = 0;
    *ret_more = false;
    (void)pthread_rwlock_rdlock(&keyring->lock);
    size_t place = before.size ? place_of(&keyring->keys, before, key_name) : keyring->keys.count;
    while (place > 0) {
        const struct keyring_key *key = keyring->keys.items[--place];
        if (tenant && strcmp(key->row.tenant, tenant) != 0)
            continue;
        *ret_more = count == limit;
        if (*ret_more)
            break;
        copy_key(key, &ret_rows[count++]);
    }
    (void)pthread_rwlock_unlock(&keyring->lock);
    return count;
}

unsigned keyring_tenants(struct keyring *keyring, struct span after, unsigned limit,
                         struct tenant_row *ret_rows, bool *ret_more)
{
    unsigned count = 0;
    (void)pthread_rwlock_rdlock(&keyring->lock);
    size_t place = place_of(&keyring->tenants, after, tenant_name);
    if (place < keyring->tenants.count &&
        span_is(after, tenant_name(keyring->tenants.items[place])))
        place++;
    for (; place < keyring->tenants.count && count < limit; place++)
        ret_rows[count++] = ((const struct keyring_tenant *)keyring->tenants.items[place])->row;
    *ret_more = place < keyring->tenants.count;
    (void)pthread_rwlock_unlock(&keyring->lock);
    return count;
}

bool keyring_has_room(struct keyring *keyring, const char *tenant, bool for_key)
{
    (void)pthread_rwlock_rdlock(&keyring->lock);
    bool has_room = (!for_key || keyring->keys.count < KEYRING_KEYS_MAX) &&
                    (keyring->tenants.count < KEYRING_TENANTS_MAX ||
                     map_get(&keyring->by_name, span_of(tenant)));
    (void)pthread_rwlock_unlock(&keyring->lock);
    return has_room;
}
