#include "files.h"

#include "client.h"
#include "oracle.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- acts */

/* Rather a late one; NULL when there is none. */
static struct ledger_upload *some_upload(struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    size_t back = (size_t)rng_below(&world->rng, rng_below(&world->rng, 2) ? 4 : 40);
    return back < ledger->upload_count ? ledger->uploads[ledger->upload_count - 1 - back] : NULL;
}

/* A job that has not ended and reads something, as far as the ledger goes; NULL when there is none
 * among the latest. What it reads is what should not go. */
static const struct submission *some_reader(const struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    for (size_t back = 1; back <= ledger->job_count && back <= 200; back++) {
        const struct ledger_job *job = ledger->jobs[ledger->job_count - back];
        if (state_is_terminal(job->state) || !job->submission)
            continue;
        bool reads = job->submission->upload_count > 0;
        for (unsigned n = 0; n < job->submission->dependency_count; n++)
            reads = reads || job->submission->reads[n];
        if (reads)
            return job->submission;
    }
    return NULL;
}

/* An upload that may be taken away, or may not. */
static struct ledger_upload *some_victim(struct world *world)
{
    const struct submission *reader = rng_below(&world->rng, 2) ? some_reader(world) : NULL;
    if (reader && reader->upload_count > 0)
        return reader->reads_upload[rng_below(&world->rng, reader->upload_count)];
    return some_upload(world);
}

static int64_t some_job_victim(struct world *world, unsigned *ret_tenant)
{
    const struct submission *reader = rng_below(&world->rng, 2) ? some_reader(world) : NULL;
    if (!reader || reader->dependency_count == 0)
        return client_some_job(world, ret_tenant);
    *ret_tenant = reader->tenant;
    return reader->depends_on[rng_below(&world->rng, reader->dependency_count)];
}

static unsigned some_tenant(struct world *world)
{
    return (unsigned)rng_below(&world->rng, world->swarm.tenant_count);
}

static void upload(struct world *world)
{
    struct ledger_upload *entry = ledger_upload(&world->ledger);
    struct upload *row = &entry->upload;
    entry->tenant = some_tenant(world);
    entry->has_file = true; /* it is durable before anybody hears of it */
    row->size = 1 + (int64_t)rng_below(&world->rng, 100000);
    (void)span_copy(span_of(world->swarm.tenant_names[entry->tenant]), row->tenant,
                    sizeof row->tenant);
    (void)span_copy(SPAN("image/png"), row->content_type, sizeof row->content_type);
    struct request *request = ledger_request(&world->ledger, REQUEST_UPLOAD, entry->tenant);
    request->upload = entry;
    client_send(world, request);
}

static void delete (struct world *world)
{
    unsigned tenant = 0;
    struct ledger_upload *entry = some_victim(world);
    if (entry && rng_below(&world->rng, 3) == 0) {
        tenant = world_strikes(world, SWARM_STRANGER) ? some_tenant(world) : entry->tenant;
        struct request *request = ledger_request(&world->ledger, REQUEST_DELETE_UPLOAD, tenant);
        request->upload = entry;
        client_send(world, request);
        return;
    }
    int64_t job = some_job_victim(world, &tenant);
    if (!job)
        return;
    tenant = world_strikes(world, SWARM_STRANGER) ? some_tenant(world) : tenant;
    struct request *request = ledger_request(&world->ledger, REQUEST_DELETE, tenant);
    request->job = job;
    client_send(world, request);
}

/* What the app's sweeper does, at times of its own. */
static void sweep(struct world *world)
{
    if (world->batch_count + 2 > WORLD_BATCH_MAX)
        return;
    unsigned tenant;
    int64_t job = some_job_victim(world, &tenant);
    if (job)
        world_event(world, EVENT_REMOVE_ASKED)->remove_asked =
            (struct remove_asked){.what = REMOVE_FILES, .key = job, .why = "Too old."};
    const struct ledger_upload *entry = some_victim(world);
    if (entry)
        world_event(world, EVENT_REMOVE_ASKED)->remove_asked =
            (struct remove_asked){.what = REMOVE_EXPIRED, .key = entry->upload.key};
}

void files_act(struct world *world)
{
    if (world_strikes(world, SWARM_UPLOAD))
        upload(world);
    if (world_strikes(world, SWARM_DELETE))
        delete (world);
    if (world_strikes(world, SWARM_SWEEP))
        sweep(world);
}

