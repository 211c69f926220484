/* The tables of the SQLite store and the versions that led to them. A published migration is never
 * changed: another one is added below it. */
#ifndef STORE_SQLITE_SCHEMA_H
#define STORE_SQLITE_SCHEMA_H

#include "store/sqlite_connection.h"

/* Brings the file to this program's version. False with a sentence on a fault: a newer version, a
 * database of somebody else, a full disk. */
bool sqlite_schema_upgrade(struct sqlite_connection *connection,
                           char ret_fault[static STORE_FAULT_SIZE]);
/* Refuses what is not ours, and what is newer; *ret_version is 0 for a new file. */
bool sqlite_schema_check(struct sqlite_connection *connection, int64_t *ret_version,
                         char ret_fault[static STORE_FAULT_SIZE]);
int sqlite_schema_version(void);

#endif
