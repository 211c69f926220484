#include "core/trace.h"

#include "core/trace_private.h"

#include <stdio.h>

void trace_init(struct trace *trace, ms_t epoch)
{
    *trace = (struct trace){.epoch = epoch};
    buffer_init(&trace->text, TRACE_LINE_SIZE);
}

void trace_done(struct trace *trace)
{
    buffer_done(&trace->text);
}

void trace_begin(struct trace *trace, const char *word)
{
    buffer_clear(&trace->text);
    buffer_add_text(&trace->text, word);
}

void trace_add_job(struct trace *trace, int64_t key)
{
    char name[TRACE_NAME_SIZE];
    (void)snprintf(name, sizeof name, "%lld", (long long)key);
    if (trace->name)
        trace->name(trace->context, key, name);
    buffer_print(&trace->text, " %s", name);
}

void trace_add_time(struct trace *trace, const char *word, ms_t at)
{
    if (at)
        buffer_print(&trace->text, " %s=%+lld", word, (long long)(at - trace->epoch));
}

static void add_hash(struct trace *trace, const char *word, struct span hash)
{
    if (hash.size >= 2)
        buffer_print(&trace->text, " %s=%02x%02x", word, (unsigned char)hash.data[0],
                     (unsigned char)hash.data[1]);
}

static void add_tenant(struct trace *trace, const struct tenant_row *row)
{
    buffer_print(&trace->text, " %s", row->tenant);
    if (row->tier[0])
        buffer_print(&trace->text, " tier=%s", row->tier);
    if (row->in_flight != TENANT_AS_SERVER)
        buffer_print(&trace->text, " in-flight=%lld", (long long)row->in_flight);
    if (row->queued != TENANT_AS_SERVER)
        buffer_print(&trace->text, " queued=%lld", (long long)row->queued);
    if (row->budget != TENANT_NO_BUDGET)
        buffer_print(&trace->text, " budget=%lld period=%s", (long long)row->budget,
                     tenant_period_name(row->period));
}

/* ---------------------------------------------------------------- events */

static void event_asked(struct trace *trace, const struct asked *asked)
{
    trace_begin(trace, "ask");
    buffer_print(&trace->text, " t%llu %s %s", (unsigned long long)asked->token, asked->tenant,
                 asked->model);
    if (asked->count > 1)
        buffer_print(&trace->text, " count=%u", asked->count);
    if (asked->priority)
        buffer_print(&trace->text, " priority=%d", asked->priority);
    trace_add_time(trace, "start", asked->start_at);
    trace_add_time(trace, "deadline", asked->deadline);
    add_hash(trace, "key", asked->key_hash);
    add_hash(trace, "body", asked->body_hash);
    if (asked->hook_lane)
        buffer_print(&trace->text, " hook=%lld events=%u", (long long)asked->hook_lane,
                     asked->hook_events);
    if (asked->join)
        buffer_print(&trace->text, " join print=%llu", (unsigned long long)asked->fingerprint);
    for (unsigned n = 0; n < asked->dependency_count; n++) {
        buffer_add_text(&trace->text, asked->reads[n] ? " reads" : " on");
        trace_add_job(trace, asked->depends_on[n]);
    }
    for (unsigned n = 0; n < asked->upload_count; n++)
        buffer_print(&trace->text, " u%lld", (long long)asked->uploads[n].key);
}

static void event_change_asked(struct trace *trace, const struct change_asked *asked)
{
    trace_begin(trace, "patch");
    buffer_print(&trace->text, " t%llu %s", (unsigned long long)asked->token, asked->tenant);
    trace_add_job(trace, asked->job);
    if (asked->has_priority)
        buffer_print(&trace->text, " priority=%d", asked->priority);
    if (asked->has_start_at)
        buffer_print(&trace->text, " start=%+lld",
                     asked->start_at ? (long long)(asked->start_at - trace->epoch) : 0LL);
    if (asked->has_deadline)
        buffer_print(&trace->text, " deadline=%+lld",
                     asked->deadline ? (long long)(asked->deadline - trace->epoch) : 0LL);
}

