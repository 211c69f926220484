/* The mini-language of the golden traces and of the simulator's failures: an event, a change or an
 * effect as one line of text. For tests; not part of the server. */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "base/buffer.h"
#include "core/core.h"

enum { TRACE_NAME_SIZE = 24, TRACE_LINE_SIZE = 1000 };

struct trace {
    struct buffer text; /* of the newest line, without its end */
    ms_t epoch;         /* times are shown from here */
    /* "j1" for a job's key */
    void (*name)(void *context, int64_t key, char ret_name[static TRACE_NAME_SIZE]);
    void *context;
};

void trace_init(struct trace *trace, ms_t epoch);
void trace_done(struct trace *trace);
/* Each gives the line, valid until the next call. */
const char *trace_event(struct trace *trace, const struct event *event);
const char *trace_change(struct trace *trace, const struct change *change);
const char *trace_effect(struct trace *trace, const struct effect *effect);

#endif
