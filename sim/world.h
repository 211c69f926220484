/* The faked world of one seed: one thread, one agenda, virtual milliseconds; the real core, the
 * real turn and the memory store in the middle. Two runs of a seed are the same to the last effect.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "app/turn.h"
#include "base/heap.h"
#include "journal.h"
#include "ledger.h"
#include "plant.h"
#include "store/ram.h"
#include "swarm.h"

enum {
    WORLD_SENTENCE_SIZE = 300,
    WORLD_NESTED_MAX = 3, /* crashes during one recovery */
    WORLD_BATCH_MAX = 128,
    WORLD_DAY_MS = 24 * 3600 * 1000
};
#define WORLD_EPOCH ((ms_t)1790000000000) /* wall time at the start of every seed */

enum item_kind {
    ITEM_CLIENT, /* a client acts */
    ITEM_SEND,   /* a request of a client goes in */
    ITEM_WORD,   /* a worker or the depot says something */
    ITEM_DISK,   /* free space comes back */
    ITEM_CLOCK,  /* the frozen clock goes on */
    ITEM_HOOKED, /* a try of a delivery is over */
    ITEM_ARRIVE, /* a call reaches its vendor */
    ITEM_TOLD,   /* a vendor's answer comes, or the files that it made */
    ITEM_HINT,   /* a vendor calls back */
    ITEM_STREAM  /* a vendor's stream says something, or ends */
};

struct vendor_call;
struct vendor_stream;

/* Something that will happen. */
struct item {
    struct heap_node node;
    enum item_kind kind;
    struct item *next_free;
    struct request *request;      /* SEND */
    struct vendor_call *call;     /* ARRIVE, TOLD, HINT */
    struct vendor_stream *stream; /* STREAM */
    struct worker *worker;        /* WORD */
    enum worked_kind told;        /* WORD */
    bool again;                   /* WORD: of a failure */
    bool is_copy;                 /* WORD: said twice */
    enum error_code error;
    struct ledger_hook *hook; /* HOOKED, and below */
    enum hooked_kind hooked;
    unsigned process;
    int status;
    ms_t retry_after;
};

/* The first invariant that was seen broken. */
struct failure {
    const char *invariant; /* "I13"; NULL: none */
    char sentence[WORLD_SENTENCE_SIZE];
    int64_t job; /* 0: about no single one */
};

/* How a vendor is; and what the oracle is sure that the gateway must think of it. */
struct vendor_mood {
    ms_t down_until, broke_until; /* virtual */
    enum error_code broke;
    bool trouble; /* it may be blocked, for all that the oracle knows */
    bool is_slow; /* it said "not now": fewer may be out at once, until so many were … */
    unsigned accepted;
    ms_t trouble_until;
    bool is_paused, is_told_paused; /* surely; by the store, at the last start */
    bool is_asked;                  /* to pause or go on, in a turn that has not ended */
    ms_t blocked_until;             /* surely */
    unsigned failures;              /* in a row, surely */
    bool half_open;                 /* surely: one at a time … */
    int64_t probe;                  /* … and this job's submission is out … */
    ms_t probe_at;                  /* … since */
};

struct corner;
struct wire_book;
struct wires;

/* What decides how a world is. */
struct world_rule {
    uint64_t seed;
    unsigned jobs;   /* submissions that clients make */
    ms_t calm_after; /* virtual; then clients stop and the faults end at the latest; 0: not */
    struct swarm_mask mask; /* faults that may be on */
    enum plant plant;
    /* Adapters and dialects stand in between (wire.h); borrowed. NULL: the core is alone. */
    const struct wire_book *book;
    /* One job, and what happens to it (corner.h); borrowed. NULL: a swarm. */
    struct corner *corner;
};

struct world {
    struct swarm swarm;
    const struct wire_book *book;
    struct corner *corner;
    struct wires *wires;
    struct rng rng;
    struct ledger ledger;
    struct journal *journal; /* NULL: none is kept */
    struct failure failure;
    enum plant plant;
    struct core_vendor planted[SWARM_VENDORS_MAX];
    struct store *ram;   /* the real one */
    struct store *store; /* what the turn sees: `ram`, or a planted mistake around it */
    struct core *core;
    struct turn turn;
    unsigned process; /* how often the gateway was started */

    struct heap agenda; /* of struct item */
    struct item *free_items;
    int64_t items_made;
    struct arena arena;
    ms_t time;   /* virtual and monotonic */
    ms_t offset; /* of the wall clock */
    ms_t frozen; /* what the wall clock shows while it stands; 0: it goes */
    ms_t now;    /* of the turn */
    uint64_t disk_free;
    ms_t down_until[SWARM_LANES];
    unsigned hooks_in_flight, lane_in_flight[SWARM_LANES];
    unsigned bodies_written;
    struct vendor_mood moods[SWARM_VENDORS_MAX];
    struct vendor_call *free_calls;
    struct told *tolds;             /* beside the events of the batch */
    bool is_doubtful;               /* a doubtful commit was ordered */
    ms_t closes_at;                 /* virtual; it was asked to end, and will have then; 0: not */
    bool is_closing;                /* … and heard it in an earlier turn */
    bool is_calm;                   /* faults are off: the liveness phase */
    unsigned submitted, acts_after; /* submissions made; acts of clients after the last of them */
    ms_t calm_after, calm_at, patience;

    /* Of the turn. */
    struct event *events;
    struct event **batch;
    unsigned batch_count;
    bool counts[WORLD_BATCH_MAX]; /* the event was word that counted when the turn began */
    struct {
        struct ledger_job *job; /* NULL: of none */
        unsigned attempt;
    } late[WORLD_BATCH_MAX]; /* … of a submission that had been given up */
    int64_t turn_number;
    int64_t commits; /* turns that the store counts: one that changed no row may be none */
    ms_t last_now;   /* of the turn before, over restarts too … */
    ms_t store_now;  /* … which go on from this one, that was written */
    unsigned passes[SWARM_TENANTS_MAX][SWARM_TENANTS_MAX];      /* I27 */
    int64_t open_before, open_before_tenant[SWARM_TENANTS_MAX]; /* jobs queued or waiting */
    unsigned inserted, inserted_tenant[SWARM_TENANTS_MAX];
    /* The largest and smallest limit that held some time in the turn. */
    int64_t open_max[SWARM_TENANTS_MAX], open_min[SWARM_TENANTS_MAX];
    struct ledger_job **claimed;
    size_t claimed_count, claimed_room;

    uint64_t unseed;
    uint64_t turns, events_seen, crashes;
};

struct world *world_make(const struct world_rule *rule);
void world_free(struct world *world);
/* Lives the seed to its end; false when an invariant broke, see world->failure. */
bool world_run(struct world *world);

/* -- for the other files */

/* Whether a fault strikes now; never in the liveness phase. */
bool world_strikes(struct world *world, enum swarm_fault fault);
bool world_has(const struct world *world, enum swarm_fault fault);
/* What the gateway's wall clock shows. */
ms_t world_wall(const struct world *world);
/* A time around `mean`, with a long tail. */
ms_t world_about(struct world *world, ms_t mean);
struct item *world_plan(struct world *world, enum item_kind kind, ms_t delay);
/* The next event of the batch, zeroed. */
struct event *world_event(struct world *world, enum event_kind kind);
/* Counts, checks and carries out one effect. */
void world_effect(struct world *world, const struct effect *effect);
__attribute__((format(printf, 4, 5))) void world_fail(struct world *world, const char *invariant,
                                                      int64_t job, const char *format, ...);

#endif
