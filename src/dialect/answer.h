/* What came of a call, in our nouns; a dialect writes it in its client's words. */
#ifndef DIALECT_ANSWER_H
#define DIALECT_ANSWER_H

#include "base/fault.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/describe.h"
#include "core/core.h"
#include "core/output.h"

enum { ANSWER_JOBS_MAX = 200 };

/* Why a job is not running yet (SPEC 2). Code NULL: nothing to say. */
struct answer_waiting {
    const char *code;
    const char *message;
    int64_t position; /* 0: unknown */
    ms_t until;       /* 0: unknown */
};

/* What a tenant has reserved and spent, as of a moment ago. */
struct answer_budget {
    bool exists;
    int64_t amount; /* micro-dollars */
    enum tenant_period period;
    int64_t spent, reserved; /* spent in the budget's period */
    ms_t renews_at;          /* 0: never */
};

struct answer_quote {
    struct answer_budget budget;
    bool configured, price_known;
    const struct offer *const *route;
    unsigned route_count;
    int64_t price_min, price_max; /* micro-dollars */
};

/* What is under way, in the words of the seeds' performance monitor and worker pool. */
struct answer_operation {
    char model[JOB_MODEL_SIZE], tenant[JOB_TENANT_SIZE];
    ms_t since;
};

struct answer_stats {
    struct answer_operation *operations; /* the longest under way first */
    unsigned operation_count;
    unsigned active;                  /* may be more than are listed */
    unsigned workers, workers_active; /* of this machine */
    int64_t workers_queued;
};

/* A tenant, what holds for it, and how full that is. */
struct answer_tenant {
    struct tenant_row row;
    unsigned weight;
    int64_t in_flight_max, queued_max, rate; /* 0: no limit */
    unsigned in_flight;
    int64_t queued, waiting;
    struct answer_budget budget;
};

/* A provider, and how well it is. */
struct answer_provider {
    const char *name;
    bool configured;
    const char *missing; /* … a sentence, when not */
    unsigned model_count;
    unsigned in_flight, limit; /* 0: no limit */
    struct core_health health;
};

/* A delivery with its log. */
struct answer_delivery {
    struct delivery row;
    const struct delivery_try *tries;
    unsigned try_count;
};

/* How a test call of a webhook went. */
struct answer_hook_test {
    char id[NOTIFY_ID_SIZE];
    bool delivered;
    int status; /* 0: there was no answer */
    ms_t took;
    char error[NOTIFY_ERROR_SIZE];
};

/* How full a model is, for its tenant. */
struct answer_load {
    int64_t queued, in_flight; /* now */
    int64_t succeeded, failed; /* of the jobs that are looked at, the newest */
    unsigned workers, workers_active;
};

/* What jobs came to, in groups. */
struct answer_usage {
    const struct spend_row *rows; /* of each only what it is grouped by, and the figures */
    unsigned count;
    bool more; /* there are more groups than are shown */
    struct spend_row total;
};

struct answer {
    const struct faults *refusal; /* NULL, or the call was refused */
    const char *request_id;
    ms_t now;
    /* Jobs: of an ASK those made, of a STATUS, CANCEL or CHANGE the one, of a LIST the page. */
    const struct job *const *jobs;
    unsigned job_count;
    struct answer_waiting waiting; /* of jobs[0] */
    int64_t next;                  /* LIST: the cursor to go on with, 0: none */
    bool joined, replayed;
    struct answer_quote quote; /* dry run */
    ms_t estimate;             /* ASK, dry run, STATUS: how long the run takes */
    const char *const *notes;  /* ASK: sentences that the client should see */
    unsigned note_count;
    const struct timeline_entry *entries; /* TIMELINE, for jobs[0] */
    const struct attempt *attempts;
    unsigned entry_count, attempt_count;
    const struct catalog *catalog; /* MODELS */
    const struct describe *describe;
    const struct model *model; /* MODEL */
    /* The address under which a client gets a job's file. */
    void (*link)(void *context, const struct job *job, const char *name, struct buffer *target);
    /* The address under which a client gets a path of ours. */
    void (*address)(void *context, struct span path, struct buffer *target);
    /* … without bringing a key, for a time: a route whose details say "signed". */
    void (*signed_address)(void *context, struct span path, struct buffer *target);
    void *link_context;               /* of all three */
    const struct answer_stats *stats; /* STATS */
    bool shows_tenant;                /* LIST: of several tenants */
    const struct api_key_row *keys;   /* KEY… */
    unsigned key_count;
    const char *key_text;                /* KEY_MAKE: the key itself */
    const struct answer_tenant *tenants; /* TENANT… */
    unsigned tenant_count;
    const struct answer_provider *providers; /* PROVIDERS, PROVIDER_PAUSE */
    unsigned provider_count;
    const char *next_name;       /* KEYS, TENANTS: the cursor to go on with, NULL: none */
    int64_t retry_seconds;       /* of a refusal: when another try is worth it; 0: unknown */
    const struct upload *upload; /* UPLOAD, UPLOAD_STATUS */
    struct span etag;            /* STATUS: of this answer, or empty */
    const struct answer_delivery *deliveries; /* DELIVERIES, REDELIVER: of jobs[0] */
    unsigned delivery_count;
    struct span hook_url;                     /* … and where they go */
    const struct hook_secret *secret;         /* SECRET, ROTATE */
    const struct answer_hook_test *hook_test; /* HOOK_TEST */
    const char *account;                      /* ACCOUNT: the tenant */
    int64_t removed;                          /* PURGE: how many were canceled */
    const struct answer_load *load;           /* LOAD */
    const unsigned char *hook_key;            /* HOOK_KEY: 32 bytes, of Ed25519 */
    const char *upload_path;                  /* UPLOAD_BEGIN: where to send it, signed */
    const struct answer_usage *usage;         /* USAGE */
};

#endif
