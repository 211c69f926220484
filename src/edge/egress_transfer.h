/* One call under way: what was asked, where it stands, how it ends. The egress drives it through
 * its steps on its thread:
 *
 *     make → open → (resolve →) dial → libcurl runs → close → report, or open again for a redirect
 */
#ifndef EDGE_EGRESS_TRANSFER_H
#define EDGE_EGRESS_TRANSFER_H

#include "base/list.h"
#include "edge/egress.h"
#include "edge/egress_body.h"
#include "edge/egress_intake.h"

#include <curl/curl.h>

enum { EGRESS_SOCKETS_MAX = 8 };

struct egress_host; /* the egress's count of connections to one host and port */

enum egress_state { EGRESS_WAITING, EGRESS_RESOLVING, EGRESS_RUNNING, EGRESS_OVER };

struct egress_transfer {
    struct list link;
    const struct egress_config *config; /* borrowed */
    const struct guard *guard;          /* borrowed */
    enum egress_state state;
    uint64_t token; /* of the lookup under way */

    struct arena arena; /* all that was copied from the call */
    struct egress_call call;
    struct http_request request;
    struct guard_url trusted; /* when call.trusted */

    /* The hop: one request to one place. */
    struct guard_url url;
    struct buffer url_text; /* canonical; url points into it */
    bool at_trusted;
    bool may_two; /* HTTP/2, if the other side wants it */
    struct sockaddr_storage addresses[EGRESS_ADDRESSES_MAX];
    unsigned address_count;
    struct egress_host *host;
    CURL *easy;
    struct curl_slist *headers, *resolved;
    struct egress_body *body;
    char curl_error[CURL_ERROR_SIZE];
    unsigned written_times;          /* how often libcurl was about to write the request */
    int sockets[EGRESS_SOCKETS_MAX]; /* the last that libcurl opened; it owns them */
    unsigned socket_count;
    ms_t hop_at, dialled_at;
    ms_t connected_at;  /* TCP was first seen to stand; 0: not yet */
    ms_t written_at;    /* a byte of the request went last; 0: none did */
    ms_t first_byte_at; /* of the answer's head */
    ms_t last_byte_at;  /* of the answer */
    bool body_written;
    uint64_t moved; /* bytes of both bodies */
    ms_t pace_at;   /* the window in which the pace is measured */
    uint64_t pace_moved;

    /* The call. */
    struct egress_intake intake;
    ms_t asked_at, started_at;
    unsigned redirects;
    bool sent;
    bool ended; /* outcome and sentence stand */
    enum egress_outcome outcome;
    char sentence[EGRESS_SENTENCE_SIZE];
};

struct egress_transfer *egress_transfer_make(const struct egress_config *config,
                                             const struct guard *guard,
                                             const struct egress_call *call);
void egress_transfer_free(struct egress_transfer *transfer);

/* Takes the URL apart and judges it; false: ended. */
bool egress_transfer_open(struct egress_transfer *transfer);
/* Judges what the name was resolved to; false: ended. */
bool egress_transfer_judge(struct egress_transfer *transfer,
                           const struct sockaddr_storage *addresses, unsigned count);
/* Makes transfer->easy, ready to be added to the multi handle; false: ended. */
bool egress_transfer_dial(struct egress_transfer *transfer, ms_t now);
/* Looks at the deadlines; false: ended. */
bool egress_transfer_tick(struct egress_transfer *transfer, ms_t now);
/* libcurl is through, and the easy handle is out of the multi handle. True: a redirect is to be
 * followed, begin with egress_transfer_open again. False: ended. */
bool egress_transfer_close(struct egress_transfer *transfer, CURLcode code);
/* The first word about how it ended is kept. */
void egress_transfer_end(struct egress_transfer *transfer, enum egress_outcome outcome,
                         const char *sentence, ...) __attribute__((format(printf, 3, 4)));
/* Lets go of the handle, which is in no multi handle any more, and calls `done`. */
void egress_transfer_report(struct egress_transfer *transfer);
/* The host as it may be named to a client; lives until the next call. */
const char *egress_transfer_place(struct egress_transfer *transfer, char target[static 300]);

#endif
