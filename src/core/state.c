#include "core/state.h"

static const char *const state_names[STATE_COUNT] = {
#define STATE_NAME(upper, lower) #lower,
    STATE_LIST(STATE_NAME)
#undef STATE_NAME
};

const char *state_name(enum state state)
{
    return state_names[state];
}

bool state_find(struct span name, enum state *ret_state)
{
    for (int state = 0; state < STATE_COUNT; state++) {
        if (span_is(name, state_names[state])) {
            *ret_state = (enum state)state;
            return true;
        }
    }
    return false;
}

bool state_is_terminal(enum state state)
{
    return state >= STATE_SUCCEEDED;
}

bool state_is_in_flight(enum state state)
{
    return state >= STATE_SUBMITTING && state <= STATE_STORING;
}
