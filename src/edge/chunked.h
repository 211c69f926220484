/* The chunked transfer coding of a request (RFC 9112, 7.1), read strictly and without memory of its
 * own. llhttp is not asked here: up to 8.1 it lets chunk extensions grow without limit and takes
 * blanks after a size. Extensions and trailers are read, bounded and dropped. */
#ifndef EDGE_CHUNKED_H
#define EDGE_CHUNKED_H

#include "base/span.h"

/* Extensions and trailers of one body together. */
enum { CHUNKED_SPARE_MAX = 2048 };

struct chunked {
    enum chunked_place {
        CHUNKED_SIZE_FIRST,
        CHUNKED_SIZE,
        CHUNKED_EXTENSION,
        CHUNKED_SIZE_LF,
        CHUNKED_DATA,
        CHUNKED_DATA_CR,
        CHUNKED_DATA_LF,
        CHUNKED_TRAILER_FIRST,
        CHUNKED_TRAILER_NAME,
        CHUNKED_TRAILER_VALUE,
        CHUNKED_TRAILER_LF,
        CHUNKED_END_LF,
        CHUNKED_DONE,
        CHUNKED_BROKEN,
    } place;
    unsigned digits, spare;
    uint64_t left; /* of the present chunk */
};

void chunked_init(struct chunked *chunked);
/* Takes what it can off *bytes and gives the next run of the body, empty when *bytes is used up or
 * the coding ended (place DONE) or is not valid (place BROKEN). Call until the run is empty. The
 * size of a run is at most what came; chunked->left tells what a chunk still claims. */
struct span chunked_read(struct chunked *chunked, struct span *bytes);

#endif
