/* `speech`: a text spoken by espeak-ng as a WAV file, and words.json with the time of every word.
 * A synthetic voice, no AI model.
 *
 * Parameters: text (required, SPEECH_CHARACTERS_MAX), language ("en-us"), voice ("default"),
 * speed (1), pitch (50), pauseMs (0: added between sentences). */
#ifndef MEDIA_SPEECH_H
#define MEDIA_SPEECH_H

#include <stdbool.h>

struct job;

enum { SPEECH_CHARACTERS_MAX = 5000, SPEECH_SECONDS_MAX = 3600, SPEECH_PAUSE_MS_MAX = 5000 };

bool speech_render(struct job *job);

#endif
