/* The head of an HTTP/1 request: where it ends, what it says, and how the body after it is framed.
 *
 * Two readers look at every head. This file takes it apart by RFC 9112 with nothing forgiven: lines
 * end in CRLF, names are tokens that touch their colon, nothing is folded, framing is said once and
 * in one way. Then llhttp, the parser of Node, reads the same bytes in its strict mode. A head on
 * which the two differ is refused: what two readers can understand in two ways is how requests are
 * smuggled.
 *
 * Nothing here knows base/http.h, whose names collide with those of llhttp. */
#ifndef EDGE_HEAD_H
#define EDGE_HEAD_H

#include "base/span.h"

enum { HEAD_HEADERS_MAX = 64, HEAD_METHOD_MAX = 32, HEAD_SIZE_MAX = 65535 };

struct head_limits {
    size_t head_max, target_max; /* head_max ≤ HEAD_SIZE_MAX */
};

/* Why a head is refused. */
struct head_fault {
    int status;
    const char *sentence; /* static */
};

/* How far a head that comes in pieces was looked at; zeroed before the first piece. */
struct head_scan {
    uint32_t seen;  /* bytes */
    uint32_t line;  /* where the present line starts */
    uint32_t start; /* of the head: one empty line before it is forgiven */
    uint32_t lines;
};

enum head_progress { HEAD_PART, HEAD_WHOLE, HEAD_BROKEN };

/* `bytes` starts with the head and grows from call to call. WHOLE: ret_size bytes belong to it.
 * BROKEN as early as it is certain. */
enum head_progress head_look(struct head_scan *scan, struct span bytes,
                             const struct head_limits *limits, size_t *ret_size,
                             struct head_fault *ret_fault);

/* A place in the head's text. */
struct head_piece {
    uint16_t at, size;
};

struct head_header {
    struct head_piece name, value; /* without blanks around */
};

enum head_body { HEAD_NO_BODY, HEAD_LENGTH, HEAD_CHUNKED };

struct head {
    struct head_piece method, target, path, query; /* target in origin form, or "*" */
    unsigned minor;                                /* HTTP/1.minor: 0 or 1 */
    bool keep_alive, expects_continue;
    enum head_body body;
    uint64_t length;    /* HEAD_LENGTH: > 0 */
    int16_t request_id; /* index of the first X-Request-Id, or -1 */
    unsigned header_count;
    struct head_header headers[HEAD_HEADERS_MAX];
};

/* `text` is a whole head as head_look found it. */
bool head_read(struct span text, const struct head_limits *limits, struct head *ret_head,
               struct head_fault *ret_fault);

static inline struct span head_span(const char *text, struct head_piece piece)
{
    return (struct span){text + piece.at, piece.size};
}

#endif
