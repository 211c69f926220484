/* What the core's thread lets the other threads see without asking it: how full things are, how
 * long models take, whether the store takes writes; and the counters behind /metrics. */
#ifndef APP_BOARD_H
#define APP_BOARD_H

#include "base/buffer.h"
#include "core/core.h"
#include "dialect/answer.h"

#include <stdatomic.h>

enum { BOARD_BUCKETS = 12 };

/* What came of a try to deliver a webhook. */
#define BOARD_HOOK_LIST(X)                                                                         \
    X(DELIVERED, delivered)                                                                        \
    X(FAILED, failed) /* and another try follows */                                                \
    X(GIVEN_UP, given_up)                                                                          \
    X(GONE, gone)

enum board_hook {
#define BOARD_HOOK_ENUM(upper, lower) BOARD_HOOK_##upper,
    BOARD_HOOK_LIST(BOARD_HOOK_ENUM)
#undef BOARD_HOOK_ENUM
        BOARD_HOOK_COUNT
};

/* A histogram of milliseconds. */
struct board_histogram {
    atomic_uint_fast64_t counts[BOARD_BUCKETS + 1], sum, count;
};

struct board_counters {
    atomic_uint_fast64_t requests[6]; /* by first digit of the status; [0]: gone before a reply */
    atomic_uint_fast64_t asked, replayed, joined, refused;
    atomic_uint_fast64_t ended[STATE_COUNT];
    atomic_uint_fast64_t hooks[BOARD_HOOK_COUNT];
    atomic_uint_fast64_t turns, events, attempts, commits_late;
    struct board_histogram commit, wait, run; /* of a turn; queued → started; started → ended */
};

struct board;

struct board *board_make(void);
void board_free(struct board *board); /* accepts NULL */
struct board_counters *board_counters(struct board *board);
void board_observe(struct board_histogram *histogram, ms_t took);

/* By the core's thread, after a turn. */
void board_show(struct board *board, const struct core *core, uint64_t disk_free);
void board_set_hooks(struct board *board, int64_t pending);
/* By any thread: a stream of the provider opened (1), or is over (-1). */
void board_count_stream(struct board *board, const char *provider, int by);
void board_set_ready(struct board *board, bool ready);
void board_set_full(struct board *board, bool full);
/* By any thread. */
bool board_ready(struct board *board);
bool board_full(struct board *board);
/* Jobs of the tenant (NULL: all) in flight, the longest first, at most `capacity`; and what this
 * machine's workers do, for whomever. */
void board_stats(struct board *board, const char *tenant, struct answer_operation *operations,
                 unsigned capacity, struct answer_stats *ret_stats);
/* How full the tenant is: fills in_flight, queued and waiting; see board_show for how new it is. */
void board_tenant(struct board *board, struct answer_tenant *tenant);
/* What the tenant has reserved and spent. */
void board_budget(struct board *board, const char *tenant, struct answer_budget *ret_budget);
/* How full and how well the provider is: fills in_flight, limit and health; likewise. */
void board_provider(struct board *board, struct answer_provider *provider);
/* Mean duration of a model's jobs; 0 without history. */
ms_t board_pace(struct board *board, const char *model);
/* Why a queued or waiting job is not running yet. The texts are static or in `arena`. */
void board_why(struct board *board, const struct job *job, int64_t position, struct arena *arena,
               struct answer_waiting *ret_waiting);
/* Prometheus' text format. */
void board_write(struct board *board, struct buffer *target);

#endif
