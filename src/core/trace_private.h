/* What trace.c and trace_effect.c share. */
#ifndef CORE_TRACE_PRIVATE_H
#define CORE_TRACE_PRIVATE_H

#include "core/trace.h"

/* A new line. */
void trace_begin(struct trace *trace, const char *word);
/* " j1" */
void trace_add_job(struct trace *trace, int64_t key);
/* " until=+500"; nothing for 0 */
void trace_add_time(struct trace *trace, const char *word, ms_t at);

#endif
