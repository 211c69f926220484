/* The nouns of webhooks: their names, ids, and the schedule. */
#include "core/notify.h"

#include <stdio.h>
#include <string.h>

/* Of the specification of Standard Webhooks; ±10 % of each by chance. */
const ms_t notify_schedule[] = {
    0,           5 * MS_SECOND, 5 * MS_MINUTE, 30 * MS_MINUTE, 2 * MS_HOUR,
    5 * MS_HOUR, 10 * MS_HOUR,  14 * MS_HOUR,  20 * MS_HOUR,   24 * MS_HOUR,
};
const unsigned notify_schedule_size = sizeof notify_schedule / sizeof notify_schedule[0];

static const char *const event_names[NOTIFY_EVENT_COUNT] = {
#define EVENT_NAME(upper, lower) #lower,
    NOTIFY_EVENT_LIST(EVENT_NAME)
#undef EVENT_NAME
};

static const char *const state_names[DELIVERY_COUNT] = {
#define STATE_NAME(upper, lower) #lower,
    DELIVERY_LIST(STATE_NAME)
#undef STATE_NAME
};

const char *notify_event_name(enum notify_event event)
{
    return event_names[event];
}

const char *notify_state_name(enum delivery_state state)
{
    return state_names[state];
}

static bool find_name(const char *const *names, int count, struct span name, int *ret_place)
{
    for (int n = 0; n < count; n++) {
        if (span_is(name, names[n])) {
            *ret_place = n;
            return true;
        }
    }
    return false;
}

bool notify_event_find(struct span name, enum notify_event *ret_event)
{
    int place;
    if (!find_name(event_names, NOTIFY_EVENT_COUNT, name, &place))
        return false;
    *ret_event = (enum notify_event)place;
    return true;
}

bool notify_state_find(struct span name, enum delivery_state *ret_state)
{
    int place;
    if (!find_name(state_names, DELIVERY_COUNT, name, &place))
        return false;
    *ret_state = (enum delivery_state)place;
    return true;
}

void notify_id(const char *job_id, unsigned number, char target[static NOTIFY_ID_SIZE])
{
    const char *tail = strchr(job_id, '_');
    (void)snprintf(target, NOTIFY_ID_SIZE, "msg_%s_%u", tail ? tail + 1 : job_id, number);
}
