/* Sends ranges of files into a socket by sendfile, in bounded steps on libuv's pool: a cold disk
 * then holds up a thread of the pool, never the loop. It works on a descriptor of its own, so the
 * socket may be closed at any time. */
#ifndef EDGE_SENDER_H
#define EDGE_SENDER_H

#include "base/span.h"

#include <uv.h>

struct sender;

enum sender_event {
    SENDER_OPENED,  /* the file is there and as long as the range needs */
    SENDER_FAILED,  /* it is not, or reading it failed */
    SENDER_MOVED,   /* some was sent; ask for the next step */
    SENDER_BLOCKED, /* the socket takes no more now; ask again when it is writable */
    SENDER_DONE,    /* the whole range was sent, and the file is closed */
    SENDER_BROKEN,  /* the peer is gone */
};

/* `moved` bytes went into the socket since the last event. */
typedef void sender_handler(void *context, enum sender_event event, size_t moved);

/* `socket` is non-blocking and is duplicated; NULL when there is no descriptor left. */
struct sender *sender_make(uv_loop_t *loop, int socket, sender_handler *handler, void *context);
/* Each of these two is answered by one event, later. `path` lives until OPENED or FAILED. */
void sender_open(struct sender *sender, const char *path, uint64_t offset, uint64_t size);
void sender_step(struct sender *sender);
/* No event comes after it, although a step may still be under way. Accepts NULL. */
void sender_free(struct sender *sender);

#endif
