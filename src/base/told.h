/* What a provider said, in our words: an adapter reads its answers into this, and it is all that
 * the core ever knows of a provider (law 3). It says nothing of which attempt is meant: who asked
 * knows that. */
#ifndef BASE_TOLD_H
#define BASE_TOLD_H

#include "base/error.h"
#include "base/span.h"
#include "base/time.h"

/* The calls to a provider; a word answers one of them. */
enum provider_call {
    PROVIDER_CALL_SUBMIT, /* pays */
    PROVIDER_CALL_POLL,
    PROVIDER_CALL_RESULT,
    PROVIDER_CALL_CANCEL,
    PROVIDER_CALL_FIND,
    PROVIDER_CALL_HEALTH
};

enum {
    TOLD_ID_SIZE = 160, /* with the closing NUL, like all sizes here */
    TOLD_HANDLE_SIZE = 240,
    TOLD_TEXT_SIZE = 400,
    TOLD_STAGE_SIZE = 64,
    TOLD_FILES_MAX = 8,
    TOLD_FOUND_MAX = 4
};

#define TOLD_LIST(X)                                                                               \
    /* Nothing: the answer is not readable, or a read failed that may be repeated. After a         \
     * submission that was sent it means that nobody knows what came of it. */                     \
    X(NOTHING, nothing)                                                                            \
    X(ACCEPTED, accepted) /* they have it: remote_id is filled */                                  \
    X(REFUSED, refused)   /* they do not take it, and it costs nothing: `error` says why */        \
    X(LATER, later)       /* not now, and surely not queued: `after` may say when */               \
    X(WAITING, waiting)   /* in their queue */                                                     \
    X(RUNNING, running)                                                                            \
    X(DONE, done)       /* made: `files` can be fetched, or a result call says where they lie */   \
    X(FAILED, failed)   /* it ended badly: `error`, `again`, `billed` */                           \
    X(STOPPED, stopped) /* it ended because somebody canceled it, or by a limit of ours */         \
    X(GONE, gone)       /* they do not know the id, or forgot the result */                        \
    X(FOUND, found)     /* a search: `found` holds who matches */                                  \
    X(ABSENT, absent)   /* a search: nobody matches, and there is no further page */               \
    X(MORE, more)       /* a search: nobody so far; `handle` is the next page */                   \
    X(HEALTHY, healthy) /* `text` says what explains waiting, when something does */

enum told_kind {
#define TOLD_ENUM(upper, lower) TOLD_##upper,
    TOLD_LIST(TOLD_ENUM)
#undef TOLD_ENUM
        TOLD_COUNT
};

/* A file that the provider made: at a URL, or in the answer itself. Spans live in the arena of the
 * answer that was read. */
struct told_file {
    struct span url;    /* http(s) or data: */
    struct span base64; /* instead of a URL */
    struct span type;   /* "video/mp4", or empty */
};

/* Somebody in the provider's list who may be ours. */
struct told_found {
    char remote_id[TOLD_ID_SIZE];
    char handle[TOLD_HANDLE_SIZE];
    bool exact; /* carries our mark; else it only looks like ours */
};

struct told {
    enum told_kind kind;
    char remote_id[TOLD_ID_SIZE];
    char handle[TOLD_HANDLE_SIZE]; /* what the adapter wants to see again with the id; opaque */
    int progress;                  /* 0 … 100, −1: not said */
    char stage[TOLD_STAGE_SIZE];   /* empty: not said */
    int64_t position;              /* in their queue, 0: next; −1: not said */
    struct span preview;           /* a picture of the way, as a URL; or empty */
    enum error_code error;         /* REFUSED, FAILED; NOTHING: the best guess at why */
    char text[TOLD_TEXT_SIZE];     /* a sentence for people, without secrets */
    bool again;                    /* FAILED: the same request may succeed */
    bool billed;                   /* FAILED, STOPPED: it costs all the same */
    ms_t after;                    /* not before so long from now; 0: not said */
    ms_t ran;                      /* time on their machine; 0: not said */
    int64_t cost;                  /* micro-dollars that they charge; −1: not said */
    struct told_file files[TOLD_FILES_MAX];
    unsigned file_count;
    struct told_found found[TOLD_FOUND_MAX];
    unsigned found_count;
};

/* "accepted" */
const char *told_name(enum told_kind kind);
/* Kind NOTHING, and what is "not said" set so. */
void told_init(struct told *told);
/* Cuts after a whole character, and folds line breaks, where a text is too long for its place. */
void told_say(struct told *told, struct span text);

#endif
