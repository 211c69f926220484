/* The whole comparison: every row, every gauge, every timeline. */
#include "oracle.h"

#include "base/memory.h"
#include "files.h"

/* ---------------------------------------------------------------- after a turn */

void oracle_rest(struct world *world)
{
    if (world->ledger.queued == 0 || world->closes_at)
        return;
    for (unsigned tenant = 0; tenant < world->swarm.tenant_count; tenant++) {
        if (world->ledger.queued_tenant[tenant] == 0)
            continue;
        for (unsigned model = 0; model < world->swarm.model_count; model++) {
            if (oracle_queue_room(world, tenant, model) == 0)
                continue;
            for (unsigned n = 0; n < world->swarm.priority_count; n++) {
                const struct bucket *bucket = &world->ledger.buckets[tenant][model][n];
                if (bucket->count == 0)
                    continue;
                const struct ledger_job *head =
                    LIST_OWNER(bucket->jobs.next, struct ledger_job, queued);
                oracle_audit(world); /* who counts wrongly is the better finding */
                world_fail(world, "P8", head->key, "there is room for %u of %s, yet it waits",
                           oracle_queue_room(world, tenant, model),
                           world->swarm.model_names[model]);
                return;
            }
        }
    }
}

/* ---------------------------------------------------------------- rows and gauges */

static bool waits_for_ended(const struct world *world, const struct ledger_job *job)
{
    for (unsigned n = 0; n < job->submission->dependency_count; n++) {
        const struct job *on = ram_find_job(world->ram, job->submission->depends_on[n]);
        if (on && state_is_terminal(on->state) && on->state != STATE_SUCCEEDED)
            return true;
    }
    return false;
}

static void audit_rows(struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    size_t cursor = 0, rows = 0, known = 0;
    for (const struct job *row; (row = ram_next_job(world->ram, &cursor));) {
        const struct ledger_job *job = ledger_find_job(ledger, row->key);
        rows++;
        if (!job || !job->is_known || job->state != row->state || job->version != row->version)
            world_fail(world, "I13", row->key, "its row is %s, version %lld; last seen as %s",
                       state_name(row->state), (long long)row->version,
                       job ? state_name(job->state) : "nothing");
        else if (!state_is_terminal(row->state) && row->deadline && !row->cancel_asked &&
                 row->receipt == RECEIPT_NONE && row->deadline <= world->last_now)
            world_fail(world, "I41", row->key, "it is %s past its deadline",
                       state_name(row->state));
        else if (row->state == STATE_WAITING && row->waits_for == 0 &&
                 row->start_at <= world->last_now)
            world_fail(world, "P2", row->key, "it waits for nothing");
        else if (row->state == STATE_WAITING && waits_for_ended(world, job))
            world_fail(world, "P2", row->key, "it waits for a job that has failed");
        if (world->failure.invariant)
            return;
    }
    for (size_t n = 0; n < ledger->job_count; n++)
        known += ledger->jobs[n]->is_known && !ledger->jobs[n]->is_deleted;
    if (rows != known)
        world_fail(world, "I13", 0, "%zu rows, %zu were made", rows, known);
}

static void audit_gauges(struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    struct core_gauges gauges;
    core_gauges(world->core, &gauges);
    if (gauges.in_flight != ledger->in_flight || gauges.queued != ledger->queued ||
        gauges.waiting != ledger->waiting)
        world_fail(world, "I25", 0,
                   "the core counts %u in flight, %lld queued, %lld waiting; not %u, %lld, %lld",
                   gauges.in_flight, (long long)gauges.queued, (long long)gauges.waiting,
                   ledger->in_flight, (long long)ledger->queued, (long long)ledger->waiting);
    struct core_gauge gauge;
    for (size_t cursor = 0; core_gauge_next(world->core, CORE_GAUGE_PROVIDER, &cursor, &gauge);) {
        unsigned provider = oracle_vendor_find(world, gauge.name);
        if (gauge.in_flight != ledger->in_flight_provider[provider % SWARM_PROVIDERS_MAX] ||
            gauge.limit != world->swarm.providers[provider % SWARM_PROVIDERS_MAX].limit)
            world_fail(world, "I25", 0, "the core counts %s's jobs wrongly", gauge.name);
    }
    for (size_t cursor = 0; core_gauge_next(world->core, CORE_GAUGE_TENANT, &cursor, &gauge);) {
        for (unsigned n = 0; n < world->swarm.tenant_count; n++) {
            if (!span_is(span_of(gauge.name), world->swarm.tenant_names[n]))
                continue;
            if (gauge.in_flight != ledger->in_flight_tenant[n] ||
                gauge.queued != ledger->queued_tenant[n] ||
                gauge.waiting != ledger->waiting_tenant[n])
                world_fail(world, "I25", 0, "the core counts %s's jobs wrongly", gauge.name);
            if (gauge.limit != oracle_tenant_limit(world, n) ||
                gauge.weight != oracle_tenant_weight(world, n))
                world_fail(world, "I25", 0, "%s has the limit %u and the weight %u", gauge.name,
                           gauge.limit, gauge.weight);
        }
    }
}

