/* The smallest store there can be, for the golden traces: lists that are walked, nothing indexed,
 * nothing shared with the real stores. A change is applied at once and nothing is rolled back. */
#ifndef CORE_TRACE_STORE_H
#define CORE_TRACE_STORE_H

#include "core/core.h"

enum { TRACE_STORE_MAX = 512 /* of everything */ };

struct trace_store {
    struct job *jobs[TRACE_STORE_MAX]; /* owned, in order of key */
    size_t job_count;
    struct {
        int64_t job;
        struct attempt row;
    } attempts[TRACE_STORE_MAX];
    size_t attempt_count;
    struct key_row keys[TRACE_STORE_MAX];
    size_t key_count;
    struct {
        int64_t job, on;
    } dependencies[TRACE_STORE_MAX];
    size_t dependency_count;
    struct bucket_change buckets[TRACE_STORE_MAX];
    size_t bucket_count;
    struct pace paces[TRACE_STORE_MAX];
    size_t pace_count;
    struct tenant_row tenants[TRACE_STORE_MAX];
    size_t tenant_count;
    struct waiting_change waiting[TRACE_STORE_MAX];
    size_t waiting_count;
    struct pause_row pauses[TRACE_STORE_MAX];
    size_t pause_count;
    struct api_key_row api_keys[TRACE_STORE_MAX];
    size_t api_key_count;
    struct upload uploads[TRACE_STORE_MAX];
    size_t upload_count;
    struct {
        int64_t job, source;
    } uses[TRACE_STORE_MAX];
    size_t use_count;
    struct delivery deliveries[TRACE_STORE_MAX];
    size_t delivery_count;
    struct hook_lane lanes[TRACE_STORE_MAX];
    size_t lane_count;
    struct spend_row spends[TRACE_STORE_MAX];
    size_t spend_count;
    struct hook_secret secrets[TRACE_STORE_MAX];
    size_t secret_count;
};

void trace_store_init(struct trace_store *store);
void trace_store_done(struct trace_store *store);
/* A row without what only memory knows; the caller frees it. */
struct job *trace_store_copy(const struct job *job);
/* Gives the core what it needs for the event. */
void trace_store_load(const struct trace_store *store, struct core *core,
                      const struct event *event);
void trace_store_apply(struct trace_store *store, const struct change *change);
void trace_store_get(const struct trace_store *store, const struct want *want, struct got *ret_got);
/* Fills a new core; ret_jobs: copies of those in flight, for RECOVERED. */
size_t trace_store_start(const struct trace_store *store, struct core *core, ms_t now,
                         struct job **ret_jobs);

#endif
