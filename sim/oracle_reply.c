/* What clients are told. */
#include "oracle.h"

#include "files.h"

#include <string.h>

/* A job that was live before this turn and is after it, and that a join should have found. */
static const struct ledger_job *twin_of(const struct world *world,
                                        const struct submission *submission)
{
    const struct ledger *ledger = &world->ledger;
    unsigned tenant = submission->tenant, model = submission->model;
    uint64_t print = submission->fingerprint;
    /* The store names one twin; when just that one ends in the same turn, another is not found. */
    if (print >= LEDGER_FINGERPRINTS ||
        ledger->twin_ended[tenant][model][print] == world->turn_number)
        return NULL;
    const struct list *twins = &ledger->twins[tenant][model][print];
    LIST_EACH(twins, link) {
        const struct ledger_job *job = LIST_OWNER(link, struct ledger_job, twin);
        if (job->made_turn < world->turn_number)
            return job;
    }
    return NULL;
}

static void check_key(struct world *world, struct keyring *ring,
                      const struct submission *submission, const struct reply *reply)
{
    bool is_known = ring->body && ring->expires_at > world->now;
    if (is_known && ring->body != submission)
        world_fail(world, "P6", reply->jobs[0], "another body under one key made no conflict");
    else if (is_known && (ring->first != reply->jobs[0] || ring->count != reply->job_count))
        world_fail(world, "P6", reply->jobs[0], "one key and body gave two sets of jobs");
    if (is_known || !reply->joined)
        return;
    ring->body = ledger_read_name(&world->ledger, submission->name);
    ring->first = reply->jobs[0];
    ring->count = 1;
    ring->expires_at = world->now + MS_DAY;
    ring->made_turn = world->turn_number;
    ring->is_made = false;
}

static void check_accepted(struct world *world, const struct request *request,
                           const struct reply *reply)
{
    const struct submission *submission = request->submission;
    for (unsigned n = 0; n < reply->job_count; n++) {
        const struct job *row = ram_find_job(world->ram, reply->jobs[n]);
        struct ledger_job *job = ledger_find_job(&world->ledger, reply->jobs[n]);
        bool was_deleted =
            job && job->is_deleted && (reply->replayed || job->deleted_turn == world->turn_number);
        if (!row && was_deleted) {
            job->acknowledged = true;
            continue;
        }
        if (!row || !job) {
            world_fail(world, "I21", reply->jobs[n], "a client is told of a job without a row");
            return;
        }
        job->acknowledged = true;
        if (!reply->replayed && strcmp(row->id, reply->ids[n]) != 0)
            world_fail(world, "I14", row->key, "its id is %s, the client was told %s", row->id,
                       reply->ids[n]);
        bool same = reply->joined
                        ? job->submission->fingerprint == submission->fingerprint &&
                              job->tenant == submission->tenant && job->model == submission->model
                    : reply->replayed && submission->ring ? job->tenant == submission->tenant
                                                          : job->submission == submission;
        if (!same)
            world_fail(world, "I14", row->key, "the client is given a job it did not ask for");
    }
    unsigned expected = reply->joined ? 1 : submission->count;
    if (reply->job_count == 0 || (!reply->replayed && reply->job_count != expected))
        world_fail(world, "P1", 0, "%u jobs for a request of %u", reply->job_count, expected);
    else if (submission->is_bad && !reply->replayed && !reply->joined)
        world_fail(world, "P2", reply->jobs[0], "it waits for a job of another tenant");
    else if (submission->ring)
        check_key(world, submission->ring, submission, reply);
    const struct ledger_job *twin =
        submission->join && !reply->joined && !reply->replayed ? twin_of(world, submission) : NULL;
    if (twin)
        world_fail(world, "P6", reply->jobs[0], "it should have joined job %u", twin->index);
}

static bool depends_on_ended(const struct world *world, const struct submission *submission)
{
    for (unsigned n = 0; n < submission->dependency_count; n++) {
        const struct job *on = ram_find_job(world->ram, submission->depends_on[n]);
        const struct ledger_job *known = ledger_find_job(&world->ledger, submission->depends_on[n]);
        if (on && state_is_terminal(on->state) && on->state != STATE_SUCCEEDED)
            return true;
        /* It went in this very turn, after it was looked at. */
        if (!on && known && known->is_deleted && known->deleted_turn == world->turn_number &&
            known->state != STATE_SUCCEEDED)
            return true;
    }
    return false;
}

static bool may_refuse(const struct world *world, const struct submission *submission,
                       enum error_code error)
{
    const struct core_config *config = &world->swarm.config;
    const struct keyring *ring = submission->ring;
    switch ((int)error) {
    case ERROR_STORAGE_FULL:
        return world->disk_free < config->disk_reserve;
    case ERROR_RATE_LIMITED:
        return oracle_tenant_full(world, submission->tenant, submission->count);
    case ERROR_IDEMPOTENCY_CONFLICT:
        return ring && (ring->body != submission || ring->expires_at <= world->now);
    case ERROR_VALIDATION:
    case ERROR_INPUT_UNREACHABLE:
        return (error == ERROR_VALIDATION && submission->is_bad) ||
               files_may_refuse(world, submission, error);
    case ERROR_DEPENDENCY_FAILED:
        return depends_on_ended(world, submission);
    case ERROR_OVER_BUDGET:
    case ERROR_PRICE_UNKNOWN:
        return oracle_money_may_refuse(world, submission, error);
    default:
        return false;
    }
}

/* ---------------------------------------------------------------- cancel and PATCH */

