/* Reads multipart/form-data (RFC 7578) as it comes, in runs of any size, without keeping more than
 * the head of one part. It is stricter than RFC 2046 allows a reader to be: no preamble, nothing
 * behind the closing boundary but one line end, no blanks behind a boundary, no line that only
 * begins like one. Clients write none of that, and what two readers could cut differently is
 * nobody's file.
 *
 *     multipart_init(…)
 *     while ((event = multipart_read(multipart, &run, &data)) != MULTIPART_MORE) …
 *
 * MULTIPART_PART tells of a part's head, MULTIPART_DATA of a run of its content, MULTIPART_END of
 * the end of it all. After END or BROKEN only the same comes again. */
#ifndef EDGE_MULTIPART_H
#define EDGE_MULTIPART_H

#include "base/span.h"

enum {
    MULTIPART_BOUNDARY_MAX = 70, /* RFC 2046, 5.1.1 */
    MULTIPART_HEAD_MAX = 4096,   /* bytes of the headers of one part */
    MULTIPART_NAME_MAX = 128,    /* of a field's name */
    MULTIPART_PARTS_MAX = 64
};

enum multipart_event {
    MULTIPART_MORE, /* the run is used up */
    MULTIPART_PART, /* multipart->name, has_filename */
    MULTIPART_DATA, /* *ret_data: part of the run, or of the delimiter that was none */
    MULTIPART_END,
    MULTIPART_BROKEN /* multipart->fault */
};

struct multipart {
    char delimiter[MULTIPART_BOUNDARY_MAX + 8]; /* CR LF "--" boundary */
    size_t delimiter_size;
    enum {
        MULTIPART_IN_DATA,
        MULTIPART_BEHIND_DELIMITER, /* "--" or CR LF follows */
        MULTIPART_IN_HEAD,
        MULTIPART_BEHIND_ALL,
        MULTIPART_OVER /* broken */
    } place;
    size_t matched; /* bytes of the delimiter that were seen in a row */
    bool has_begun; /* the first delimiter was seen: before, there is no content */
    char tail[2];   /* behind the delimiter, or behind it all */
    unsigned tail_size, parts;
    char head[MULTIPART_HEAD_MAX]; /* of the part under way */
    size_t head_size;
    char name[MULTIPART_NAME_MAX]; /* of its field */
    bool has_filename;
    const char *fault; /* a sentence; BROKEN */
};

/* By the request's Content-Type. False, with a sentence, when it is not multipart/form-data with a
 * boundary. */
bool multipart_init(struct multipart *multipart, struct span content_type, const char **ret_fault);
/* Takes from the front of *run. The data is valid until the next call. */
enum multipart_event multipart_read(struct multipart *multipart, struct span *run,
                                    struct span *ret_data);
/* Whether the closing boundary came. */
bool multipart_is_whole(const struct multipart *multipart);

#endif
