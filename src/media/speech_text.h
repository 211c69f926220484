/* A text to be spoken, cleaned of what the engine would take for commands, and divided into the
 * words that a reader sees: with their punctuation, at blanks, and where a script has none (Thai,
 * Chinese, Japanese, Khmer, …) as ICU's dictionary says. */
#ifndef MEDIA_SPEECH_TEXT_H
#define MEDIA_SPEECH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct speech_piece {
    int32_t from, to;                       /* bytes of the text, without blanks around */
    int32_t first_character, end_character; /* the same in characters */
    bool joined;                            /* no blank before it */
};

struct speech_text {
    char *bytes; /* owned; UTF-8 */
    int32_t size, characters;
    struct speech_piece *piece; /* owned */
    int count;                  /* 0 when there is nothing that can be spoken */
};

/* `language` picks the rules for words. */
void speech_text_make(const char *text, const char *language, struct speech_text *ret_text);
void speech_text_free(struct speech_text *text);

/* Whether the script of the character is written without blanks between words. */
bool speech_text_is_spaceless(int32_t character);

#endif
