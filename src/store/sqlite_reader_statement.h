/* The SQL of the reading side. */
#ifndef STORE_SQLITE_READER_STATEMENT_H
#define STORE_SQLITE_READER_STATEMENT_H

enum sqlite_reader_statement {
    READ_JOB,
    READ_ATTEMPT,
    READ_OUTPUTS,
    READ_OUTPUTS_LISTED,
    READ_PLACE,
    READ_LIST,
    READ_LIST_TENANT,
    READ_TIMELINE,
    READ_ATTEMPTS,
    READ_SETTING,
    READ_TENANTS,
    READ_API_KEYS,
    READ_UPLOAD,
    READ_EXPIRED,
    READ_KEPT,
    READ_KEPT_BYTES,
    READ_DELIVERY,
    READ_BODY,
    READ_DELIVERIES,
    READ_TRIES,
    READ_SECRET,
    READ_REMOTE_ID,
    READ_BEGIN,
    READ_END,
    READ_COUNT
};

extern const char *const sqlite_reader_statements[READ_COUNT];

#endif
