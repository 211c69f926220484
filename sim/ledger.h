/* The three ledgers of the faked world: what clients sent and were told, what workers and the depot
 * did, and what the store was last seen to say. The oracle compares them; nothing here decides. */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "base/arena.h"
#include "base/map.h"
#include "core/core.h"
#include "swarm.h"

enum {
    LEDGER_DEPENDENCIES_MAX = 3,
    LEDGER_UPLOADS_MAX = 2,
    LEDGER_NAME_SIZE = 32,
    LEDGER_FINGERPRINTS = 4 /* different inputs of one tenant and model when joining is on */
};

/* A file that a client sent. */
struct ledger_upload {
    struct upload upload; /* expires_at: as the client was told, 0 before */
    unsigned tenant;
    bool has_file; /* in the depot */
};

/* One body that a client sends, perhaps several times under one key. */
struct submission {
    unsigned index;
    unsigned tenant, model;
    int priority;
    unsigned count;
    bool join, is_bad; /* bad: names a job that does not exist, or of another tenant */
    uint64_t fingerprint;
    ms_t start_at, deadline; /* fixed when first sent */
    int64_t depends_on[LEDGER_DEPENDENCIES_MAX];
    bool reads[LEDGER_DEPENDENCIES_MAX]; /* … their outputs */
    unsigned dependency_count;
    struct ledger_upload *reads_upload[LEDGER_UPLOADS_MAX];
    struct asked_upload asked_uploads[LEDGER_UPLOADS_MAX];
    unsigned upload_count;
    struct keyring *ring; /* NULL: without an idempotency key */
    unsigned char body_hash[KEY_HASH_SIZE];
    char name[LEDGER_NAME_SIZE]; /* {"s":7}: the metadata of its jobs */
    const char *input;           /* the same, unless a provider is to understand it */
    unsigned rows;               /* jobs of it in the store */
    unsigned receiver;           /* of its webhook, from 1; 0: it has none */
    unsigned hook_events;
    unsigned flags; /* enum job_flag */
    bool has_purse; /* asked for with its tenant's key that may spend so much only */
};

/* What is known of one idempotency key. */
struct keyring {
    unsigned index;
    unsigned char hash[KEY_HASH_SIZE];
    struct submission *body; /* under which its jobs were made; NULL: none are known */
    int64_t first;
    unsigned count;
    ms_t expires_at;
    int64_t made_turn;
    bool is_made; /* jobs were made under it, not joined */
};

enum request_kind {
    REQUEST_SUBMIT,
    REQUEST_CANCEL,
    REQUEST_CHANGE,
    REQUEST_TENANT,
    REQUEST_UPLOAD,
    REQUEST_DELETE,
    REQUEST_DELETE_UPLOAD,
    REQUEST_REDELIVER,
    REQUEST_SECRET,
    REQUEST_RESOLVE,
    REQUEST_VENDOR
};

/* One request of a client; its token is 1 + its index. */
struct request {
    enum request_kind kind;
    struct submission *submission; /* SUBMIT */
    int64_t job;                   /* CANCEL, CHANGE, DELETE, REDELIVER, RESOLVE */
    unsigned number;               /* REDELIVER; VENDOR: which one */
    bool pause;                    /* VENDOR */
    enum resolve_act act;          /* RESOLVE */
    char remote_id[ID_SIZE];       /* RESOLVE: LINK … */
    unsigned attempt;              /* … of this one; 0: of that at hand */
    struct ledger_upload *upload;  /* UPLOAD, DELETE_UPLOAD */
    unsigned tenant;
    struct change_asked change;
    struct tenant_row row; /* TENANT */
    ms_t sent_at;          /* core time of the turn that took it */
    int64_t sent_turn;
    bool is_sent, answered, lost;
};

/* What a vendor accepted, as its own books have it: it knows nothing of crashes of ours. Times are
 * virtual; how it stands follows from them. */
struct ledger_entry {
    unsigned index;
    /* Its remote id: "r" and its index; face to face an id with this key, and what was asked for
     * beside the input. */
    char name[ID_SIZE];
    int64_t key;
    const char *options;
    unsigned vendor;
    int64_t job; /* the mark: whose attempt it is */
    unsigned attempt;
    uint64_t fingerprint;
    struct ledger_entry *older; /* of the same job */
    ms_t at, visible_at, runs_at, ends_at;
    enum told_kind outcome; /* DONE, FAILED, STOPPED */
    enum error_code error;
    bool again, billed, is_empty;
    int64_t cost;                /* if billed */
    bool is_forgotten, is_wiped; /* wiped: the vendor was restarted, and forgets then */
    /* What the gateway made of it; its end was told to the attempt whose it is. */
    bool said_end;
    bool maybe_said;   /* the turn in which it was told died, and may have been kept */
    int64_t said_turn; /* … that turn */
    int64_t known_job; /* whose row names it; 0: none */
    unsigned known_attempt;
};

