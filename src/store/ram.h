/* The memory store: the semantics of the others in plain memory, for the simulator and for tests.
 * Nothing outlives the process, but a crash can be played: what was committed stays. */
#ifndef STORE_RAM_H
#define STORE_RAM_H

#include "store/store.h"

struct store *ram_open(void);
/* A store of its own with what is committed in this one; no transaction may be open. */
struct store *ram_copy(struct store *store);
/* The process died and was started again: an open transaction is gone, what was committed is there.
 * Faults that were ordered and have not struck are forgotten. */
void ram_crash(struct store *store);

/* Orders a fault: the next call of that kind answers `result` instead of doing its work, and the
 * transaction is rolled back, as the other stores do it. */
enum ram_call {
    RAM_BEGIN,
    RAM_LOAD, /* of any kind */
    RAM_APPLY,
    RAM_GET,
    RAM_COMMIT,
    RAM_COMMIT_KEPT, /* a doubtful commit: `result` is answered, yet all is committed */
    RAM_CALL_COUNT
};
void ram_fail_next(struct store *store, enum ram_call call, enum store_result result);

/* Looks for the oracle, without a copy: committed rows in order of key, borrowed
 * until the next change. Start with a cursor of 0; NULL at the end. */
const struct job *ram_next_job(const struct store *store, size_t *cursor);
/* NULL when there is no such committed row. */
const struct job *ram_find_job(const struct store *store, int64_t key);
/* Each row of sums as committed; NULL at the end. */
const struct spend_row *ram_next_spend(const struct store *store, size_t *cursor);
const struct api_key_row *ram_next_api_key(const struct store *store, size_t *cursor);
const struct upload *ram_next_upload(const struct store *store, size_t *cursor);
int64_t ram_turn(const struct store *store);
/* Deliveries in order of job and number, between transactions; `after` is NULL at the start. */
const struct delivery *ram_next_delivery(const struct store *store, const struct delivery *after,
                                         const char **ret_body);
/* NULL when there is none. */
const struct delivery *ram_find_delivery(const struct store *store, int64_t job, unsigned number,
                                         const char **ret_body);
/* When the lane's row says that something of it may be due; MS_NEVER: it has no row. */
ms_t ram_lane_next(const struct store *store, int64_t lane);

#endif
