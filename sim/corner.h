/* The exhaustive corner: one job at one vendor, and every happening at every moment of its life,
 * one after another instead of by chance. A corner is a number: the class of the vendor (what its
 * protocol can), two happenings at any two passes of the world, or any set of them at one pass.
 * Nothing else goes wrong in such a world. */
#ifndef SIM_CORNER_H
#define SIM_CORNER_H

#include "swarm.h"

#define CORNER_LIST(X)                                                                             \
    X(CRASH, crash)   /* kill -9 before the turn */                                                \
    X(DEATH, death)   /* … after its commit, with some of its effects run */                     \
    X(LOST, lost)     /* the next answer to a submission does not come */                          \
    X(UNREAD, unread) /* … nor the next one to anything else */                                  \
    X(CANCEL, cancel) /* the client cancels */                                                     \
    X(HINT, hint)     /* the vendor calls back */                                                  \
    X(EXPIRY, expiry) /* the job's deadline passes */

enum corner_kind {
#define CORNER_ENUM(upper, lower) CORNER_##upper,
    CORNER_LIST(CORNER_ENUM)
#undef CORNER_ENUM
        CORNER_KINDS
};

enum {
    CORNER_PASSES = 20, /* at which something may happen */
    CORNER_DEADLINE_MS = 180000,
    CORNER_TEXT_SIZE = 200
};

struct corner {
    uint64_t number;
    unsigned class;
    unsigned at[CORNER_KINDS]; /* the pass, from 1; 0: it does not happen */
    unsigned passes;           /* so far */
    bool happened[CORNER_KINDS];
};

struct world;
struct job;

/* How many there are, core alone or face to face. */
uint64_t corner_count(bool is_face);
struct corner corner_make(uint64_t number, bool is_face);
/* In place of what was drawn. */
void corner_draw(const struct corner *corner, struct swarm *swarm);
/* Before a pass takes what comes. */
void corner_pass(struct world *world);
/* Whether the fault strikes now. */
bool corner_strikes(struct corner *corner, enum swarm_fault fault);
/* "can=key,cancel crash@3 cancel@7" */
void corner_describe(const struct corner *corner, char target[static CORNER_TEXT_SIZE]);

#endif
