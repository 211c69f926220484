#include "client.h"

#include "corner.h"
#include "files.h"
#include "operator.h"
#include "purse.h"
#include "receiver.h"
#include "wire.h"

#include <string.h>

enum { CLIENT_CANCEL_AGAIN_IN = 3, CLIENT_START_MAX_MS = 2 * 3600 * 1000 };

bool client_is_done(const struct world *world)
{
    unsigned after = world->corner ? 0 : 5 + world->swarm.jobs / 16;
    return world->submitted >= world->swarm.jobs && world->acts_after >= after;
}

int64_t client_some_job(struct world *world, unsigned *ret_tenant)
{
    const struct ledger *ledger = &world->ledger;
    if (ledger->job_count == 0)
        return 0;
    for (int n = 0; n < 4; n++) {
        size_t back = (size_t)rng_below(&world->rng, rng_below(&world->rng, 2) ? 16 : 256);
        if (back >= ledger->job_count)
            continue;
        const struct ledger_job *job = ledger->jobs[ledger->job_count - 1 - back];
        if (job->acknowledged) {
            *ret_tenant = job->tenant;
            return job->key;
        }
    }
    return 0;
}

/* ---------------------------------------------------------------- submitting */

static void draw_times(struct world *world, struct submission *submission)
{
    if (world_strikes(world, SWARM_START_AT)) {
        ms_t delay = world_about(world, rng_below(&world->rng, 2) ? MS_MINUTE : MS_HOUR);
        delay = delay > CLIENT_START_MAX_MS ? CLIENT_START_MAX_MS : delay;
        submission->start_at = world->now + delay;
    }
    if (world_strikes(world, SWARM_DEADLINE)) {
        ms_t delay = world_about(world, rng_below(&world->rng, 2) ? MS_SECOND : 10 * MS_MINUTE);
        submission->deadline = world->now + delay;
    }
}

static void draw_dependencies(struct world *world, struct submission *submission)
{
    if (!world_strikes(world, SWARM_DEPENDS))
        return;
    unsigned count = 1 + (unsigned)rng_below(&world->rng, LEDGER_DEPENDENCIES_MAX);
    for (unsigned n = 0; n < count; n++) {
        unsigned tenant;
        int64_t job = client_some_job(world, &tenant);
        if (job && tenant == submission->tenant) {
            submission->reads[submission->dependency_count] = rng_below(&world->rng, 2) == 0;
            submission->depends_on[submission->dependency_count++] = job;
        }
    }
    if (submission->dependency_count > 0 && world_strikes(world, SWARM_STRANGER)) {
        unsigned tenant;
        int64_t job = client_some_job(world, &tenant);
        submission->is_bad = job == 0 || tenant != submission->tenant;
        submission->depends_on[0] = submission->is_bad && job ? job : submission->depends_on[0];
        submission->is_bad = job && tenant != submission->tenant;
    }
}

static struct submission *draw(struct world *world)
{
    struct swarm *swarm = &world->swarm;
    struct submission *submission = ledger_submission(&world->ledger);
    submission->tenant = (unsigned)rng_below(&world->rng, swarm->tenant_count);
    submission->model = (unsigned)rng_below(&world->rng, swarm->model_count);
    submission->priority = swarm->priorities[rng_below(&world->rng, swarm->priority_count)];
    submission->count = 1;
    if (world_strikes(world, SWARM_VARIANTS))
        submission->count = 2 + (unsigned)rng_below(&world->rng, JOB_COUNT_MAX - 1);
    submission->join = world_strikes(world, SWARM_JOIN);
    /* Fingerprints below the limit are shared by many submissions. */
    submission->fingerprint = world_has(world, SWARM_JOIN)
                                  ? rng_below(&world->rng, LEDGER_FINGERPRINTS)
                                  : LEDGER_FINGERPRINTS + submission->index;
    if (world_strikes(world, SWARM_HOOKS)) {
        submission->receiver = 1 + (unsigned)rng_below(&world->rng, swarm->receiver_count);
        submission->hook_events = (unsigned)rng_below(&world->rng, 8) | 1u << NOTIFY_COMPLETED;
    }
    if (swarm->routes[submission->model].count)
        submission->flags = (unsigned)(rng_next(&world->rng) & rng_next(&world->rng) & 7);
    draw_times(world, submission);
    if (world->corner)
        submission->deadline = world->now + CORNER_DEADLINE_MS;
    draw_dependencies(world, submission);
    files_draw(world, submission);
    wire_write_input(world, submission);
    submission->has_purse =
        world->ledger.has_purse[submission->tenant] && world_strikes(world, SWARM_PURSES);
    return submission;
}

