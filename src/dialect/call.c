#include "dialect/call.h"

void call_done(struct call *call)
{
    json_decref(call->ask.input);
    call->ask.input = NULL;
}
