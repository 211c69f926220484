/* Asks providers: what the core's effects SUBMIT, POLL, FIND, CANCEL, FETCH and STREAM come to. A
 * thread of its own makes each request with the provider's adapter and hands it to the egress; the
 * answer is read by the adapter again and told to the core, which says what comes next. It decides
 * nothing, and every effect ends with exactly one word (TOLD, or WORKED for a fetch); but for
 * STREAM, which promises none (caller_stream.h).
 *
 * A submission pays: it goes out by the egress's rules for paid calls, at most once, and whether a
 * byte of it can have left is part of the word. */
#ifndef APP_CALLER_H
#define APP_CALLER_H

#include "app/board.h"
#include "app/config.h"
#include "app/message.h"
#include "app/work.h"
#include "base/secret.h"
#include "catalog/catalog.h"
#include "core/output.h"
#include "depot/depot.h"
#include "edge/egress.h"
#include "provider/provider.h"
#include "store/store.h"

enum {
    CALLER_MARK_SIZE = 33,               /* 32 hexadecimal digits */
    CALLER_INLINE_MAX = 8 * 1024 * 1024, /* bytes of a file that is sent along */
    CALLER_ANSWER_MAX = 32 * 1024 * 1024
};

struct caller;

struct caller_config {
    _Atomic(const struct catalog *) catalog;
    const struct config *config; /* publicUrl and how links are signed */
    struct secret secret;        /* of marks and links; borrowed */
    struct egress *egress;
    struct depot *depot;
    struct works *works;   /* fetches the files */
    struct board *board;   /* how many streams are open */
    struct reader *reader; /* used by this thread alone */
    /* Of a gateway beside a sandbox: whatever is asked elsewhere is refused. NULL: anybody. */
    const char *only_origin;
    /* Takes the message over; false when it could not. */
    bool (*post)(void *context, struct message *message);
    void *context;
};

/* All pointers are borrowed. NULL when the thread can't be had. */
struct caller *caller_make(const struct caller_config *config);
/* Takes no more orders. Calls under way end with the egress, which must be freed between the two.
 */
void caller_stop(struct caller *caller);
void caller_free(struct caller *caller); /* accepts NULL */
/* Before the first order: where providers call back, which is publicUrl otherwise. Borrowed. */
void caller_call_back(struct caller *caller, const char *url);
/* Any thread: submissions whose word the core has not been told. */
unsigned caller_submissions(const struct caller *caller);
/* Any thread: for what is asked from now on. The catalogue is borrowed as the first was. */
void caller_configure(struct caller *caller, const struct catalog *catalog);

/* The core's thread; returns at once. The effect is borrowed for the call. */
void caller_run(struct caller *caller, const struct effect *effect);

/* The mark of an attempt: unguessable, and the same whenever it is asked for. */
void caller_mark(struct secret secret, const char *job_id, unsigned attempt,
                 char ret_mark[static CALLER_MARK_SIZE]);
/* "/callbacks/replicate/gen_….1.MARK": where a provider calls back. False unless the mark is right.
 */
bool caller_read_path(struct secret secret, struct span path, struct span *ret_provider,
                      int64_t *ret_job, unsigned *ret_attempt);

/* Where calls to the offer's provider go: its variable, else the catalogue's; "" when there is
 * none. Without a slash at its end. Then the scheme, host and port of it, which the guard lets
 * pass. */
const char *caller_base_url(const struct offer *offer, struct arena *arena);
const char *caller_origin(const char *base_url, struct arena *arena);

#endif
