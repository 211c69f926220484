/* The text of a response: which headers a handler may set, what the server adds, and the shape of
 * the server's own errors. */
#ifndef EDGE_REPLY_H
#define EDGE_REPLY_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/http.h"
#include "base/time.h"

struct reply {
    const struct http_response *response;
    const char *id;   /* X-Request-Id */
    const char *date; /* TIME_HTTP_SIZE − 1 characters */
    enum { REPLY_LENGTH, REPLY_CHUNKED, REPLY_UNTIL_CLOSE, REPLY_NO_BODY } framing;
    uint64_t length; /* LENGTH */
    bool close;
    bool says_keep_alive; /* to HTTP/1.0, which does not assume it */
};

/* Every header is a valid name with a value of one line, and the status is one of a final answer.
 */
bool reply_is_valid(const struct http_response *response);
/* The response asks for the connection to be closed after it. */
bool reply_wants_close(const struct http_response *response);
/* 204 and 304 never have a body. */
bool reply_has_body(int status);
/* Status line, headers and the empty line. */
void reply_add(struct buffer *target, const struct reply *reply);
/* "1f4\r\n", the line before a chunk. */
void reply_add_chunk_size(struct buffer *target, size_t size);
/* The body of an error in the native shape. */
void reply_add_error(struct buffer *target, enum error_code code, const char *sentence,
                     const char *id);

#endif
