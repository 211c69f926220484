/* The states of a job (SPEC 2). A list written once: the enum, the names, the table in table.c and
 * the store's constraints all follow it. */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "base/span.h"

#define STATE_LIST(X)                                                                              \
    X(WAITING, waiting)       /* for other jobs or for its start time */                           \
    X(QUEUED, queued)         /* may start as soon as there is room; lives in the store only */    \
    X(SUBMITTING, submitting) /* the intent is durable, the provider's answer is not */            \
    X(UNCERTAIN, uncertain)   /* a paid submission's answer was lost */                            \
    X(RUNNING, running)       /* the provider, or a worker of ours, is at it */                    \
    X(STORING, storing)       /* made; its files are on their way into the depot */                \
    X(SUCCEEDED, succeeded)                                                                        \
    X(FAILED, failed)                                                                              \
    X(CANCELED, canceled)                                                                          \
    X(EXPIRED, expired)

enum state {
#define STATE_ENUM(upper, lower) STATE_##upper,
    STATE_LIST(STATE_ENUM)
#undef STATE_ENUM
        STATE_COUNT
};

const char *state_name(enum state state);
bool state_find(struct span name, enum state *ret_state);
/* succeeded, failed, canceled or expired: final. */
bool state_is_terminal(enum state state);
/* submitting … storing: held in memory and counted by the limits. */
bool state_is_in_flight(enum state state);

#endif
