/* libav reads and writes through this and nothing else: a file that is already open. No protocol of
 * libav is ever asked for a name. Each stream keeps its own position (pread, pwrite), so two may
 * share one file. */
#ifndef MEDIA_STREAM_H
#define MEDIA_STREAM_H

#include <libavformat/avformat.h>
#include <stdbool.h>

struct stream {
    int fd; /* borrowed */
    int64_t position;
    int error; /* the first errno of a write, which libav's muxers tend to blur */
    AVIOContext *io;
};

/* False when memory is short. */
bool stream_open(int fd, bool writes, struct stream *ret_stream);
/* Frees the context, not the file; accepts an empty one. Does not flush: libav's trailer does. */
void stream_close(struct stream *stream);

#endif
