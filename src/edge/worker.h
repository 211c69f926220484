/* A pool of reel-media processes that take jobs as JSON lines, one at a time:
 *
 *     → {"id":"gen_…","op":"render",…}
 *     ← {"id":"gen_…","event":"started"|"progress"|"done"|"failed",…}
 *
 * Processes are started when they are needed, serve `jobs_max` jobs and are then replaced; one that
 * dies, says nothing for `silence_ms` while it has a job, or breaks the protocol is killed and
 * replaced, and its job learns how. One that says "last": true with `done` or `failed` is replaced
 * too: what it did changed it. Of the lines only `id`, `event` and `last` are read here.
 *
 * Callbacks come from the children's thread: lines, then exactly one end. */
#ifndef EDGE_WORKER_H
#define EDGE_WORKER_H

#include "edge/child.h"

enum { WORKER_ID_SIZE = 128, WORKER_SENTENCE_SIZE = 200, WORKER_COUNT_MAX = CHILD_COUNT_MAX };

struct worker_pool;

struct worker_config {
    const char *program;
    const char *const *arguments;   /* after the program's name; NULL: none */
    const char *const *environment; /* NULL: empty */
    const char *cwd;                /* NULL: "/" */
    struct child_limit limits[CHILD_LIMITS_MAX];
    unsigned limit_count;
    int niceness;
    unsigned count;     /* processes; 1 to WORKER_COUNT_MAX */
    unsigned jobs_max;  /* jobs until a process is replaced; 0: 50 */
    unsigned queue_max; /* jobs that wait for a process; 0: 64 */
    ms_t silence_ms;    /* 0: 60 s */
};

#define WORKER_HOW_LIST(X)                                                                         \
    X(DONE, done)               /* its last line said so */                                        \
    X(FAILED, failed)           /* its last line said so */                                        \
    X(STOPPED, stopped)         /* worker_stop or worker_free */                                   \
    X(DIED, died)               /* the process ended by itself: status or signal */                \
    X(HUNG, hung)               /* no line in time */                                              \
    X(NONSENSE, nonsense)       /* a line that is not of the protocol, or too long */              \
    X(NOT_STARTED, not_started) /* the process could not be started: error */

enum worker_how {
#define WORKER_HOW_ENUM(name, text) WORKER_##name,
    WORKER_HOW_LIST(WORKER_HOW_ENUM)
#undef WORKER_HOW_ENUM
        WORKER_HOW_COUNT
};

const char *worker_how_name(enum worker_how how);

struct worker_end {
    enum worker_how how;
    int status, signal, error;
    char sentence[WORKER_SENTENCE_SIZE]; /* "The media worker died of signal 9." */
};

enum worker_event {
    WORKER_EVENT_STARTED,
    WORKER_EVENT_PROGRESS,
    WORKER_EVENT_DONE,
    WORKER_EVENT_FAILED
};

struct worker_calls {
    /* The whole line, borrowed; done and failed lines pass here too, before `ended`. */
    void (*line)(void *context, enum worker_event event, struct span line);
    void (*ended)(void *context, const struct worker_end *end);
};

/* `children` is borrowed and must outlive the pool; the rest is copied. NULL when `children` is
 * ending. Nothing is started yet. */
struct worker_pool *worker_make(struct children *children, const struct worker_config *config);
/* Kills the processes and ends their jobs as STOPPED; returns once all `ended` were called. Accepts
 * NULL. Not from a callback. */
void worker_free(struct worker_pool *pool);
/* Any thread. `id` (< WORKER_ID_SIZE bytes, unique among the jobs here) is the one in the request,
 * which is one line of JSON without its end. False when too many wait, the pool is ending, or the
 * request is longer than CHILD_WRITE_MAX or holds a line break: then `ended` is not called. */
bool worker_run(struct worker_pool *pool, struct span id, struct span request,
                const struct worker_calls *calls, void *context);
/* Any thread. Kills the process that has the job, or takes the job out of the queue; it ends
 * STOPPED unless it ended already. Harmless for an unknown id. */
void worker_stop(struct worker_pool *pool, struct span id);

#endif
