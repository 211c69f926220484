#include "store/sqlite_hook.h"

#include "store/sqlite_row.h"

enum { HOOK_EXPIRED_MAX = 16 /* in one commit */ };

static sqlite3_stmt *statement_of(struct sqlite *sqlite, enum sqlite_statement statement)
{
    return sqlite->writer.statements[statement];
}

static void number(struct sqlite *sqlite, enum sqlite_statement statement, int place, int64_t value)
{
    sqlite_connection_number(&sqlite->writer, statement, place, value);
}

static void text(struct sqlite *sqlite, enum sqlite_statement statement, int place,
                 const char *value)
{
    sqlite_connection_text(&sqlite->writer, statement, place, value);
}

static enum store_result run(struct sqlite *sqlite, enum sqlite_statement statement)
{
    return sqlite_connection_do(&sqlite->writer, statement);
}

/* ---------------------------------------------------------------- changes */

static enum store_result insert(struct sqlite *sqlite, const struct hook_insert *change)
{
    sqlite_row_bind_delivery(statement_of(sqlite, STATEMENT_DELIVERY_INSERT), &change->row);
    enum store_result result = run(sqlite, STATEMENT_DELIVERY_INSERT);
    if (result != STORE_OK)
        return result;
    number(sqlite, STATEMENT_BODY_INSERT, 1, change->row.job);
    number(sqlite, STATEMENT_BODY_INSERT, 2, change->row.number);
    (void)sqlite3_bind_text(statement_of(sqlite, STATEMENT_BODY_INSERT), 3, change->body.data,
                            (int)change->body.size, SQLITE_STATIC);
    sqlite->hooks_added++;
    return run(sqlite, STATEMENT_BODY_INSERT);
}

/* The count of pending ones follows their states. */
static enum store_result update(struct sqlite *sqlite, const struct delivery *row)
{
    struct delivery old;
    const struct need need = {.job = row->job, .number = row->number};
    enum store_result result = sqlite_hook_load(sqlite, &need, &old);
    if (result != STORE_OK)
        return result == STORE_NONE ? STORE_OK : result;
    sqlite->hooks_added += (row->state == DELIVERY_PENDING) - (old.state == DELIVERY_PENDING);
    sqlite_row_bind_delivery(statement_of(sqlite, STATEMENT_DELIVERY_UPDATE), row);
    return run(sqlite, STATEMENT_DELIVERY_UPDATE);
}

static enum store_result forget(struct sqlite *sqlite, int64_t job)
{
    static const enum sqlite_statement statements[] = {
        STATEMENT_TRIES_FORGET, STATEMENT_BODIES_FORGET, STATEMENT_DELIVERIES_FORGET};
    number(sqlite, STATEMENT_DELIVERIES_PENDING, 1, job);
    enum store_result result =
        sqlite_connection_step(&sqlite->writer, STATEMENT_DELIVERIES_PENDING);
    if (result != STORE_OK)
        return result;
    sqlite->hooks_added -=
        sqlite3_column_int64(statement_of(sqlite, STATEMENT_DELIVERIES_PENDING), 0);
    sqlite_connection_reset(&sqlite->writer, STATEMENT_DELIVERIES_PENDING);
    for (size_t n = 0; n < sizeof statements / sizeof statements[0] && result == STORE_OK; n++) {
        number(sqlite, statements[n], 1, job);
        result = run(sqlite, statements[n]);
    }
    return result;
}

static enum store_result put_try(struct sqlite *sqlite, const struct delivery_try *line)
{
    enum sqlite_statement put = STATEMENT_TRY_PUT;
    number(sqlite, put, 1, line->job);
    number(sqlite, put, 2, line->delivery);
    number(sqlite, put, 3, line->number % NOTIFY_LOG_MAX);
    number(sqlite, put, 4, line->number);
    number(sqlite, put, 5, line->at);
    number(sqlite, put, 6, line->took);
    number(sqlite, put, 7, line->status);
    text(sqlite, put, 8, line->error);
    return run(sqlite, put);
}

