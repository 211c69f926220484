#include "dialect/native_write_test_shows.h"

#include "catalog/fixture.h"

static ms_t at(const struct show *show, int seconds)
{
    return show->rig->scene.now + seconds * MS_SECOND;
}

static void link_to(void *context, const struct job *job, const char *name, struct buffer *target)
{
    buffer_print(target, "%s/outputs/%s/%s", (const char *)context, job->id, name);
}

static void fill_job(struct show *show, struct job *job, int64_t key)
{
    *job = (struct job){.key = key, .created_at = at(show, -100), .version = 3};
    id_write("gen_", key, 7, job->id);
    (void)span_copy(SPAN("ltx2"), job->model, sizeof job->model);
    (void)span_copy(SPAN("ann"), job->tenant, sizeof job->tenant);
}

static void set_text(char *target, size_t size, const char *text)
{
    assert_true(span_copy(span_of(text), target, size));
}

#define SET(target, text) set_text(target, sizeof(target), text)

/* ---------------------------------------------------------------- a job in its states */

static void set_queued(struct show *show)
{
    show->job.state = STATE_QUEUED;
    show->job.priority = 50;
    show->job.metadata = arena_copy(&show->rig->arena, SPAN("{\"shot\":\"12\"}"));
    show->answer.waiting = (struct answer_waiting){
        .code = "model_limit", .message = "As many run as may.", .position = 4};
    show->answer.estimate = 45 * MS_SECOND;
    show->answer.etag = SPAN("W/\"3.0\"");
}

static void set_waiting(struct show *show)
{
    show->job.state = STATE_WAITING;
    show->job.start_at = at(show, 3600);
    show->job.deadline = at(show, 7200);
    show->answer.waiting = (struct answer_waiting){
        .code = "start_time", .message = "Waits for its start time.", .until = at(show, 3600)};
}

static void set_submitting(struct show *show)
{
    show->job.state = STATE_SUBMITTING;
    show->answer.estimate = 60500;
}

static void set_running(struct show *show)
{
    show->job.state = STATE_RUNNING;
    show->job.started_at = at(show, -30);
    show->job.progress = 25;
    show->answer.estimate = 60 * MS_SECOND;
    SET(show->job.stage, "Generating frames");
}

static void set_running_guess(struct show *show)
{
    set_running(show);
    show->job.progress = 0;
    show->job.stage[0] = '\0';
    show->job.attempt.state = ATTEMPT_ACCEPTED;
    show->job.attempt.accepted_at = at(show, -30);
    show->job.attempt.expected = 60 * MS_SECOND;
}

static void set_running_late(struct show *show)
{
    set_running(show);
    show->job.progress = 4;
    show->answer.estimate = 20 * MS_SECOND;
}

/* The clock was set back since it started. */
static void set_running_in_the_future(struct show *show)
{
    set_running(show);
    show->job.started_at = at(show, 1000);
    show->answer.estimate = 20 * MS_SECOND;
}

static void set_uncertain(struct show *show)
{
    show->job.state = STATE_UNCERTAIN;
}

static void set_storing(struct show *show)
{
    set_running(show);
    show->job.state = STATE_STORING;
    show->job.progress = 99;
}

