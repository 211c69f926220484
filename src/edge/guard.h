/* Which URLs and addresses may be fetched. Every URL that a caller or a provider names passes here
 * (SPEC 15): http and https only, global unicast addresses only, ports 80, 443 and 8443 only, and
 * no spelling of a host over which two parsers could disagree. Pure judgement: nothing is resolved
 * and no socket is opened here; the egress resolves, has every address judged, and dials only
 * those.
 *
 * REEL_ALLOW_NETWORKS and REEL_ALLOW_PORTS open more. A guard does not change once it is made, so
 * any thread may ask it.
 *
 * The sentences are made for clients: they say of which kind a forbidden address is, never which
 * address a name led to. */
#ifndef EDGE_GUARD_H
#define EDGE_GUARD_H

#include "base/buffer.h"
#include "base/span.h"

#include <sys/socket.h>

enum { GUARD_URL_MAX = 4096, GUARD_HOST_SIZE = 254, GUARD_WHY_SIZE = 200 };

struct guard;

/* `networks`: "10.0.0.0/8, fd00::/8, 192.0.2.7", an address without a length being that one
 * address; `ports`: "8000-8099, 9000" or "*". Separators are commas and blanks; NULL and "" open
 * nothing. NULL, and a sentence that names the part, when one can't be read. */
struct guard *guard_make(const char *networks, const char *ports,
                         char ret_fault[static GUARD_WHY_SIZE]);
/* Accepts NULL. */
void guard_free(struct guard *guard);

/* Whether this address may be dialled. IPv4 addresses inside IPv6 ones (mapped, compatible, NAT64,
 * 6to4, Teredo) are refused whatever they hold, unless the network list names them. When it is
 * forbidden, ret_why is a phrase, "is a private address". The port is not looked at. */
bool guard_address(const struct guard *guard, const struct sockaddr *address,
                   char ret_why[static GUARD_WHY_SIZE]);
bool guard_port(const struct guard *guard, uint16_t port);

/* A URL taken apart and made canonical. */
struct guard_url {
    bool https;
    bool is_address; /* the host is an address; `address` holds it, with the port */
    uint16_t port;
    char host[GUARD_HOST_SIZE]; /* lower case, no brackets, no final dot */
    struct sockaddr_storage address;
    struct span path;  /* borrowed from the URL; may be empty */
    struct span query; /* borrowed, without the '?'; may be empty */
    bool has_query;
};

/* Takes it apart without judging port and address: for origins that the configuration names. False,
 * and a sentence, for what no URL of ours may be: another scheme, a user or password, an empty or
 * overlong host, escapes, controls, non-ASCII or a zone in it, an IPv4 address that is not four
 * plain decimal numbers, a port of 0, more than GUARD_URL_MAX bytes. The fragment is dropped. */
bool guard_url_read(struct span url, struct guard_url *ret_url,
                    char ret_why[static GUARD_WHY_SIZE]);
/* guard_url_read, then the port and, when the host is an address, the address are judged. A host
 * that is a name still has to be judged once it is resolved. */
bool guard_url(const struct guard *guard, struct span url, struct guard_url *ret_url,
               char ret_why[static GUARD_WHY_SIZE]);
/* The canonical text, the only form that is handed to the HTTP library: bytes of path and query
 * that are not ASCII, and backslashes, are escaped, the default port is left out, "/" stands for an
 * empty path. */
void guard_url_write(const struct guard_url *url, struct buffer *target);
/* The same scheme, host and port. */
bool guard_url_same_origin(const struct guard_url *a, const struct guard_url *b);
/* The URL to which `location` (a redirect's) leads from `base`, as text, not yet judged. */
void guard_url_join(const struct guard_url *base, struct span location, struct buffer *target);

#endif