void files_send(struct world *world, struct request *request)
{
    uint64_t token = ledger_token(&world->ledger, request);
    if (request->kind == REQUEST_UPLOAD) {
        world_event(world, EVENT_UPLOADED)->uploaded =
            (struct uploaded){.token = token, .upload = request->upload->upload};
        return;
    }
    bool is_job = request->kind == REQUEST_DELETE;
    world_event(world, EVENT_REMOVE_ASKED)->remove_asked = (struct remove_asked){
        .token = token,
        .tenant = world->swarm.tenant_names[request->tenant],
        .what = is_job ? REMOVE_JOB : REMOVE_UPLOAD,
        .key = is_job ? request->job : request->upload->upload.key,
    };
}

void files_draw(struct world *world, struct submission *submission)
{
    if (!world_has(world, SWARM_UPLOAD))
        return;
    for (uint64_t n = rng_below(&world->rng, LEDGER_UPLOADS_MAX + 1); n > 0; n--) {
        struct ledger_upload *entry = some_upload(world);
        if (!entry)
            return;
        unsigned place = submission->upload_count++;
        submission->reads_upload[place] = entry;
        submission->asked_uploads[place] = (struct asked_upload){
            .key = entry->upload.key, .id = entry->upload.id, .field = "imageUrl"};
    }
}

/* ---------------------------------------------------------------- the depot */

static const struct upload *row_of(const struct world *world, int64_t key)
{
    size_t cursor = 0;
    for (const struct upload *row; (row = ram_next_upload(world->ram, &cursor));) {
        if (row->key == key)
            return row;
    }
    return NULL;
}

static struct ledger_upload *find_upload(const struct world *world, const char *id)
{
    for (size_t n = 0; n < world->ledger.upload_count; n++) {
        if (strcmp(world->ledger.uploads[n]->upload.id, id) == 0)
            return world->ledger.uploads[n];
    }
    return NULL;
}

void files_effect(struct world *world, const struct effect *effect)
{
    if (effect->kind == EFFECT_REMOVE_FILES) {
        ledger_find_job(&world->ledger, effect->on.job->key)->has_files = false;
        return;
    }
    struct ledger_upload *upload = find_upload(world, effect->upload);
    assert(upload); /* a row goes only after it came */
    upload->has_file = false;
}

static bool names_files(const struct job *row)
{
    return row && !(state_is_terminal(row->state) && (row->output_count == 0 || row->removed_at));
}

void files_sweep(struct world *world)
{
    for (size_t n = 0; n < world->ledger.job_count; n++) {
        struct ledger_job *job = world->ledger.jobs[n];
        if (job->has_files && !names_files(ram_find_job(world->ram, job->key)))
            job->has_files = false;
    }
    for (size_t n = 0; n < world->ledger.upload_count; n++) {
        struct ledger_upload *entry = world->ledger.uploads[n];
        if (entry->has_file && !row_of(world, entry->upload.key))
            entry->has_file = false;
    }
}

/* ---------------------------------------------------------------- the oracle's part */

/* What goes is not what a job that has not ended reads. */
static void check_readers(struct world *world, int64_t job, const struct ledger_upload *entry)
{
    for (size_t n = 0; n < world->ledger.job_count; n++) {
        const struct ledger_job *reader = world->ledger.jobs[n];
        const struct submission *submission = reader->submission;
        if (!reader->is_known || state_is_terminal(reader->state))
            continue;
        bool reads = false;
        for (unsigned at = 0; at < submission->upload_count; at++)
            reads = reads || submission->reads_upload[at] == entry;
        for (unsigned at = 0; at < submission->dependency_count; at++)
            reads = reads || (submission->reads[at] && submission->depends_on[at] == job);
        if (reads)
            world_fail(world, "P5", reader->key, "it is %s, and what it reads is removed",
                       state_name(reader->state));
    }
}

void files_check_effect(struct world *world, const struct effect *effect)
{
    if (effect->kind == EFFECT_REMOVE_UPLOAD) {
        const struct ledger_upload *entry = find_upload(world, effect->upload);
        if (!entry || row_of(world, entry->upload.key))
            world_fail(world, "P5", 0, "the file of %s goes, and its row is there", effect->upload);
        check_readers(world, 0, entry);
        return;
    }
    check_readers(world, effect->on.job->key, NULL);
    const struct job *row = ram_find_job(world->ram, effect->on.job->key);
    if (row && !row->removed_at)
        world_fail(world, "P5", row->key, "its files go, and its row does not say so");
}

