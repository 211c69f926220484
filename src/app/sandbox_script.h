/* Fault scripts of the sandbox: which of its calls go wrong, how, and how often. A script is a JSON
 * file, read and checked once (docs/sandbox.md explains every key):
 *
 *     {"seed": 7, "rules": [
 *       {"match": {"provider": "fal", "call": "create"}, "chance": 0.2, "fault": "lost_after"},
 *       {"every": 5, "fault": "status", "match": {"call": "status"}, "status": 429,
 *        "retryAfter": 2},
 *       {"fault": "canned", "file": "clip.mp4", "ms": 500}]}
 *
 * It decides what should happen; who answers or calls makes it so, at the edge. */
#ifndef APP_SANDBOX_SCRIPT_H
#define APP_SANDBOX_SCRIPT_H

#include "base/buffer.h"
#include "base/time.h"
#include "depot/depot.h"

enum {
    SANDBOX_SCRIPT_MAX = 256 * 1024, /* bytes */
    SANDBOX_RULES_MAX = 100,
    SANDBOX_DELAY_MAX = 10 * 60 * 1000, /* ms, of one rule and of all together */
    SANDBOX_FILE_MAX = 256 << 20,       /* bytes of a canned file */
    SANDBOX_TEXT_SIZE = 200,
    SANDBOX_FAULT_SIZE = 1200 /* a sentence about a script */
};

#define SANDBOX_CALL_LIST(X)                                                                       \
    X(CREATE, create)     /* a submission */                                                       \
    X(STATUS, status)     /* how is it */                                                          \
    X(RESULT, result)     /* what did it make, where that is a call of its own */                  \
    X(CANCEL, cancel)     /* stop it */                                                            \
    X(FIND, find)         /* the provider's list of what it was given */                           \
    X(FILE, file)         /* a file that was made is read */                                       \
    X(CALLBACK, callback) /* the sandbox calls a webhook */

enum sandbox_call {
#define SANDBOX_CALL_ENUM(upper, lower) SANDBOX_##upper,
    SANDBOX_CALL_LIST(SANDBOX_CALL_ENUM)
#undef SANDBOX_CALL_ENUM
        SANDBOX_CALL_COUNT
};

#define SANDBOX_FAULT_LIST(X)                                                                      \
    X(DELAY, delay)               /* it takes `ms` longer */                                       \
    X(STATUS, status)             /* 429 or 5xx, and nothing else happens */                       \
    X(LOST_BEFORE, lost_before)   /* the connection closes, and nothing else happens */            \
    X(LOST_AFTER, lost_after)     /* accepted; then the connection closes without an answer */     \
    X(EXPIRED_LINK, expired_link) /* the file's address is none any more */                        \
    X(FAIL, fail)                 /* the job fails after `ms` */                                   \
    X(MODERATION, moderation)     /* … for what it shows */                                      \
    X(CANNED, canned)             /* the job ends well after `ms`, with a file that lies ready */  \
    X(DUPLICATE, duplicate)       /* called twice */                                               \
    X(LATE, late)                 /* called `ms` later */                                          \
    X(FORGED, forged)             /* a call by a stranger comes before it */                       \
    X(DROPPED, dropped)           /* never called */

enum sandbox_fault {
#define SANDBOX_FAULT_ENUM(upper, lower) SANDBOX_FAULT_##upper,
    SANDBOX_FAULT_LIST(SANDBOX_FAULT_ENUM)
#undef SANDBOX_FAULT_ENUM
        SANDBOX_FAULT_COUNT
};

const char *sandbox_call_name(enum sandbox_call call);
const char *sandbox_fault_name(enum sandbox_fault fault);
bool sandbox_fault_find(struct span name, enum sandbox_fault *ret_fault);

struct sandbox_script;

/* NULL, with a sentence that names the file, the place, what is wrong and what is allowed. Without
 * a path (NULL) it is the script in which nothing goes wrong. */
struct sandbox_script *sandbox_script_make(const char *path,
                                           char ret_fault[static SANDBOX_FAULT_SIZE]);
void sandbox_script_free(struct sandbox_script *script); /* accepts NULL */

/* What shall happen to one call. Of the faults that exclude each other the first rule's counts:
 * an answer that is none (STATUS, LOST_…, EXPIRED_LINK), and an end (FAIL, MODERATION, CANNED).
 * Delays add up. */
struct sandbox_plan {
    unsigned faults;     /* bits 1 << enum sandbox_fault */
    ms_t delay;          /* before anything else */
    int status;          /* STATUS */
    int64_t retry_after; /* … seconds; 0: not said */
    ms_t late;           /* LATE */
    ms_t end_after;      /* FAIL, MODERATION, CANNED */
    /* Borrowed from the script. */
    const char *file; /* CANNED: an absolute path … */
    const char *type; /* … and its content type */
    const char *text; /* FAIL, MODERATION: a sentence of the script's; "" */
};

/* Any thread. Counts the call for every rule that matches it. */
void sandbox_script_plan(struct sandbox_script *script, enum sandbox_call call,
                         struct span provider, struct span model, struct sandbox_plan *ret_plan);
bool sandbox_plan_has(const struct sandbox_plan *plan, enum sandbox_fault fault);
/* Whether any rule is about such a call: where none is, nobody needs to know the model. */
bool sandbox_script_knows(const struct sandbox_script *script, enum sandbox_call call);

#endif
