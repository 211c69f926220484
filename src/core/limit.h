/* How many jobs are in flight, and how many may be: overall, by provider, by model, by tenant. */
#ifndef CORE_LIMIT_H
#define CORE_LIMIT_H

#include "base/list.h"
#include "base/map.h"
#include "core/core.h"

enum limit_kind { LIMIT_PROVIDER, LIMIT_MODEL, LIMIT_TENANT, LIMIT_KINDS };

struct gauge {
    char name[JOB_MODEL_SIZE];
    const struct gauge *providers[CORE_PROVIDERS_MAX]; /* models: who may run it; NULL: no more */
    bool is_blocked, only_one;                         /* providers: see core/health.h */
    bool is_broke;                                     /* … and core/money.c */
    unsigned in_flight, limit;                         /* limit 0: none */
    unsigned submitting;                               /* providers: no answer has come yet … */
    unsigned window; /* … and how many may be so, by core/health.h; 0: as the limit says */
    unsigned weight; /* tenants */
    unsigned limit_listed, weight_listed; /* what holds where a tenant has no row */
    ms_t timeout, typical;                /* models */
    int64_t queued;
    int64_t waiting, waiting_delta; /* tenants; the delta is not flushed yet */
    int64_t queue_limit;            /* tenants: on queued and waiting together; 0: none */
    struct list dirty_link;         /* limits.dirty */
    bool is_listed;                 /* the configuration names it; else it has the fallback */
    /* Tenants: its row says so, whatever the configuration is. */
    bool own_limit, own_queue, own_weight;
};

struct limits {
    struct map gauges[LIMIT_KINDS]; /* struct gauge by name, owned */
    unsigned in_flight, limit, limit_submitting;
    int64_t queued, waiting, queue_limit, queue_tenant;
    struct list dirty;       /* gauges of tenants with a delta */
    struct core_tier *tiers; /* owned */
    unsigned tier_count;
    struct core_limit fallback[LIMIT_KINDS]; /* for names that the configuration does not list */
};

void limit_init(struct limits *limits, const struct core_config *config);
/* Other limits, weights and times from now on; the counts stay. */
void limit_change(struct limits *limits, const struct core_config *config);
void limit_done(struct limits *limits);
/* Made on first use, and stays until limit_done. */
struct gauge *limit_gauge(struct limits *limits, enum limit_kind kind, const char *name);
/* How many more jobs of this model, of this tenant, may start now. */
unsigned limit_room(struct limits *limits, const char *tenant, const char *model);
/* The same, for who asks again and again. */
unsigned limit_room_of(const struct limits *limits, const struct gauge *tenant,
                       const struct gauge *model);
/* Whether one more may start there now. */
bool limit_provider_has_room(struct limits *limits, const char *provider);
/* Whether one more submission may be out there. */
bool limit_may_submit(struct limits *limits, const char *provider);
/* A submission leaves (1), or its answer came or is given up (−1). */
void limit_count_submitting(struct limits *limits, const char *provider, int delta);
/* The job in flight goes to another provider. */
void limit_move(struct limits *limits, struct job *job, const char *provider);
void limit_enter(struct limits *limits, const struct job *job);
void limit_leave(struct limits *limits, const struct job *job);
void limit_count_queued(struct limits *limits, const char *tenant, const char *model,
                        int64_t delta);

/* A job began to wait (1), or ended to (−1). */
void limit_count_waiting(struct limits *limits, const char *tenant, int64_t delta);
/* From the store, at the start. */
void limit_set_waiting(struct limits *limits, const char *tenant, int64_t count);
/* Holds from now on: what runs beyond a smaller limit goes on, and nothing starts until there is
 * room again. A tier that the configuration does not name weighs as if there was none. */
void limit_set_tenant(struct limits *limits, const struct tenant_row *row);
/* How many more jobs this tenant may ask for before its queue, or that of all, is full. */
int64_t limit_queue_room(struct limits *limits, const char *tenant, bool *ret_of_tenant);
/* Writes the deltas of waiting jobs since the last flush as changes. */
void limit_flush(struct limits *limits, struct output *output);

#endif