static void fill_asked(struct world *world, const struct request *request, struct asked *asked)
{
    const struct swarm *swarm = &world->swarm;
    const struct submission *submission = request->submission;
    asked->token = ledger_token(&world->ledger, request);
    asked->tenant = swarm->tenant_names[submission->tenant];
    asked->model = swarm->model_names[submission->model];
    asked->provider = swarm->provider_names[swarm->model_provider[submission->model]];
    for (unsigned n = 0; n < submission->count; n++)
        asked->inputs[n] = span_of(submission->input);
    asked->metadata = span_of(submission->name);
    asked->route = span_of(swarm->routes[submission->model].text);
    for (unsigned n = 0; n < swarm->routes[submission->model].count; n++) {
        int64_t price = swarm->routes[submission->model].prices[n];
        asked->price_unknown |= price < 0;
        asked->price_max = price > asked->price_max ? price : asked->price_max;
    }
    asked->flags = submission->flags;
    asked->api_key = submission->has_purse ? purse_id(submission->tenant) : NULL;
    asked->count = submission->count;
    asked->fingerprint = submission->fingerprint;
    asked->join = submission->join;
    asked->priority = submission->priority;
    asked->start_at = submission->start_at;
    asked->deadline = submission->deadline;
    for (unsigned n = 0; n < submission->dependency_count; n++) {
        asked->depends_on[n] = submission->depends_on[n];
        asked->reads[n] = submission->reads[n];
    }
    asked->uploads = submission->asked_uploads;
    asked->upload_count = submission->upload_count;
    asked->dependency_count = submission->dependency_count;
    if (submission->receiver) {
        asked->hook_lane = receiver_lane(submission->tenant, submission->receiver - 1);
        asked->hook_events = submission->hook_events;
        asked->secret = "whsec_first";
    }
    if (submission->ring) {
        asked->key_hash = span_make(submission->ring->hash, KEY_HASH_SIZE);
        asked->body_hash = span_make(submission->body_hash, KEY_HASH_SIZE);
    }
}

static void send_submission(struct world *world, struct submission *submission)
{
    struct request *request = ledger_request(&world->ledger, REQUEST_SUBMIT, submission->tenant);
    request->submission = submission;
    client_send(world, request);
}

static void submit(struct world *world)
{
    struct submission *submission = draw(world);
    world->submitted++;
    if (world_strikes(world, SWARM_KEYS) ||
        (world_has(world, SWARM_RACE) && world_has(world, SWARM_KEYS)))
        submission->ring = ledger_ring(&world->ledger);
    send_submission(world, submission);
    if (!submission->ring || !world_strikes(world, SWARM_RACE))
        return;
    for (uint64_t n = rng_below(&world->rng, JOB_COUNT_MAX); n > 0; n--)
        send_submission(world, submission);
}

/* A key that was used before, with its body or with another. */
static void submit_again(struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    if (ledger->submission_count == 0)
        return;
    size_t index = (size_t)rng_below(&world->rng, ledger->submission_count);
    struct submission *old = ledger->submissions[index];
    if (!old->ring)
        return;
    if (!world_strikes(world, SWARM_CONFLICT)) {
        send_submission(world, old);
        return;
    }
    struct submission *submission = draw(world);
    submission->tenant = old->tenant;
    submission->dependency_count = submission->upload_count = 0;
    submission->is_bad = false;
    submission->ring = old->ring;
    send_submission(world, submission);
}

