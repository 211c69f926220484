/* The insides that server.c, connection.c, intake.c and exchange.c share; nobody else includes
 * this.
 *
 * connection.c moves bytes, keeps the deadlines and knows when a connection ends; intake.c turns
 * bytes into requests; exchange.c turns answers into bytes. A connection that is idle owns no
 * buffer: what is read lands in one buffer of the server's, and so do replies on their way out.
 * Only what could not be used or sent at once is kept in the connection. */
#ifndef EDGE_CONNECTION_H
#define EDGE_CONNECTION_H

#include "base/buffer.h"
#include "base/heap.h"
#include "base/list.h"
#include "edge/address.h"
#include "edge/chunked.h"
#include "edge/head.h"
#include "edge/reply.h"
#include "edge/sender.h"
#include "edge/server.h"

/* A connection's read, and those of all connections in a round of the loop, until who sends bodies
 * waits for the next round; who then comes with a head is read in small steps. An answer is as late
 * as its round is long. */
enum {
    CONNECTION_READ_MAX = 64 * 1024,
    CONNECTION_READ_SMALL = 4 * 1024,
    CONNECTION_ROUND_MAX = 256 * 1024,
    INTAKE_TURN = 16,
};

#define CONNECTION_STATES(X)                                                                       \
    X(IDLE, "between requests, nothing of the next is here")                                       \
    X(HEAD, "the first head is awaited, or part of a later one is here")                           \
    X(BODY, "the body is being read")                                                              \
    X(WAITING, "the handler has the request")                                                      \
    X(STREAMING, "the handler sends a stream")                                                     \
    X(FILES, "a reply with files is being sent")                                                   \
    X(LAST, "the last reply is being sent; what comes in is dropped")                              \
    X(LINGER, "all is sent; read on, so that our closing does not destroy what was sent")          \
    X(CLOSED, "the struct waits for its handle to leave the loop")

enum connection_state {
#define CONNECTION_ENUM(name, meaning) CONNECTION_##name,
    CONNECTION_STATES(CONNECTION_ENUM)
#undef CONNECTION_ENUM
};

struct connection {
    uv_poll_t poll;
    struct heap_node deadline; /* at or before the real one, which connection.c computes */
    struct list link;          /* in server->connections */
    struct list ready;         /* in server->ready */
    struct list corked;        /* in server->corked */
    struct list behind;        /* in server->behind */
    struct server *server;
    struct exchange *exchange; /* from its head to the end of its reply */
    struct address *address;
    struct buffer in;  /* kept: part of a head, or bytes that came before their turn */
    struct buffer out; /* kept: what the socket did not take */
    struct span view;  /* what intake is reading: of `in`, or of the server's buffer */
    struct head_scan scan;
    ms_t since;     /* when the state began */
    ms_t out_since; /* when the peer first was too slow for `out`, or a file began … */
    ms_t out_moved; /* … when it was last seen to have taken something, … */
    uint64_t out_written, out_taken; /* … what the kernel took since then, and what the peer */
    uint64_t out_queued;             /* in the kernel at out_since */
    uint64_t dropped;                /* bytes read in LINGER */
    int fd;
    enum connection_state state;
    int events;      /* for which the poll handle is started */
    bool running;    /* intake is at work: replies are sent when it is done */
    bool keep;       /* another request may follow the present one */
    bool lingers;    /* the peer may still be sending when we are done */
    bool ended;      /* the peer's input has ended */
    bool sink_waits; /* the body's sink asked for a pause */
    bool blocked;    /* a file waits for room in the socket */
    struct network_address peer;
    char peer_text[NETWORK_TEXT_SIZE];
};

/* A part of a reply with files, in the exchange's arena. */
struct exchange_segment {
    struct span bytes; /* when path is NULL */
    const char *path;
    uint64_t offset, size;
};

struct exchange {
    struct list link; /* in server->spare while nobody uses it */
    struct server *server;
    struct connection *connection; /* NULL once the peer has left */
    struct http_request *request;  /* NULL until asked for, and again once a call has returned */
    struct buffer text;            /* the head; in FILES, the head of the reply */
    struct buffer body;
    struct arena arena;
    struct chunked chunked;
    uint64_t body_max, body_seen;
    struct exchange_sink sink; /* `write` is set while a body is streamed */
    void *sink_context;
    void (*gone)(void *context);
    void *gone_context;
    struct address *forwarded; /* counted for the client behind a trusted proxy */
    struct sender *sender;
    struct exchange_segment *segments;
    unsigned segment_count, segment;
    bool segment_open;
    bool sender_works; /* its event is to come */
    bool chunks;       /* the stream is framed in chunks */
    bool bodiless;     /* the stream answers a HEAD */
    bool peer_is_loopback;
    bool gated; /* the gate was asked */
    char peer[NETWORK_TEXT_SIZE];
    char id[EXCHANGE_ID_SIZE];
    struct head head; /* last: most of its table is not touched */
};

