/* The core: decides everything, touches nothing. One turn of the app is
 *
 *     gather events
 *     for each: core_needs → load those rows → core_give_*
 *     for each: core_step
 *     core_flush → apply;  while core_want: ask the store, core_step(GOT), core_flush → apply
 *     commit
 *     run the effects;  core_end_turn
 *
 * The core's memory holds the jobs in flight, the buckets of the queue and nothing of what waits.
 * Not thread-safe: one thread runs the turn. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "base/can.h"
#include "core/event.h"
#include "core/output.h"

enum {
    CORE_PROVIDERS_MAX = 4,     /* that run one model */
    CORE_TRIES_MAX = 3,         /* one attempt and at most two more */
    CORE_KEY_KEPT_HOURS = 24,   /* idempotency keys */
    CORE_CANCEL_WAIT_MS = 10000 /* for a provider's word on a cancel */
};

/* Limits on jobs in flight; 0 means none. Names are borrowed for the core's life. */
struct core_limit {
    const char *name;
    unsigned limit;
    ms_t timeout; /* models: of an attempt, from running; 0: the default */
    ms_t typical; /* models: a run, for all that is known before the first; 0: nothing is */
    /* Models: who runs it, by preference, up to CORE_PROVIDERS_MAX. */
    const char *providers[CORE_PROVIDERS_MAX];
    unsigned weight; /* tenants: turns a round; 0 means 1 */
};

/* A tier of tenants and what it weighs. Names are borrowed for the core's life. */
struct core_tier {
    const char *name;
    unsigned weight;
};

/* A provider that works elsewhere. */
struct core_vendor {
    struct can_vendor traits; /* the name is borrowed for the core's life */
    bool calls_back;          /* it can, and we can be reached */
    unsigned reads_limit;     /* a minute: polls, searches, cancels; 0: none */
};

/* What may be reserved and spent at a provider. The name is borrowed for the core's life. */
struct core_budget {
    const char *provider;
    int64_t amount; /* micro-dollars */
    enum tenant_period period;
};

struct core_config {
    const struct core_vendor *vendors;
    unsigned vendor_count;
    ms_t uncertain_hold; /* from the intent to giving up; 0: the model's time-out and ten minutes */
    unsigned limit_all;
    unsigned limit_provider; /* for providers that are not listed */
    unsigned limit_tenant;   /* for tenants that are not listed */
    /* Submissions out at a provider from which on nothing is claimed for it, however many jobs it
     * takes; 0: no limit. More would only wait for a connection, and time out there; until then a
     * job is a row. */
    unsigned limit_submitting;
    const struct core_limit *providers, *models, *tenants;
    unsigned provider_count, model_count, tenant_count;
    ms_t timeout;          /* of an attempt, for models that are not listed */
    ms_t submit_timeout;   /* from intent to running */
    uint64_t disk_reserve; /* new jobs are refused when less than this is free */
    int64_t queue_max;     /* jobs queued or waiting, of all; 0: no limit */
    int64_t queue_tenant;  /* of each tenant that has no limit of its own; 0: no limit */
    const struct core_tier *tiers;
    unsigned tier_count;
    const struct core_budget *budgets; /* copied */
    unsigned budget_count;
    uint64_t seed;             /* of ids and jitter */
    ms_t upload_kept;          /* how long an upload is kept */
    int64_t upload_max;        /* bytes of a tenant's uploads together; 0: no limit */
    unsigned upload_count_max; /* uploads of a tenant; 0: no limit */
    /* Of webhooks; 0 or NULL: the defaults of core/notify.h. The schedule is copied. */
    unsigned hooks_max, hooks_lane_max; /* in flight, in all and of a lane */
    const ms_t *hook_schedule;          /* waits before each try */
    unsigned hook_tries;
};

struct core *core_make(const struct core_config *config);
void core_free(struct core *core);
/* Other limits and times from now on, between two turns; the seed stays as it was. Who is in flight
 * stays so, with its times, also beyond a smaller limit; what a larger one lets in starts in the
 * next turn. Names that are listed no more keep what they had. */
void core_configure(struct core *core, const struct core_config *config);

/* Which rows the step of this event will want. Pure. */
void core_needs(const struct core *core, const struct event *event, struct needs *ret_needs);
/* Rows go into the turn's identity map. The core takes the job over; a row that it knows already is
 * freed, for what is in memory is newer. */