static void event_worked(struct trace *trace, const struct worked *told)
{
    static const char *const words[] = {
        [WORKED_RUNNING] = "running", [WORKED_MADE] = "worked",     [WORKED_KEPT] = "kept",
        [WORKED_FAILED] = "failed",   [WORKED_STOPPED] = "stopped",
    };
    trace_begin(trace, words[told->kind]);
    trace_add_job(trace, told->job);
    buffer_print(&trace->text, ".%u", told->attempt);
    if (told->kind == WORKED_RUNNING) {
        buffer_print(&trace->text, " %d", told->progress);
        if (told->stage)
            buffer_print(&trace->text, " \"%s\"", told->stage);
    }
    if (told->kind == WORKED_KEPT)
        buffer_print(&trace->text, " files=%u", told->output_count);
    if (told->kind == WORKED_FAILED)
        buffer_print(&trace->text, " %s%s", error_name(told->error), told->again ? " again" : "");
}

static void event_heard(struct trace *trace, const struct heard *heard)
{
    static const char *const calls[] = {
        [PROVIDER_CALL_SUBMIT] = "submit", [PROVIDER_CALL_POLL] = "poll",
        [PROVIDER_CALL_RESULT] = "result", [PROVIDER_CALL_CANCEL] = "cancel",
        [PROVIDER_CALL_FIND] = "find",     [PROVIDER_CALL_HEALTH] = "health",
    };
    const struct told *told = heard->told;
    trace_begin(trace, "told");
    trace_add_job(trace, heard->job);
    buffer_print(&trace->text, ".%u %s%s %s", heard->attempt, calls[heard->call],
                 heard->sent ? "" : " unsent", told_name(told->kind));
    if (told->remote_id[0])
        buffer_print(&trace->text, " id=%s", told->remote_id);
    if (told->error != ERROR_NONE)
        buffer_print(&trace->text, " %s", error_name(told->error));
}

static void event_of_vendor(struct trace *trace, const struct event *event)
{
    if (event->kind == EVENT_HINTED) {
        trace_begin(trace, "hint");
        trace_add_job(trace, event->hinted.job);
        buffer_print(&trace->text, ".%u %s", event->hinted.attempt, event->hinted.remote_id);
    } else if (event->kind == EVENT_STREAMED) {
        trace_begin(trace, event->streamed.is_open ? "stream" : "stream-ends");
        trace_add_job(trace, event->streamed.job);
        buffer_print(&trace->text, ".%u", event->streamed.attempt);
    } else if (event->kind == EVENT_RESOLVE_ASKED) {
        static const char *const acts[] = {"link", "resubmit", "give-up"};
        trace_begin(trace, "resolve");
        trace_add_job(trace, event->resolve_asked.job);
        if (event->resolve_asked.attempt)
            buffer_print(&trace->text, ".%u", event->resolve_asked.attempt);
        buffer_print(&trace->text, " %s", acts[event->resolve_asked.act]);
    } else {
        trace_begin(trace, event->vendor_asked.pause ? "pause" : "go-on");
        buffer_print(&trace->text, " %s", event->vendor_asked.provider);
    }
}

static void event_of_turn(struct trace *trace, const struct event *event)
{
    trace_begin(trace, event->kind == EVENT_GOT       ? "got"
                       : event->kind == EVENT_DUE     ? "due"
                       : event->kind == EVENT_CLOSING ? "closing"
                                                      : "recovered");
    if (event->kind == EVENT_GOT)
        buffer_print(&trace->text, " %u rows", event->got.row_count);
    else if (event->kind == EVENT_RECOVERED)
        trace_add_job(trace, event->recovered->key);
}

static void event_uploaded(struct trace *trace, const struct uploaded *uploaded)
{
    trace_begin(trace, "upload");
    buffer_print(&trace->text, " t%llu %s u%lld %lld", (unsigned long long)uploaded->token,
                 uploaded->upload.tenant, (long long)uploaded->upload.key,
                 (long long)uploaded->upload.size);
}

static void event_remove_asked(struct trace *trace, const struct remove_asked *asked)
{
    static const char *const words[] = {
        [REMOVE_JOB] = "delete",
        [REMOVE_FILES] = "sweep",
        [REMOVE_UPLOAD] = "delete-upload",
        [REMOVE_EXPIRED] = "expire",
    };
    trace_begin(trace, words[asked->what]);
    if (asked->token)
        buffer_print(&trace->text, " t%llu", (unsigned long long)asked->token);
    if (asked->tenant)
        buffer_print(&trace->text, " %s", asked->tenant);
    if (asked->what == REMOVE_JOB || asked->what == REMOVE_FILES)
        trace_add_job(trace, asked->key);
    else
        buffer_print(&trace->text, " u%lld", (long long)asked->key);
}

