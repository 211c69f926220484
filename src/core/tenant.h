/* What a tenant may use: its limits, its tier, its budget. A tenant without a row has the server's
 * defaults. */
#ifndef CORE_TENANT_H
#define CORE_TENANT_H

#include "core/job.h"

enum {
    TENANT_TIER_SIZE = 24,
    TENANT_AS_SERVER = -1, /* a limit: what the server's configuration says */
    TENANT_NO_BUDGET = -1
};

#define TENANT_PERIOD_LIST(X)                                                                      \
    X(DAY, day)                                                                                    \
    X(MONTH, month)                                                                                \
    X(TOTAL, total)

enum tenant_period {
#define TENANT_PERIOD_ENUM(upper, lower) TENANT_##upper,
    TENANT_PERIOD_LIST(TENANT_PERIOD_ENUM)
#undef TENANT_PERIOD_ENUM
        TENANT_PERIOD_COUNT
};

struct tenant_row {
    char tenant[JOB_TENANT_SIZE];
    char tier[TENANT_TIER_SIZE]; /* its weight is the configuration's; empty: none, weight 1 */
    int64_t in_flight;           /* jobs at once; TENANT_AS_SERVER, or 0: no limit */
    int64_t queued;              /* jobs queued or waiting; likewise */
    int64_t rate;                /* requests a minute; likewise */
    int64_t budget;              /* micro-dollars; TENANT_NO_BUDGET */
    enum tenant_period period;   /* of the budget */
    ms_t updated_at;
};

/* A row that says nothing: all as the server has it. */
struct tenant_row tenant_row_make(const char *tenant);
const char *tenant_period_name(enum tenant_period period);
bool tenant_period_find(struct span name, enum tenant_period *ret_period);
/* 1 to 63 letters and digits of ASCII, '.', '_' and '-', the first one a letter or digit. */
bool tenant_is_name(struct span name);

#endif