void core_give_job(struct core *core, struct job *job);
void core_give_key(struct core *core, const struct key_row *row);
/* A row that was needed as a twin: it may be in memory already, and is to be found as a twin. */
void core_give_twin(struct core *core, struct job *job);

void core_give_upload(struct core *core, const struct upload *upload);
/* What the tenant's uploads are in all. */
void core_give_uploads(struct core *core, const char *tenant, int64_t bytes, int64_t count);
/* The id of a job that reads the source and has not ended. */
void core_give_user(struct core *core, int64_t source, const char *id);

/* Likewise of webhooks. */
void core_give_delivery(struct core *core, const struct delivery *row);
void core_give_secret(struct core *core, const struct hook_secret *row);

void core_step(struct core *core, const struct event *event, struct output *output);
/* Moves what the steps changed into output->changes. */
void core_flush(struct core *core, struct output *output);
/* The next rows that the core wants in this turn; false when it has enough. */
bool core_want(struct core *core, struct want *ret_want);
/* Forgets rows that are not in flight. */
void core_end_turn(struct core *core);
/* When the core must be stepped with DUE even if nothing happens; MS_NEVER when it need not. */
ms_t core_wake_at(const struct core *core);
/* The newest time that it was ever told, over restarts too. */
ms_t core_now(const struct core *core);

/* Before the first turn, from the store. */
void core_set_last_key(struct core *core, int64_t key);
void core_set_now(struct core *core, ms_t now);
void core_set_next_due(struct core *core, ms_t at);
void core_set_bucket(struct core *core, const struct bucket_change *totals, ms_t head_at);
void core_set_tenant(struct core *core, const struct tenant_row *row);
void core_set_waiting(struct core *core, const char *tenant, int64_t count);
void core_set_pace(struct core *core, const struct pace *pace);
void core_set_pause(struct core *core, const struct pause_row *row);
/* Of a key with a spend limit, with what it has spent and reserved. */
void core_set_key(struct core *core, const struct api_key_row *row);
/* Totals of day 0 and of each day of this month at least, in any order. */
void core_set_spend(struct core *core, const struct spend_row *row);
/* After all of these: what budgets had come to before the start was told then. */
void core_set_done(struct core *core);

/* Every invariant that memory alone can show; aborts on a broken one (reliability I1–I34). */
void core_check(const struct core *core);

/* How full things are, for waitingFor, /metrics and readiness. */
struct core_health {
    bool is_paused, half_open; /* by an operator; after a block, one job may try */
    ms_t blocked_until;        /* 0: it takes jobs */
    enum error_code why;
    unsigned failures; /* in a row */
    bool is_throttled; /* it said "not now", and as many submissions are out as may be since */
    uint64_t reads;    /* since the start */
};
struct core_gauge {
    const char *name; /* borrowed from the core */
    unsigned in_flight, limit;
    int64_t queued;
    struct core_health health; /* of providers that work elsewhere */
    /* Of tenants: */
    int64_t waiting;
    unsigned weight;
    /* Of providers and tenants: */
    int64_t budget, reserved, spent; /* TENANT_NO_BUDGET; of the budget's period */
    enum tenant_period period;
    ms_t renews_at; /* 0: never */
    /* Of providers: a job waits for which the budget leaves too little. */
    bool is_broke;
};
struct core_gauges {
    unsigned in_flight, limit;
    int64_t queued, waiting;
    unsigned hooks_in_flight; /* deliveries that are being tried */
};
void core_gauges(const struct core *core, struct core_gauges *ret_gauges);
/* Each provider (kind 0), model (1) or tenant (2) that the core has met; false at the end. */
enum core_gauge_kind { CORE_GAUGE_PROVIDER, CORE_GAUGE_MODEL, CORE_GAUGE_TENANT };
bool core_gauge_next(const struct core *core, enum core_gauge_kind kind, size_t *cursor,
                     struct core_gauge *ret_gauge);
/* Each job in flight, between turns; borrowed until the next step. False at the end. */
bool core_flight_next(const struct core *core, size_t *cursor, const struct job **ret_job);
/* Mean time of a model's jobs; 0 without history. */
ms_t core_pace(const struct core *core, const char *model);

#endif
