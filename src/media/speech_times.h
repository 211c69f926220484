/* When each word of a spoken text sounds: the engine's own marks, mapped to the words that a reader
 * sees and checked against the samples. The engine marks what it speaks, which is not always a word
 * ("25" is two, "$3.50" five) and may lie before a pause; so a word begins where sound does, and
 * ends with it. */
#ifndef MEDIA_SPEECH_TIMES_H
#define MEDIA_SPEECH_TIMES_H

#include "media/speech_text.h"
#include "media/subtitle.h"

struct speech_mark {
    int character;
    int64_t sample;
};

struct speech_times {
    int rate;
    int64_t samples;
    struct speech_mark *mark; /* owned; as the engine told them */
    size_t mark_count, mark_capacity;
    uint16_t *peak; /* owned; the loudest sample of every five milliseconds */
    size_t peak_count, peak_capacity;
    int64_t peak_left; /* samples until the current one is full */
};

void speech_times_init(struct speech_times *times, int rate);
void speech_times_done(struct speech_times *times);
void speech_times_add(struct speech_times *times, const int16_t *samples, size_t count);
void speech_times_add_silence(struct speech_times *times, int64_t count);
/* A word that begins with the next sample. */
void speech_times_mark(struct speech_times *times, int character);

/* The words with their times, rising and inside the sound. *ret_estimated is how many the engine
 * did not mark: their times are divided between their neighbours by length. */
void speech_times_words(const struct speech_times *times, const struct speech_text *text,
                        struct subtitle_words *ret_words, int *ret_estimated);

#endif