/* A worker at one attempt. */
struct worker {
    int64_t job;
    unsigned attempt;
    unsigned process; /* the life of the gateway in which it was started */
    bool ended;       /* it said its last word */
    bool stopping, stopped_by_us;
    unsigned words_left; /* of progress */
    int progress;
    enum {
        WORKER_MAKES,
        WORKER_FAILS,
        WORKER_REFUSES,
        WORKER_DIES,
        WORKER_HANGS,
        WORKER_LEAVES
    } fate;
};

/* A delivery, as the oracle and its receiver know it. */
struct ledger_hook {
    struct {
        int64_t job, number;
    } name;
    unsigned lane;
    enum notify_event event;
    uint64_t body_hash;
    enum delivery_state state; /* as last said, with … */
    ms_t next_at;
    bool flies;
    unsigned sent, arrived;            /* tries; those that the receiver heard */
    unsigned accepted, failures, gone; /* what was said of them */
};

struct bucket {
    struct list jobs; /* ledger_job.queued, oldest first */
    unsigned tenant, model;
    int priority;
    int64_t count;
};

/* What a tenant or a provider has reserved and spent. */
struct ledger_money {
    int64_t reserved, day, spent[TENANT_PERIOD_COUNT]; /* as of that day */
    /* In this turn: what became free, what a budget had to allow, and what a provider took beyond
     * the bound that was known. */
    int64_t released, admitted, explained;
    bool is_changed; /* its budget */
};

/* Of an attempt at a vendor, as its row was last seen and what was done about it. */
struct ledger_attempt {
    enum attempt_state state;
    unsigned offer;
    unsigned at; /* its provider */
    int64_t reserved, settled;
    ms_t settled_at; /* by the core's clock; 0: it is open */
    unsigned sends;  /* SUBMIT effects */
    ms_t sent_at;    /* virtual; of the first of them */
    ms_t intent_at;  /* by the core's clock */
    ms_t asked_at;   /* virtual; of the last question how it stands */
};

struct ledger_job {
    int64_t key;
    unsigned index; /* "j7" */
    struct submission *submission;
    bool acknowledged;
    int64_t made_turn;
    unsigned tenant, model, provider;
    /* The row as last seen. */
    bool is_known;
    enum state state;
    int64_t version;
    int progress;
    unsigned timeline, attempt, tries;
    enum attempt_state attempt_state;
    enum state line_state; /* by the newest entry of its timeline */
    enum receipt receipt;
    bool cancel_asked;
    ms_t queued_at;
    int priority; /* when it was claimed */
    unsigned output_count;
    struct bucket *bucket; /* while queued */
    struct list queued;
    struct list twin; /* ledger.twins, while live */
    int64_t seen_turn;
    /* What was done and said. */
    unsigned worked;      /* the newest attempt that a WORK effect started */
    unsigned kept;        /* the attempt whose files lie in the depot */
    enum receipt told;    /* the receipt that a client had for the ended job */
    bool told_free;       /* a receipt said that nothing had been sent */
    bool has_files;       /* in the depot */
    bool is_deleted;      /* its row is gone … */
    int64_t deleted_turn; /* … since this turn */
    struct worker *worker;
    /* At vendors: */
    bool following;
    struct ledger_entry *entries; /* newest first */
    unsigned offer;
    int64_t reserved, settled;
    ms_t settled_at; /* by the core's clock; 0: its attempt is open */
    int64_t bound;   /* what is reserved of its tenant's budget */
    unsigned sends;  /* SUBMIT effects of the newest attempt */
    ms_t sent_at;    /* virtual; of the first of them */
    ms_t intent_at;  /* by the core's clock */
    ms_t asked_at;   /* virtual; of the last question how it stands */
    /* Attempts, bit by bit: let go of by hand, linked by hand, never found out. */
    uint64_t resubmits, linked, unknown;
    unsigned attempts;           /* made so far; `attempt` is the one at hand, others are … */
    struct ledger_attempt *past; /* … here, by number; in the arena */
    unsigned past_room;
    unsigned late;    /* an older one of which there was word, by the row */
    bool is_taken;    /* it is the one at hand since this turn */
    bool is_hinted;   /* the row says whom a call back named */
    ms_t removed_at;  /* of its files, by the row */
    unsigned at;      /* the provider of its newest attempt … */
    bool is_newcomer; /* … where the one before was not */
    unsigned hooks, hooked[NOTIFY_EVENT_COUNT]; /* deliveries made */
    bool hook_is_gone;                          /* its receiver said so */
};

