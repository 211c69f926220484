#include "edge/egress_resolver.h"

#include "base/map.h"
#include "base/memory.h"
#include "edge/clock.h"

#include <assert.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { LANES = 2, LANE_THREADS = 4, LANE_QUEUE_MAX = 2048, CACHE_MAX = 512 };

struct remembered {
    ms_t until;
    struct egress_lookup lookup;
};

struct lane {
    struct egress_lookup *first, *last;
    unsigned waiting, idle, threads;
    pthread_cond_t asked;
};

struct egress_resolver {
    pthread_mutex_t mutex;
    pthread_cond_t left; /* a thread did */
    struct lane lanes[LANES];
    unsigned threads; /* of both lanes */
    bool closing, abandoned;
    struct egress_lookup *done_first, *done_last;
    ms_t names_kept;
    struct map cache; /* host → struct remembered */
    void (*notify)(void *context);
    void *context;
    unsigned (*resolve)(void *context, const char *host, struct sockaddr_storage *addresses,
                        unsigned capacity);
    void *resolve_context;
};

struct runner {
    struct egress_resolver *resolver;
    struct lane *lane;
};

static bool has_address(const struct sockaddr_storage *addresses, unsigned count,
                        const struct addrinfo *found)
{
    for (unsigned n = 0; n < count; n++) {
        if (memcmp(&addresses[n], found->ai_addr, found->ai_addrlen) == 0)
            return true;
    }
    return false;
}

static unsigned resolve_by_system(void *context, const char *host,
                                  struct sockaddr_storage *addresses, unsigned capacity)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return 0;
    unsigned count = 0;
    for (struct addrinfo *found = list; found && count < capacity; found = found->ai_next) {
        if (found->ai_addrlen > sizeof addresses[0] || has_address(addresses, count, found))
            continue;
        addresses[count] = (struct sockaddr_storage){0};
        memcpy(&addresses[count++], found->ai_addr, found->ai_addrlen);
    }
    freeaddrinfo(list);
    return count;
}

static void forget_all(struct egress_resolver *resolver)
{
    struct remembered *entry;
    for (size_t cursor = 0; (entry = map_next(&resolver->cache, &cursor));) {
        (void)map_remove(&resolver->cache, span_of(entry->lookup.host));
        memory_free(entry);
    }
}

static void remember(struct egress_resolver *resolver, const struct egress_lookup *lookup)
{
    if (lookup->count == 0)
        return;
    memory_free(map_remove(&resolver->cache, span_of(lookup->host)));
    if (resolver->cache.live >= CACHE_MAX)
        forget_all(resolver);
    struct remembered *entry = memory_new(struct remembered);
    entry->until = clock_monotonic() + resolver->names_kept;
    entry->lookup = *lookup;
    map_set(&resolver->cache, span_of(entry->lookup.host), entry);
}

static bool recall(struct egress_resolver *resolver, struct egress_lookup *lookup)
{
    const struct remembered *entry = map_get(&resolver->cache, span_of(lookup->host));
    if (!entry || entry->until <= clock_monotonic())
        return false;
    memcpy(lookup->addresses, entry->lookup.addresses, sizeof lookup->addresses);
    lookup->count = entry->lookup.count;
    return true;
}

/* Under the lock, as all below that have no word about it. */
static void deliver(struct egress_resolver *resolver, struct egress_lookup *lookup)
{
    if (resolver->closing) {
        memory_free(lookup);
        return;
    }
    lookup->next = NULL;
    if (resolver->done_last)
        resolver->done_last->next = lookup;
    else
        resolver->done_first = lookup;
    resolver->done_last = lookup;
    resolver->notify(resolver->context);
}

static struct egress_lookup *next_lookup(struct lane *lane)
{
    struct egress_lookup *lookup = lane->first;
    if (!lookup)
        return NULL;
    lane->first = lookup->next;
    if (!lane->first)
        lane->last = NULL;
    lane->waiting--;
    return lookup;
}

static void destroy(struct egress_resolver *resolver)
{
    struct egress_lookup *lookup;
    for (size_t n = 0; n < LANES; n++) {
        while ((lookup = next_lookup(&resolver->lanes[n])))
            memory_free(lookup);
        (void)pthread_cond_destroy(&resolver->lanes[n].asked);
    }
    while ((lookup = egress_resolver_take(resolver)))
        memory_free(lookup);
    forget_all(resolver);
    map_done(&resolver->cache);
    (void)pthread_cond_destroy(&resolver->left);
    (void)pthread_mutex_destroy(&resolver->mutex);
    memory_free(resolver);
}