static void event_hooked(struct trace *trace, const struct hooked *hooked)
{
    static const char *const words[] = {[HOOKED_DELIVERED] = "delivered",
                                        [HOOKED_FAILED] = "failed",
                                        [HOOKED_GONE] = "gone",
                                        [HOOKED_UNSENT] = "unsent"};
    trace_begin(trace, "hooked");
    trace_add_job(trace, hooked->job);
    buffer_print(&trace->text, ".%u %s", hooked->number, words[hooked->kind]);
    if (hooked->retry_after)
        buffer_print(&trace->text, " after=%lld", (long long)hooked->retry_after);
}

const char *trace_event(struct trace *trace, const struct event *event)
{
    switch (event->kind) {
    case EVENT_ASKED:
        event_asked(trace, &event->asked);
        break;
    case EVENT_CANCEL_ASKED:
        trace_begin(trace, "cancel");
        buffer_print(&trace->text, " t%llu %s", (unsigned long long)event->cancel_asked.token,
                     event->cancel_asked.tenant);
        trace_add_job(trace, event->cancel_asked.job);
        break;
    case EVENT_CHANGE_ASKED:
        event_change_asked(trace, &event->change_asked);
        break;
    case EVENT_API_KEY_ASKED:
        trace_begin(trace, "api-key");
        buffer_print(&trace->text, " t%llu %s %s", (unsigned long long)event->api_key_asked.token,
                     api_key_act_name(event->api_key_asked.change.act),
                     event->api_key_asked.change.row.id);
        break;
    case EVENT_TENANT_ASKED:
        trace_begin(trace, "tenant");
        buffer_print(&trace->text, " t%llu", (unsigned long long)event->tenant_asked.token);
        add_tenant(trace, &event->tenant_asked.row);
        break;
    case EVENT_UPLOADED:
        event_uploaded(trace, &event->uploaded);
        break;
    case EVENT_REMOVE_ASKED:
        event_remove_asked(trace, &event->remove_asked);
        break;
    case EVENT_WORKED:
        event_worked(trace, &event->worked);
        break;
    case EVENT_TOLD:
        event_heard(trace, &event->heard);
        break;
    case EVENT_HINTED:
    case EVENT_STREAMED:
    case EVENT_RESOLVE_ASKED:
    case EVENT_VENDOR_ASKED:
        event_of_vendor(trace, event);
        break;
    case EVENT_GOT:
    case EVENT_RECOVERED:
    case EVENT_DUE:
    case EVENT_CLOSING:
        event_of_turn(trace, event);
        break;
    case EVENT_HOOKED:
        event_hooked(trace, &event->hooked);
        break;
    case EVENT_HOOK_ASKED:
        trace_begin(trace, "redeliver");
        buffer_print(&trace->text, " t%llu %s", (unsigned long long)event->hook_asked.token,
                     event->hook_asked.tenant);
        trace_add_job(trace, event->hook_asked.job);
        buffer_print(&trace->text, ".%u", event->hook_asked.number);
        break;
    case EVENT_SECRET_ASKED:
        trace_begin(trace, event->secret_asked.rotate ? "rotate" : "secret");
        buffer_print(&trace->text, " t%llu %s", (unsigned long long)event->secret_asked.token,
                     event->secret_asked.tenant);
        break;
    }
    return trace->text.data;
}

/* ---------------------------------------------------------------- changes */