/* The bit of an attempt in such a set. */
static inline uint64_t ledger_bit(unsigned attempt)
{
    return UINT64_C(1) << attempt % 64;
}

struct ledger {
    struct arena arena;
    struct submission **submissions;
    struct keyring **rings;
    struct request **requests;
    struct ledger_job **jobs;
    struct ledger_upload **uploads;
    size_t submission_count, ring_count, request_count, job_count;
    struct ledger_hook **hooks;
    size_t hook_count, hook_room;
    struct map hooks_by_name;
    size_t submission_room, ring_room, request_room, job_room;
    size_t upload_count, upload_room;
    struct ledger_entry **entries;
    size_t entry_count, entry_room;
    struct map by_key;
    struct bucket buckets[SWARM_TENANTS_MAX][SWARM_MODELS_MAX][SWARM_PRIORITIES_MAX];
    struct list twins[SWARM_TENANTS_MAX][SWARM_MODELS_MAX][LEDGER_FINGERPRINTS];
    /* The turn in which one of them ended. */
    int64_t twin_ended[SWARM_TENANTS_MAX][SWARM_MODELS_MAX][LEDGER_FINGERPRINTS];
    unsigned in_flight, in_flight_tenant[SWARM_TENANTS_MAX], in_flight_model[SWARM_MODELS_MAX],
        in_flight_provider[SWARM_PROVIDERS_MAX],
        open_provider[SWARM_PROVIDERS_MAX]; /* of those, with an attempt that is not over */
    /* … and those of them that were taken up again in this turn: who begins may not know yet. */
    unsigned reopened_provider[SWARM_PROVIDERS_MAX];
    unsigned submitting[SWARM_PROVIDERS_MAX]; /* attempts at vendors that are an intent yet */
    int64_t queued, queued_tenant[SWARM_TENANTS_MAX];
    int64_t waiting, waiting_tenant[SWARM_TENANTS_MAX];
    struct tenant_row rows[SWARM_TENANTS_MAX]; /* as last set */
    bool has_row[SWARM_TENANTS_MAX];
    struct ledger_money money_tenant[SWARM_TENANTS_MAX], money_provider[SWARM_PROVIDERS_MAX],
        money_purse[SWARM_TENANTS_MAX];
    bool has_purse[SWARM_TENANTS_MAX]; /* its key is there: see purse.h */
    size_t ended;                      /* jobs that are terminal */
    size_t following;                  /* of those, the ones whose attempt is not over */
};

void ledger_init(struct ledger *ledger, const struct swarm *swarm);
void ledger_done(struct ledger *ledger);
struct submission *ledger_submission(struct ledger *ledger);
struct keyring *ledger_ring(struct ledger *ledger);
/* Makes the hash of its index. */
void ledger_ring_name(struct keyring *ring);
struct request *ledger_request(struct ledger *ledger, enum request_kind kind, unsigned tenant);
uint64_t ledger_token(const struct ledger *ledger, const struct request *request);
/* NULL when there is none. */
struct request *ledger_find_request(const struct ledger *ledger, uint64_t token);
/* A new one, with a key and an id. */
struct ledger_upload *ledger_upload(struct ledger *ledger);
struct ledger_job *ledger_job(struct ledger *ledger, int64_t key);
/* A new one, the newest of its job. */
struct ledger_entry *ledger_entry(struct ledger *ledger, struct ledger_job *job, unsigned attempt,
                                  unsigned vendor);
/* By its remote id; NULL: no vendor gave that. */
struct ledger_entry *ledger_find_entry(const struct ledger *ledger, const char *remote_id);
/* By its mark, the newest; NULL: it was never accepted. */
struct ledger_entry *ledger_entry_of(const struct ledger_job *job, unsigned attempt);
/* Makes it. */
struct ledger_hook *ledger_hook(struct ledger *ledger, int64_t job, unsigned number);
/* NULL when there is none. */
struct ledger_hook *ledger_find_hook(const struct ledger *ledger, int64_t job, unsigned number);
struct ledger_job *ledger_find_job(const struct ledger *ledger, int64_t key);
/* The submission that a row's metadata names; NULL when it names none. */
struct submission *ledger_read_name(const struct ledger *ledger, const char *name);
/* NULL: a priority that no seed uses. */
struct bucket *ledger_bucket(struct ledger *ledger, const struct ledger_job *job, int priority);
void ledger_enqueue(struct ledger *ledger, struct ledger_job *job, struct bucket *bucket);
void ledger_dequeue(struct ledger *ledger, struct ledger_job *job);
/* Counts the job among those that wait (1), or no more (−1). */
void ledger_wait(struct ledger *ledger, const struct ledger_job *job, int by);
/* Counts the job in (1) or out (−1) of flight. */
void ledger_count(struct ledger *ledger, const struct ledger_job *job, int by);

#endif
