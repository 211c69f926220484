/* The ledger of the sandbox: every submission that it accepted, what it costs, and what became of
 * it. It is a file of the home, ledger.jsonl, one JSON object a line, to which lines are only ever
 * added, so that another process may read it at any time, also after the sandbox was killed:
 *
 *     {"event":"accepted","at":…,"provider":…,"model":…,"remoteId":…,"tag":…,"digest":…,
 *      "priceMicros":…}
 *     {"event":"ended","at":…,"remoteId":…,"became":"succeeded"}
 *
 * A line of an acceptance is on the disk before anybody is told of it. A last line without its end
 * is what a death left behind: it says nothing, and is taken away at the next start. */
#ifndef APP_SANDBOX_LEDGER_H
#define APP_SANDBOX_LEDGER_H

#include "base/buffer.h"
#include "base/time.h"

enum {
    SANDBOX_LEDGER_ROWS_MAX = 200000,
    SANDBOX_LEDGER_PAGE_MAX = 20000, /* rows of one answer */
    SANDBOX_LEDGER_FAULT_SIZE = 600
};

struct sandbox_ledger;

/* A submission that was accepted. Texts are borrowed for the call. */
struct sandbox_row {
    ms_t at; /* wall time */
    const char *provider, *model, *remote_id;
    const char *tag;    /* by which its sender knows it again: where to call back, or a key; "" */
    const char *digest; /* of what was asked for: equal ones were sent twice, or meant twice */
    int64_t price;      /* micro-dollars, at most; -1: not known */
};

/* Reads what is there. NULL with a sentence when the file can't be read, made or understood. */
struct sandbox_ledger *sandbox_ledger_open(const char *home,
                                           char ret_fault[static SANDBOX_LEDGER_FAULT_SIZE]);
void sandbox_ledger_close(struct sandbox_ledger *ledger); /* accepts NULL */

/* Any thread, all that follow. */
bool sandbox_ledger_is_full(struct sandbox_ledger *ledger);
/* True once the line is durable; at once for one that is there already. */
bool sandbox_ledger_accept(struct sandbox_ledger *ledger, const struct sandbox_row *row);
/* `became` is a state's name. Not waited for: what a death takes of it is told again by whoever
 * knows the job. Nothing for one that is not there, or has ended. */
void sandbox_ledger_end(struct sandbox_ledger *ledger, const char *remote_id, ms_t at,
                        const char *became);
/* Whether it has the acceptance, and the end. */
bool sandbox_ledger_has(struct sandbox_ledger *ledger, const char *remote_id, bool *ret_ended);
/* {"totals":{"fal":{"accepted":…,"unpriced":…,"priceMicros":…}},"rows":[…],"next":…}: up to `limit`
 * rows from number `from` on (0 is the first); `next` is the number to go on with, or null. */
void sandbox_ledger_write(struct sandbox_ledger *ledger, int64_t from, int64_t limit,
                          struct buffer *target);

#endif
