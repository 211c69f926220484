/* Words to the operator by webhook: which are waiting, when each is tried, and that no kind of them
 * comes more often than every ten minutes. An alert is told at once or within two minutes; it is
 * not kept over a restart, for what is still wrong then is alerted again.
 *
 * Asks no clock and opens no connection; belongs to one thread (app/hook). */
#ifndef APP_ALERT_H
#define APP_ALERT_H

#include "base/buffer.h"
#include "base/time.h"
#include "core/output.h"

#define ALERT_LIST(X)                                                                              \
    X(DISK, disk)             /* the home's disk is nearly full */                                 \
    X(DELIVERIES, deliveries) /* webhooks fail */                                                  \
    X(BUDGET, budget)         /* a budget's use has come to 80 or 100 percent */                   \
    X(ACCOUNT, account)       /* a provider refuses our key, or has no credit for us */            \
    X(BREAKER, breaker)       /* a provider failed several times in a row */

enum alert_kind {
#define ALERT_ENUM(upper, lower) ALERT_##upper,
    ALERT_LIST(ALERT_ENUM)
#undef ALERT_ENUM
        ALERT_KINDS
};

enum { ALERT_TEXT_SIZE = 500, ALERT_ID_SIZE = 64, ALERT_TRIES = 3 };
#define ALERT_EVERY_MS (10 * MS_MINUTE)

struct alert {
    char text[ALERT_TEXT_SIZE]; /* a sentence */
    char id[ALERT_ID_SIZE];     /* the webhook-id, the same at each try */
    ms_t raised_at;             /* wall time; 0: never */
    ms_t next_at;               /* monotonic; MS_NEVER: nothing is to be sent */
    unsigned tries;
    bool in_flight;
    ms_t again_at; /* monotonic; the next of its kind not before */
    /* Of kinds that say all: what came too soon after the last one, or "", and when the last of it
     * came. */
    char later[ALERT_TEXT_SIZE];
    ms_t later_at;
};

struct alerts {
    struct alert list[ALERT_KINDS];
};

/* "disk", "deliveries" */
const char *alert_name(enum alert_kind kind);
void alert_init(struct alerts *alerts);
/* False: there was one of its kind within ten minutes. What budgets come to and which providers are
 * unwell is said once only, so it is kept then, and told together when the ten minutes are over.
 * `now` is monotonic, `wall` is shown. */
bool alert_raise(struct alerts *alerts, enum alert_kind kind, const char *text, ms_t now,
                 ms_t wall);
/* When the next is to be sent; MS_NEVER when none is. */
ms_t alert_next_at(const struct alerts *alerts);
/* One that is to be sent now, marked as in flight; false when there is none. */
bool alert_take(struct alerts *alerts, ms_t now, enum alert_kind *ret_kind);
/* How the try went. False: it was the last one, and it failed. */
bool alert_tried(struct alerts *alerts, enum alert_kind kind, bool delivered, ms_t now);
/* "The budget of tenant ann, $10.00 a month, is used up to 80 %: …" */
void alert_budget(const struct budget_notice *notice, char ret_text[static ALERT_TEXT_SIZE]);
/* "The provider fal has no credit for us: …" */
void alert_unwell(const struct unwell_notice *notice, char ret_text[static ALERT_TEXT_SIZE]);
/* It is about our account, not its breaker. */
bool alert_is_account(const struct unwell_notice *notice);
/* The body: {event: "alert", kind, message, at}. */
void alert_write(const struct alert *alert, enum alert_kind kind, struct buffer *target);

#endif
