/* What the files of the subtitles share among themselves. */
#ifndef MEDIA_SUBTITLE_PRIVATE_H
#define MEDIA_SUBTITLE_PRIVATE_H

#include "media/subtitle.h"

#include <unicode/utypes.h>

/* A word as the cutting sees it. */
struct subtitle_piece {
    int columns;  /* a full-width character takes two */
    double width; /* in pixels; 0 when there are no fonts */
    bool ends_sentence, ends_clause;
    bool holds_next; /* a name or a number that should not be parted from what follows */
};

/* Divides words that are long runs without blanks, in proportion to their length. */
void subtitle_divide(const struct subtitle_words *words, int columns, struct arena *arena,
                     struct subtitle_word **ret_word, int *ret_count);
/* Looks at a word and the one after it (NULL at the end); `begins` when a sentence does. */
struct subtitle_piece subtitle_look(const struct subtitle_word *word,
                                    const struct subtitle_word *next, bool begins);
int subtitle_columns(const char *text);
/* By the first letter that has a direction. */
bool subtitle_is_right_to_left(const char *text);
/* The words of a line; `first` and `end` count from the cue's first word. */
struct subtitle_run {
    int first, end;
};
struct subtitle_run subtitle_line(const struct subtitle_cue *cue, int line);
bool subtitle_cue_is_right_to_left(const struct subtitle_cues *cues,
                                   const struct subtitle_cue *cue);

/* UTF-16 of a text; the arena's. */
const UChar *subtitle_units(struct arena *arena, const char *text, int32_t *ret_size);

void subtitle_write_ass(const struct subtitle_cues *cues, struct buffer *buffer);

#endif
