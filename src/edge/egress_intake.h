/* Takes in the answer of an outgoing call: its head, and its body to where the caller wants it,
 * with every byte counted. One thread. */
#ifndef EDGE_EGRESS_INTAKE_H
#define EDGE_EGRESS_INTAKE_H

#include "edge/egress.h"

struct egress_intake {
    const struct egress_answer *plan; /* borrowed */
    void *context;                    /* for plan->chunk */
    struct arena arena;               /* of the headers */
    struct http_response response;
    size_t head_size;
    bool head_over;
    bool bodyless; /* the answer to a HEAD: its Content-Length is no body's */
    struct buffer body;
    uint64_t bytes;
    int fd;    /* -1: no file */
    bool made; /* the file is ours to remove */
    struct crypto_sha256 *digest;
    char sha256[CRYPTO_SHA256_HEX];
    enum egress_outcome outcome; /* why it stopped; ANSWERED while nothing is wrong */
};

void egress_intake_init(struct egress_intake *intake, const struct egress_answer *plan,
                        void *context);
/* Removes the file unless egress_intake_close kept it. */
void egress_intake_done(struct egress_intake *intake);
/* Closes and removes the file, unless egress_intake_close kept it. */
void egress_intake_drop(struct egress_intake *intake);
/* Forgets what was taken in, for the next hop. */
void egress_intake_reset(struct egress_intake *intake);
/* A line of the head with its end, the status line and the empty line too. False: stop. */
bool egress_intake_header(struct egress_intake *intake, struct span line);
/* False: stop; intake->outcome says why. */
bool egress_intake_body(struct egress_intake *intake, struct span bytes);
/* The answer is whole: closes the file and ends the digest. False when closing failed. */
bool egress_intake_close(struct egress_intake *intake);

#endif
