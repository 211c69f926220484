#include "store/sqlite_spend.h"

#include "store/reading.h"
#include "store/sqlite_reader_statement.h"
#include "store/sqlite_row.h"

/* Longer than any month. */
enum { SPEND_START_DAYS = 31, SPEND_NUMBERS = 5 };

static enum store_result put(struct sqlite *sqlite, enum sqlite_statement statement,
                             const struct spend_row *delta)
{
    const int64_t numbers[SPEND_NUMBERS] = {delta->jobs, delta->succeeded, delta->failed,
                                            delta->spent, delta->reserved};
    struct sqlite_connection *writer = &sqlite->writer;
    sqlite_connection_number(writer, statement, 1, delta->day);
    sqlite_connection_text(writer, statement, 2, delta->tenant);
    sqlite_connection_text(writer, statement, 3, delta->model);
    sqlite_connection_text(writer, statement, 4, delta->provider);
    for (int n = 0; n < SPEND_NUMBERS; n++)
        sqlite_connection_number(writer, statement, 5 + n, numbers[n]);
    return sqlite_connection_do(writer, statement);
}

/* Nearly always the row is there. */
enum store_result sqlite_spend_change(struct sqlite *sqlite, const struct spend_row *delta)
{
    enum store_result result = put(sqlite, STATEMENT_SPEND_CHANGE, delta);
    if (result != STORE_OK || sqlite3_changes(sqlite->writer.db) == 1)
        return result;
    return put(sqlite, STATEMENT_SPEND_ADD, delta);
}

static void read_numbers(sqlite3_stmt *statement, int first, struct spend_row *row)
{
    row->jobs = sqlite3_column_int64(statement, first);
    row->succeeded = sqlite3_column_int64(statement, first + 1);
    row->failed = sqlite3_column_int64(statement, first + 2);
    row->spent = sqlite3_column_int64(statement, first + 3);
    row->reserved = sqlite3_column_int64(statement, first + 4);
}

enum store_result sqlite_spend_start(struct sqlite *sqlite, const struct store_sink *sink, ms_t now)
{
    struct sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *statement = writer->statements[STATEMENT_SPENDS];
    enum store_result result = STORE_OK;
    if (!sink->spend)
        return STORE_OK;
    int64_t first = now / MS_DAY - SPEND_START_DAYS;
    sqlite_connection_number(writer, STATEMENT_SPENDS, 1, first > 1 ? first : 1);
    while ((result = sqlite_connection_step(writer, STATEMENT_SPENDS)) == STORE_OK) {
        struct spend_row row = {.day = sqlite3_column_int64(statement, 0)};
        (void)sqlite_row_text(statement, 1, row.tenant, sizeof row.tenant);
        (void)sqlite_row_text(statement, 2, row.model, sizeof row.model);
        (void)sqlite_row_text(statement, 3, row.provider, sizeof row.provider);
        read_numbers(statement, 4, &row);
        sink->spend(sink->context, &row);
    }
    return result == STORE_NONE ? STORE_OK : result;
}

enum store_result sqlite_spend_read(struct sqlite_connection *connection,
                                    const struct reader_usage_filter *filter,
                                    struct reader_usage *ret_usage)
{
    enum sqlite_reader_statement which = filter->tenant ? READ_USAGE_TENANT : READ_USAGE;
    sqlite3_stmt *statement = connection->statements[which];
    enum store_result result = STORE_OK;
    sqlite_connection_number(connection, which, 1, filter->from);
    sqlite_connection_number(connection, which, 2, filter->to);
    sqlite_connection_number(connection, which, 3, filter->by);
    if (filter->tenant)
        sqlite_connection_text(connection, which, 4, filter->tenant);
    while ((result = sqlite_connection_step(connection, which)) == STORE_OK) {
        struct spend_row row = {0};
        char name[JOB_MODEL_SIZE] = "";
        row.day = filter->by == SPEND_BY_DAY ? sqlite3_column_int64(statement, 0) : 0;
        (void)sqlite_row_text(statement, 0, name, sizeof name);
        reading_name_usage(filter->by, name, &row);
        read_numbers(statement, 1, &row);
        reading_add_usage(filter->by, &row, ret_usage);
    }
    return result == STORE_NONE ? STORE_OK : result;
}
