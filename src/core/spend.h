/* Sums of what jobs came to, as the store keeps them: a row for each day, tenant, model and
 * provider that anything happened with. */
#ifndef CORE_SPEND_H
#define CORE_SPEND_H

#include "core/job.h"

enum {
    MONEY_NOW = 0,       /* the day of what is reserved now, and of all that was ever spent */
    SPEND_DAYS_MAX = 366 /* days that one question may be about */
};

/* Days count from 1970, UTC. A day's row has the jobs that ended on it and what was settled on it;
 * the one of day 0 has no jobs, what is reserved at present, and all that was ever spent. */
struct spend_row {
    int64_t day;
    char tenant[JOB_TENANT_SIZE];
    char model[JOB_MODEL_SIZE];
    char provider[JOB_PROVIDER_SIZE];
    int64_t jobs, succeeded, failed; /* expired ones have failed; canceled ones are jobs only */
    int64_t spent, reserved;         /* micro-dollars */
};

/* By what rows are summed. */
#define SPEND_BY_LIST(X)                                                                           \
    X(TENANT, tenant)                                                                              \
    X(MODEL, model)                                                                                \
    X(PROVIDER, provider)                                                                          \
    X(DAY, day)

enum spend_by {
#define SPEND_BY_ENUM(upper, lower) SPEND_BY_##upper,
    SPEND_BY_LIST(SPEND_BY_ENUM)
#undef SPEND_BY_ENUM
        SPEND_BY_COUNT
};

const char *spend_by_name(enum spend_by by);
bool spend_by_find(struct span name, enum spend_by *ret_by);
/* Adds the figures of one row to another's. */
void spend_add(struct spend_row *target, const struct spend_row *row);

#endif
