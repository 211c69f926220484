/* HTTP as plain structs, for both directions: what a client asked of us and what we ask of a
 * provider; what we answer and what was answered. Nobody here opens a socket. Spans are borrowed
 * from the arena or the connection that made the struct. */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include "base/arena.h"
#include "base/span.h"
#include "base/time.h"

enum { HTTP_HEADERS_MAX = 64, HTTP_PARTS_MAX = 32 };

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER
};

struct http_header {
    struct span name, value;
};

/* A body is a list of parts, never one large buffer. */
struct http_part {
    enum { HTTP_PART_BYTES, HTTP_PART_FILE, HTTP_PART_FILE_BASE64 } kind;
    struct span bytes;     /* BYTES */
    const char *path;      /* FILE… */
    uint64_t offset, size; /* FILE…: the range that is sent */
};

struct http_request {
    enum http_method method;
    struct span method_name; /* as sent, for OTHER */
    struct span target;      /* inbound: path and query as sent; outbound: the whole URL */
    struct span path;        /* inbound: raw, before percent-decoding */
    struct span query;       /* inbound: without the '?' */
    struct http_header headers[HTTP_HEADERS_MAX];
    unsigned header_count;
    struct span body; /* inbound: whole */
    struct http_part parts[HTTP_PARTS_MAX];
    unsigned part_count;
    /* Inbound, filled by the server. */
    struct span peer; /* address of the client as text, after trusted proxies */
    bool peer_is_loopback;
};

struct http_response {
    int status;
    struct http_header headers[HTTP_HEADERS_MAX];
    unsigned header_count;
    struct span body; /* inbound: whole, capped; outbound: see parts when it has any */
    struct http_part parts[HTTP_PARTS_MAX];
    unsigned part_count;
};

const char *http_method_name(enum http_method method);
enum http_method http_method_find(struct span name);
/* "Not Found"; "Unknown" for what has no name. */
const char *http_status_name(int status);
/* The first header of that name (case does not matter); false when absent. */
bool http_find(const struct http_header *headers, unsigned count, const char *name,
               struct span *ret_value);
/* Retry-After (RFC 9110, 10.2.3): seconds, or a date, which counts from the answer's own Date or,
 * without one, from `now` (wall time, 0: not known). 0 when it is not there, past or neither. What
 * is too large for a number is as long as numbers go: whoever waits has a limit of his own. */
ms_t http_retry_after(const struct http_response *response, ms_t now);
bool http_request_header(const struct http_request *request, const char *name,
                         struct span *ret_value);
/* Borrows name and value; false when the list is full. */
bool http_response_add(struct http_response *response, const char *name, struct span value);
/* A parameter of the query, percent- and plus-decoded into the arena; false when absent or broken.
 */
bool http_query(struct span query, const char *name, struct arena *arena, struct span *ret_value);
/* Percent-decoded into the arena; false on a broken escape, on NUL and on invalid UTF-8. */
bool http_decode(struct span text, bool plus_is_space, struct arena *arena, struct span *ret_text);

#endif