void files_check_work(struct world *world, const struct ledger_job *job)
{
    const struct submission *submission = job->submission;
    for (unsigned n = 0; n < submission->upload_count; n++) {
        const struct ledger_upload *entry = submission->reads_upload[n];
        if (!entry->has_file || !row_of(world, entry->upload.key))
            world_fail(world, "P5", job->key, "it starts, and the upload %s is gone",
                       entry->upload.id);
    }
    for (unsigned n = 0; n < submission->dependency_count; n++) {
        const struct ledger_job *on = ledger_find_job(&world->ledger, submission->depends_on[n]);
        const struct job *row = ram_find_job(world->ram, submission->depends_on[n]);
        if (submission->reads[n] && (!on->has_files || !row || row->removed_at))
            world_fail(world, "P5", job->key, "it starts, and the output of job %u is gone",
                       on->index);
    }
}

void files_audit(struct world *world)
{
    size_t cursor = 0;
    for (const struct job *row; (row = ram_next_job(world->ram, &cursor));) {
        const struct ledger_job *job = ledger_find_job(&world->ledger, row->key);
        if (row->output_count && !row->removed_at && !job->has_files)
            world_fail(world, "P5", row->key, "its row names files that are not there");
        if (row->reads && state_is_terminal(row->state))
            world_fail(world, "P5", row->key, "it has ended and holds what it read");
    }
    cursor = 0;
    for (const struct upload *row; (row = ram_next_upload(world->ram, &cursor));) {
        const struct ledger_upload *entry = find_upload(world, row->id);
        if (!entry || !entry->has_file)
            world_fail(world, "P5", 0, "the row of %s names a file that is not there", row->id);
    }
}

static void check_removed(struct world *world, const struct request *request,
                          const struct reply *reply)
{
    const struct job *row = ram_find_job(world->ram, request->job);
    const struct ledger_job *job = ledger_find_job(&world->ledger, request->job);
    bool is_own = job->tenant == request->tenant;
    if (reply->error == ERROR_NONE && (!job->is_deleted || !is_own))
        world_fail(world, "P2", request->job, "deleted, and it is there");
    if (reply->error == ERROR_CONFLICT && !is_own)
        world_fail(world, "P2", request->job, "a stranger is told of it");
    if (reply->error == ERROR_NOT_FOUND && row && is_own)
        world_fail(world, "P2", request->job, "it is there, and a client is told it is not");
    if (reply->error == ERROR_NONE && !state_is_terminal(job->state))
        world_fail(world, "P2", request->job, "it was deleted while it was %s",
                   state_name(job->state));
}

void files_check_reply(struct world *world, const struct request *request,
                       const struct reply *reply)
{
    if (request->kind == REQUEST_DELETE) {
        check_removed(world, request, reply);
        return;
    }
    int64_t key = request->upload->upload.key;
    const struct upload *row = row_of(world, key);
    bool is_own = request->tenant == request->upload->tenant;
    if (request->kind == REQUEST_DELETE_UPLOAD) {
        if (reply->error == ERROR_NONE ? row || !is_own
                                       : reply->error == ERROR_NOT_FOUND && row && is_own)
            world_fail(world, "P2", 0, "%s: a delete was answered with %s",
                       request->upload->upload.id, error_name(reply->error));
        return;
    }
    const struct core_config *config = &world->swarm.config;
    if (reply->error == ERROR_STORAGE_FULL && world->disk_free >= config->disk_reserve)
        world_fail(world, "P1", 0, "an upload was refused without cause");
    if (reply->error == ERROR_NONE && reply->expires_at != world->now + config->upload_kept)
        world_fail(world, "P2", 0, "an upload expires at another time than it should");
}

bool files_may_refuse(const struct world *world, const struct submission *submission,
                      enum error_code error)
{
    for (unsigned n = 0; n < submission->upload_count && error == ERROR_VALIDATION; n++) {
        const struct ledger_upload *entry = submission->reads_upload[n];
        const struct upload *row = row_of(world, entry->upload.key);
        if (!row || row->expires_at <= world->now || entry->tenant != submission->tenant)
            return true;
        if (row->created_at == world->now) /* it may have come later in the same turn */
            return true;
    }
    for (unsigned n = 0; n < submission->dependency_count; n++) {
        const struct ledger_job *on = ledger_find_job(&world->ledger, submission->depends_on[n]);
        const struct job *row = ram_find_job(world->ram, submission->depends_on[n]);
        if (error == ERROR_VALIDATION && on && on->is_deleted)
            return true;
        if (error == ERROR_INPUT_UNREACHABLE && submission->reads[n] && row && row->removed_at)
            return true;
    }
    return false;
}
