/* What a tenant, a provider or a key has reserved and spent, held against its budget. Money is
 * integer micro-dollars; a day is the number of days since 1970, UTC.
 *
 * A budget covers what is reserved now and what was settled in its period. What is reserved belongs
 * to no period: a job that was accepted yesterday and runs still counts today. */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include "base/list.h"
#include "core/tenant.h"

enum {
    ACCOUNT_TEXT_SIZE = 32,
    ACCOUNT_UNKNOWN = -1, /* a price */
    ACCOUNT_WARNS_AT = 80 /* percent of a budget; then at 100 */
};

struct account {
    char name[JOB_TENANT_SIZE];
    int64_t reserved;
    int64_t day;                        /* the newest that something was spent on … */
    int64_t spent[TENANT_PERIOD_COUNT]; /* … on it, in its month, and in all */
    int64_t budget;                     /* TENANT_NO_BUDGET */
    enum tenant_period period;
    unsigned told;                     /* percent that the operator was told of … */
    int64_t told_in;                   /* … in this period */
    bool is_broke;                     /* of a provider: a job waits that it can't pay for */
    int64_t more_spent, more_reserved; /* of a key: since it was written last */
    struct list link;                  /* core->money.touched, or charged */
};

/* How an amount fits into what is left. */
enum account_fit {
    ACCOUNT_FITS,
    ACCOUNT_LATER, /* not now; in another period, or when something is released */
    ACCOUNT_NEVER  /* it is more than the whole budget */
};

/* Spent in that period, as of `day`. */
int64_t account_spent(const struct account *account, enum tenant_period period, int64_t day);
/* Reserved, and spent in the budget's period. */
int64_t account_used(const struct account *account, int64_t day);
/* An unknown price fits as long as anything is left. */
enum account_fit account_fits(const struct account *account, int64_t price, int64_t day);
/* Days may come in any order. */
void account_spend(struct account *account, int64_t day, int64_t micros);
/* It was not spent on that day after all. Where the account does not know of that day any more (of
 * a key only the whole is told at a start) only the whole becomes less. */
void account_unspend(struct account *account, int64_t day, int64_t micros);
/* 80 or 100, when the budget's use has come to that and nobody was told in this period; else 0.
 * Remembers it as told. */
unsigned account_tells(struct account *account, int64_t day);
/* When the next period begins; 0: the budget has only one. */
ms_t account_renews(const struct account *account, int64_t day);
/* "$0.0125", "$12.50" */
void account_write(int64_t micros, char target[static ACCOUNT_TEXT_SIZE]);
/* "$10.00 a day", "$10.00 a month", "$10.00" */
enum { ACCOUNT_BUDGET_SIZE = ACCOUNT_TEXT_SIZE + 8 };
void account_write_budget(const struct account *account, char target[static ACCOUNT_BUDGET_SIZE]);

#endif
