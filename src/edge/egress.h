/* HTTP out: everything that reel asks of another machine leaves through here. One thread of its own
 * runs libcurl; calls are handed over by any thread, and each accepted call ends with exactly one
 * `done` on the egress thread.
 *
 * What is promised for every call:
 *  - Names are resolved beside the loop, all answers are judged by the guard, and the address that
 * is dialled is one that was judged (it is judged again when the socket is opened and right before
 *    the request is written). Only a call to the `trusted` origin is spared: exactly that scheme,
 * host and port.
 *  - HTTP/1.1 or 1.0 over http or https; no proxies, netrc, cookies, Alt-Svc, HSTS or
 * authentication of libcurl's own; certificates are checked. GET and HEAD to the trusted origin go
 * by HTTP/2 where it speaks that over https, many over one connection; where that broke, by
 *    HTTP/1.1 for ten minutes.
 *  - Redirects are followed by hand, GET and HEAD only, each judged anew, never from https to http.
 *    On the way to another origin, headers with a credential and Authorization are left behind.
 *  - What is received is counted after decompression and stops at the caller's cap.
 *  - `paid` calls are written to the wire at most once (reliability 3.3): a fresh connection that
 * is not used again, no redirects, no replays; `sent` says whether a byte of it can have left.
 *
 * A header's value may hold slots, "Bearer {key:fal}". They are filled by the credential callback
 * when the request is about to leave, wiped afterwards, and only ever on the way to the `trusted`
 * origin; elsewhere a call with a slot is refused. */
#ifndef EDGE_EGRESS_H
#define EDGE_EGRESS_H

#include "base/buffer.h"
#include "base/crypto.h"
#include "base/http.h"
#include "base/time.h"
#include "edge/guard.h"

enum { EGRESS_SENTENCE_SIZE = 320, EGRESS_REDIRECTS_MAX = 3, EGRESS_ADDRESSES_MAX = 16 };

struct egress;

#define EGRESS_OUTCOME_LIST(X)                                                                     \
    X(ANSWERED, answered)         /* a whole answer, of whatever status */                         \
    X(REFUSED_BY_GUARD, refused)  /* a forbidden URL or address; or a redirect to one */           \
    X(INVALID, invalid)           /* the call itself can't be sent: a header with a line break */  \
    X(NOT_RESOLVED, not_resolved) /* the name has no address, or none in time */                   \
    X(NOT_CONNECTED, not_connected)                                                                \
    X(TLS_FAILED, tls_failed)                                                                      \
    X(TIMED_OUT, timed_out) /* of the first byte, of the whole, or too slow */                     \
    X(TOO_LARGE, too_large) /* the answer passed its cap */                                        \
    X(BROKEN, broken)       /* the connection ended before the answer did, or it was no HTTP */    \
    X(CANCELED, canceled)                                                                          \
    X(DISK_FULL, disk_full)                                                                        \
    X(DISK_BROKEN, disk_broken) /* the answer's file could not be made or written */

enum egress_outcome {
#define EGRESS_OUTCOME_ENUM(name, text) EGRESS_##name,
    EGRESS_OUTCOME_LIST(EGRESS_OUTCOME_ENUM)
#undef EGRESS_OUTCOME_ENUM
        EGRESS_OUTCOME_COUNT
};

/* "not_resolved" */
const char *egress_outcome_name(enum egress_outcome outcome);

/* Milliseconds since the call left the queue at which each step was over; 0: not reached. They are
 * those of the last hop, except `total`, which counts from egress_send. */
struct egress_times {
    ms_t resolved, connected, secured, first_byte, total;
};

struct egress_result {
    enum egress_outcome outcome;
    /* Whether a byte of the request can have reached the other side. False is a promise; true with
     * an outcome other than ANSWERED leaves a paid call uncertain. */
    bool sent;
    char sentence[EGRESS_SENTENCE_SIZE]; /* why not ANSWERED; fit for a client's eyes */
    /* Status 0 when none arrived. Headers and body are borrowed for the length of the callback; the
     * body is empty when it went to a file or to `chunk`. */
    struct http_response response;
    uint64_t bytes;                 /* of the body, decompressed, wherever they went */
    bool in_file;                   /* the body is in answer.path, whole, not yet synced */
    char sha256[CRYPTO_SHA256_HEX]; /* of the body, when asked for and in_file; else "" */
    unsigned redirects;
    struct span url; /* where it ended; borrowed; canonical */
    struct egress_times times;
};

