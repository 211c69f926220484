/* Reads server-sent events as their bytes arrive, in pieces cut anywhere (the event stream format
 * of the WHATWG's HTML standard, 9.2.6). Of an event only its data is given: names, ids and retry
 * times mean nothing to those who read here. Comments, which keep connections alive, say nothing.
 */
#ifndef EDGE_EVENT_STREAM_H
#define EDGE_EVENT_STREAM_H

#include "base/buffer.h"

struct event_stream {
    struct buffer line, data;
    bool is_begun; /* the mark that may come before the first line is behind us */
    bool had_return, has_data;
    /* The lines of the event's data, joined by line feeds; borrowed for the call. */
    void (*event)(void *context, struct span data);
    void *context;
};

/* `max`: bytes of a line, and of an event's data. */
void event_stream_init(struct event_stream *stream, size_t max,
                       void (*event)(void *context, struct span data), void *context);
void event_stream_done(struct event_stream *stream);
/* Forgets what was begun: another connection follows. */
void event_stream_clear(struct event_stream *stream);
/* False when a line or an event is larger than `max`: then nothing is read any more. */
bool event_stream_add(struct event_stream *stream, struct span bytes);

#endif