static enum store_result put_lane(struct sqlite *sqlite, const struct hook_lane *lane)
{
    bool ends = lane->next_at == MS_NEVER;
    enum sqlite_statement put = ends ? STATEMENT_LANE_DELETE : STATEMENT_LANE_PUT;
    number(sqlite, put, 1, lane->key);
    if (!ends) {
        number(sqlite, put, 2, lane->failing);
        number(sqlite, put, 3, lane->next_at);
    }
    return run(sqlite, put);
}

static enum store_result put_secret(struct sqlite *sqlite, const struct hook_secret *secret)
{
    text(sqlite, STATEMENT_SECRET_PUT, 1, secret->tenant);
    text(sqlite, STATEMENT_SECRET_PUT, 2, secret->text);
    text(sqlite, STATEMENT_SECRET_PUT, 3, secret->old);
    number(sqlite, STATEMENT_SECRET_PUT, 4, secret->old_until);
    number(sqlite, STATEMENT_SECRET_PUT, 5, secret->made_at);
    return run(sqlite, STATEMENT_SECRET_PUT);
}

enum store_result sqlite_hook_apply(struct sqlite *sqlite, const struct hook_change *change)
{
    switch (change->kind) {
    case HOOK_INSERT:
        return insert(sqlite, &change->insert);
    case HOOK_UPDATE:
        return update(sqlite, &change->delivery);
    case HOOK_TRY:
        return put_try(sqlite, &change->attempt);
    case HOOK_LANE_DUE:
        number(sqlite, STATEMENT_LANE_DUE, 1, change->lane.key);
        number(sqlite, STATEMENT_LANE_DUE, 2, change->lane.next_at);
        return run(sqlite, STATEMENT_LANE_DUE);
    case HOOK_LANE_PUT:
        return put_lane(sqlite, &change->lane);
    case HOOK_SECRET:
        return put_secret(sqlite, &change->secret);
    case HOOK_FORGET:
        return forget(sqlite, change->job);
    }
    return STORE_BROKEN;
}

/* ---------------------------------------------------------------- loads and wants */

enum store_result sqlite_hook_load(struct sqlite *sqlite, const struct need *need,
                                   struct delivery *ret_row)
{
    number(sqlite, STATEMENT_DELIVERY_LOAD, 1, need->job);
    number(sqlite, STATEMENT_DELIVERY_LOAD, 2, need->number);
    enum store_result result = sqlite_connection_step(&sqlite->writer, STATEMENT_DELIVERY_LOAD);
    if (result != STORE_OK)
        return result;
    sqlite_row_read_delivery(statement_of(sqlite, STATEMENT_DELIVERY_LOAD), ret_row);
    sqlite_connection_reset(&sqlite->writer, STATEMENT_DELIVERY_LOAD);
    return STORE_OK;
}

enum store_result sqlite_hook_load_secret(struct sqlite *sqlite, const struct need *need,
                                          struct hook_secret *ret_row)
{
    text(sqlite, STATEMENT_SECRET_LOAD, 1, need->tenant);
    enum store_result result = sqlite_connection_step(&sqlite->writer, STATEMENT_SECRET_LOAD);
    if (result != STORE_OK)
        return result;
    sqlite_row_read_secret(statement_of(sqlite, STATEMENT_SECRET_LOAD), ret_row);
    sqlite_connection_reset(&sqlite->writer, STATEMENT_SECRET_LOAD);
    return STORE_OK;
}

/* Both statements give what is due and then what is not, in order of time: one row more than wanted
 * tells when the next is due. */
static bool is_enough(const struct want *want, ms_t at, struct got *ret_got)
{
    if (at <= want->before && ret_got->item_count < want->limit)
        return false;
    ret_got->next_due = at;
    return true;
}

