#include "core/spend.h"

static const char *const names[SPEND_BY_COUNT] = {
#define SPEND_BY_NAME(upper, lower) #lower,
    SPEND_BY_LIST(SPEND_BY_NAME)
#undef SPEND_BY_NAME
};

const char *spend_by_name(enum spend_by by)
{
    return names[by];
}

bool spend_by_find(struct span name, enum spend_by *ret_by)
{
    for (int by = 0; by < SPEND_BY_COUNT; by++) {
        if (span_is(name, names[by])) {
            *ret_by = (enum spend_by)by;
            return true;
        }
    }
    return false;
}

void spend_add(struct spend_row *target, const struct spend_row *row)
{
    target->jobs += row->jobs;
    target->succeeded += row->succeeded;
    target->failed += row->failed;
    target->spent += row->spent;
    target->reserved += row->reserved;
}
