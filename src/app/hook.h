/* Webhooks on their way out: one thread takes what is to be sent, reads body and secret from the
 * store, signs, and hands it to the egress; how it went becomes the event HOOKED. It decides
 * nothing: when to try again is the core's (core/notify.h).
 *
 * Each try has the same webhook-id and the same bytes, and a timestamp and signature of its own.
 * URLs pass the guard; redirects are not followed; an answer's status is all that counts of it, its
 * body is read up to 4 KiB and dropped. Words to the operator (app/alert) go the same way, past the
 * guard, for the operator named the address. */
#ifndef APP_HOOK_H
#define APP_HOOK_H

#include "app/alert.h"
#include "app/board.h"
#include "app/message.h"
#include "dialect/answer.h"
#include "edge/egress.h"
#include "store/store.h"

enum { HOOK_TESTS_MAX = 16 /* test calls under way at once */ };

struct hook_office;

struct hook_config {
    struct egress *egress;
    struct reader *reader; /* used by this thread alone */
    struct board *board;
    ms_t timeout;                  /* of one try, in all */
    const unsigned char *fal_seed; /* of the key with which webhooks in fal's shape are signed */
    const char *alert_url;         /* NULL: nobody is told */
    const char *alert_secret;      /* "whsec_…"; NULL: alerts are not signed */
    /* Takes the message over; false when it could not. */
    bool (*post)(void *context, struct message *message);
    void *context;
};

/* A test call, and where its outcome goes: `tell` is called once, on a thread of this module. */
struct hook_test {
    const char *tenant, *url; /* copied */
    uint64_t token;
    void (*tell)(void *context, uint64_t token, const struct answer_hook_test *outcome);
    void *context;
};

/* All pointers are borrowed. NULL when the thread can't be had. */
struct hook_office *hook_make(const struct hook_config *config);
/* From now on nothing is sent; the thread is gone. Then the egress may end, and after it: */
void hook_stop(struct hook_office *office); /* accepts NULL */
void hook_free(struct hook_office *office); /* accepts NULL */

/* Any thread; all return at once. */
void hook_deliver(struct hook_office *office, int64_t job, unsigned number, unsigned tries,
                  bool is_last);
/* For the sandbox: calls the receiver once more with the same delivery, and tells nobody how that
 * went; or, `forged`, with a body that names a job that is none, and signatures that are not right.
 */
void hook_echo(struct hook_office *office, int64_t job, unsigned number, bool forged);
/* False: too many are under way. */
bool hook_test(struct hook_office *office, const struct hook_test *test);
void hook_alert(struct hook_office *office, enum alert_kind kind, const char *text);
/* The home's disk is nearly full: bytes that are free, and below which new jobs are refused. */
void hook_disk(struct hook_office *office, uint64_t free, uint64_t reserve);
/* A budget's use has come to a threshold; the log has it too. */
void hook_budget(struct hook_office *office, const struct budget_notice *notice);
/* A provider is sent nothing for a while; likewise. */
void hook_unwell(struct hook_office *office, const struct unwell_notice *notice);

/* How a try went. */
struct hook_outcome {
    enum hooked_kind kind;
    int status;                    /* 0: there was no answer */
    ms_t took, retry_after;        /* retry_after: 0, not said */
    char error[NOTIFY_ERROR_SIZE]; /* a sentence; empty: delivered */
};

/* By what the egress says; `now` is wall time, for a Retry-After that is a date. */
void hook_read_outcome(const struct egress_result *result, ms_t now,
                       struct hook_outcome *ret_outcome);

#endif
