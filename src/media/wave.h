/* WAV files: 16-bit mono PCM, written as the samples come. */
#ifndef MEDIA_WAVE_H
#define MEDIA_WAVE_H

#include "media/failure.h"

#include <stddef.h>
#include <stdint.h>

enum { WAVE_HEADER_SIZE = 44, WAVE_HELD = 8192 };

struct wave {
    int fd; /* borrowed */
    int rate;
    int64_t samples; /* taken so far */
    size_t held;
    uint8_t bytes[WAVE_HELD * 2]; /* not yet written */
};

/* `fd` is an empty file, open for writing. The header comes with wave_end: a file that was not
 * ended has none. */
bool wave_begin(struct wave *wave, int fd, int rate, struct failure *failure);
bool wave_add(struct wave *wave, const int16_t *samples, size_t count, struct failure *failure);
bool wave_add_silence(struct wave *wave, int64_t count, struct failure *failure);
bool wave_end(struct wave *wave, struct failure *failure);

#endif
