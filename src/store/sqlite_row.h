/* How a job lies in a row: the list of its columns, written once, and the ways in and out. */
#ifndef STORE_SQLITE_ROW_H
#define STORE_SQLITE_ROW_H

#include "store/sqlite_connection.h"

/* Name in capitals, name, number of the parameter and of the column (from 1). `key` is number
 * 1 and `version` 2. */
#define SQLITE_ROW_FIXED(X)                                                                        \
    X(ID, id, 3)                                                                                   \
    X(TENANT, tenant, 4)                                                                           \
    X(MODEL, model, 5)                                                                             \
    X(FINGERPRINT, fingerprint, 6)                                                                 \
    X(CREATED_AT, created_at, 7)                                                                   \
    X(RETRY_OF, retry_of, 8)
#define SQLITE_ROW_CHANGING(X)                                                                     \
    X(PROVIDER, provider, 9)                                                                       \
    X(STATE, state, 10)                                                                            \
    X(PRIORITY, priority, 11)                                                                      \
    X(QUEUED_AT, queued_at, 12)                                                                    \
    X(STARTED_AT, started_at, 13)                                                                  \
    X(ENDED_AT, ended_at, 14)                                                                      \
    X(START_AT, start_at, 15)                                                                      \
    X(DEADLINE, deadline, 16)                                                                      \
    X(WAKE_AT, wake_at, 17)                                                                        \
    X(TICKET, ticket, 18)                                                                          \
    X(WAITS_FOR, waits_for, 19)                                                                    \
    X(AWAITED, awaited, 20)                                                                        \
    X(CANCEL_ASKED, cancel_asked, 21)                                                              \
    X(RECEIPT, receipt, 22)                                                                        \
    X(TRIES, tries, 23)                                                                            \
    X(PROGRESS, progress, 24)                                                                      \
    X(STAGE, stage, 25)                                                                            \
    X(ERROR, error, 26)                                                                            \
    X(ERROR_TEXT, error_text, 27)                                                                  \
    X(RETRYABLE, retryable, 28)                                                                    \
    X(TIMELINE, timeline, 29)                                                                      \
    X(PRICE_MAX, price_max, 30)                                                                    \
    X(ATTEMPT, attempt, 31)                                                                        \
    X(OUTPUT_COUNT, output_count, 32)                                                              \
    X(WARNINGS, warnings, 33)                                                                      \
    X(READS, reads, 34)                                                                            \
    X(REMOVED_AT, removed_at, 35)                                                                  \
    X(OUTPUT_BYTES, output_bytes, 36)                                                              \
    X(HOOK_LANE, hook_lane, 37)                                                                    \
    X(HOOK_EVENTS, hook_events, 38)                                                                \
    X(HOOKS, hooks, 39)                                                                            \
    X(FOLLOWING, following, 40)                                                                    \
    X(ATTEMPTS, attempts, 41)                                                                      \
    X(PAID, paid, 42)                                                                              \
    X(WAS_RESENT, was_resent, 43)                                                                  \
    X(LATE, late, 44)                                                                              \
    X(LATE_ID, late_id, 45)                                                                        \
    X(HINT, hint, 46)
#define SQLITE_ROW_INPUTS(X)                                                                       \
    X(INPUT, input, 47)                                                                            \
    X(METADATA, metadata, 48)                                                                      \
    X(OPTIONS, options, 49)                                                                        \
    X(ROUTE, route, 50)                                                                            \
    X(FLAGS, flags, 51)                                                                            \
    X(API_KEY, api_key, 52)

enum sqlite_row_number {
    SQLITE_ROW_KEY = 1,
    SQLITE_ROW_VERSION = 2,
#define SQLITE_ROW_ENUM(upper, lower, number) SQLITE_ROW_##upper = number,
    SQLITE_ROW_FIXED(SQLITE_ROW_ENUM) SQLITE_ROW_CHANGING(SQLITE_ROW_ENUM)
        SQLITE_ROW_INPUTS(SQLITE_ROW_ENUM)
#undef SQLITE_ROW_ENUM
};