/* ---------------------------------------------------------------- cancel and PATCH */

static int64_t stranger_job(struct world *world, unsigned *tenant)
{
    /* A key that may be given away in this very turn, to the one who guesses it. */
    if (rng_below(&world->rng, 3) == 0) {
        *tenant = (unsigned)rng_below(&world->rng, world->swarm.tenant_count);
        return id_next_key(0, world->now + (ms_t)rng_below(&world->rng, 3)) +
               (int64_t)rng_below(&world->rng, 3);
    }
    int64_t job = client_some_job(world, tenant);
    *tenant = (unsigned)rng_below(&world->rng, world->swarm.tenant_count);
    return job;
}

static void cancel(struct world *world)
{
    unsigned tenant = 0;
    int64_t job = world_strikes(world, SWARM_STRANGER) ? stranger_job(world, &tenant)
                                                       : client_some_job(world, &tenant);
    if (!job)
        return;
    unsigned times = rng_below(&world->rng, CLIENT_CANCEL_AGAIN_IN) == 0 ? 2 : 1;
    for (unsigned n = 0; n < times; n++) {
        struct request *request = ledger_request(&world->ledger, REQUEST_CANCEL, tenant);
        request->job = job;
        if (n == 0 || rng_below(&world->rng, 2))
            client_send(world, request);
        else
            world_plan(world, ITEM_SEND, world_about(world, 5 * MS_SECOND))->request = request;
    }
}

static void change(struct world *world)
{
    unsigned tenant = 0;
    int64_t job = world_strikes(world, SWARM_STRANGER) ? stranger_job(world, &tenant)
                                                       : client_some_job(world, &tenant);
    if (!job)
        return;
    struct request *request = ledger_request(&world->ledger, REQUEST_CHANGE, tenant);
    struct change_asked *asked = &request->change;
    request->job = job;
    uint64_t what = rng_below(&world->rng, 8);
    asked->has_priority = what & 1;
    asked->has_start_at = what & 2;
    asked->has_deadline = what & 4;
    asked->priority = world->swarm.priorities[rng_below(&world->rng, world->swarm.priority_count)];
    if (rng_below(&world->rng, 2))
        asked->start_at = world->now + world_about(world, MS_MINUTE);
    if (rng_below(&world->rng, 2))
        asked->deadline = world->now + world_about(world, MS_HOUR);
    client_send(world, request);
}

static void set_tenant(struct world *world)
{
    unsigned tenant = (unsigned)rng_below(&world->rng, world->swarm.tenant_count);
    struct request *request = ledger_request(&world->ledger, REQUEST_TENANT, tenant);
    request->row = swarm_draw_tenant(&world->swarm, tenant, &world->rng);
    client_send(world, request);
}

/* ---------------------------------------------------------------- webhooks */

static void redeliver(struct world *world)
{
    unsigned tenant = 0;
    int64_t job = world_strikes(world, SWARM_STRANGER) ? stranger_job(world, &tenant)
                                                       : client_some_job(world, &tenant);
    if (!job)
        return;
    bool is_secret = rng_below(&world->rng, 8) == 0;
    struct request *request =
        ledger_request(&world->ledger, is_secret ? REQUEST_SECRET : REQUEST_REDELIVER, tenant);
    request->job = job;
    request->number = 1 + (unsigned)rng_below(&world->rng, 3);
    client_send(world, request);
}

static void send_hook(struct world *world, const struct request *request)
{
    uint64_t token = ledger_token(&world->ledger, request);
    const char *tenant = world->swarm.tenant_names[request->tenant];
    if (request->kind == REQUEST_SECRET)
        world_event(world, EVENT_SECRET_ASKED)->secret_asked = (struct secret_asked){
            .token = token, .tenant = tenant, .text = "whsec_next", .rotate = request->number > 1};
    else
        world_event(world, EVENT_HOOK_ASKED)->hook_asked = (struct hook_asked){
            .token = token, .tenant = tenant, .job = request->job, .number = request->number};
}

