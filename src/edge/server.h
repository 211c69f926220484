/* An HTTP/1.1 server on a libuv loop. It reads requests strictly (whatever two readers could
 * understand differently is refused and the connection closed), bounds everything that a stranger
 * can make it keep or wait for, and leaves all meaning to one handler.
 *
 * A server belongs to one loop and is used from that loop's thread only. Several loops share a port
 * by `reuse_port`; limits then hold for each of them. server_start makes the process ignore SIGPIPE
 * and raises its limit of open files to the hard limit.
 *
 * What the server refuses by itself is JSON, as exchange_refuse writes it:
 * 400 validation: malformed or contradicting framing; 408 timeout: slow head or body; 413, 414, 431
 * too_large; 417 validation: an Expect other than 100-continue; 429 rate_limited: too many
 * connections of one address; 503 rate_limited: too many in all, or no room for bodies;
 * 505 validation: not HTTP/1.0 or 1.1. All of these close the connection. */
#ifndef EDGE_SERVER_H
#define EDGE_SERVER_H

#include "base/time.h"
#include "edge/exchange.h"

#include <uv.h>

struct server;

enum { SERVER_FAULT_SIZE = 200, SERVER_NETWORKS_MAX = 64 };

/* A request is whole. Called on the loop's thread, one at a time per connection; a pipelined
 * request waits until the reply before it is sent. */
typedef void server_handler(void *context, struct exchange *exchange);

/* How a request's body is taken, decided on its head alone. */
struct server_gate {
    enum { SERVER_BUFFER, SERVER_STREAM, SERVER_REFUSE } kind;
    uint64_t body_max;                    /* BUFFER and STREAM: 413 beyond */
    struct exchange_sink sink;            /* STREAM: required */
    const struct http_response *response; /* REFUSE: sent at once, the body is not read */
};

/* Called for requests that announce a body, before any of it is read and before 100 Continue is
 * sent; but see gate_path. `gate` is filled with BUFFER and the config's body_max; the exchange's
 * request has no body yet, and must not be replied to from here. */
typedef void server_gate_handler(void *context, struct exchange *exchange,
                                 struct server_gate *gate);

struct server_config {
    const char *address; /* "127.0.0.1", "::", "0.0.0.0" */
    uint16_t port;       /* 0: any free one, see server_port */
    bool reuse_port;

    size_t head_max;      /* request line and headers with their line ends; at most 65,535 */
    size_t target_max;    /* the target alone: 414 */
    size_t body_max;      /* of a buffered body, unless the gate says another */
    size_t bodies_max;    /* of all buffered bodies together: 503 */
    size_t pipeline_max;  /* bytes kept unread while a reply is pending */
    ms_t head_timeout;    /* absolute, from the accept or the first byte of a later request */
    ms_t body_grace;      /* a body has this long plus 1 s per body_rate_min bytes received … */
    size_t body_rate_min; /* bytes a second; also the least at which replies must be read */
    ms_t body_timeout;    /* … but never longer than this in all (buffered bodies only) */
    ms_t idle_timeout;    /* between requests */
    ms_t stall_timeout;   /* a reply of which the peer takes nothing */
    ms_t linger_timeout;  /* to read on after a refusal, so that the peer can see it */
    unsigned connections_max;  /* in all */
    unsigned address_max;      /* of one address (one /64 of IPv6) */
    unsigned address_open_max; /* of one loopback address, or one in `open_networks` */

    /* Text as "10.0.0.0/8", "::1" or "fd00::/8"; borrowed during server_start. */
    const char *const *open_networks;
    unsigned open_network_count;
    /* Proxies whose X-Forwarded-For names the client: the right-most address in it that is not
     * itself a trusted proxy becomes `peer`, and requests under way are counted by it against
     * address_max. The proxy's own connections have the higher bound. */
    const char *const *trusted_proxies;
    unsigned trusted_proxy_count;

    server_gate_handler *gate; /* may be NULL: every body is buffered up to body_max */
    /* The one path that it is asked for whatever comes, borrowed; for others only when not all of
     * the body came with the head. NULL: every path. */
    const char *gate_path;
};

/* Fills in: 127.0.0.1 port 0; head 8 KiB, 10 s; target 4 KiB; bodies 1 MiB, 256 MiB in all, at
 * least 1 KiB/s after 5 s, 120 s in all; pipeline 64 KiB; idle 75 s; stall 30 s; linger 2 s; 10,000
 * connections, 100 of an address, 10,000 of an open one. */
void server_config_init(struct server_config *config);

/* False, with a sentence, when the address can't be had or the config makes no sense. `config` is
 * copied; `context` goes to the handler and the gate. */
bool server_start(uv_loop_t *loop, const struct server_config *config, server_handler *handler,
                  void *context, struct server **ret_server,
                  char ret_fault[static SERVER_FAULT_SIZE]);
uint16_t server_port(const struct server *server);

/* Stops accepting, closes idle connections, answers what is under way with Connection: close. Idle
 * again when server_idle says so; nothing is hurried. */
void server_drain(struct server *server);
/* No connection is left. */
bool server_idle(const struct server *server);
/* Closes everything at once (waiting exchanges are told `gone`) and frees the server; `stopped`, if
 * any, is called when its handles have left the loop. Accepts NULL, then calls nothing. */
void server_stop(struct server *server, void (*stopped)(void *context), void *context);

struct server_numbers {
    uint64_t accepted, requests, refused; /* since the start; refused: by the server itself */
    unsigned connections, waiting;        /* now; waiting: with a handler, or streaming */
    size_t body_bytes;                    /* now, of buffered bodies */
};

void server_count(const struct server *server, struct server_numbers *ret_numbers);

#endif