void oracle_audit(struct world *world)
{
    audit_rows(world);
    if (!world->failure.invariant)
        audit_gauges(world);
    if (!world->failure.invariant)
        files_audit(world);
    if (!world->failure.invariant)
        oracle_hook_audit(world);
    if (!world->failure.invariant)
        oracle_money_audit(world, true);
}

/* ---------------------------------------------------------------- what a start would read */

struct reading {
    struct world *world;
    int64_t queued, waiting;
    unsigned in_flight, tenants;
};

static void take_meta(void *context, int64_t turn, ms_t now, int64_t last_key, ms_t next_due)
{
    struct world *world = ((struct reading *)context)->world;
    (void)next_due;
    if (turn != world->commits)
        world_fail(world, "I31", 0, "the store is at turn %lld, %lld were seen", (long long)turn,
                   (long long)world->commits);
    if (now + TURN_SPARED_MS <= world->last_now)
        world_fail(world, "I29", 0, "the store's time is %lld, %lld was seen", (long long)now,
                   (long long)world->last_now);
    world->store_now = now;
    size_t count = world->ledger.job_count;
    if (count && last_key < world->ledger.jobs[count - 1]->key)
        world_fail(world, "I14", 0, "keys would be given away twice");
}

static void take_pace(void *context, const struct pace *pace)
{
    struct reading *reading = context;
    if (pace->mean < 0 || pace->count + pace->history.count <= 0)
        world_fail(reading->world, "P2", 0, "a mean of %lld ms over %lld jobs",
                   (long long)pace->mean, (long long)pace->count);
}

static const struct bucket *find_bucket(const struct world *world,
                                        const struct bucket_change *totals)
{
    const struct swarm *swarm = &world->swarm;
    for (unsigned tenant = 0; tenant < swarm->tenant_count; tenant++) {
        for (unsigned model = 0; model < swarm->model_count; model++) {
            for (unsigned n = 0; n < swarm->priority_count; n++) {
                const struct bucket *bucket = &world->ledger.buckets[tenant][model][n];
                if (bucket->priority == totals->priority &&
                    span_is(span_of(totals->tenant), swarm->tenant_names[tenant]) &&
                    span_is(span_of(totals->model), swarm->model_names[model]))
                    return bucket;
            }
        }
    }
    return NULL;
}

static void take_bucket(void *context, const struct bucket_change *totals, ms_t head_at)
{
    struct reading *reading = context;
    const struct bucket *bucket = find_bucket(reading->world, totals);
    reading->queued += totals->delta_count;
    if (!bucket || bucket->count != totals->delta_count)
        world_fail(reading->world, "I25", 0, "the bucket of %s and %s counts %lld, its rows %lld",
                   totals->tenant, totals->model, (long long)totals->delta_count,
                   bucket ? (long long)bucket->count : 0);
    else if (LIST_OWNER(bucket->jobs.next, struct ledger_job, queued)->queued_at != head_at)
        world_fail(reading->world, "I26", 0, "the oldest of %s and %s is not the oldest",
                   totals->tenant, totals->model);
}

static void take_job(void *context, struct job *job)
{
    struct reading *reading = context;
    reading->in_flight++;
    if (!state_is_in_flight(job->state) && !job->following)
        world_fail(reading->world, "I1", job->key, "%s is given as in flight",
                   state_name(job->state));
    job_free(job);
}

static void take_tenant(void *context, const struct tenant_row *row)
{
    struct reading *reading = context;
    reading->tenants++;
    oracle_tenant_boot(reading->world, row);
}

static void take_waiting(void *context, const char *tenant, int64_t count)
{
    struct reading *reading = context;
    (void)tenant;
    reading->waiting += count;
}

static void take_pause(void *context, const struct pause_row *row)
{
    struct reading *reading = context;
    if (row->since <= 0)
        world_fail(reading->world, "I13", 0, "%s is told to be paused at no time", row->provider);
    oracle_breaker_told(reading->world, row->provider);
}