static void serve(struct egress_resolver *resolver, struct egress_lookup *lookup)
{
    bool known = recall(resolver, lookup);
    if (!known) {
        (void)pthread_mutex_unlock(&resolver->mutex);
        lookup->count = resolver->resolve(resolver->resolve_context, lookup->host,
                                          lookup->addresses, EGRESS_ADDRESSES_MAX);
        (void)pthread_mutex_lock(&resolver->mutex);
        remember(resolver, lookup);
    }
    deliver(resolver, lookup);
}

static void *run(void *context)
{
    struct runner runner = *(struct runner *)context;
    memory_free(context);
    struct egress_resolver *resolver = runner.resolver;
    (void)pthread_mutex_lock(&resolver->mutex);
    while (!resolver->closing) {
        struct egress_lookup *lookup = next_lookup(runner.lane);
        if (lookup) {
            serve(resolver, lookup);
            continue;
        }
        runner.lane->idle++;
        (void)pthread_cond_wait(&runner.lane->asked, &resolver->mutex);
        runner.lane->idle--;
    }
    bool last = --resolver->threads == 0 && resolver->abandoned;
    (void)pthread_cond_signal(&resolver->left);
    (void)pthread_mutex_unlock(&resolver->mutex);
    if (last)
        destroy(resolver);
    return NULL;
}

static void add_thread(struct egress_resolver *resolver, struct lane *lane)
{
    if (lane->idle > lane->waiting || lane->threads == LANE_THREADS)
        return;
    struct runner *runner = memory_new(struct runner);
    *runner = (struct runner){resolver, lane};
    pthread_attr_t attributes;
    pthread_t thread;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, run, runner) == 0) {
        lane->threads++;
        resolver->threads++;
    } else {
        memory_free(runner);
    }
    (void)pthread_attr_destroy(&attributes);
}

struct egress_resolver *egress_resolver_make(const struct egress_config *config,
                                             void (*notify)(void *context), void *context)
{
    struct egress_resolver *resolver = memory_new(struct egress_resolver);
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&resolver->mutex, NULL);
    (void)pthread_cond_init(&resolver->left, &attributes);
    for (size_t n = 0; n < LANES; n++)
        (void)pthread_cond_init(&resolver->lanes[n].asked, NULL);
    (void)pthread_condattr_destroy(&attributes);
    map_init(&resolver->cache);
    resolver->notify = notify;
    resolver->context = context;
    resolver->names_kept = config->names_kept;
    resolver->resolve = config->resolve ? config->resolve : resolve_by_system;
    resolver->resolve_context = config->resolve_context;
    return resolver;
}

void egress_resolver_free(struct egress_resolver *resolver, ms_t wait_ms)
{
    ms_t until = clock_monotonic() + wait_ms;
    struct timespec deadline = {.tv_sec = (time_t)(until / 1000),
                                .tv_nsec = (long)(until % 1000) * 1000000};
    (void)pthread_mutex_lock(&resolver->mutex);
    resolver->closing = true;
    for (size_t n = 0; n < LANES; n++)
        (void)pthread_cond_broadcast(&resolver->lanes[n].asked);
    int failed = 0;
    while (resolver->threads > 0 && failed == 0)
        failed = pthread_cond_timedwait(&resolver->left, &resolver->mutex, &deadline);
    bool empty = resolver->threads == 0;
    resolver->abandoned = !empty;
    (void)pthread_mutex_unlock(&resolver->mutex);
    if (empty)
        destroy(resolver);
}

bool egress_resolver_ask(struct egress_resolver *resolver, uint64_t token, const char *host,
                         bool trusted)
{
    struct egress_lookup *lookup = memory_new(struct egress_lookup);
    lookup->token = token;
    lookup->trusted = trusted;
    bool copied = span_copy(span_of(host), lookup->host, sizeof lookup->host);
    assert(copied);
    (void)pthread_mutex_lock(&resolver->mutex);
    struct lane *lane = &resolver->lanes[trusted ? 0 : 1];
    bool known = recall(resolver, lookup);
    bool fits = known || lane->waiting < LANE_QUEUE_MAX;
    if (known) {
        deliver(resolver, lookup);
    } else if (fits) {
        add_thread(resolver, lane);
        fits = lane->threads > 0;
    }
    if (!known && fits) {
        if (lane->last)
            lane->last->next = lookup;
        else
            lane->first = lookup;
        lane->last = lookup;
        lane->waiting++;
        (void)pthread_cond_signal(&lane->asked);
    }
    (void)pthread_mutex_unlock(&resolver->mutex);
    if (!fits)
        memory_free(lookup);
    return fits;
}

struct egress_lookup *egress_resolver_take(struct egress_resolver *resolver)
{
    (void)pthread_mutex_lock(&resolver->mutex);
    struct egress_lookup *lookup = resolver->done_first;
    if (lookup) {
        resolver->done_first = lookup->next;
        if (!resolver->done_first)
            resolver->done_last = NULL;
    }
    (void)pthread_mutex_unlock(&resolver->mutex);
    return lookup;
}
