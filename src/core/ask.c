/* A client asks for a job: replay, join, refuse or accept. */
#include "core/core_private.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ask_needs(const struct asked *asked, struct needs *ret_needs)
{
    assert(asked->count >= 1 && asked->count <= JOB_COUNT_MAX);
    assert(asked->dependency_count <= JOB_DEPENDENCIES_MAX);
    for (unsigned n = 0; n < asked->dependency_count; n++)
        ret_needs->list[ret_needs->count++] =
            (struct need){.kind = NEED_JOB, .job = asked->depends_on[n]};
    assert(asked->upload_count <= JOB_UPLOADS_MAX);
    for (unsigned n = 0; n < asked->upload_count; n++)
        ret_needs->list[ret_needs->count++] =
            (struct need){.kind = NEED_UPLOAD, .upload = asked->uploads[n].key};
    if (asked->key_hash.size)
        ret_needs->list[ret_needs->count++] =
            (struct need){.kind = NEED_KEY, .tenant = asked->tenant, .key_hash = asked->key_hash};
    if (asked->secret)
        ret_needs->list[ret_needs->count++] =
            (struct need){.kind = NEED_SECRET, .tenant = asked->tenant};
    if (asked->join)
        ret_needs->list[ret_needs->count++] = (struct need){.kind = NEED_TWIN,
                                                            .tenant = asked->tenant,
                                                            .model = asked->model,
                                                            .fingerprint = asked->fingerprint};
}

static struct reply *reply_to(struct output *output, const struct asked *asked)
{
    struct reply *reply = &output_effect(output, EFFECT_REPLY)->reply;
    reply->token = asked->token;
    return reply;
}

__attribute__((format(printf, 4, 5))) static void refuse(struct output *output,
                                                         const struct asked *asked,
                                                         enum error_code error, const char *format,
                                                         ...)
{
    struct reply *reply = reply_to(output, asked);
    reply->error = error;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(reply->text, sizeof reply->text, format, list);
    va_end(list);
}

/* The key of the turn's map of idempotency keys. */
static struct span key_name(struct core *core, const char *tenant, struct span hash)
{
    struct span name = span_of(tenant);
    char *text = arena_make(&core->arena, name.size + hash.size);
    memcpy(text, name.data, name.size);
    memcpy(text + name.size, hash.data, hash.size);
    return (struct span){text, name.size + hash.size};
}

void core_give_key(struct core *core, const struct key_row *row)
{
    struct span name = key_name(core, row->tenant, span_make(row->key_hash, sizeof row->key_hash));
    if (map_get(&core->keys, name))
        return;
    struct key_row *copy = arena_new(&core->arena, struct key_row);
    *copy = *row;
    map_set(&core->keys, name, copy);
}

static bool replay(struct core *core, struct output *output, const struct asked *asked)
{
    if (!asked->key_hash.size)
        return false;
    const struct key_row *row =
        map_get(&core->keys, key_name(core, asked->tenant, asked->key_hash));
    if (!row || row->expires_at <= core->now)
        return false;
    if (!span_equal(asked->body_hash, span_make(row->body_hash, sizeof row->body_hash))) {
        refuse(output, asked, ERROR_IDEMPOTENCY_CONFLICT,
               "This idempotency key was used with another body in the last %d hours.",
               CORE_KEY_KEPT_HOURS);
        return true;
    }
    struct reply *reply = reply_to(output, asked);
    reply->replayed = true;
    reply->job_count = row->count;
    for (unsigned n = 0; n < row->count; n++)
        reply->jobs[n] = row->job + n;
    return true;
}

static struct span twin_name(struct core *core, const char *tenant, const char *model,
                             uint64_t fingerprint)
{
    return span_of(
        arena_print(&core->arena, "%s\n%s\n%llx", tenant, model, (unsigned long long)fingerprint));
}

static void remember_key(struct core *core, struct output *output, const struct asked *asked,
                         int64_t first, unsigned count)
{
    if (!asked->key_hash.size)
        return;
    struct key_row row = {
        .job = first,
        .count = count,
        .expires_at = core->now + CORE_KEY_KEPT_HOURS * MS_HOUR,
    };
    assert(asked->key_hash.size == KEY_HASH_SIZE && asked->body_hash.size == KEY_HASH_SIZE);
    (void)span_copy(span_of(asked->tenant), row.tenant, sizeof row.tenant);
    memcpy(row.key_hash, asked->key_hash.data, KEY_HASH_SIZE);
    memcpy(row.body_hash, asked->body_hash.data, KEY_HASH_SIZE);
    output_change(output, CHANGE_KEY)->key = row;
    map_remove(&core->keys, key_name(core, asked->tenant, asked->key_hash));
    core_give_key(core, &row);
}