static enum store_result get_lanes(struct sqlite *sqlite, const struct want *want,
                                   struct got *ret_got)
{
    sqlite3_stmt *statement = statement_of(sqlite, STATEMENT_LANES_DUE);
    enum store_result result;
    number(sqlite, STATEMENT_LANES_DUE, 1, want->failing);
    number(sqlite, STATEMENT_LANES_DUE, 2, want->after);
    number(sqlite, STATEMENT_LANES_DUE, 3, want->lane);
    number(sqlite, STATEMENT_LANES_DUE, 4, (int64_t)want->limit + 1);
    while ((result = sqlite_connection_step(&sqlite->writer, STATEMENT_LANES_DUE)) == STORE_OK) {
        ms_t at = sqlite3_column_int64(statement, 1);
        if (is_enough(want, at, ret_got))
            break;
        ret_got->lanes[ret_got->item_count++] = (struct hook_lane){
            .key = sqlite3_column_int64(statement, 0), .failing = want->failing, .next_at = at};
    }
    sqlite_connection_reset(&sqlite->writer, STATEMENT_LANES_DUE);
    return result == STORE_NONE ? STORE_OK : result;
}

static enum store_result get_deliveries(struct sqlite *sqlite, const struct want *want,
                                        struct got *ret_got)
{
    enum sqlite_statement due = STATEMENT_DELIVERIES_DUE;
    enum store_result result;
    number(sqlite, due, 1, want->lane);
    number(sqlite, due, 2, (int64_t)want->limit + 1);
    while ((result = sqlite_connection_step(&sqlite->writer, due)) == STORE_OK) {
        struct delivery row;
        sqlite_row_read_delivery(statement_of(sqlite, due), &row);
        if (is_enough(want, row.next_at, ret_got))
            break;
        ret_got->deliveries[ret_got->item_count++] = row;
    }
    sqlite_connection_reset(&sqlite->writer, due);
    return result == STORE_NONE ? STORE_OK : result;
}

enum store_result sqlite_hook_want(struct sqlite *sqlite, const struct want *want,
                                   struct got *ret_got)
{
    return want->kind == WANT_LANES ? get_lanes(sqlite, want, ret_got)
                                    : get_deliveries(sqlite, want, ret_got);
}

/* ---------------------------------------------------------------- what is old */

static enum store_result delete_delivery(struct sqlite *sqlite, int64_t job, int64_t delivery)
{
    static const enum sqlite_statement statements[] = {
        STATEMENT_TRIES_DELETE, STATEMENT_BODY_DELETE, STATEMENT_DELIVERY_DELETE};
    enum store_result result = STORE_OK;
    for (size_t n = 0; n < sizeof statements / sizeof statements[0] && result == STORE_OK; n++) {
        number(sqlite, statements[n], 1, job);
        number(sqlite, statements[n], 2, delivery);
        result = run(sqlite, statements[n]);
    }
    return result;
}

enum store_result sqlite_hook_expire(struct sqlite *sqlite, ms_t now)
{
    sqlite3_stmt *ended = statement_of(sqlite, STATEMENT_DELIVERY_ENDED);
    for (unsigned n = 0; n < HOOK_EXPIRED_MAX && now >= sqlite->next_hook_expiry; n++) {
        enum store_result result =
            sqlite_connection_step(&sqlite->writer, STATEMENT_DELIVERY_ENDED);
        if (result == STORE_NONE) { /* what ends from now on is kept so long at least */
            sqlite->next_hook_expiry = now + NOTIFY_KEPT_DAYS * MS_DAY;
            return STORE_OK;
        }
        if (result != STORE_OK)
            return result;
        int64_t job = sqlite3_column_int64(ended, 0), delivery = sqlite3_column_int64(ended, 1);
        ms_t expiry = sqlite3_column_int64(ended, 2) + NOTIFY_KEPT_DAYS * MS_DAY;
        sqlite_connection_reset(&sqlite->writer, STATEMENT_DELIVERY_ENDED);
        if (expiry <= now)
            result = delete_delivery(sqlite, job, delivery);
        else
            sqlite->next_hook_expiry = expiry;
        if (result != STORE_OK)
            return result;
    }
    return STORE_OK;
}
