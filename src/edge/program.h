/* Programs of the user's: one process for each run, with a warden around it (edge/warden.h), so
 * that nothing of it outlives its end or the server's. It reads what it is given on standard input
 * and says lines on standard output; nothing is read into them here. Such a program is not caged:
 * it may do what the server's user may do.
 *
 * Callbacks come from the children's thread: lines, then exactly one end. */
#ifndef EDGE_PROGRAM_H
#define EDGE_PROGRAM_H

#include "edge/child.h"

enum { PROGRAM_LAST_WORDS = 2048 };

struct programs;

struct program_plan {
    const char *name;        /* for the log */
    const char *const *argv; /* argv[0] is a path from the root */
    const char *const *envp; /* NULL: empty */
    const char *cwd;         /* NULL: "/" */
    struct span input;       /* less than CHILD_WRITE_MAX bytes; then its standard input ends */
    ms_t silence;            /* it has hung when it says nothing for so long; 0: never */
    ms_t grace;              /* from SIGTERM to SIGKILL */
    uint64_t output_max;     /* bytes of standard output, all lines together */
};

enum program_how {
    PROGRAM_EXITED,      /* by itself: status */
    PROGRAM_SIGNALED,    /* not by us: signal */
    PROGRAM_STOPPED,     /* program_stop or programs_end */
    PROGRAM_HUNG,        /* nothing said in time */
    PROGRAM_FLOODED,     /* too much said, or a line longer than CHILD_LINE_MAX */
    PROGRAM_NOT_STARTED, /* not even the warden: error */
};

struct program_end {
    enum program_how how;
    int status, signal, error;
    bool lacked_memory; /* a process was killed with SIGKILL, and the kernel killed one for want of
                           memory while it ran (oom_kill in /proc/vmstat) */
    char last_words[PROGRAM_LAST_WORDS]; /* of standard error: its last whole lines; any bytes */
};

struct program_calls {
    void (*line)(void *context, struct span line);
    void (*ended)(void *context, const struct program_end *end);
};

/* `warden` is the path of a program that does what warden_run does when its first word is WARDEN;
 * NULL: this one. `children` is borrowed. Never NULL. */
struct programs *programs_make(struct children *children, const char *warden);
/* Kills all and returns once all `ended` were called; none can be run from then on. Accepts NULL.
 * Not from a callback. */
void programs_end(struct programs *programs);
/* Ends them, if that was not done. Accepts NULL. */
void programs_free(struct programs *programs);

/* Any thread; all is copied. The number by which the run is known; 0 when the input is too long or
 * programs_end has begun: then `ended` is not called. */
uint64_t program_run(struct programs *programs, const struct program_plan *plan,
                     const struct program_calls *calls, void *context);
/* Any thread. SIGTERM, and SIGKILL to all that is left after the plan's grace; it ends STOPPED
 * unless it has ended already. Harmless for an unknown number. */
void program_stop(struct programs *programs, uint64_t number);

#endif