/* Of two live twins the one that came first into memory counts. */
static void add_twin(struct core *core, struct job *job)
{
    struct span name = twin_name(core, job->tenant, job->model, job->fingerprint);
    const struct job *known = map_get(&core->twins, name);
    if (!known || state_is_terminal(known->state))
        map_set(&core->twins, name, job);
}

void core_give_twin(struct core *core, struct job *job)
{
    int64_t key = job->key;
    core_give_job(core, job);
    add_twin(core, life_find_any(core, key));
}

static bool join(struct core *core, struct output *output, const struct asked *asked)
{
    if (!asked->join)
        return false;
    const struct job *twin =
        map_get(&core->twins, twin_name(core, asked->tenant, asked->model, asked->fingerprint));
    if (!twin || state_is_terminal(twin->state))
        return false;
    struct reply *reply = reply_to(output, asked);
    reply->joined = true;
    reply->job_count = 1;
    reply->jobs[0] = twin->key;
    (void)span_copy(span_of(twin->id), reply->ids[0], ID_SIZE);
    reply->state = twin->state;
    reply->created_at = twin->created_at;
    remember_key(core, output, asked, twin->key, 1);
    return true;
}

/* The same job named twice is one to wait for. */
static bool is_repeated(const struct asked *asked, unsigned n)
{
    for (unsigned earlier = 0; earlier < n; earlier++) {
        if (asked->depends_on[earlier] == asked->depends_on[n])
            return true;
    }
    return false;
}

/* Jobs to wait for that have not succeeded yet; −1 when one of them makes the request impossible.
 */
static int count_open(struct core *core, struct output *output, const struct asked *asked)
{
    int open = 0;
    for (unsigned n = 0; n < asked->dependency_count; n++) {
        const struct job *on = life_find(core, asked->depends_on[n]);
        if (!on || !span_is(span_of(on->tenant), asked->tenant)) {
            refuse(output, asked, ERROR_VALIDATION,
                   "dependsOn names a job that does not exist (number %u of the list).", n + 1);
            return -1;
        }
        if (state_is_terminal(on->state) && on->state != STATE_SUCCEEDED) {
            refuse(output, asked, ERROR_DEPENDENCY_FAILED,
                   "Job %s, which this one would wait for, is %s.", on->id, state_name(on->state));
            return -1;
        }
        if (asked->reads[n] && on->removed_at) {
            refuse(output, asked, ERROR_INPUT_UNREACHABLE,
                   "The files of job %s were removed to make room.", on->id);
            return -1;
        }
        open += on->state != STATE_SUCCEEDED && !is_repeated(asked, n);
    }
    return open;
}

static void depend(struct core *core, struct output *output, const struct job *job,
                   const struct asked *asked)
{
    for (unsigned n = 0; n < asked->dependency_count; n++) {
        struct job *on = life_find(core, asked->depends_on[n]);
        if (on->state == STATE_SUCCEEDED || is_repeated(asked, n))
            continue;
        struct change *change = output_change(output, CHANGE_DEPENDENCY);
        change->dependency.job = job->key;
        change->dependency.on = on->key;
        if (!on->awaited) {
            on->awaited = true;
            life_touch(core, on);
        }
    }
}

/* Whether every upload is there, the tenant's own, and has time left. */
static bool has_uploads(struct core *core, struct output *output, const struct asked *asked)
{
    for (unsigned n = 0; n < asked->upload_count; n++) {
        const struct asked_upload *wish = &asked->uploads[n];
        const struct upload_entry *entry = upload_find(core, wish->key);
        if (entry && entry->upload.expires_at > core->now &&
            span_is(span_of(entry->upload.id), wish->id) &&
            span_is(span_of(entry->upload.tenant), asked->tenant))
            continue;
        refuse(output, asked, ERROR_VALIDATION,
               "%s names the upload %s, which does not exist or has expired.", wish->field,
               wish->id);
        return false;
    }
    return true;
}

static bool is_read_before(const struct asked *asked, unsigned n)
{
    for (unsigned earlier = 0; earlier < n; earlier++) {
        if (asked->reads[earlier] && asked->depends_on[earlier] == asked->depends_on[n])
            return true;
    }
    return false;
}

/* What the job reads is held for it from the commit on that makes it. */
static void hold(struct core *core, struct output *output, struct job *job,
                 const struct asked *asked)
{
    for (unsigned n = 0; n < asked->dependency_count; n++) {
        if (asked->reads[n] && !is_read_before(asked, n))
            use_add(core, output, job, asked->depends_on[n]);
    }
    for (unsigned n = 0; n < asked->upload_count; n++) {
        bool is_new = true;
        for (unsigned other = 0; other < n; other++)
            is_new = is_new && asked->uploads[other].key != asked->uploads[n].key;
        if (is_new)
            use_add(core, output, job, upload_source(asked->uploads[n].key));
    }
}

