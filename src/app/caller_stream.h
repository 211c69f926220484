/* Follows providers' streams: each an answer that goes on, of events that say how one attempt
 * stands. What they say is a hint and no more (HINTED: an end, or another stage), and the core is
 * told for how long there is one that it may rely on (STREAMED). A stream that breaks is opened
 * again a few times; one that can't be had is no loss, for the core polls then as ever.
 *
 * The list belongs to the caller's thread. The egress's thread reads what comes and leaves it in
 * two atomic words, then wakes the caller. */
#ifndef APP_CALLER_STREAM_H
#define APP_CALLER_STREAM_H

#include "app/caller_private.h"

/* Takes the errand over. */
void caller_stream_begin(struct errand *errand);
/* Nobody waits for the job any more. */
void caller_stream_drop(struct caller *caller, int64_t job);
/* Looks at what came, and opens those whose time has come; gives the time of the next, MS_NEVER. */
ms_t caller_stream_turn(struct caller *caller);
/* After the caller's thread: ends them; then, after the egress, frees them. */
void caller_stream_stop(struct caller *caller);
void caller_stream_free(struct caller *caller);

#endif
