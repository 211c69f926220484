/* The sound of an MP4: AAC-LC, 48 kHz stereo, pulled as the film goes and written between its
 * pictures, so that both lie side by side in the file. Its first sample is heard with the first
 * picture: what the coder puts before it is cut off by the file's edit list. */
#ifndef MEDIA_SOUNDTRACK_H
#define MEDIA_SOUNDTRACK_H

#include "media/failure.h"

#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

struct soundtrack_source {
    void *context;
    int64_t samples; /* stereo samples in all */
    /* The next `count` stereo samples, two floats each. */
    bool (*read)(void *context, float *samples, int count, struct failure *failure);
};

struct soundtrack;

/* Adds its track to the file, whose header is not written yet. The source is borrowed. NULL, and a
 * failure, on failure. */
struct soundtrack *soundtrack_make(const struct soundtrack_source *source, AVFormatContext *format,
                                   struct failure *failure);
/* Accepts NULL. */
void soundtrack_free(struct soundtrack *soundtrack);
/* Writes what is heard before `seconds`; INFINITY: all of it. */
bool soundtrack_write(struct soundtrack *soundtrack, double seconds, struct failure *failure);

#endif
