/* The speech engine, espeak-ng: the only file that calls it.
 *
 * It keeps state between texts that nothing resets (the phase of its pitch's flutter, its gain),
 * and can not be ended and begun again. So only the first text that a process speaks is always the
 * same sound; see `last` in report.h for what follows from that. It opens no sound device and
 * writes no file. One thread at a time. */
#ifndef MEDIA_SPEECH_ENGINE_H
#define MEDIA_SPEECH_ENGINE_H

#include "media/failure.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SPEECH_NAME_SIZE = 64,
    SPEECH_NAMES_MAX = 400,
    SPEECH_RATE_USUAL = 175, /* words a minute at speed 1 */
    SPEECH_RATE_MIN = 80,
    SPEECH_RATE_MAX = 450
};

/* Begins the engine at its first call. False when the library finds no data. */
bool speech_engine_begin(struct failure *failure);
/* Of the samples, once a voice was chosen. */
int speech_engine_rate(void);

/* Chooses a language ("en-us", "de", …; case does not matter) and the variant of its voice ("f2",
 * "m3", "whisper", …, or NULL for the usual one). An unknown name is a failure of the parameter
 * `language` or `voice`, with those that come near. */
bool speech_engine_choose(const char *language, const char *variant, struct failure *failure);

struct speech_listener {
    /* False ends the speech. */
    bool (*samples)(void *context, const int16_t *samples, size_t count);
    /* Where in the samples told so far a word begins: the character of the text, from 0. */
    void (*word)(void *context, int character);
    void (*sentence)(void *context, int character);
    void *context;
};

struct speech_manner {
    double speed; /* 1 is SPEECH_RATE_USUAL words a minute */
    int pitch;    /* 0 … 99 */
};

/* False when the engine failed or the listener ended it. `text` is valid UTF-8 without control
 * characters but line ends. */
bool speech_engine_speak(const char *text, struct speech_manner manner,
                         const struct speech_listener *listener);

/* For --doctor. Names are sorted and live until the next call of this file. */
const char *speech_engine_version(void);
int speech_engine_languages(const char *ret_names[static SPEECH_NAMES_MAX]);
int speech_engine_variants(const char *ret_names[static SPEECH_NAMES_MAX]);

#endif