struct server {
    struct server_config config;
    uv_loop_t *loop;
    server_handler *handler;
    void *context;
    uv_poll_t listener;
    uv_timer_t timer;
    uv_idle_t turn; /* runs while `ready` has any */
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    ms_t timer_at; /* MS_NEVER when it does not run */
    int fd;        /* listening, -1 once closed */
    int spare_fd;  /* given up for a moment when there are no descriptors left */
    uint16_t port;
    unsigned handles; /* in the loop */
    bool draining, stopping;
    void (*stopped)(void *context);
    void *stopped_context;
    struct list connections;
    struct list ready;  /* connections with kept bytes whose turn has come */
    struct list corked; /* connections whose replies go out when this round's input has been read */
    bool in_poll;       /* the loop is reading input: replies are corked */
    size_t round_read;  /* in this round, by all connections … */
    struct list behind; /* … and those that were put off by it, who are the first of the next */
    struct list spare;  /* exchanges for the next requests */
    unsigned spare_count;
    unsigned exchanges; /* with somebody */
    struct heap deadlines;
    struct address_book addresses;
    struct network open_networks[SERVER_NETWORKS_MAX], trusted_proxies[SERVER_NETWORKS_MAX];
    struct server_numbers numbers;
    uint64_t id_counter;
    char id_prefix[9];
    char date[TIME_HTTP_SIZE];
    ms_t date_until;                  /* of the loop's time */
    struct buffer scratch;            /* replies on their way out … */
    struct connection *scratch_owner; /* … all of one connection; NULL when empty */
    struct http_request request;      /* of the exchange whose handler runs */
    char input[CONNECTION_READ_MAX];
};

/* connection.c */

/* Owns fd and address from now on. */
void connection_make(struct server *server, int fd, const struct network_address *peer,
                     struct address *address);
void connection_set_state(struct connection *connection, enum connection_state state);
/* The peer is waited for from now on, or something went into the socket past connection_flush. */
void connection_note_blocked(struct connection *connection);
void connection_note_written(struct connection *connection, size_t size);
/* Where bytes for the peer are added; connection_flush or connection_settle sends them. */
struct buffer *connection_out(struct connection *connection);
/* False when the peer is gone; the caller then closes. */
bool connection_flush(struct connection *connection);
/* `head` and `body` with one call, the body not copied if it can be sent. False as above. */
bool connection_send_large(struct connection *connection, struct span body);
size_t connection_unsent(const struct connection *connection);
/* After anything has changed: sends, ends what is over, and sets what is waited for. */
void connection_settle(struct connection *connection);
/* Sends what was corked. */
void connection_uncork(struct connection *connection);
/* A round begins: reads of those that are behind, while there is room. */
void connection_read_behind(struct server *server);
/* The exchange's reply is in the output, and the exchange is no more. */
void connection_replied(struct connection *connection);
/* Lets intake go on with what was kept, from the loop: handlers and sinks are never called from
 * inside a call of theirs. */
void connection_wake(struct connection *connection);
/* At once, whatever is under way; tells the exchange. Harmless when it is closed. */
void connection_close(struct connection *connection);
/* Its deadline has passed, or may have. */
void connection_due(struct connection *connection, ms_t now);
/* Closes it if nothing is under way. */
void connection_drain(struct connection *connection);

/* intake.c */

/* Reads requests off `fresh` (or off what was kept, when that is empty) as far as possible, but
 * INTAKE_TURN of them at most: then it is the turn of the other connections. */
void intake_run(struct connection *connection, struct span fresh);
/* Ends the connection with an error of the server's own. */
void intake_refuse(struct connection *connection, int status, enum error_code code,
                   const char *sentence);

/* exchange.c */

void exchange_make_id(struct server *server, char target[static EXCHANGE_ID_SIZE]);
struct exchange *exchange_make(struct connection *connection);
void exchange_free(struct exchange *exchange);
/* Writes what is known into exchange->request. */
void exchange_fill_request(struct exchange *exchange);
/* The connection is closing: takes the exchange off it. */
void exchange_abandon(struct exchange *exchange, enum connection_state state);
/* Goes on with a reply of several parts. */
void exchange_advance(struct exchange *exchange);

/* server.c */

ms_t server_now(const struct server *server);
const char *server_date(struct server *server);
/* A deadline may have become the first. */
void server_arm(struct server *server);
/* The connection has kept bytes to go on with: intake_run is called for it in the loop's next
 * round. Not through a timer, which libuv 1.44 would run again in the same one. */
void server_add_ready(struct server *server, struct connection *connection);
bool server_trusts(const struct server *server, const struct network_address *address);
/* How many connections an address may have. */
unsigned server_address_max(const struct server *server, const struct network_address *address);
/* A handle has left the loop. */
void server_handle_closed(struct server *server);
/* An exchange was freed; the server itself goes with the last one after its stop. */
void server_exchange_freed(struct server *server);

#endif
