/* The sound of a file as 48 kHz stereo, whatever it was: read in order, in any portions, with
 * bounded memory. Mono becomes both sides, more channels are mixed down. Where the file's times
 * leave a gap there is silence, so that sound stays with its picture. */
#ifndef MEDIA_SOUND_H
#define MEDIA_SOUND_H

#include "media/failure.h"

#include <stdbool.h>
#include <stdint.h>

enum { SOUND_RATE = 48000, SOUND_CHANNELS = 2 };

struct sound;

struct sound_wish {
    int fd;            /* borrowed until sound_free */
    const char *field; /* borrowed */
    bool may_lack;     /* a film without sound is fine: *ret_sound becomes NULL */
    bool has_zero;     /* the time of the file at which to begin; else the first sample's */
    double zero;
};

bool sound_open(const struct sound_wish *wish, struct failure *failure, struct sound **ret_sound);
/* Accepts NULL. */
void sound_free(struct sound *sound);
/* Fills up to `count` stereo samples (two floats each). *ret_count is less at the end only, and 0
 * after it. */
bool sound_read(struct sound *sound, float *samples, int count, struct failure *failure,
                int *ret_count);

/* How long the whole is, in seconds, by decoding it; what is longer than `max` is not read. */
bool sound_length(const struct sound_wish *wish, double max, struct failure *failure,
                  double *ret_seconds);

#endif