static void change_job(struct trace *trace, const struct job *job, bool is_new)
{
    trace_begin(trace, is_new ? "insert" : job->progress_only ? "progress" : "update");
    trace_add_job(trace, job->key);
    buffer_print(&trace->text, " v%lld %s", (long long)job->version, state_name(job->state));
    if (job->progress)
        buffer_print(&trace->text, " %d%%", job->progress);
    if (job->progress_only)
        return;
    if (job->priority)
        buffer_print(&trace->text, " priority=%d", job->priority);
    if (job->state == STATE_QUEUED)
        buffer_print(&trace->text, " ticket=%lld", (long long)job->ticket);
    if (job->waits_for)
        buffer_print(&trace->text, " waits=%u", job->waits_for);
    trace_add_time(trace, "wake", job->wake_at);
    trace_add_time(trace, "start", job->start_at);
    trace_add_time(trace, "deadline", job->deadline);
    if (job->awaited)
        buffer_add_text(&trace->text, " awaited");
    if (job->cancel_asked)
        buffer_add_text(&trace->text, " cancel-asked");
    if (job->receipt != RECEIPT_NONE)
        buffer_print(&trace->text, " receipt=%s", receipt_name(job->receipt));
    if (job->attempt.number)
        buffer_print(&trace->text, " attempt=%u:%s%s tries=%u", job->attempt.number,
                     attempt_name(job->attempt.state), job->attempt_changed ? "*" : "", job->tries);
    if (job->attempt.remote_id[0] && job->route)
        buffer_print(&trace->text, " id=%s", job->attempt.remote_id);
    if (job->attempt.settled)
        buffer_print(&trace->text, " settled=%lld", (long long)job->attempt.settled);
    if (job->attempt.expected)
        buffer_print(&trace->text, " expected=%lld", (long long)job->attempt.expected);
    if (job->hint[0])
        buffer_print(&trace->text, " hint=%s", job->hint);
    if (job->paid)
        buffer_print(&trace->text, " paid=%lld", (long long)job->paid);
    if (job->late)
        buffer_print(&trace->text, " late=%u:%s", job->late, job->late_id);
    if (job->following)
        buffer_add_text(&trace->text, " following");
    if (job->reads)
        buffer_add_text(&trace->text, " reads");
    if (job->output_count)
        buffer_print(&trace->text, " files=%u", job->output_count);
    if (job->words)
        buffer_print(&trace->text, " words=%s", job->words);
    if (job->warnings)
        buffer_print(&trace->text, " warnings=%s", job->warnings);
    trace_add_time(trace, "removed", job->removed_at);
    if (job->error != ERROR_NONE)
        buffer_print(&trace->text, " error=%s%s", error_name(job->error),
                     job->retryable ? " retryable" : "");
}

static void change_timeline(struct trace *trace, const struct timeline_entry *entry)
{
    trace_begin(trace, "timeline");
    trace_add_job(trace, entry->job);
    buffer_print(&trace->text, " %u: %s", entry->number, state_name(entry->from));
    if (entry->to != entry->from)
        buffer_print(&trace->text, " > %s", state_name(entry->to));
    if (entry->note[0])
        buffer_print(&trace->text, " \"%s\"", entry->note);
}

static void change_use(struct trace *trace, const struct change *change)
{
    trace_begin(trace, change->use.done ? "reads-no-more" : "reads");
    trace_add_job(trace, change->use.job);
    if (change->use.done)
        return;
    if (change->use.source > 0)
        trace_add_job(trace, change->use.source);
    else
        buffer_print(&trace->text, " u%lld", -(long long)change->use.source);
}

static void change_delivery(struct trace *trace, const struct delivery *row, bool is_new)
{
    trace_begin(trace, is_new ? "deliver" : "delivery");
    trace_add_job(trace, row->job);
    buffer_print(&trace->text, ".%u %s %s", row->number, notify_event_name(row->event),
                 notify_state_name(row->state));
    if (row->tries)
        buffer_print(&trace->text, " tries=%u", row->tries);
    trace_add_time(trace, "next", row->next_at);
}

static void change_hook(struct trace *trace, const struct hook_change *change)
{
    const struct hook_lane *lane = &change->lane;
    switch (change->kind) {
    case HOOK_INSERT:
        change_delivery(trace, &change->insert.row, true);
        break;
    case HOOK_UPDATE:
        change_delivery(trace, &change->delivery, false);
        break;
    case HOOK_TRY:
        trace_begin(trace, "try");
        trace_add_job(trace, change->attempt.job);
        buffer_print(&trace->text, ".%u #%u %d%s%s", change->attempt.delivery,
                     change->attempt.number, change->attempt.status,
                     change->attempt.error[0] ? " " : "", change->attempt.error);
        break;
    case HOOK_SECRET:
        trace_begin(trace, "secret");
        buffer_print(&trace->text, " %s%s", change->secret.tenant,
                     change->secret.old[0] ? " replaced" : "");
        trace_add_time(trace, "old-until", change->secret.old_until);
        break;
    case HOOK_FORGET:
        trace_begin(trace, "forget");
        trace_add_job(trace, change->job);
        break;
    case HOOK_LANE_DUE:
    case HOOK_LANE_PUT:
        trace_begin(trace, "lane");
        buffer_print(&trace->text, " %lld%s", (long long)lane->key,
                     change->kind == HOOK_LANE_DUE ? " due"
                     : lane->next_at == MS_NEVER   ? " ends"
                     : lane->failing               ? " failing"
                                                   : " well");
        if (lane->next_at != MS_NEVER)
            trace_add_time(trace, "next", lane->next_at);
        break;
    }
}

