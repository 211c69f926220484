#include "base/scope.h"

static const char *const names[SCOPE_COUNT] = {
#define SCOPE_NAME(upper, lower) #lower,
    SCOPE_LIST(SCOPE_NAME)
#undef SCOPE_NAME
};

const char *scope_name(enum scope scope)
{
    return names[scope];
}

bool scope_find(struct span name, enum scope *ret_scope)
{
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        if (span_is(name, names[scope])) {
            *ret_scope = (enum scope)scope;
            return true;
        }
    }
    return false;
}
