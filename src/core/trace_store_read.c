/* What the smallest store gives back: what the core wants between two steps, and at the start. */
#include "core/trace_store.h"

#include <assert.h>
#include <string.h>

static bool is_in_bucket(const struct job *job, const char *tenant, const char *model, int priority)
{
    return job->state == STATE_QUEUED && job->priority == priority &&
           strcmp(job->tenant, tenant) == 0 && strcmp(job->model, model) == 0;
}

/* The oldest of the bucket that are not among the rows yet. */
static const struct job *next_of(const struct trace_store *store, const struct want *want,
                                 const struct job *after)
{
    const struct job *best = NULL;
    for (size_t n = 0; n < store->job_count; n++) {
        const struct job *job = store->jobs[n];
        if (!is_in_bucket(job, want->tenant, want->model, want->priority))
            continue;
        bool is_later = !after || job->queued_at > after->queued_at ||
                        (job->queued_at == after->queued_at && job->key > after->key);
        if (is_later && (!best || job->queued_at < best->queued_at))
            best = job;
    }
    return best;
}

static void get_claim(const struct trace_store *store, const struct want *want, struct got *ret_got)
{
    const struct job *job = next_of(store, want, NULL);
    for (; job && ret_got->row_count < want->limit; job = next_of(store, want, job))
        ret_got->rows[ret_got->row_count++] = trace_store_copy(job);
    ret_got->head_at = job ? job->queued_at : MS_NEVER;
}

static void get_due(const struct trace_store *store, const struct want *want, struct got *ret_got)
{
    for (size_t n = 0; n < store->job_count; n++) {
        const struct job *job = store->jobs[n];
        if (!job->wake_at)
            continue;
        if (job->wake_at <= want->before && ret_got->row_count < want->limit)
            ret_got->rows[ret_got->row_count++] = trace_store_copy(job);
        else if (job->wake_at < ret_got->next_due)
            ret_got->next_due = job->wake_at;
    }
}

static void get_dependents(const struct trace_store *store, const struct want *want,
                           struct got *ret_got)
{
    for (size_t n = 0; n < store->job_count && ret_got->row_count < want->limit; n++) {
        for (size_t edge = 0; edge < store->dependency_count; edge++) {
            if (store->dependencies[edge].on == want->job &&
                store->dependencies[edge].job == store->jobs[n]->key)
                ret_got->rows[ret_got->row_count++] = trace_store_copy(store->jobs[n]);
        }
    }
}

static bool is_behind(const struct hook_lane *lane, ms_t at, int64_t key)
{
    return lane->next_at > at || (lane->next_at == at && lane->key > key);
}

static const struct hook_lane *next_lane(const struct trace_store *store, bool failing, ms_t at,
                                         int64_t key)
{
    const struct hook_lane *best = NULL;
    for (size_t n = 0; n < store->lane_count; n++) {
        const struct hook_lane *lane = &store->lanes[n];
        if (lane->failing == failing && is_behind(lane, at, key) &&
            (!best || !is_behind(lane, best->next_at, best->key)))
            best = lane;
    }
    return best;
}

static void get_lanes(const struct trace_store *store, const struct want *want, struct got *ret_got)
{
    const struct hook_lane *lane = next_lane(store, want->failing, want->after, want->lane);
    while (lane && lane->next_at <= want->before && ret_got->item_count < want->limit) {
        ret_got->lanes[ret_got->item_count++] = *lane;
        lane = next_lane(store, want->failing, lane->next_at, lane->key);
    }
    ret_got->next_due = lane ? lane->next_at : MS_NEVER;
}

/* They lie in the order in which they were made, which is good enough here. */
static void get_deliveries(const struct trace_store *store, const struct want *want,
                           struct got *ret_got)
{
    for (size_t n = 0; n < store->delivery_count; n++) {
        const struct delivery *row = &store->deliveries[n];
        if (row->lane != want->lane || row->state != DELIVERY_PENDING)
            continue;
        if (row->next_at <= want->before && ret_got->item_count < want->limit)
            ret_got->deliveries[ret_got->item_count++] = *row;
        else if (row->next_at < ret_got->next_due)
            ret_got->next_due = row->next_at;
    }
}

static void get_attempt(const struct trace_store *store, const struct want *want,
                        struct got *ret_got)
{
    for (size_t n = 0; n < store->attempt_count; n++) {
        if (store->attempts[n].job != want->job || store->attempts[n].row.number != want->number)
            continue;
        ret_got->attempt = store->attempts[n].row;
        ret_got->item_count = 1;
    }
}

void trace_store_get(const struct trace_store *store, const struct want *want, struct got *ret_got)
{
    *ret_got = (struct got){.want = *want, .head_at = MS_NEVER, .next_due = MS_NEVER};
    if (want->kind == WANT_CLAIM)
        get_claim(store, want, ret_got);
    else if (want->kind == WANT_DUE)
        get_due(store, want, ret_got);
    else if (want->kind == WANT_LANES)
        get_lanes(store, want, ret_got);
    else if (want->kind == WANT_DELIVERIES)
        get_deliveries(store, want, ret_got);
    else if (want->kind == WANT_ATTEMPT)
        get_attempt(store, want, ret_got);
    else
        get_dependents(store, want, ret_got);
}

size_t trace_store_start(const struct trace_store *store, struct core *core, ms_t now,
                         struct job **ret_jobs)
{
    size_t count = 0;
    ms_t due = MS_NEVER;
    for (size_t n = 0; n < store->job_count; n++) {
        const struct job *job = store->jobs[n];
        core_set_last_key(core, job->key);
        if (state_is_in_flight(job->state) || job->following)
            ret_jobs[count++] = trace_store_copy(job);
        if (job->wake_at && job->wake_at < due)
            due = job->wake_at;
    }
    core_set_now(core, now);
    core_set_next_due(core, due);
    for (size_t n = 0; n < store->bucket_count; n++) {
        const struct bucket_change *bucket = &store->buckets[n];
        const struct want want = {
            .tenant = bucket->tenant, .model = bucket->model, .priority = bucket->priority};
        const struct job *head = next_of(store, &want, NULL);
        assert((bucket->delta_count > 0) == (head != NULL));
        if (head)
            core_set_bucket(core, bucket, head->queued_at);
    }
    for (size_t n = 0; n < store->pace_count; n++)
        core_set_pace(core, &store->paces[n]);
    for (size_t n = 0; n < store->tenant_count; n++)
        core_set_tenant(core, &store->tenants[n]);
    for (size_t n = 0; n < store->waiting_count; n++)
        core_set_waiting(core, store->waiting[n].tenant, store->waiting[n].delta);
    for (size_t n = 0; n < store->api_key_count; n++)
        core_set_key(core, &store->api_keys[n]);
    for (size_t n = 0; n < store->pause_count; n++) {
        if (store->pauses[n].since)
            core_set_pause(core, &store->pauses[n]);
    }
    for (size_t n = 0; n < store->spend_count; n++)
        core_set_spend(core, &store->spends[n]);
    core_set_done(core);
    return count;
}