/* ---------------------------------------------------------------- the acts */

void client_send(struct world *world, struct request *request)
{
    if (request->answered || request->lost)
        return;
    if (world->batch_count >= WORLD_BATCH_MAX) {
        world_plan(world, ITEM_SEND, 0)->request = request;
        return;
    }
    request->is_sent = true;
    if (request->kind == REQUEST_SUBMIT) {
        fill_asked(world, request, &world_event(world, EVENT_ASKED)->asked);
        return;
    }
    if (request->kind == REQUEST_RESOLVE || request->kind == REQUEST_VENDOR) {
        operator_send(world, request);
        return;
    }
    if (request->kind == REQUEST_REDELIVER || request->kind == REQUEST_SECRET) {
        send_hook(world, request);
        return;
    }
    uint64_t token = ledger_token(&world->ledger, request);
    if (request->kind == REQUEST_UPLOAD || request->kind == REQUEST_DELETE ||
        request->kind == REQUEST_DELETE_UPLOAD) {
        files_send(world, request);
        return;
    }
    const char *tenant = world->swarm.tenant_names[request->tenant];
    if (request->kind == REQUEST_TENANT) {
        world_event(world, EVENT_TENANT_ASKED)->tenant_asked =
            (struct tenant_asked){.token = token, .row = request->row};
        return;
    }
    if (request->kind == REQUEST_CANCEL) {
        world_event(world, EVENT_CANCEL_ASKED)->cancel_asked =
            (struct cancel_asked){.token = token, .tenant = tenant, .job = request->job};
        return;
    }
    struct change_asked *asked = &world_event(world, EVENT_CHANGE_ASKED)->change_asked;
    *asked = request->change;
    asked->token = token;
    asked->tenant = tenant;
    asked->job = request->job;
}

void client_act(struct world *world)
{
    if (world->is_calm)
        return;
    purse_open(world);
    unsigned times = 1;
    if (world_strikes(world, SWARM_BURST))
        times += (unsigned)rng_below(&world->rng, CLIENT_BURST_MAX);
    bool is_after = world->submitted >= world->swarm.jobs;
    world->acts_after += is_after;
    for (unsigned n = 0; n < times; n++) {
        if (world_strikes(world, SWARM_CANCEL))
            cancel(world);
        if (world_strikes(world, SWARM_CHANGE))
            change(world);
        if (world_strikes(world, SWARM_TENANTS))
            set_tenant(world);
        files_act(world);
        if (world_strikes(world, SWARM_KEYS))
            submit_again(world);
        if (world_strikes(world, SWARM_REDELIVER))
            redeliver(world);
        operator_act(world);
        if (world->submitted < world->swarm.jobs)
            submit(world);
    }
    world_plan(world, ITEM_CLIENT, world_about(world, world->swarm.gap));
}

void client_reply(struct world *world, const struct reply *reply)
{
    struct request *request = ledger_find_request(&world->ledger, reply->token);
    request->answered = true;
    if (request->kind == REQUEST_UPLOAD && reply->error == ERROR_NONE)
        request->upload->upload.expires_at = reply->expires_at;
}

void client_lost(struct world *world, struct request *request)
{
    if (request->answered || request->lost || !request->is_sent)
        return;
    request->lost = true;
    if (request->kind == REQUEST_VENDOR && !request->pause) {
        struct request *again = ledger_request(&world->ledger, REQUEST_VENDOR, 0);
        again->number = request->number;
        world_plan(world, ITEM_SEND, world_about(world, MS_SECOND))->request = again;
    }
    if (request->kind != REQUEST_SUBMIT || !request->submission->ring)
        return;
    struct request *again = ledger_request(&world->ledger, REQUEST_SUBMIT, request->tenant);
    again->submission = request->submission;
    world_plan(world, ITEM_SEND, world_about(world, MS_SECOND))->request = again;
}