static void check_receipt(struct world *world, const struct job *row, const struct reply *reply)
{
    struct ledger_job *job = ledger_find_job(&world->ledger, row->key);
    bool is_terminal = state_is_terminal(row->state);
    if (reply->receipt == RECEIPT_NONE) {
        world_fail(world, "P2", row->key, "a cancel without a receipt");
    } else if (reply->receipt == RECEIPT_TOO_LATE) {
        if (row->state == STATE_CANCELED)
            world_fail(world, "P2", row->key, "too_late, yet it is canceled");
    } else if (row->state != STATE_CANCELED) {
        world_fail(world, "P2", row->key, "%s, yet it is %s", receipt_name(reply->receipt),
                   state_name(row->state));
    }
    if (reply->receipt == RECEIPT_NOT_SUBMITTED) {
        bool is_remote = world->swarm.routes[job->model].count > 0;
        if (is_remote ? oracle_vendor_had(job) : job->worked || row->attempt.number)
            world_fail(world, "P3", row->key, "not_submitted, yet there was an attempt");
        job->told_free = true;
    }
    if (is_terminal && state_is_terminal(reply->state)) {
        if (job->told != RECEIPT_NONE && job->told != reply->receipt)
            world_fail(world, "P2", row->key, "canceled twice: %s, then %s",
                       receipt_name(job->told), receipt_name(reply->receipt));
        job->told = reply->receipt;
    }
}

/* A cancel waits ten seconds for a worker's word, and for nothing else. */
static void check_patience(struct world *world, const struct request *request)
{
    static const enum swarm_fault delays[] = {SWARM_CLOCK_FORWARD, SWARM_STORE_BUSY,
                                              SWARM_STORE_FULL};
    for (size_t n = 0; n < sizeof delays / sizeof delays[0]; n++) {
        if (world->swarm.rates[delays[n]] > 0)
            return;
    }
    ms_t took = world->now - request->sent_at;
    if (took > CORE_CANCEL_WAIT_MS + MS_SECOND + world->swarm.window)
        world_fail(world, "P2", request->job, "a cancel was answered after %lld ms",
                   (long long)took);
}

static void check_on_job(struct world *world, const struct request *request,
                         const struct reply *reply)
{
    const struct job *row = ram_find_job(world->ram, request->job);
    bool is_there =
        row && span_is(span_of(row->tenant), world->swarm.tenant_names[request->tenant]);
    if (is_there != (reply->error != ERROR_NOT_FOUND)) {
        /* The one who guesses a key may come before its row in the same turn. */
        const struct ledger_job *job = ledger_find_job(&world->ledger, request->job);
        if (is_there && job->made_turn == world->turn_number)
            return;
        if (job && job->is_deleted && job->deleted_turn == world->turn_number)
            return; /* it went later in the same turn */
        world_fail(world, "P2", request->job, "%s: %s", is_there ? "it is there" : "there is none",
                   error_name(reply->error));
        return;
    }
    if (!is_there)
        return;
    if (request->kind == REQUEST_CANCEL && reply->error == ERROR_NONE) {
        check_receipt(world, row, reply);
        check_patience(world, request);
        return;
    }
    if (request->kind == REQUEST_RESOLVE) {
        if (reply->error != ERROR_NONE && reply->error != ERROR_CONFLICT &&
            reply->error != ERROR_OVER_BUDGET)
            world_fail(world, "P2", row->key, "resolving it was answered with %s",
                       error_name(reply->error));
        return;
    }
    bool is_early = row->state == STATE_WAITING || row->state == STATE_QUEUED;
    if (reply->error != ERROR_NONE && (reply->error != ERROR_CONFLICT || is_early))
        world_fail(world, "P2", row->key, "refused with %s while it is %s",
                   error_name(reply->error), state_name(row->state));
}

/* A delivery may have gone with the years; another tenant's is never there. */
static void check_hook(struct world *world, const struct request *request,
                       const struct reply *reply)
{
    const struct job *row = ram_find_job(world->ram, request->job);
    const struct ledger_job *job = ledger_find_job(&world->ledger, request->job);
    bool is_own = row && span_is(span_of(row->tenant), world->swarm.tenant_names[request->tenant]);
    if (job && job->is_deleted && job->deleted_turn == world->turn_number)
        is_own = job->tenant == request->tenant; /* it went later in the same turn */
    if (reply->error != ERROR_NONE && reply->error != ERROR_NOT_FOUND)
        world_fail(world, "P2", request->job, "refused with %s", error_name(reply->error));
    if (request->kind == REQUEST_REDELIVER && !is_own && reply->error != ERROR_NOT_FOUND)
        world_fail(world, "P2", request->job, "another tenant's webhook was called again");
}

void oracle_reply_check(struct world *world, const struct reply *reply)
{
    const struct request *request = ledger_find_request(&world->ledger, reply->token);
    if (!request || request->answered || request->lost) {
        world_fail(world, "I21", reply->job_count ? reply->jobs[0] : 0,
                   "a second answer, or one to a closed connection (token %llu)",
                   (unsigned long long)reply->token);
        return;
    }
    if (request->kind == REQUEST_TENANT || request->kind == REQUEST_VENDOR) {
        if (reply->error != ERROR_NONE)
            world_fail(world, "P1", 0, "an operator's word was refused: %s", reply->text);
    } else if (request->kind == REQUEST_SECRET || request->kind == REQUEST_REDELIVER)
        check_hook(world, request, reply);
    else if (request->kind == REQUEST_UPLOAD || request->kind == REQUEST_DELETE ||
             request->kind == REQUEST_DELETE_UPLOAD)
        files_check_reply(world, request, reply);
    else if (request->kind != REQUEST_SUBMIT)
        check_on_job(world, request, reply);
    else if (reply->error == ERROR_NONE)
        check_accepted(world, request, reply);
    else if (!may_refuse(world, request->submission, reply->error))
        world_fail(world, "P1", 0, "refused with %s without cause: %s", error_name(reply->error),
                   reply->text);
}
