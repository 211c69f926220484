/* What one seed is like: which faults are on and how often they strike, how many tenants, models
 * and limits there are, how fast clients come. Each fault is absent in more than half of the seeds,
 * so that none hides another. */
#ifndef SIM_SWARM_H
#define SIM_SWARM_H

#include "base/rng.h"
#include "core/core.h"

#include <assert.h>

#define SWARM_FAULT_LIST(X)                                                                        \
    X(KEYS, keys)         /* clients send idempotency keys, and send again */                      \
    X(RACE, race)         /* several times in the same turn */                                     \
    X(CONFLICT, conflict) /* with another body under the same key */                               \
    X(JOIN, join)         /* duplicates: join */                                                   \
    X(VARIANTS, variants) /* count 2 … 8 */                                                      \
    X(DEPENDS, depends)   /* chains and fans, also on jobs that failed */                          \
    X(START_AT, start_at)                                                                          \
    X(DEADLINE, deadline)                                                                          \
    X(CANCEL, cancel)         /* at any moment, also twice */                                      \
    X(CHANGE, change)         /* PATCH */                                                          \
    X(STRANGER, stranger)     /* names jobs that do not exist, or of another tenant */             \
    X(BURST, burst)           /* many requests at once */                                          \
    X(LATE_START, late_start) /* a worker is slow to begin */                                      \
    X(FAIL_AGAIN, fail_again) /* a worker fails, another try may help */                           \
    X(FAIL_FINAL, fail_final)                                                                      \
    X(DIE, die)         /* a worker dies without a word of running */                              \
    X(HANG, hang)       /* a worker never ends */                                                  \
    X(TWICE, twice)     /* the same word comes twice */                                            \
    X(STALE, stale)     /* word of an attempt that was stopped */                                  \
    X(DEAF, deaf)       /* a worker does not hear that it shall stop */                            \
    X(STOPPED, stopped) /* a worker is stopped though nobody asked */                              \
    X(DEPOT_SLOW, depot_slow)                                                                      \
    X(DEPOT_FULL, depot_full) /* storing fails with storage_full */                                \
    X(DEPOT_HANG, depot_hang)                                                                      \
    X(DISK, disk) /* free space falls below the reserve and comes back */                          \
    X(CLOCK_FORWARD, clock_forward)                                                                \
    X(CLOCK_BACK, clock_back)                                                                      \
    X(CLOCK_FREEZE, clock_freeze)                                                                  \
    X(STORE_BUSY, store_busy)       /* for some turns */                                           \
    X(STORE_FULL, store_full)       /* for some turns, at any call */                              \
    X(STORE_DOUBT, store_doubt)     /* nobody knows whether the commit was kept */                 \
    X(CRASH, crash)                 /* between two turns */                                        \
    X(CRASH_EFFECTS, crash_effects) /* after the commit, before or amid the effects */             \
    X(CRASH_AGAIN, crash_again)     /* during recovery, up to three times */                       \
    X(CLOSING, closing)             /* it is asked to end, begins nothing, and ends */             \
    X(LATE_WORD, late_word)         /* word from before a crash arrives after it */                \
    X(NEW_LIMITS, new_limits)       /* a restart or a reload brings other limits */                \
    X(TENANTS, tenants)             /* a tenant gets other limits while jobs run */                \
    X(PURSES, purses)               /* some keys of clients may spend so much only */              \
    X(UPLOAD, upload)               /* clients upload files, and jobs read them */                 \
    X(DELETE, delete)               /* clients delete jobs and uploads */                          \
    X(SWEEP, sweep)                 /* old outputs and expired uploads are removed */              \
    X(HOOKS, hooks)                 /* jobs have webhooks */                                       \
    X(HOOK_DOWN, hook_down)         /* a receiver does not answer for a while */                   \
    X(HOOK_SLOW, hook_slow)                                                                        \
    X(HOOK_REFUSE, hook_refuse) /* it answers 500, now and then with a Retry-After */              \
    X(HOOK_GONE, hook_gone)     /* it answers 410 */                                               \
    X(HOOK_UNSENT, hook_unsent) /* the gateway does not come to it */                              \
    X(REDELIVER, redeliver)     /* clients ask for deliveries again, and for new secrets */        \
    /* Of providers that work elsewhere: */                                                        \
    X(VENDOR_LOST, vendor_lost)         /* the answer to a submission is lost, accepted or not */  \
    X(VENDOR_UNSENT, vendor_unsent)     /* it never left */                                        \
    X(VENDOR_REFUSES, vendor_refuses)   /* it is refused, for good */                              \
    X(VENDOR_LATER, vendor_later)       /* not now: after nothing, a while, a year */              \
    X(VENDOR_STUMBLES, vendor_stumbles) /* 5xx or rubbish instead of an answer to a read */        \
    X(VENDOR_DOWN, vendor_down)         /* for minutes or hours */                                 \
    X(VENDOR_HIDES, vendor_hides)       /* what was just accepted is not visible yet */            \
    X(VENDOR_FORGETS, vendor_forgets)   /* a restart, or results that go before their time */      \
    X(VENDOR_BILLS, vendor_bills)       /* what failed or was stopped costs all the same */        \
    X(VENDOR_DEAF, vendor_deaf)         /* a cancel is ignored */                                  \
    X(VENDOR_STOPS, vendor_stops)       /* somebody stops it there */                              \
    X(VENDOR_MISNAMES, vendor_misnames) /* the answer to a submission names another's id */        \
    X(VENDOR_EMPTY, vendor_empty)       /* done, and there is no file */                           \
    X(VENDOR_ACCOUNT, vendor_account)   /* our key, or our credit, is bad for a while */           \
    X(FETCH_FAILS, fetch_fails)         /* now, or for good */                                     \
    X(HINT_TWICE, hint_twice)           /* calls back come twice, late, or never */                \
    X(HINT_LATE, hint_late)             /* … once its submission was given up */                 \
    X(HINT_FORGED, hint_forged)         /* of other ids, and about other attempts */               \
    X(OPERATOR, operator)               /* pauses providers, resolves what is uncertain */         \
    X(VENDOR_SLOW, vendor_slow)         /* an answer takes up to half a minute */                  \
    X(VENDOR_STREAM, vendor_stream)     /* streams do not open, lie, break, go silent */

