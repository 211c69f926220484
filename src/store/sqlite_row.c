#include "store/sqlite_row.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

static void put_text(sqlite3_stmt *statement, int place, const char *text)
{
    (void)sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

static void put_number(sqlite3_stmt *statement, int place, int64_t number)
{
    (void)sqlite3_bind_int64(statement, place, number);
}

static int64_t bytes_of(const struct job *job)
{
    int64_t bytes = 0;
    for (unsigned n = 0; n < job->output_count; n++)
        bytes += job->outputs[n].size;
    return bytes;
}

void sqlite_row_bind_update(sqlite3_stmt *statement, const struct job *job)
{
    put_number(statement, SQLITE_ROW_KEY, job->key);
    put_text(statement, SQLITE_ROW_PROVIDER, job->provider);
    put_text(statement, SQLITE_ROW_STATE, state_name(job->state));
    put_number(statement, SQLITE_ROW_PRIORITY, job->priority);
    put_number(statement, SQLITE_ROW_QUEUED_AT, job->queued_at);
    put_number(statement, SQLITE_ROW_STARTED_AT, job->started_at);
    put_number(statement, SQLITE_ROW_ENDED_AT, job->ended_at);
    put_number(statement, SQLITE_ROW_START_AT, job->start_at);
    put_number(statement, SQLITE_ROW_DEADLINE, job->deadline);
    put_number(statement, SQLITE_ROW_WAKE_AT, job->wake_at);
    put_number(statement, SQLITE_ROW_TICKET, job->ticket);
    put_number(statement, SQLITE_ROW_WAITS_FOR, job->waits_for);
    put_number(statement, SQLITE_ROW_AWAITED, job->awaited);
    put_number(statement, SQLITE_ROW_CANCEL_ASKED, job->cancel_asked);
    put_text(statement, SQLITE_ROW_RECEIPT, receipt_name(job->receipt));
    put_number(statement, SQLITE_ROW_TRIES, job->tries);
    put_number(statement, SQLITE_ROW_PROGRESS, job->progress);
    put_text(statement, SQLITE_ROW_STAGE, job->stage);
    put_text(statement, SQLITE_ROW_ERROR, error_name(job->error));
    put_text(statement, SQLITE_ROW_ERROR_TEXT, job->error_text);
    put_number(statement, SQLITE_ROW_RETRYABLE, job->retryable);
    put_number(statement, SQLITE_ROW_TIMELINE, job->timeline);
    put_number(statement, SQLITE_ROW_VERSION, job->version);
    put_number(statement, SQLITE_ROW_PRICE_MAX, job->price_max);
    put_number(statement, SQLITE_ROW_ATTEMPT, job->attempt.number);
    put_number(statement, SQLITE_ROW_OUTPUT_COUNT, job->output_count);
    put_text(statement, SQLITE_ROW_WARNINGS, job->warnings);
    put_number(statement, SQLITE_ROW_READS, job->reads);
    put_number(statement, SQLITE_ROW_REMOVED_AT, job->removed_at);
    put_number(statement, SQLITE_ROW_OUTPUT_BYTES, bytes_of(job));
    put_number(statement, SQLITE_ROW_HOOK_LANE, job->hook_lane);
    put_number(statement, SQLITE_ROW_HOOK_EVENTS, job->hook_events);
    put_number(statement, SQLITE_ROW_HOOKS, job->hooks);
    put_number(statement, SQLITE_ROW_FOLLOWING, job->following);
    put_number(statement, SQLITE_ROW_ATTEMPTS, job->attempts);
    put_number(statement, SQLITE_ROW_PAID, job->paid);
    put_number(statement, SQLITE_ROW_WAS_RESENT, job->was_resent);
    put_number(statement, SQLITE_ROW_LATE, job->late);
    put_text(statement, SQLITE_ROW_LATE_ID, job->late_id);
    put_text(statement, SQLITE_ROW_HINT, job->hint);
}

void sqlite_row_bind_insert(sqlite3_stmt *statement, const struct job *job)
{
    put_text(statement, SQLITE_ROW_ID, job->id);
    put_text(statement, SQLITE_ROW_TENANT, job->tenant);
    put_text(statement, SQLITE_ROW_MODEL, job->model);
    put_number(statement, SQLITE_ROW_FINGERPRINT, (int64_t)job->fingerprint);
    put_number(statement, SQLITE_ROW_CREATED_AT, job->created_at);
    put_number(statement, SQLITE_ROW_RETRY_OF, job->retry_of);
    sqlite_row_bind_update(statement, job);
}

void sqlite_row_bind_inputs(sqlite3_stmt *statement, const struct job *job)
{
    put_number(statement, 1, job->key);
    put_text(statement, 2, job->input);
    put_text(statement, 3, job->metadata);
    put_text(statement, 4, job->options);
    put_text(statement, 5, job->route);
    put_number(statement, 6, job->flags);
    put_text(statement, 7, job->api_key);
}

void sqlite_row_bind_attempt(sqlite3_stmt *statement, int64_t job, const struct attempt *attempt)
{
    put_number(statement, 1, job);
    put_number(statement, 2, attempt->number);
    put_text(statement, 3, attempt_name(attempt->state));
    put_text(statement, 4, attempt->provider);
    put_text(statement, 5, attempt->remote_id);
    put_number(statement, 6, attempt->intent_at);
    put_number(statement, 7, attempt->accepted_at);
    put_number(statement, 8, attempt->ended_at);
    put_number(statement, 9, attempt->reserved);
    put_number(statement, 10, attempt->settled);
    put_text(statement, 11, error_name(attempt->error));
    put_number(statement, 12, attempt->offer);
    put_number(statement, 13, attempt->sends);
    put_text(statement, 14, attempt->handle);
    put_number(statement, 15, attempt->expected);
}

void sqlite_row_bind_output(sqlite3_stmt *statement, const struct job *job, unsigned number)
{
    const struct job_output *output = &job->outputs[number];
    put_number(statement, 1, job->key);
    put_number(statement, 2, number);
    put_text(statement, 3, output->name);
    put_text(statement, 4, output->thumbnail);
    put_text(statement, 5, output->content_type);
    put_text(statement, 6, output->sha256);
    put_number(statement, 7, output->size);
    put_number(statement, 8, output->duration);
    put_number(statement, 9, output->width);
    put_number(statement, 10, output->height);
    put_number(statement, 11, output->fps_milli);
    put_text(statement, 12, number == 0 ? job->words : NULL);
    put_number(statement, 13, output->is_late);
}

void sqlite_row_bind_delivery(sqlite3_stmt *statement, const struct delivery *row)
{
    put_number(statement, 1, row->job);
    put_number(statement, 2, row->number);
    put_number(statement, 3, row->lane);
    put_text(statement, 4, notify_event_name(row->event));
    put_text(statement, 5, notify_state_name(row->state));
    put_number(statement, 6, row->tries);
    put_number(statement, 7, row->logged);
    put_number(statement, 8, row->created_at);
    put_number(statement, 9, row->next_at);
    put_number(statement, 10, row->ended_at);
}

/* ---------------------------------------------------------------- and back */

static struct span get_span(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return span_make(text ? (const void *)text : "",
                     (size_t)sqlite3_column_bytes(statement, column));
}

bool sqlite_row_text(sqlite3_stmt *statement, int column, char *target, size_t capacity)
{
    return span_copy(get_span(statement, column), target, capacity);
}

enum state sqlite_row_state(sqlite3_stmt *statement, int column)
{
    enum state state = STATE_WAITING;
    (void)state_find(get_span(statement, column), &state);
    return state;
}

enum error_code sqlite_row_error(sqlite3_stmt *statement, int column)
{
    enum error_code code = ERROR_NONE;
    (void)error_find(get_span(statement, column), &code);
    return code;
}

/* Columns are counted from 0, parameters from 1. */
static int64_t get(sqlite3_stmt *statement, enum sqlite_row_number number)
{
    return sqlite3_column_int64(statement, (int)number - 1);
}

static void get_text(sqlite3_stmt *statement, enum sqlite_row_number number, char *target,
                     size_t capacity)
{
    (void)sqlite_row_text(statement, (int)number - 1, target, capacity);
}

static char *get_copy(sqlite3_stmt *statement, enum sqlite_row_number number)
{
    if (sqlite3_column_type(statement, (int)number - 1) == SQLITE_NULL)
        return NULL;
    return memory_copy(get_span(statement, (int)number - 1));
}

static enum receipt get_receipt(sqlite3_stmt *statement)
{
    struct span name = get_span(statement, SQLITE_ROW_RECEIPT - 1);
    for (int receipt = 0; receipt < RECEIPT_COUNT; receipt++) {
        if (span_is(name, receipt_name((enum receipt)receipt)))
            return (enum receipt)receipt;
    }
    return RECEIPT_NONE;
}

static void read_fixed(sqlite3_stmt *statement, struct job *job)
{
    job->key = get(statement, SQLITE_ROW_KEY);
    get_text(statement, SQLITE_ROW_ID, job->id, sizeof job->id);
    get_text(statement, SQLITE_ROW_TENANT, job->tenant, sizeof job->tenant);
    get_text(statement, SQLITE_ROW_MODEL, job->model, sizeof job->model);
    job->fingerprint = (uint64_t)get(statement, SQLITE_ROW_FINGERPRINT);
    job->created_at = get(statement, SQLITE_ROW_CREATED_AT);
    job->retry_of = get(statement, SQLITE_ROW_RETRY_OF);
    job->metadata = get_copy(statement, SQLITE_ROW_METADATA);
    job->options = get_copy(statement, SQLITE_ROW_OPTIONS);
    job->input = get_copy(statement, SQLITE_ROW_INPUT);
    job->route = get_copy(statement, SQLITE_ROW_ROUTE);
    job->flags = (unsigned)get(statement, SQLITE_ROW_FLAGS);
    get_text(statement, SQLITE_ROW_API_KEY, job->api_key, sizeof job->api_key);
}

void sqlite_row_read(sqlite3_stmt *statement, struct job *job)
{
    read_fixed(statement, job);
    get_text(statement, SQLITE_ROW_PROVIDER, job->provider, sizeof job->provider);
    job->state = sqlite_row_state(statement, SQLITE_ROW_STATE - 1);
    job->priority = (int)get(statement, SQLITE_ROW_PRIORITY);
    job->queued_at = get(statement, SQLITE_ROW_QUEUED_AT);
    job->started_at = get(statement, SQLITE_ROW_STARTED_AT);
    job->ended_at = get(statement, SQLITE_ROW_ENDED_AT);
    job->start_at = get(statement, SQLITE_ROW_START_AT);
    job->deadline = get(statement, SQLITE_ROW_DEADLINE);
    job->wake_at = get(statement, SQLITE_ROW_WAKE_AT);
    job->ticket = get(statement, SQLITE_ROW_TICKET);
    job->waits_for = (unsigned)get(statement, SQLITE_ROW_WAITS_FOR);
    job->awaited = get(statement, SQLITE_ROW_AWAITED) != 0;
    job->cancel_asked = get(statement, SQLITE_ROW_CANCEL_ASKED) != 0;
    job->receipt = get_receipt(statement);
    job->tries = (unsigned)get(statement, SQLITE_ROW_TRIES);
    job->progress = (int)get(statement, SQLITE_ROW_PROGRESS);
    get_text(statement, SQLITE_ROW_STAGE, job->stage, sizeof job->stage);
    job->error = sqlite_row_error(statement, SQLITE_ROW_ERROR - 1);
    get_text(statement, SQLITE_ROW_ERROR_TEXT, job->error_text, sizeof job->error_text);
    job->retryable = get(statement, SQLITE_ROW_RETRYABLE) != 0;
    job->timeline = (unsigned)get(statement, SQLITE_ROW_TIMELINE);
    job->version = get(statement, SQLITE_ROW_VERSION);
    job->price_max = get(statement, SQLITE_ROW_PRICE_MAX);
    job->attempt.number = (unsigned)get(statement, SQLITE_ROW_ATTEMPT);
    job->output_count = (unsigned)get(statement, SQLITE_ROW_OUTPUT_COUNT);
    job->warnings = get_copy(statement, SQLITE_ROW_WARNINGS);
    job->reads = get(statement, SQLITE_ROW_READS) != 0;
    job->removed_at = get(statement, SQLITE_ROW_REMOVED_AT);
    job->hook_lane = get(statement, SQLITE_ROW_HOOK_LANE);
    job->hook_events = (unsigned)get(statement, SQLITE_ROW_HOOK_EVENTS);
    job->hooks = (unsigned)get(statement, SQLITE_ROW_HOOKS);
    job->following = get(statement, SQLITE_ROW_FOLLOWING) != 0;
    job->attempts = (unsigned)get(statement, SQLITE_ROW_ATTEMPTS);
    job->paid = get(statement, SQLITE_ROW_PAID);
    job->was_resent = get(statement, SQLITE_ROW_WAS_RESENT) != 0;
    job->late = (unsigned)get(statement, SQLITE_ROW_LATE);
    get_text(statement, SQLITE_ROW_LATE_ID, job->late_id, sizeof job->late_id);
    get_text(statement, SQLITE_ROW_HINT, job->hint, sizeof job->hint);
}

void sqlite_row_read_attempt(sqlite3_stmt *statement, struct attempt *ret_attempt)
{
    struct attempt *attempt = ret_attempt;
    *attempt = (struct attempt){.number = (unsigned)sqlite3_column_int64(statement, 0)};
    struct span name = get_span(statement, 1);
    for (int state = 0; state < ATTEMPT_COUNT; state++) {
        if (span_is(name, attempt_name((enum attempt_state)state)))
            attempt->state = (enum attempt_state)state;
    }
    (void)sqlite_row_text(statement, 2, attempt->provider, sizeof attempt->provider);
    (void)sqlite_row_text(statement, 3, attempt->remote_id, sizeof attempt->remote_id);
    attempt->intent_at = sqlite3_column_int64(statement, 4);
    attempt->accepted_at = sqlite3_column_int64(statement, 5);
    attempt->ended_at = sqlite3_column_int64(statement, 6);
    attempt->reserved = sqlite3_column_int64(statement, 7);
    attempt->settled = sqlite3_column_int64(statement, 8);
    attempt->error = sqlite_row_error(statement, 9);
    attempt->offer = (unsigned)sqlite3_column_int64(statement, 10);
    attempt->sends = (unsigned)sqlite3_column_int64(statement, 11);
    (void)sqlite_row_text(statement, 12, attempt->handle, sizeof attempt->handle);
    attempt->expected = sqlite3_column_int64(statement, 13);
}

void sqlite_row_read_output(sqlite3_stmt *statement, unsigned number, struct job *job)
{
    struct job_output *output = &job->outputs[number];
    (void)sqlite_row_text(statement, 0, output->name, sizeof output->name);
    (void)sqlite_row_text(statement, 1, output->thumbnail, sizeof output->thumbnail);
    (void)sqlite_row_text(statement, 2, output->content_type, sizeof output->content_type);
    (void)sqlite_row_text(statement, 3, output->sha256, sizeof output->sha256);
    output->size = sqlite3_column_int64(statement, 4);
    output->duration = sqlite3_column_int64(statement, 5);
    output->width = sqlite3_column_int(statement, 6);
    output->height = sqlite3_column_int(statement, 7);
    output->fps_milli = sqlite3_column_int(statement, 8);
    output->is_late = sqlite3_column_int(statement, 9) != 0;
    if (sqlite3_column_type(statement, 10) != SQLITE_NULL && !job->words)
        job->words = memory_copy(get_span(statement, 10));
}

void sqlite_row_read_upload(sqlite3_stmt *statement, struct upload *ret_upload)
{
    *ret_upload = (struct upload){
        .key = sqlite3_column_int64(statement, 0),
        .size = sqlite3_column_int64(statement, 5),
        .created_at = sqlite3_column_int64(statement, 6),
        .expires_at = sqlite3_column_int64(statement, 7),
    };
    (void)sqlite_row_text(statement, 1, ret_upload->id, sizeof ret_upload->id);
    (void)sqlite_row_text(statement, 2, ret_upload->tenant, sizeof ret_upload->tenant);
    (void)sqlite_row_text(statement, 3, ret_upload->content_type, sizeof ret_upload->content_type);
    (void)sqlite_row_text(statement, 4, ret_upload->sha256, sizeof ret_upload->sha256);
}

void sqlite_row_read_delivery(sqlite3_stmt *statement, struct delivery *ret_row)
{
    *ret_row = (struct delivery){
        .job = sqlite3_column_int64(statement, 0),
        .number = (unsigned)sqlite3_column_int64(statement, 1),
        .lane = sqlite3_column_int64(statement, 2),
        .tries = (unsigned)sqlite3_column_int64(statement, 5),
        .logged = (unsigned)sqlite3_column_int64(statement, 6),
        .created_at = sqlite3_column_int64(statement, 7),
        .next_at = sqlite3_column_int64(statement, 8),
        .ended_at = sqlite3_column_int64(statement, 9),
    };
    (void)notify_event_find(get_span(statement, 3), &ret_row->event);
    (void)notify_state_find(get_span(statement, 4), &ret_row->state);
}

void sqlite_row_read_secret(sqlite3_stmt *statement, struct hook_secret *ret_row)
{
    *ret_row = (struct hook_secret){.old_until = sqlite3_column_int64(statement, 3),
                                    .made_at = sqlite3_column_int64(statement, 4)};
    (void)sqlite_row_text(statement, 0, ret_row->tenant, sizeof ret_row->tenant);
    (void)sqlite_row_text(statement, 1, ret_row->text, sizeof ret_row->text);
    (void)sqlite_row_text(statement, 2, ret_row->old, sizeof ret_row->old);
}

static enum store_result read_outputs(struct sqlite_connection *connection, unsigned outputs,
                                      struct job *job)
{
    sqlite_connection_number(connection, outputs, 1, job->key);
    for (unsigned n = 0; n < job->output_count && n < JOB_OUTPUTS_MAX; n++) {
        enum store_result result = sqlite_connection_step(connection, outputs);
        if (result != STORE_OK)
            return result == STORE_NONE ? STORE_BROKEN : result;
        sqlite_row_read_output(connection->statements[outputs], n, job);
    }
    sqlite_connection_reset(connection, outputs);
    return STORE_OK;
}

enum store_result sqlite_row_complete(struct sqlite_connection *connection, unsigned attempt,
                                      unsigned outputs, struct job *job)
{
    if (job->attempt.number) {
        sqlite_connection_number(connection, attempt, 1, job->key);
        sqlite_connection_number(connection, attempt, 2, job->attempt.number);
        enum store_result result = sqlite_connection_step(connection, attempt);
        if (result != STORE_OK)
            return result == STORE_NONE ? STORE_BROKEN : result;
        sqlite_row_read_attempt(connection->statements[attempt], &job->attempt);
        sqlite_connection_reset(connection, attempt);
    }
    return job->output_count ? read_outputs(connection, outputs, job) : STORE_OK;
}