#define SQLITE_ROW_NAME(upper, lower, number)  ", " #lower
#define SQLITE_ROW_VALUE(upper, lower, number) ", ?" #number
#define SQLITE_ROW_SET(upper, lower, number)   ", " #lower " = ?" #number

/* For SELECT. What never changes and may be long lies in a table of its own: the rows that change
 * often stay short, so that a turn writes few pages. */
#define SQLITE_ROW_COLUMNS                                                                         \
    "key, version" SQLITE_ROW_FIXED(SQLITE_ROW_NAME) SQLITE_ROW_CHANGING(SQLITE_ROW_NAME)          \
        SQLITE_ROW_INPUTS(SQLITE_ROW_NAME)
#define SQLITE_ROW_JOIN " CROSS JOIN inputs ON inputs.job = jobs.key "

/* The key is parameter 1 everywhere. Of a new row in jobs: */
void sqlite_row_bind_insert(sqlite3_stmt *statement, const struct job *job);
/* Of its changes: */
void sqlite_row_bind_update(sqlite3_stmt *statement, const struct job *job);
/* Of its row in inputs, which takes 2 … 7: */
void sqlite_row_bind_inputs(sqlite3_stmt *statement, const struct job *job);
void sqlite_row_bind_attempt(sqlite3_stmt *statement, int64_t job, const struct attempt *attempt);
void sqlite_row_bind_output(sqlite3_stmt *statement, const struct job *job, unsigned number);

/* Reads the row that the statement stands on, with copies of the texts; attempt.number and
 * output_count tell what else is to be read. The job's memory is all zero before. */
void sqlite_row_read(sqlite3_stmt *statement, struct job *ret_job);
#define SQLITE_ROW_ATTEMPT_COLUMNS                                                                 \
    "number, state, provider, remote_id, intent_at, accepted_at, ended_at, reserved, settled, "    \
    "error, offer, sends, handle, expected"
void sqlite_row_read_attempt(sqlite3_stmt *statement, struct attempt *ret_attempt);
#define SQLITE_ROW_OUTPUT_COLUMNS                                                                  \
    "name, thumbnail, content_type, sha256, size, duration, width, height, fps_milli, late"
/* These, then the words, or NULL where they are not wanted; both become part of the job. */
void sqlite_row_read_output(sqlite3_stmt *statement, unsigned number, struct job *job);

#define SQLITE_ROW_UPLOAD_COLUMNS                                                                  \
    "key, id, tenant, content_type, sha256, size, created_at, expires_at"
void sqlite_row_read_upload(sqlite3_stmt *statement, struct upload *ret_upload);

/* Of a delivery without its body; the columns as they stand in the table. */
#define SQLITE_ROW_DELIVERY_COLUMNS                                                                \
    "job, number, lane, event, state, tries, logged, created_at, next_at, ended_at"
void sqlite_row_bind_delivery(sqlite3_stmt *statement, const struct delivery *row);
void sqlite_row_read_delivery(sqlite3_stmt *statement, struct delivery *ret_row);
#define SQLITE_ROW_SECRET_COLUMNS "tenant, text, old, old_until, made_at"
void sqlite_row_read_secret(sqlite3_stmt *statement, struct hook_secret *ret_row);

/* Names back into values; what is not of the list becomes the first value. */
enum state sqlite_row_state(sqlite3_stmt *statement, int column);
enum error_code sqlite_row_error(sqlite3_stmt *statement, int column);
/* False, and an empty text, when it does not fit. */
bool sqlite_row_text(sqlite3_stmt *statement, int column, char *target, size_t capacity);

/* The rest of a job that was read: its newest attempt and its outputs, by statements that take the
 * job's key (and the attempt's number). */
enum store_result sqlite_row_complete(struct sqlite_connection *connection, unsigned attempt,
                                      unsigned outputs, struct job *job);

#endif
