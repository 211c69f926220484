/* What a key may do: a closed list. Each route of the catalogue names the one scope that it asks
 * for; a key holds a set of them, as bits. */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include "base/span.h"

#define SCOPE_LIST(X)                                                                              \
    X(GENERATE, generate) /* make jobs, change and retry them, upload */                           \
    X(READ, read)         /* jobs, their files, models */                                          \
    X(CANCEL, cancel)                                                                              \
    X(PRIORITY, priority) /* ask for a priority above 50 */                                        \
    X(METRICS, metrics)   /* /metrics, which tells of all tenants */                               \
    X(ADMIN, admin)       /* the keys and settings of its own tenant */                            \
    X(OPERATOR, operator) /* act for every tenant, and set what each may use */

enum scope {
#define SCOPE_ENUM(upper, lower) SCOPE_##upper,
    SCOPE_LIST(SCOPE_ENUM)
#undef SCOPE_ENUM
        SCOPE_COUNT
};

#define SCOPE_BIT(scope) (1u << (scope))
#define SCOPE_ALL        ((1u << SCOPE_COUNT) - 1)

/* "generate" */
const char *scope_name(enum scope scope);
bool scope_find(struct span name, enum scope *ret_scope);

#endif
