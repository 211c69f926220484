/* Planted mistakes: the test of the tests. Each is one that a core, a turn or a store could have;
 * a simulator that does not see one of them is not looking (see plant_test.c). */
#ifndef SIM_PLANT_H
#define SIM_PLANT_H

#include "store/store.h"

#define PLANT_LIST(X)                                                                              \
    X(NONE, none)                                                                                  \
    X(DROP_TOLD, drop_told)         /* a worker's word is lost on its way */                       \
    X(EFFECTS_FIRST, effects_first) /* effects run before the commit */                            \
    X(FORGET_UPDATE, forget_update) /* the store forgets the update of a row */                    \
    X(FORGET_INSERT, forget_insert) /* … and of a new job, with all that belongs to it */        \
    X(FORGET_KEY, forget_key)       /* … and of an idempotency key */                            \
    X(FORGET_ENTRY, forget_entry)   /* … and of an entry of the timeline */                      \
    X(FORGET_DEPENDENCY, forget_dependency)                                                        \
    X(FORGET_TENANT, forget_tenant)   /* … and of a tenant's new limits */                       \
    X(FORGET_WAITING, forget_waiting) /* … and that a job waits */                               \
    X(FORGET_USE, forget_use)         /* … and that a job reads an upload or an output */        \
    X(KEEP_ROW, keep_row)             /* … and that a row goes, whose files do */                \
    X(BUCKET_DELTA, bucket_delta)     /* a bucket counts one too few */                            \
    X(LOSE_COMMIT, lose_commit)       /* says committed, and is not */                             \
    X(REPLY_TWICE, reply_twice)                                                                    \
    X(WORK_TWICE, work_twice)                                                                      \
    X(DROP_REPLY, drop_reply)                                                                      \
    X(FREE_RECEIPT, free_receipt) /* "not submitted" of what was */                                \
    X(OVER_LIMIT, over_limit)     /* one more in flight than the limit */                          \
    X(CLAIM_NEWEST, claim_newest) /* the store gives the wrong end of the queue */                 \
    X(TIME_BACK, time_back)       /* the store forgets how late it was */                          \
    X(PROGRESS_FALLS, progress_falls)                                                              \
    X(SLEEP_ON, sleep_on)               /* nobody wakes for a start time */                        \
    X(FORGET_DELIVERY, forget_delivery) /* the store forgets a webhook */                          \
    X(FORGET_LANE, forget_lane)         /* … and that something is due */                        \
    X(FORGET_OUTCOME, forget_outcome)   /* … and how a try went */                               \
    X(OTHER_BODY, other_body)           /* a second try has other bytes */                         \
    X(HOOK_TWICE, hook_twice)                                                                      \
    /* About providers: */                                                                         \
    X(SUBMIT_FIRST, submit_first)       /* the intent is durable after the first byte */           \
    X(UNSURE_UNSENT, unsure_unsent)     /* a lost answer is taken for "never sent" */              \
    X(UNSURE_REFUSED, unsure_refused)   /* … or for a refusal: the next offer, please */         \
    X(SETTLE_TWICE, settle_twice)       /* an attempt costs double */                              \
    X(UNKNOWN_FREE, unknown_free)       /* what was never found out costs nothing */               \
    X(DROP_MARK, drop_mark)             /* the store forgets that a cancel was asked */            \
    X(HINT_FACT, hint_fact)             /* a call back is believed */                              \
    X(STREAM_FACT, stream_fact)         /* the end of a stream is taken for that of its job */     \
    X(TAKE_OVER, take_over)             /* nobody looks whose a remote id is */                    \
    X(FORGET_FOLLOWED, forget_followed) /* a start leaves out who ended before its attempt */      \
    X(FALSE_ABSENCE, false_absence)     /* an adapter declares what its list does not show */      \
    X(POLL_NEVER, poll_never)           /* what was accepted is not asked for */                   \
    X(KEPT_ANYWAY, kept_anyway)         /* files that could not be had count as kept */            \
    X(FORGET_PAUSE, forget_pause)       /* the store forgets that a provider is paused */          \
    X(FORGET_SPEND, forget_spend)       /* the store forgets what was reserved or spent */         \
    X(SPEND_TWICE, spend_twice)         /* … or counts it twice */                               \
    X(STAYS_SPENT, stays_spent)         /* … and what is reserved again as spent */              \
    X(FORGET_CHARGE, forget_charge)     /* … and what a key has reserved or spent */             \
    X(DEAF_CLOSING, deaf_closing)       /* who was asked to end begins all the same */             \
    X(DEAF_LATE, deaf_late)             /* nobody listens once it was given up */                  \
    X(DEAF_RESENT, deaf_resent)         /* … or once it was sent again */                        \
    X(DEAF_HAND, deaf_hand)             /* … or who knows of an older one is not heard */        \
    X(FORGET_HINT, forget_hint)         /* the store forgets whom a call back named */             \
    X(FORGET_PAID, forget_paid)         /* … and what older attempts cost */                     \
    X(LATE_RESULT, late_result)         /* what came late is taken for the result */               \
    X(OVER_BUDGET, over_budget)         /* nobody looks at the budgets of providers */             \
    X(RESERVE_LESS, reserve_less)       /* too little is reserved for a job */                     \
    X(START_POOR, start_poor)           /* a start forgets what is reserved */                     \
    /* Between adapters and dialects, face to face: */                                             \
    X(BAD_GATEWAY, bad_gateway)   /* a 5xx is taken for a refusal */                               \
    X(HALF_A_WORD, half_a_word)   /* an answer that was cut is believed */                         \
    X(LAST_WORD, last_word)       /* a cancel's answer is taken for how it ended */                \
    X(OWN_CLOCK, own_clock)       /* nobody looks at the provider's clock */                       \
    X(UNSIGNED, unsigned)         /* … nor at a call back's signature */                         \
    X(FORGET_FIELD, forget_field) /* a parameter is not sent */                                    \
    X(ALIKE, alike)               /* who looks like ours is taken for ours */

enum plant {
#define PLANT_ENUM(upper, lower) PLANT_##upper,
    PLANT_LIST(PLANT_ENUM)
#undef PLANT_ENUM
        PLANT_COUNT,
    PLANT_FACE = PLANT_BAD_GATEWAY /* from here on: only face to face */
};

struct world;
struct effect;
struct core_config;

const char *plant_name(enum plant plant);
/* What the turn shall take for the store. */
struct store *plant_store(struct world *world);
void plant_close(struct world *world);
/* The limits that the core is given. */
void plant_limits(struct world *world, struct core_config *config);
/* How many events of the batch reach the turn. */
unsigned plant_before_turn(struct world *world);
/* Whether the effect is carried out; may change it, or carry it out once too often. */
bool plant_effect(struct world *world, struct effect *effect);

/* plant_wire.c */
struct wire;
/* Before a question is made: what is sent of the input. */
void plant_ask(struct world *world, struct wire *wire);
/* After an answer was read, or before: true when it was read by mistake. */
bool plant_read(struct world *world, struct wire *wire);
/* Whether the key of a signature is forgotten. */
bool plant_forgets_key(struct world *world);

#endif
