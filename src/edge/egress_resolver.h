/* Names to addresses, beside the egress loop: getaddrinfo blocks, so threads of its own call it.
 * The lookups of trusted origins have a lane of their own, which no list of dead names that
 * strangers send can fill. Answers are remembered for half a minute; whoever uses them judges them
 * anew. */
#ifndef EDGE_EGRESS_RESOLVER_H
#define EDGE_EGRESS_RESOLVER_H

#include "edge/egress.h"

struct egress_resolver;

struct egress_lookup {
    struct egress_lookup *next;
    uint64_t token; /* the asker's */
    bool trusted;
    char host[GUARD_HOST_SIZE];
    struct sockaddr_storage addresses[EGRESS_ADDRESSES_MAX]; /* all there are, up to that many */
    unsigned count;                                          /* 0: not resolved */
};

/* `notify` is called from any thread when an answer can be taken. Borrows config until
 * egress_resolver_free has returned. */
struct egress_resolver *egress_resolver_make(const struct egress_config *config,
                                             void (*notify)(void *context), void *context);
/* Gives threads that are inside the system's resolver `wait_ms` to come back; what is left then
 * cleans up after itself. */
void egress_resolver_free(struct egress_resolver *resolver, ms_t wait_ms);
/* False when the lane is full. */
bool egress_resolver_ask(struct egress_resolver *resolver, uint64_t token, const char *host,
                         bool trusted);
/* A lookup that is over, the caller's to free with memory_free; NULL when there is none. */
struct egress_lookup *egress_resolver_take(struct egress_resolver *resolver);

#endif
