/* What a provider's protocol can do, and for how long: each adapter declares it, and the core goes
 * by it where an answer was lost, a job is canceled or followed. */
#ifndef BASE_CAN_H
#define BASE_CAN_H

#include "base/time.h"

#define CAN_LIST(X)                                                                                \
    X(KEY)          /* equal keys make one job: the same submission may be sent again */           \
    X(CHOOSE_ID)    /* we choose the remote id: it is the job's own, with the attempt's number */  \
    X(FIND_EXACT)   /* their list echoes our mark … */                                           \
    X(FIND_LIKELY)  /* … or shows the input, which may match more than one */                    \
    X(FIND_ABSENCE) /* the list shows jobs in flight at once: who is not in it never was */        \
    X(CANCEL)       /* there is a call for it */                                                   \
    X(HOOK)         /* calls back */                                                               \
    X(HOOK_SIGNED)  /* … and signs */                                                            \
    X(STREAM)       /* tells how a job stands for as long as one listens */                        \
    X(PROGRESS)     /* says how far it is */                                                       \
    X(RESULT)       /* the files are told by a call of their own, after DONE */                    \
    X(HEALTH)       /* can say what explains waiting */                                            \
    X(FORGETS_ON_RESTART)

enum can_bit {
#define CAN_BIT(name) CAN_BIT_##name,
    CAN_LIST(CAN_BIT)
#undef CAN_BIT
        CAN_BITS
};
enum can {
#define CAN(name) CAN_##name = 1 << CAN_BIT_##name,
    CAN_LIST(CAN)
#undef CAN
};

/* The traits of a provider that works elsewhere. */
struct can_vendor {
    const char *name;
    unsigned can;
    ms_t key_kept;    /* KEY: for so long after the submission equal keys make one job */
    ms_t list_kept;   /* FIND_…: for so long the list shows what we match on */
    ms_t result_kept; /* after the end, for as long as a poll shows the result */
    ms_t url_kept;    /* after the end, for as long as the files can be fetched; MS_NEVER */
    ms_t poll_min;    /* never asked more often than this */
    ms_t poll_first, poll_last; /* without a history: the first wait, and the longest */
};

#endif
