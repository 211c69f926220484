/* Creates that a client's library sends again by itself, without a key, after a connection that
 * broke: Replicate's and fal's clients do, 3 to 6 times within seconds, the first of them at once.
 * Each create of such a protocol gets an idempotency key of ours; a second one of the same API key,
 * address and body gets the key of the first, and so the same job,
 *
 *   - when the first one's connection closed before its answer was delivered, for RESEND_KEEP_MS
 *     after that; once: what answers it takes the note away, so that a later request that happens
 *     to be equal makes a job of its own;
 *   - when it says itself that it is a retry (X-Stainless-Retry-Count and the like), within the
 *     same time after the first one's answer.
 *
 * It may come before anybody saw that the first connection is gone. So one that comes while an
 * equal one is under way waits until that has ended, or was asked RESEND_TRIES times again; but not
 * beside RESEND_BESIDE of them, for so many are meant. It is tries that count and not time: between
 * two of them the loop has looked at its connections, however long that took.
 *
 * The key is a row of the store as any other. The note of which key belongs to which request lies
 * in memory: RESEND_MAX of them, the oldest give way; and when the server itself dies, a create
 * whose answer it took along is made again by such a client. Who must not risk that sends an
 * Idempotency-Key. */
#ifndef APP_RESEND_H
#define APP_RESEND_H

#include "base/http.h"
#include "base/time.h"

enum {
    RESEND_MAX = 4096,
    RESEND_KEEP_MS = 30000,
    RESEND_TRIES = 20,
    RESEND_AGAIN_MS = 5, /* between two tries */
    RESEND_BESIDE = 4,
    RESEND_DIGEST_SIZE = 32,
    RESEND_KEY_SIZE = 48
};

struct resend;

/* One create; zeroed at first. */
struct resend_ticket {
    unsigned char digest[RESEND_DIGEST_SIZE]; /* of tenant, API key, address and body */
    char key[RESEND_KEY_SIZE];                /* the idempotency key; empty: there is no ticket */
    unsigned tries;                           /* how often it was opened */
    bool is_retry, waits;
};

struct resend *resend_make(void);
void resend_free(struct resend *resend); /* accepts NULL */

/* Any thread, as below. Gives the create its key; or false: it waits, and is to be brought again
 * after RESEND_AGAIN_MS, as it is. `now` is monotonic. */
bool resend_open(struct resend *resend, const struct http_request *request, const char *tenant,
                 ms_t now, struct resend_ticket *ticket);

/* What became of a create that was opened, or that waits. */
enum resend_end {
    RESEND_DELIVERED, /* its answer was handed to a connection that was there */
    RESEND_LOST,      /* the connection closed before that */
    RESEND_REFUSED    /* it made no job */
};
void resend_close(struct resend *resend, struct resend_ticket *ticket, enum resend_end end,
                  ms_t now);

#endif
