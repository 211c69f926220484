/* Child processes. ONE permanent thread spawns them all and reads what they say: the kernel ties
 * the "die with your parent" signal (PR_SET_PDEATHSIG) to the thread that forked, so that thread
 * has to live as long as the server. It runs a libuv loop; all callbacks come from it.
 *
 * Why by hand and not uv_spawn: libuv can set neither the death signal, nor resource limits, nor an
 * own process group before exec. The child is made by fork; between fork and exec only calls that
 * are safe there are made, with memory prepared before.
 *
 * A child has: its own session and process group (the whole group is killed when it ends or is
 * killed), standard input, output and error as pipes, no other descriptor, an empty environment
 * unless the plan gives one, default signal handling, and SIGKILL when the server dies. Its
 * standard error goes to the log, at most 20 lines a second, unless the caller takes it. */
#ifndef EDGE_CHILD_H
#define EDGE_CHILD_H

#include "base/span.h"
#include "base/time.h"

#include <sys/resource.h>
#include <uv.h>

enum {
    CHILD_LINE_MAX = 512 * 1024,   /* a longer line ends the child */
    CHILD_WRITE_MAX = 1024 * 1024, /* bytes that wait for a child to read them */
    CHILD_COUNT_MAX = 256,
    CHILD_LIMITS_MAX = 8
};

struct children;

struct child_limit {
    int resource; /* RLIMIT_… */
    rlim_t value; /* soft and hard */
};

struct child_plan {
    const char *name;        /* for the log: "reel-media" */
    const char *const *argv; /* argv[0] is the program's path, not looked up; NULL ends it */
    const char *const *envp; /* NULL: empty */
    const char *cwd;         /* NULL: "/" */
    struct child_limit limits[CHILD_LIMITS_MAX];
    unsigned limit_count;
    int niceness;        /* added to the server's; 0 … 19 */
    int overflow_signal; /* that it alone gets when its line is too long; 0: SIGKILL to its group */
};

enum child_how {
    CHILD_EXITED,      /* status */
    CHILD_SIGNALED,    /* signal */
    CHILD_NOT_STARTED, /* error */
};

struct child_end {
    enum child_how how;
    int status, signal;
    int error;          /* an errno */
    bool line_too_long; /* it was killed for that, or got its overflow_signal */
};

struct child_calls {
    /* A line of standard output without its end; a last one without an end counts too. May be NULL.
     */
    void (*line)(void *context, uint64_t child, struct span line);
    /* Exactly once, after the last line; the id means nothing afterwards. */
    void (*ended)(void *context, uint64_t child, const struct child_end *end);
    /* A line of standard error, cut to 1,024 bytes. NULL: they go to the log. */
    void (*error)(void *context, uint64_t child, struct span line);
};

/* NULL when thread or loop can't be had. */
struct children *children_make(void);
/* Kills all, waits for them, calls their `ended`, ends the thread. Accepts NULL. Not from a
 * callback. */
void children_free(struct children *children);

/* The three below: any thread, callbacks included; the plan and the bytes are copied.
 *
 * The id under which the child is known from now on, before it runs; 0 when children_free has begun
 * or CHILD_COUNT_MAX are there: then `ended` is not called. */
uint64_t child_start(struct children *children, const struct child_plan *plan,
                     const struct child_calls *calls, void *context);
/* Bytes for its standard input. False when they are more than CHILD_WRITE_MAX. A child that lets
 * more than that wait is killed. Harmless once it has ended. */
bool child_write(struct children *children, uint64_t child, struct span bytes);
/* Closes its standard input once everything was written. */
void child_close(struct children *children, uint64_t child);
/* SIGKILL to its process group; `ended` follows. Harmless once it has ended. */
void child_kill(struct children *children, uint64_t child);
/* A signal (not 0) to the process alone, which may pass it on. Harmless once it has ended. */
void child_signal(struct children *children, uint64_t child, int signal);

/* For what builds on this one (the worker pool): calls `function` on the children's thread; false
 * when children_free has begun. And that thread's loop, for timers; only to be used there. */
bool children_call(struct children *children, void (*function)(void *context), void *context);
uv_loop_t *children_loop(struct children *children);

#endif