static char *copy_if(struct span text)
{
    return text.size ? memory_copy(text) : NULL;
}

static struct job *make(struct core *core, const struct asked *asked, unsigned n)
{
    struct job *job = job_make();
    job->key = core->last_key = id_next_key(core->last_key, core->now);
    id_write("gen_", job->key, rng_next(&core->rng), job->id);
    bool fits = span_copy(span_of(asked->tenant), job->tenant, sizeof job->tenant);
    fits &= span_copy(span_of(asked->model), job->model, sizeof job->model);
    fits &= span_copy(span_of(asked->provider), job->provider, sizeof job->provider);
    assert(fits);
    job->fingerprint = asked->fingerprint;
    job->priority = asked->priority;
    job->created_at = core->now;
    job->start_at = asked->start_at;
    job->deadline = asked->deadline;
    job->price_max = asked->price_max;
    job->retry_of = asked->retry_of;
    job->hook_lane = asked->hook_lane;
    job->hook_events = asked->hook_lane ? asked->hook_events : 0;
    job->input = memory_copy(asked->inputs[n]);
    job->metadata = copy_if(asked->metadata);
    job->options = copy_if(asked->options);
    if (asked->api_key && money_account(core, MONEY_KEY, asked->api_key))
        (void)span_copy(span_of(asked->api_key), job->api_key, sizeof job->api_key);
    assert(asked->route.size <= JOB_ROUTE_MAX);
    job->route = copy_if(asked->route);
    job->flags = asked->flags;
    core_give_job(core, job);
    job->held = 0; /* life_begin reserves */
    return job;
}

/* Jobs that wait count as those that are queued: either is a row that somebody will want run. */
static bool is_full(struct core *core, struct output *output, const struct asked *asked)
{
    bool of_tenant = false;
    if (limit_queue_room(&core->limits, asked->tenant, &of_tenant) >= (int64_t)asked->count)
        return false;
    const struct gauge *gauge = limit_gauge(&core->limits, LIMIT_TENANT, asked->tenant);
    if (of_tenant)
        refuse(output, asked, ERROR_RATE_LIMITED,
               "The tenant's queue is full: %lld jobs are queued or wait, %lld may.",
               (long long)(gauge->queued + gauge->waiting), (long long)gauge->queue_limit);
    else
        refuse(output, asked, ERROR_RATE_LIMITED,
               "The queue is full: %lld jobs are queued or wait, %lld may.",
               (long long)(core->limits.queued + core->limits.waiting),
               (long long)core->limits.queue_limit);
    return true;
}

void ask_step(struct core *core, struct output *output, const struct event *event)
{
    const struct asked *asked = &event->asked;
    if (replay(core, output, asked) || join(core, output, asked))
        return;
    if (event->disk_free < core->config.disk_reserve) {
        refuse(output, asked, ERROR_STORAGE_FULL,
               "The disk is nearly full: %llu MB are free and new jobs need %llu MB.",
               (unsigned long long)(event->disk_free >> 20),
               (unsigned long long)(core->config.disk_reserve >> 20));
        return;
    }
    if (is_full(core, output, asked))
        return;
    int open = count_open(core, output, asked);
    if (open < 0 || !has_uploads(core, output, asked))
        return;
    struct money_refusal refusal;
    if (!money_admits(core, asked, &refusal)) {
        refuse(output, asked, refusal.error, "%s", refusal.text);
        return;
    }
    struct reply *reply = reply_to(output, asked);
    reply->job_count = asked->count;
    reply->created_at = core->now;
    for (unsigned n = 0; n < asked->count; n++) {
        struct job *job = make(core, asked, n);
        job->waits_for = (unsigned)open;
        bool waits = open > 0 || job->start_at > core->now;
        life_begin(core, job, waits ? STATE_WAITING : STATE_QUEUED);
        /* `reply` moves when effects grow, and nothing above adds any. */
        reply->jobs[n] = job->key;
        (void)span_copy(span_of(job->id), reply->ids[n], ID_SIZE);
        reply->state = job->state;
        depend(core, output, job, asked);
        hold(core, output, job, asked);
        if (n == 0)
            add_twin(core, job);
    }
    remember_key(core, output, asked, reply->jobs[0], asked->count);
    if (asked->secret)
        notify_secret(core, output, asked->tenant, asked->secret);
}
