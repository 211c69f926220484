/* Who is next. The queue itself lives in the store; here are its buckets, one for each tenant,
 * model and priority that has jobs waiting: how many, and since when the oldest waits.
 *
 * Tenants take turns by weight (deficit round robin). Of a tenant's buckets that have room under
 * the limits, the one goes first whose oldest job has the highest aged priority (ten points gained
 * per ten minutes of waiting); between equals the longest waiting (reliability I26, I27). */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "base/list.h"
#include "base/map.h"
#include "core/limit.h"

enum { QUEUE_AGE_POINTS = 10, QUEUE_CLAIM_MAX = 32 };
#define QUEUE_AGE_STEP (10 * MS_MINUTE)

struct queue_tenant {
    char name[JOB_TENANT_SIZE];
    const struct gauge *gauge;
    unsigned deficit;    /* starts left in its present turn */
    struct list buckets; /* that hold jobs */
    struct list link;    /* queue.round */
};

struct queue_bucket {
    char id[JOB_TENANT_SIZE + JOB_MODEL_SIZE + 8]; /* key in queue.buckets */
    struct queue_tenant *tenant;
    char model[JOB_MODEL_SIZE];
    const struct gauge *gauge; /* the model's */
    int priority;
    int64_t count, arrived;
    ms_t head_at; /* when its oldest came; only if head_known */
    bool head_known;
    int64_t delta_count, delta_arrived; /* not yet flushed */
    struct list link;                   /* tenant->buckets */
    struct list dirty_link;             /* queue.dirty */
};

struct queue {
    struct map buckets, tenants; /* owned */
    struct list round;           /* tenants with jobs, whose turn it is first */
    struct list dirty;           /* buckets with deltas */
    struct limits *limits;       /* borrowed */
};

void queue_init(struct queue *queue, struct limits *limits);
void queue_done(struct queue *queue);
/* From the store, at the start. */
void queue_set(struct queue *queue, const struct bucket_change *totals, ms_t head_at);
/* The job came in: gives it its ticket. */
void queue_enter(struct queue *queue, struct job *job);
/* The job went, by a start or otherwise. */
void queue_leave(struct queue *queue, const struct job *job);
/* What to ask the store for next, to start as much as the limits allow; false: nothing. */
bool queue_want(struct queue *queue, ms_t now, struct want *ret_want);
/* The store's answer to such a want, after the claimed jobs left the queue; `left` of its rows did
 * not. */
void queue_got(struct queue *queue, const struct want *want, unsigned claimed, unsigned left,
               ms_t head_at);
/* Writes the deltas since the last flush as changes. */
void queue_flush(struct queue *queue, struct output *output);
void queue_check(const struct queue *queue);

#endif