static void add_delta(struct trace *trace, const char *word, int64_t delta)
{
    if (delta)
        buffer_print(&trace->text, " %s%+lld", word, (long long)delta);
}

static void change_spend(struct trace *trace, const struct spend_row *row)
{
    trace_begin(trace, "spend");
    if (row->day == MONEY_NOW)
        buffer_add_text(&trace->text, " now");
    else
        buffer_print(&trace->text, " day%+lld", (long long)(row->day - trace->epoch / MS_DAY));
    buffer_print(&trace->text, " %s %s %s", row->tenant, row->model, row->provider);
    add_delta(trace, "jobs", row->jobs);
    add_delta(trace, "succeeded", row->succeeded);
    add_delta(trace, "failed", row->failed);
    add_delta(trace, "spent", row->spent);
    add_delta(trace, "reserved", row->reserved);
}

static void change_upload(struct trace *trace, const struct change *change)
{
    trace_begin(trace, change->kind == CHANGE_UPLOAD_ADD ? "upload" : "delete-upload");
    buffer_print(&trace->text, " u%lld", (long long)change->upload.key);
    trace_add_time(trace, "until", change->upload.expires_at);
}

static void change_pace(struct trace *trace, const struct pace *pace)
{
    trace_begin(trace, "pace");
    buffer_print(&trace->text, " %s %lld jobs, %lld ms", pace->model, (long long)pace->count,
                 (long long)pace->mean);
}

static void change_api_key(struct trace *trace, const struct api_key_change *change)
{
    trace_begin(trace, "api-key");
    buffer_print(&trace->text, " %s %s", api_key_act_name(change->act), change->row.id);
    if (change->act != API_KEY_CHARGED)
        return;
    add_delta(trace, "spent", change->row.spent);
    add_delta(trace, "reserved", change->row.reserved);
}

static void change_pause(struct trace *trace, const struct pause_row *row)
{
    trace_begin(trace, row->since ? "paused" : "going-on");
    buffer_print(&trace->text, " %s", row->provider);
}

const char *trace_change(struct trace *trace, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_JOB_INSERT:
    case CHANGE_JOB_UPDATE:
        change_job(trace, change->job, change->kind == CHANGE_JOB_INSERT);
        break;
    case CHANGE_TIMELINE:
        change_timeline(trace, &change->timeline);
        break;
    case CHANGE_KEY:
        trace_begin(trace, "key");
        add_hash(trace, "key", span_make(change->key.key_hash, KEY_HASH_SIZE));
        trace_add_job(trace, change->key.job);
        buffer_print(&trace->text, " count=%u", change->key.count);
        trace_add_time(trace, "until", change->key.expires_at);
        break;
    case CHANGE_DEPENDENCY:
        trace_begin(trace, change->dependency.done ? "freed" : "depends");
        trace_add_job(trace, change->dependency.job);
        buffer_add_text(&trace->text, " on");
        trace_add_job(trace, change->dependency.on);
        break;
    case CHANGE_BUCKET:
        trace_begin(trace, "bucket");
        buffer_print(&trace->text, " %s %s %d count%+lld arrived%+lld", change->bucket.tenant,
                     change->bucket.model, change->bucket.priority,
                     (long long)change->bucket.delta_count,
                     (long long)change->bucket.delta_arrived);
        break;
    case CHANGE_USE:
        change_use(trace, change);
        break;
    case CHANGE_JOB_DELETE:
        trace_begin(trace, "delete");
        trace_add_job(trace, change->job->key);
        break;
    case CHANGE_UPLOAD_ADD:
    case CHANGE_UPLOAD_REMOVE:
        change_upload(trace, change);
        break;
    case CHANGE_PACE:
        change_pace(trace, &change->pace);
        break;
    case CHANGE_API_KEY:
        change_api_key(trace, &change->api_key);
        break;
    case CHANGE_TENANT:
        trace_begin(trace, "tenant");
        add_tenant(trace, &change->tenant);
        break;
    case CHANGE_WAITING:
        trace_begin(trace, "waiting");
        buffer_print(&trace->text, " %s count%+lld", change->waiting.tenant,
                     (long long)change->waiting.delta);
        break;
    case CHANGE_HOOK:
        change_hook(trace, &change->hook);
        break;
    case CHANGE_SPEND:
        change_spend(trace, &change->spend);
        break;
    case CHANGE_PAUSE:
        change_pause(trace, &change->pause);
        break;
    }
    return trace->text.data;
}