/* Where the answer's body goes. Without `path` and `chunk` it is kept in memory. */
struct egress_answer {
    uint64_t max; /* bytes, decompressed; > 0 */
    /* A file that is created, private, and must not exist. Only a 2xx body goes there; any other is
     * kept in memory, up to 64 KiB, and the rest of it dropped. Removed again unless ANSWERED. */
    const char *path;
    bool sha256; /* count the digest of the file while it streams */
    /* A 2xx body as it arrives (event streams), on the egress thread; false cancels the call. */
    bool (*chunk)(void *context, struct span bytes);
    bool plain; /* ask for no compression: for files that are compressed already */
};

/* All in milliseconds, 0: the default in brackets. */
struct egress_deadlines {
    ms_t resolve;    /* [5 s] */
    ms_t connect;    /* [5 s] TCP */
    ms_t secure;     /* [10 s] TLS */
    ms_t first_byte; /* [60 s] since the request was written */
    ms_t total;      /* [10 min] since egress_send, so the queue and redirects count */
    ms_t slow;       /* [20 s] of less than 1 KiB/s while bytes should flow; MS_NEVER: allowed */
    ms_t silent;     /* [never] without a byte of the answer that has begun */
};

struct egress_call {
    uint64_t id; /* from egress_id; 0 when it will not be canceled */
    /* target: the whole URL; method, headers and parts are used. Content-Length is ours. Everything
     * is copied by egress_send, but files are opened when the call leaves. */
    const struct http_request *request;
    const char *trusted; /* "https://api.fal.ai", or NULL */
    bool paid;
    /* Its answer goes on for as long as the other side likes. It takes no place among those in
     * flight, or others would wait behind it: who sends such calls bounds their number. */
    bool stays;
    unsigned redirects_max; /* 0 … EGRESS_REDIRECTS_MAX; beyond it the 3xx itself is the answer */
    struct egress_answer answer;
    struct egress_deadlines deadlines;
    void (*done)(void *context, const struct egress_result *result);
    void *context;
};

struct egress_config {
    unsigned in_flight_max;  /* [256] */
    unsigned per_host_max;   /* [16] connections to one host and port */
    unsigned queue_max;      /* [4096] calls that wait */
    ms_t names_kept;         /* [30 s] for which a name's addresses are remembered */
    const char *authorities; /* file of CA certificates, instead of the system's; NULL: those */
    /* Writes the credential of that name; false when there is none. On the egress thread. */
    bool (*credential)(void *context, struct span name, struct buffer *target);
    void *credential_context;
    /* For tests: writes the addresses of a name (the port is set afterwards), gives their number, 0
     * when there are none. Runs on threads of the resolver. NULL: the system's resolver. */
    unsigned (*resolve)(void *context, const char *host, struct sockaddr_storage *addresses,
                        unsigned capacity);
    void *resolve_context;
};

/* Whether the file holds certificates that can be read; true for NULL. */
bool egress_can_trust(const char *authorities);
/* The guard is borrowed for the egress's life; the rest is copied. NULL when the thread or libcurl
 * can't be had. curl_global_init is called here. */
struct egress *egress_make(const struct egress_config *config, const struct guard *guard);
/* Takes no more calls, lets those under way go on for `wait_ms`, cancels the rest. On return every
 * `done` was called and the thread is gone. Accepts NULL. Not from a callback. */
void egress_free(struct egress *egress, ms_t wait_ms);
/* A number that was never given before, > 0. */
uint64_t egress_id(struct egress *egress);
/* Any thread, callbacks included. False when the queue is full or the egress is ending: then
 * nothing happens and `done` is not called. Whatever is wrong with the call itself comes by `done`.
 */
bool egress_send(struct egress *egress, const struct egress_call *call);
/* Any thread. The call ends with CANCELED unless it ended already; harmless for an unknown id. */
void egress_cancel(struct egress *egress, uint64_t id);

struct egress_load {
    unsigned waiting, in_flight;
};

/* A glance from any thread, for metrics. */
struct egress_load egress_load(struct egress *egress);

#endif
