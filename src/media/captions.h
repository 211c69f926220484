/* Subtitles inside an MP4, for players that show them when asked: a track of timed text as 3GPP TS
 * 26.245 has it (tx3g), plain text at the bottom of the picture. */
#ifndef MEDIA_CAPTIONS_H
#define MEDIA_CAPTIONS_H

#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

struct caption {
    int64_t start_ms, end_ms; /* rising, never overlapping */
    const char *text;         /* UTF-8, lines apart by a line feed */
};

struct captions {
    const struct caption *items;
    int count;
    char language[4]; /* ISO 639-2, or empty */
};

/* Adds the track to a file whose header is not written yet; negative, as libav's, on failure. */
int captions_open(const struct captions *captions, AVFormatContext *format, int width, int height,
                  AVStream **ret_track);
/* Writes those that start before `seconds`; *next is the number of the first one not written. */
int captions_write(const struct captions *captions, AVFormatContext *format, const AVStream *track,
                   double seconds, int *next);

#endif
