#include "edge/event_stream.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

void event_stream_init(struct event_stream *stream, size_t max,
                       void (*event)(void *context, struct span data), void *context)
{
    *stream = (struct event_stream){.event = event, .context = context};
    buffer_init(&stream->line, max);
    buffer_init(&stream->data, max);
}

void event_stream_done(struct event_stream *stream)
{
    buffer_done(&stream->line);
    buffer_done(&stream->data);
}

void event_stream_clear(struct event_stream *stream)
{
    buffer_clear(&stream->line);
    buffer_clear(&stream->data);
    stream->is_begun = stream->had_return = stream->has_data = false;
}

static void end_event(struct event_stream *stream)
{
    if (stream->has_data)
        stream->event(stream->context, buffer_span(&stream->data));
    buffer_clear(&stream->data);
    stream->has_data = false;
}

static void end_line(struct event_stream *stream)
{
    struct span line = buffer_span(&stream->line), name = SPAN("");
    if (!stream->is_begun && span_starts(line, BYTE_ORDER_MARK))
        line = (struct span){line.data + 3, line.size - 3};
    stream->is_begun = true;
    if (line.size == 0) {
        end_event(stream);
    } else if (span_take(&line, ':', &name) && span_is(name, "data")) {
        struct span value = line.data ? line : SPAN("");
        if (span_starts(value, " "))
            value = (struct span){value.data + 1, value.size - 1};
        if (stream->has_data)
            buffer_add_byte(&stream->data, '\n');
        buffer_add(&stream->data, value);
        stream->has_data = true;
    }
    buffer_clear(&stream->line);
}

bool event_stream_add(struct event_stream *stream, struct span bytes)
{
    for (size_t n = 0; n < bytes.size && !stream->line.failed && !stream->data.failed; n++) {
        char byte = bytes.data[n];
        /* A line ends with a return, a feed, or both. */
        if (byte == '\r' || (byte == '\n' && !stream->had_return))
            end_line(stream);
        else if (byte != '\n')
            buffer_add_byte(&stream->line, byte);
        stream->had_return = byte == '\r';
    }
    return !stream->line.failed && !stream->data.failed;
}
