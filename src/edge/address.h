/* How many connections (or forwarded requests) each address has: one count for an IPv4 address and
 * one for a whole /64 of IPv6, since that is what one customer is given. */
#ifndef EDGE_ADDRESS_H
#define EDGE_ADDRESS_H

#include "base/map.h"
#include "edge/network.h"

/* A count that is held; freed with the last one. */
struct address {
    struct network_address key;
    unsigned count;
};

struct address_book {
    struct map map; /* key → struct address */
};

void address_book_init(struct address_book *book);
/* Every count must have been released. */
void address_book_done(struct address_book *book);
/* One more of that address; NULL when it has `max` already. */
struct address *address_take(struct address_book *book, const struct network_address *address,
                             unsigned max);
/* Accepts NULL. */
void address_release(struct address_book *book, struct address *address);

#endif