void oracle_boot(struct world *world)
{
    oracle_money_begin(world);
    unsigned tenants = 0;
    for (unsigned n = 0; n < world->swarm.tenant_count; n++)
        tenants += world->ledger.has_row[n];
    struct reading reading = {.world = world};
    const struct store_sink sink = {.context = &reading,
                                    .meta = take_meta,
                                    .pace = take_pace,
                                    .bucket = take_bucket,
                                    .job = take_job,
                                    .tenant = take_tenant,
                                    .waiting = take_waiting,
                                    .pause = take_pause};
    for (unsigned n = 0; n < world->swarm.vendor_count; n++)
        world->moods[n].is_told_paused = false;
    if (store_start(world->store, &sink) != STORE_OK)
        world_fail(world, "I13", 0, "the store cannot be read");
    else if (reading.queued != world->ledger.queued)
        world_fail(world, "I25", 0, "buckets count %lld jobs, %lld are queued",
                   (long long)reading.queued, (long long)world->ledger.queued);
    else if (reading.waiting != world->ledger.waiting || reading.tenants != tenants)
        world_fail(world, "I25", 0, "%lld jobs are told as waiting, %lld do; %u tenants, not %u",
                   (long long)reading.waiting, (long long)world->ledger.waiting, reading.tenants,
                   tenants);
    else if (reading.in_flight != world->ledger.in_flight + world->ledger.following)
        world_fail(world, "I13", 0, "%u jobs come back, %u were in flight and %zu followed",
                   reading.in_flight, world->ledger.in_flight, world->ledger.following);
    oracle_breaker_boot(world);
    if (!world->failure.invariant)
        audit_rows(world);
    if (!world->failure.invariant)
        files_audit(world);
    if (!world->failure.invariant)
        oracle_money_audit(world, false);
    world->last_now = world->store_now < world->last_now ? world->store_now : world->last_now;
}

/* ---------------------------------------------------------------- the end */

void oracle_stuck(struct world *world, const char *when)
{
    for (size_t n = 0; n < world->ledger.job_count; n++) {
        const struct ledger_job *job = world->ledger.jobs[n];
        if (!state_is_terminal(job->state) || job->following) {
            world_fail(world, "P2", job->key, "it is %s still: %s", state_name(job->state), when);
            return;
        }
    }
    world_fail(world, "P2", 0, "the world does not end: %s", when);
}

static void end_timeline(struct world *world, struct reader *reader, const struct ledger_job *job,
                         struct timeline_entry *entries)
{
    unsigned count = READER_TIMELINE_MAX;
    if (reader_timeline(reader, job->key, entries, &count) != STORE_OK) {
        world_fail(world, "I22", job->key, "its timeline cannot be read");
        return;
    }
    if (count != job->timeline && count < READER_TIMELINE_MAX)
        world_fail(world, "I22", job->key, "%u entries were written, %u are there", job->timeline,
                   count);
    for (unsigned n = 0; n < count; n++) {
        if (entries[n].number != n + 1 || (n > 0 && entries[n].from != entries[n - 1].to) ||
            (n > 0 && entries[n].at < entries[n - 1].at))
            world_fail(world, "I22", job->key, "entry %u of its timeline does not follow", n + 1);
    }
}

static void end_attempts(struct world *world, struct reader *reader, const struct ledger_job *job)
{
    struct attempt attempts[64];
    unsigned count = 64;
    if (job->attempts > 60)
        return;
    if (reader_attempts(reader, job->key, attempts, &count) != STORE_OK || count != job->attempts) {
        world_fail(world, "I7", job->key, "%u attempts were made, %u are there", job->attempts,
                   count);
        return;
    }
    for (unsigned n = 0; n < count; n++) {
        /* What was given up, and followed by another, may have been done all the same. */
        bool may_be_done = n + 1 == count || job->unknown & ledger_bit(n + 1);
        if (attempts[n].number != n + 1 || oracle_vendor_is_open(attempts[n].state) ||
            (attempts[n].state == ATTEMPT_DONE && !may_be_done))
            world_fail(world, "I7", job->key, "attempt %u ended as %s", n + 1,
                       attempt_name(attempts[n].state));
    }
}

void oracle_end(struct world *world)
{
    oracle_audit(world);
    char fault[STORE_FAULT_SIZE];
    struct reader *reader = store_open_reader(world->ram, fault);
    struct timeline_entry *entries = memory_make(READER_TIMELINE_MAX * sizeof *entries);
    for (size_t n = 0; n < world->ledger.job_count && !world->failure.invariant; n++) {
        const struct ledger_job *job = world->ledger.jobs[n];
        if (!state_is_terminal(job->state))
            world_fail(world, "P2", job->key, "it is %s at the end", state_name(job->state));
        if (job->is_deleted)
            continue;
        end_timeline(world, reader, job, entries);
        end_attempts(world, reader, job);
        if (job->entries)
            oracle_vendor_end(world, reader, job);
    }
    for (size_t n = 0; n < world->ledger.request_count; n++) {
        const struct request *request = world->ledger.requests[n];
        if (request->is_sent && !request->answered && !request->lost)
            world_fail(world, "P1", request->job, "request %zu was never answered", n + 1);
    }
    memory_free(entries);
    reader_close(reader);
    oracle_hook_end(world);
    oracle_money_end(world);
    if (!world->failure.invariant && world->ledger.queued + world->ledger.in_flight)
        world_fail(world, "P2", 0, "the ledger does not add up");
}
