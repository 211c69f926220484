/* One request and its reply. The server makes an exchange once it has read a request's head and
 * hands it to a handler; the handler answers it at once or later, from the same loop's thread:
 *
 *     exchange_reply(…)                                     a whole answer, or
 *     exchange_begin(…) exchange_write(…)* exchange_end(…)   a stream of unknown length (SSE)
 *
 * Exactly one of exchange_reply, exchange_refuse, exchange_drop and exchange_end ends an exchange;
 * the pointer is dead as soon as that call returns. No handler, gate, sink or `gone` is called from
 * inside any call of exchange_*: the next request of the same connection comes from the loop.
 *
 * A waiting exchange costs about 2 KiB with its connection, besides the body and what the handler
 * put into the arena (whose first block is 8 KiB; an unused arena costs nothing). The connection is
 * read on meanwhile, so that a closed peer is seen at once. The end of the peer's input counts as
 * leaving while an exchange waits: HTTP can't tell a half-closed peer from one that is gone. */
#ifndef EDGE_EXCHANGE_H
#define EDGE_EXCHANGE_H

#include "base/error.h"
#include "base/http.h"

struct exchange;

/* The largest id with its terminator. */
enum { EXCHANGE_ID_SIZE = 65 };
/* What a stream may have unsent before it is closed. */
enum { EXCHANGE_STREAM_MAX = 256 * 1024 };

/* The request: `body` holds all of it, unless the gate chose to stream it. For a target in absolute
 * form `target` is its path and query. Repeated headers stay apart; no name appears twice among
 * Host, Content-Length and Transfer-Encoding.
 *
 * The struct itself (4 KiB, shared by all exchanges) is valid until the handler returns; whoever
 * needs it later asks again, and gets it rebuilt in the arena. The spans inside stay valid, and in
 * place, until the exchange ends. */
const struct http_request *exchange_request(struct exchange *exchange);
/* Lives until the exchange ends: what a later reply needs goes here. */
struct arena *exchange_arena(struct exchange *exchange);
/* The client's X-Request-Id when it is 1 to 64 of A-Z a-z 0-9 . _ -, otherwise one of ours. Every
 * response carries it. */
const char *exchange_request_id(const struct exchange *exchange);

/* Sends the response and ends the exchange. Copies what can't be sent at once, so spans need to
 * live only during the call. Parts follow `body` in their order; a FILE part is sent as the range
 * that it names (FILE_BASE64 is for requests only). The first file is opened before anything is
 * sent: when it is missing or too short, a 500 goes out instead; a later one breaks the connection.
 *
 * The server owns Content-Length, Transfer-Encoding, Date, X-Request-Id and Connection: such
 * headers in the response are dropped, except that "Connection: close" closes after this reply. A
 * header with CR, LF, NUL or an invalid name makes it a 500 and a line in the log. To HEAD, and
 * with 204 and 304, no body is sent; HEAD gets the length of what GET would have got.
 *
 * When the peer has left and no exchange_on_gone was set, the call is fine and goes nowhere. */
void exchange_reply(struct exchange *exchange, const struct http_response *response);
/* Ends the exchange with an error in the native shape:
 * {"success":false,"error":sentence,"errorCode":name,"details":[],"requestId":id}. `status` 0 takes
 * the code's own status, `sentence` NULL its own sentence. */
void exchange_refuse(struct exchange *exchange, int status, enum error_code code,
                     const char *sentence);

/* Ends the exchange and its connection without an answer, as a server does that dies: for the
 * sandbox, which plays that. `gone` is not called. */
void exchange_drop(struct exchange *exchange);

/* `gone` is called, on the loop's thread, when the peer has left (or the server stops) before the
 * exchange ended. The exchange is dead after it; it must not be replied to, in it or later. A
 * second call replaces the first, NULL removes it. */
void exchange_on_gone(struct exchange *exchange, void (*gone)(void *context), void *context);

/* Whether the peer has left already, though the loop has not come to see it: asks the kernel. What
 * is sent to such a peer arrives nowhere. */
bool exchange_peer_left(const struct exchange *exchange);

/* Starts a stream: the head is sent now, the body as chunks (to HTTP/1.0, until the connection
 * closes). `response` has no body and no parts. HEAD: writes are accepted and dropped.
 * False, here and in exchange_write, when the peer is gone or has more than EXCHANGE_STREAM_MAX
 * bytes unread: the connection is closed, the exchange is dead, and `gone` is not called. */
bool exchange_begin(struct exchange *exchange, const struct http_response *response);
/* One chunk; an empty span writes nothing. */
bool exchange_write(struct exchange *exchange, struct span bytes);
/* Bytes written and not yet taken by the kernel: a source that can wait holds back while it is > 0.
 */
size_t exchange_unsent(const struct exchange *exchange);
void exchange_end(struct exchange *exchange);

/* --- Bodies that are streamed instead of kept in memory (see struct server_gate). --- */

enum exchange_want {
    EXCHANGE_MORE, /* go on */
    EXCHANGE_WAIT, /* these bytes are taken; read no more until exchange_resume */
    EXCHANGE_STOP, /* no more of this body: the handler is called now, and its reply closes */
};

struct exchange_sink {
    /* Called for each run of the body, with chunked framing already removed. */
    enum exchange_want (*write)(void *context, struct span bytes);
    /* The peer left, was too slow or sent bad framing before the body was whole; nothing of the
     * exchange is called after it. Once the handler was called, exchange_on_gone holds instead. */
    void (*gone)(void *context);
    void *context;
};

/* The gate was asked about it, and let it in. */
bool exchange_was_gated(const struct exchange *exchange);
/* The context of the exchange's sink; NULL when the body was buffered. */
void *exchange_sink_context(const struct exchange *exchange);
/* Ends an EXCHANGE_WAIT. Never called from inside `write`. */
void exchange_resume(struct exchange *exchange);

#endif
