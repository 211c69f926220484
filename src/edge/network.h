/* Addresses and networks as plain bytes: IPv4 is kept as its IPv6 mapping (::ffff:a.b.c.d), so that
 * there is one kind. */
#ifndef EDGE_NETWORK_H
#define EDGE_NETWORK_H

#include "base/span.h"

#include <sys/socket.h>

enum { NETWORK_TEXT_SIZE = 46 };

struct network_address {
    unsigned char bytes[16];
};

struct network {
    struct network_address base;
    unsigned bits; /* 0 … 128; an IPv4 length has 96 added */
};

/* False for families other than IPv4 and IPv6. */
bool network_address_of(const struct sockaddr *socket_address, struct network_address *ret_address);
/* "192.0.2.7" or "2001:db8::7"; no zone, no port, no brackets. */
bool network_address_read(struct span text, struct network_address *ret_address);
void network_address_write(const struct network_address *address,
                           char target[static NETWORK_TEXT_SIZE]);
bool network_address_is_loopback(const struct network_address *address);
/* "10.0.0.0/8", or an address alone; bits after the length must be zero. */
bool network_read(struct span text, struct network *ret_network);
bool network_holds(const struct network *network, const struct network_address *address);

#endif