enum swarm_fault {
#define SWARM_ENUM(upper, lower) SWARM_##upper,
    SWARM_FAULT_LIST(SWARM_ENUM)
#undef SWARM_ENUM
        SWARM_FAULT_COUNT
};

enum {
    SWARM_TENANTS_MAX = 6,
    SWARM_MODELS_MAX = 5,
    SWARM_LOCALS_MAX = 3,
    SWARM_VENDORS_MAX = 4,
    SWARM_PROVIDERS_MAX = SWARM_LOCALS_MAX + SWARM_VENDORS_MAX,
    SWARM_OFFERS_MAX = 3,
    SWARM_ROUTE_SIZE = 400,
    SWARM_PRIORITIES_MAX = 5,
    SWARM_TIERS = 3,
    SWARM_RECEIVERS_MAX = 4, /* of a tenant */
    SWARM_LANES = SWARM_TENANTS_MAX * SWARM_RECEIVERS_MAX,
    SWARM_HOOK_TRIES = 6,
    SWARM_NAME_SIZE = 48
};

/* Faults that may be on. */
struct swarm_mask {
    bool allows[SWARM_FAULT_COUNT];
};

/* A model's offers, all at vendors; none: workers of our own run it. */
struct swarm_route {
    unsigned count;
    unsigned vendors[SWARM_OFFERS_MAX];
    int64_t prices[SWARM_OFFERS_MAX]; /* −1: unknown */
    char text[SWARM_ROUTE_SIZE];      /* core/route.h */
};

struct swarm {
    uint64_t seed;
    unsigned jobs;                   /* submissions to make */
    double rates[SWARM_FAULT_COUNT]; /* 0: off */
    char tenant_names[SWARM_TENANTS_MAX][SWARM_NAME_SIZE];
    char model_names[SWARM_MODELS_MAX][SWARM_NAME_SIZE];
    char provider_names[SWARM_PROVIDERS_MAX][SWARM_NAME_SIZE];
    struct core_tier tiers[SWARM_TIERS];
    struct core_limit tenants[SWARM_TENANTS_MAX];
    struct core_limit models[SWARM_MODELS_MAX];
    struct core_limit providers[SWARM_PROVIDERS_MAX];
    unsigned tenant_count, model_count, provider_count;
    unsigned local_count, vendor_count; /* the providers are these, then those */
    struct core_vendor vendors[SWARM_VENDORS_MAX];
    bool says_cost[SWARM_VENDORS_MAX];
    bool signs[SWARM_VENDORS_MAX]; /* its call backs, and we know the key: face to face */
    struct core_budget budgets[SWARM_VENDORS_MAX];
    struct rng purse;                  /* of budgets alone */
    int64_t purses[SWARM_TENANTS_MAX]; /* what each tenant's key may spend */
    struct swarm_route routes[SWARM_MODELS_MAX];
    unsigned model_provider[SWARM_MODELS_MAX]; /* the first of its providers */
    const char *inputs[SWARM_MODELS_MAX];      /* face to face, in our words, for the prompt "@" */
    int priorities[SWARM_PRIORITIES_MAX];
    unsigned priority_count;
    unsigned receiver_count;
    ms_t hook_schedule[SWARM_HOOK_TRIES];
    struct core_config config; /* points into the lists above: a swarm must not move */
    ms_t gap;                  /* mean time between two acts of clients */
    ms_t work;                 /* mean time that a worker takes */
    ms_t window;               /* how long a turn gathers */
    unsigned batch;            /* items taken up by a turn at most */
};

struct swarm_mask swarm_all(void);
void swarm_draw(struct swarm *swarm, uint64_t seed, unsigned jobs, const struct swarm_mask *mask);
/* Other limits for the same names. */
void swarm_draw_limits(struct swarm *swarm, struct rng *rng);
/* Other limits for one tenant, as an operator sets them. */
struct tenant_row swarm_draw_tenant(struct swarm *swarm, unsigned tenant, struct rng *rng);
/* Other limits and another schedule of webhooks: only a restart brings them. */
void swarm_draw_hooks(struct swarm *swarm, struct rng *rng);
const char *swarm_fault_name(enum swarm_fault fault);
bool swarm_find_fault(const char *name, enum swarm_fault *ret_fault);

#endif