static void set_succeeded(struct show *show)
{
    struct job_output *output = &show->job.outputs[0];
    show->job.state = STATE_SUCCEEDED;
    show->job.started_at = at(show, -90);
    show->job.ended_at = at(show, -10);
    show->job.progress = 100;
    show->job.output_count = 1;
    SET(output->name, "output.mp4");
    SET(output->thumbnail, "thumbnail.jpg");
    SET(output->content_type, "video/mp4");
    SET(output->sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    output->size = 5000000000;
    output->duration = 5005;
    output->width = 1024;
    output->height = 576;
    output->fps_milli = 29970;
    show->job.attempt.settled = 120000;
    show->answer.etag = SPAN("W/\"9.1\"");
}

static void set_several(struct show *show)
{
    set_succeeded(show);
    struct job_output *output = &show->job.outputs[1];
    show->job.output_count = 2;
    show->job.attempt.settled = 0;
    show->job.receipt = RECEIPT_TOO_LATE;
    show->job.warnings = arena_copy(&show->rig->arena, SPAN("[\"It is silent.\"]"));
    SET(output->name, "output-2.srt");
    SET(output->content_type, "application/x-subrip");
    output->size = 0;
}

static void set_spoken(struct show *show)
{
    set_several(show);
    SET(show->job.outputs[0].name, "output.wav");
    SET(show->job.outputs[1].name, "output-2.json");
    show->job.words =
        arena_copy(&show->rig->arena, SPAN("[{\"word\":\"Hello\",\"startMs\":5,\"endMs\":400}]"));
}

/* Given up, and made all the same. */
static void set_failed_late(struct show *show)
{
    set_several(show);
    show->job.state = STATE_FAILED;
    show->job.error = ERROR_SUBMISSION_UNCERTAIN;
    show->job.receipt = RECEIPT_NONE;
    show->job.outputs[0].is_late = show->job.outputs[1].is_late = true;
}

/* Sent again, and made twice. */
static void set_succeeded_late(struct show *show)
{
    set_several(show);
    show->job.outputs[1].is_late = true;
    show->job.attempt.settled = 250000;
    show->job.paid = 300000;
}

static void set_canceled_late(struct show *show)
{
    set_succeeded(show);
    show->job.state = STATE_CANCELED;
    show->job.receipt = RECEIPT_UNCONFIRMED;
    show->job.removed_at = at(show, -5);
    show->job.outputs[0].is_late = true;
}

static void set_removed(struct show *show)
{
    set_succeeded(show);
    show->job.removed_at = at(show, -5);
}

static const struct upload an_upload = {
    .id = "upl_000000000000200aywaheppjw7",
    .content_type = "image/png",
    .sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    .size = 70,
    .created_at = 1769029100000,
    .expires_at = 1769633900000,
};

static void set_uploaded(struct show *show)
{
    show->call.kind = CALL_UPLOAD;
    show->answer.upload = &an_upload;
}

static void set_upload_status(struct show *show)
{
    show->call.kind = CALL_UPLOAD_STATUS;
    show->answer.upload = &an_upload;
}

static void set_deleted(struct show *show)
{
    show->call.kind = CALL_DELETE;
    show->call.job_id = SPAN("gen_000000000000100aywaheppjw7");
}

static void set_upload_deleted(struct show *show)
{
    show->call.kind = CALL_UPLOAD_DELETE;
    show->call.upload_id = SPAN("upl_000000000000200aywaheppjw7");
}

static void set_failed(struct show *show)
{
    show->job.state = STATE_FAILED;
    show->job.started_at = at(show, -90);
    show->job.ended_at = at(show, -10);
    show->job.error = ERROR_PROVIDER_FAILED;
    show->job.retryable = true;
    SET(show->job.error_text, "CUDA says \"no\"\x01\xff\n\xe2\x82");
}

static void set_failed_silently(struct show *show)
{
    set_failed(show);
    show->job.error_text[0] = '\0';
}

static void set_expired(struct show *show)
{
    show->job.state = STATE_EXPIRED;
    show->job.ended_at = at(show, -10);
    show->job.deadline = at(show, -10);
    show->job.error = ERROR_EXPIRED;
    SET(show->job.error_text, "The deadline passed.");
}

static void set_canceled(struct show *show)
{
    show->job.state = STATE_CANCELED;
    show->job.ended_at = at(show, -10);
    show->job.receipt = RECEIPT_NOT_SUBMITTED;
    show->job.retry_of = 1;
    show->job.options = arena_copy(
        &show->rig->arena,
        SPAN("{\"retryOf\":\"gen_000000000000100aywaheppjw7\",\"webhookSecret\":\"whsec_1\"}"));
}

/* ---------------------------------------------------------------- answers to other calls */

static void set_cancel(struct show *show)
{
    set_canceled(show);
    show->call.kind = CALL_CANCEL;
    show->job.receipt = RECEIPT_UNCONFIRMED;
}

static void set_change(struct show *show)
{
    set_queued(show);
    show->call.kind = CALL_CHANGE;
}

static void set_accepted(struct show *show)
{
    set_queued(show);
    show->call.kind = CALL_ASK;
}

static void set_accepted_several(struct show *show)
{
    static const char *const notes[] = {"No webhook is called."};
    set_accepted(show);
    show->answer.job_count = 2;
    show->answer.notes = notes;
    show->answer.note_count = 1;
    show->answer.estimate = 1;
}

static void set_replayed(struct show *show)
{
    set_succeeded(show);
    show->call.kind = CALL_ASK;
    show->answer.replayed = true;
}

static void set_joined(struct show *show)
{
    set_running(show);
    show->call.kind = CALL_ASK;
    show->answer.joined = true;
}

static void set_retry(struct show *show)
{
    set_accepted(show);
    show->call.kind = CALL_RETRY;
}

static void set_quote(struct show *show)
{
    const struct model *model = fixture_model(show->rig->catalog, "acme/clip");
    show->call.kind = CALL_ASK;
    show->call.ask.dry_run = true;
    show->answer.estimate = 10000;
    show->answer.quote = (struct answer_quote){.configured = true,
                                               .price_known = true,
                                               .route = model->offers,
                                               .route_count = model->offer_count,
                                               .price_min = 250000,
                                               .price_max = 1000001};
}

static void set_quote_unknown(struct show *show)
{
    set_quote(show);
    show->answer.quote = (struct answer_quote){.configured = false};
}

static void set_list(struct show *show)
{
    set_running(show);
    fill_job(show, &show->other, 2);
    show->other.state = STATE_FAILED;
    show->call.kind = CALL_LIST;
    show->answer.job_count = 2;
    show->answer.next = 2;
    show->answer.waiting.code = "position";
}

static void set_list_empty(struct show *show)
{
    show->call.kind = CALL_LIST;
    show->answer.job_count = 0;
}

static void set_timeline(struct show *show)
{
    static struct timeline_entry entries[4];
    static struct attempt attempts[2];
    set_succeeded(show);
    entries[0] = (struct timeline_entry){.at = at(show, -95), .to = STATE_QUEUED};
    entries[1] = (struct timeline_entry){
        .at = at(show, -90), .from = STATE_QUEUED, .to = STATE_SUBMITTING, .attempt = 1};
    entries[2] = (struct timeline_entry){.at = at(show, -80),
                                         .from = STATE_SUBMITTING,
                                         .to = STATE_QUEUED,
                                         .attempt = 1,
                                         .error = ERROR_TIMEOUT};
    SET(entries[2].note, "No answer \"in\" time.");
    attempts[0] = (struct attempt){.number = 1,
                                   .state = ATTEMPT_FAILED,
                                   .intent_at = at(show, -90),
                                   .ended_at = at(show, -80),
                                   .error = ERROR_TIMEOUT};
    SET(attempts[0].provider, "runpod");
    attempts[1] = attempts[0];
    attempts[1].number = 2;
    attempts[1].error = ERROR_NONE;
    attempts[1].state = ATTEMPT_ACCEPTED;
    attempts[1].accepted_at = at(show, -70);
    SET(attempts[1].remote_id, "rp-7");
    show->call.kind = CALL_TIMELINE;
    show->answer.entries = entries;
    show->answer.entry_count = 3;
    show->answer.attempts = attempts;
    show->answer.attempt_count = 2;
}

static void set_timeline_short(struct show *show)
{
    set_queued(show);
    show->call.kind = CALL_TIMELINE;
}

static void set_model(struct show *show)
{
    static const struct describe describe = {.full = false};
    show->call.kind = CALL_MODEL;
    show->answer.describe = &describe;
    show->answer.model = fixture_model(show->rig->catalog, "acme/clip");
}

/* ---------------------------------------------------------------- refusals */

void show_refuse(struct show *show, enum error_code code, const char *sentence)
{
    faults_refuse(&show->faults, code, "%s", sentence);
    show->answer.refusal = &show->faults;
    show->answer.request_id = "req_1";
}

static void set_faults(struct show *show)
{
    faults_add(&show->faults, "duration", "a number from 1 to 60", "is %d", 99);
    faults_add(&show->faults, NULL, NULL, "holds \"both\"");
    show->answer.refusal = &show->faults;
}

static void set_providers(struct show *show)
{
    static struct answer_provider rows[3];
    rows[0] = (struct answer_provider){
        .name = "local", .configured = true, .model_count = 3, .in_flight = 1, .limit = 2};
    rows[1] = (struct answer_provider){
        .name = "fal", .configured = true, .model_count = 40, .in_flight = 7, .limit = 50};
    rows[1].health = (struct core_health){.blocked_until = at(show, 60),
                                          .why = ERROR_PROVIDER_UNAVAILABLE,
                                          .failures = 5,
                                          .reads = 12};
    rows[2] = (struct answer_provider){.name = "runpod", .missing = "RUNPOD_API_KEY is not set."};
    show->call.kind = CALL_PROVIDERS;
    show->answer.providers = rows;
    show->answer.provider_count = 3;
}

static void set_provider_paused(struct show *show)
{
    set_providers(show);
    show->call.kind = CALL_PROVIDER_PAUSE;
    static struct answer_provider row = {
        .name = "fal", .configured = true, .health = {.is_paused = true}};
    show->answer.providers = &row;
}

static void set_not_found(struct show *show)
{
    show_refuse(show, ERROR_NOT_FOUND, "There is no job \"gen_x\".");
}

static void set_not_authorized(struct show *show)
{
    show_refuse(show, ERROR_NOT_AUTHORIZED, "The key is missing.");
}

static void set_forbidden(struct show *show)
{
    show_refuse(show, ERROR_FORBIDDEN, "Not yours.");
}

static void set_rate_limited(struct show *show)
{
    show_refuse(show, ERROR_RATE_LIMITED, "Too many.");
}

static void set_storage_full(struct show *show)
{
    show_refuse(show, ERROR_STORAGE_FULL, "The disk is nearly full.");
}

static void set_not_configured(struct show *show)
{
    show_refuse(show, ERROR_PROVIDER_NOT_CONFIGURED, "Set RUNPOD_API_KEY.");
}

static void set_retired(struct show *show)
{
    show_refuse(show, ERROR_MODEL_RETIRED, "Retired.");
}

static const struct {
    const char *name;
    void (*set)(struct show *show);
} shows[] = {
    {"queued", set_queued},
    {"waiting for its start", set_waiting},
    {"submitting", set_submitting},
    {"uncertain", set_uncertain},
    {"running", set_running},
    {"running, as far as one can guess", set_running_guess},
    {"running longer than expected", set_running_late},
    {"running since a time to come", set_running_in_the_future},
    {"storing", set_storing},
    {"succeeded", set_succeeded},
    {"succeeded with several outputs", set_several},
    {"succeeded with words", set_spoken},
    {"succeeded, its files removed since", set_removed},
    {"uploaded", set_uploaded},
    {"an upload", set_upload_status},
    {"deleted", set_deleted},
    {"an upload deleted", set_upload_deleted},
    {"succeeded, and made twice", set_succeeded_late},
    {"failed, with late outputs", set_failed_late},
    {"canceled, its late output removed since", set_canceled_late},
    {"failed, with odd bytes", set_failed},
    {"failed without a word", set_failed_silently},
    {"expired", set_expired},
    {"canceled, of a retry", set_canceled},
    {"the answer to a cancel", set_cancel},
    {"the answer to a change", set_change},
    {"accepted", set_accepted},
    {"accepted, several with a note", set_accepted_several},
    {"replayed, after it ended", set_replayed},
    {"joined", set_joined},
    {"a retry", set_retry},
    {"a quote", set_quote},
    {"a quote without price and provider", set_quote_unknown},
    {"a list", set_list},
    {"an empty list", set_list_empty},
    {"a timeline", set_timeline},
    {"a timeline of nothing yet", set_timeline_short},
    {"a model", set_model},
    {"providers", set_providers},
    {"a paused provider", set_provider_paused},
    {"refused: faults", set_faults},
    {"refused: not found", set_not_found},
    {"refused: no key", set_not_authorized},
    {"refused: not allowed", set_forbidden},
    {"refused: too many", set_rate_limited},
    {"refused: disk full", set_storage_full},
    {"refused: not configured", set_not_configured},
    {"refused: retired", set_retired},
};

void show_begin(struct show *show, struct rig *rig)
{
    *show = (struct show){.rig = rig, .call = {.kind = CALL_STATUS}};
    faults_init(&show->faults, &rig->arena);
    fill_job(show, &show->job, 1);
    show->jobs[0] = &show->job;
    show->jobs[1] = &show->other;
    fill_job(show, &show->other, 2);
    show->answer = (struct answer){.now = rig->scene.now,
                                   .jobs = show->jobs,
                                   .job_count = 1,
                                   .catalog = rig->catalog,
                                   .link = link_to,
                                   .link_context = arena_copy(&rig->arena, SPAN("https://r.ex"))};
}

void show_set(struct show *show, const char *name)
{
    for (size_t n = 0; n < sizeof shows / sizeof shows[0]; n++) {
        if (strcmp(shows[n].name, name) == 0) {
            shows[n].set(show);
            return;
        }
    }
    fail_msg("nobody sets up \"%s\"", name);
}
