/* Subtitles from the times of spoken words: read the words, cut them into cues, write the cues.
 *
 *   subtitle_read(json, &words, &failure)      words.json of `speech`, or any file of that form
 *   subtitle_cut(&words, &options, &cues, &failure)
 *   subtitle_write(SUBTITLE_TO_ASS, &cues, &buffer)
 *
 * ASS is what libass burns in: it has the frame's own size as resolution, a font for each script,
 * hard line ends and no wrapping, so it looks the same wherever these fonts are. SRT and WebVTT
 * carry the same cues as text.
 *
 * A cue begins with its first word and has at most two balanced lines that fit the frame (42
 * characters on a wide one, fewer on a narrow one; full-width characters count twice). It stays for
 * 0.8 to 7 seconds, longer than its words where the reader needs it and the pause after it allows,
 * and never over the next one. Cues end at the ends of sentences and at pauses where they can. */
#ifndef MEDIA_SUBTITLE_H
#define MEDIA_SUBTITLE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/span.h"
#include "media/failure.h"

enum {
    SUBTITLE_JSON_MAX = 4 << 20, /* bytes of a file of words */
    SUBTITLE_WORDS_MAX = 15000,
    SUBTITLE_WORD_SIZE_MAX = 1000, /* bytes */
    SUBTITLE_LINES_MAX = 2,
    SUBTITLE_CUE_MIN_MS = 800,
    SUBTITLE_CUE_MAX_MS = 7000,
    SUBTITLE_HOURS_MAX = 12,
    SUBTITLE_OUTPUT_MAX = 32 << 20, /* a good limit for the buffer that is written to */
};

struct subtitle_word {
    const char *text; /* UTF-8, with its punctuation, no blanks around it */
    int64_t start_ms, end_ms;
    bool joined; /* follows the word before it without a blank (Chinese, Thai, …) */
};

struct subtitle_words {
    struct subtitle_word *word; /* rising in start_ms, each end_ms ≤ the next start_ms */
    int count;
    int64_t duration_ms; /* of the sound; 0 when the file does not say */
    char language[16];   /* as the file says, or empty */
    struct arena arena;  /* of the texts */
};

/* {"language","durationMs","words":[{"word","startMs","endMs","joined"}]}; all but the words and
 * their word, startMs and endMs may be absent, and other keys are passed over. A bare array of
 * words will do too. Failures are ERROR_VALIDATION with `field` as their field (may be NULL): times
 * that fall or are beyond twelve hours, too many words. Words without anything to show are left
 * out. A word that overlaps the next is cut where that one starts. Where no word says `joined`,
 * words of scripts that are written without blanks are joined. */
bool subtitle_read(struct span json, const char *field, struct subtitle_words *ret_words,
                   struct failure *failure);
void subtitle_words_free(struct subtitle_words *words);

enum subtitle_style {
    SUBTITLE_PLAIN,   /* white with a dark edge */
    SUBTITLE_KARAOKE, /* plain, and the word that is spoken lit from its start to the next one's */
    SUBTITLE_BOXED,   /* white on a dark, rounded box */
};

/* "plain", "karaoke", "boxed" */
bool subtitle_find_style(const char *name, enum subtitle_style *ret_style);

struct subtitle_options {
    enum subtitle_style style;
    int width, height;   /* of the frame: decides size, characters a line and the safe area */
    int64_t offset_ms;   /* when the sound starts in the film; added to all times */
    int64_t duration_ms; /* of the film: nothing is shown after it; 0 for no such end */
};

struct subtitle_cue {
    int64_t start_ms, end_ms;
    int first, count; /* of subtitle_cues.word */
    int lines;
    int line_end[SUBTITLE_LINES_MAX];      /* the word after each line, from `first` */
    double line_width[SUBTITLE_LINES_MAX]; /* in pixels of the frame; 0 when there are no fonts */
};

struct subtitle_cues {
    struct subtitle_cue *cue; /* rising, never overlapping */
    int count;
    struct subtitle_word *word; /* as in the file, but long runs without blanks are divided */
    int word_count;
    struct subtitle_options options;
    char missing[48];   /* the first script that no installed font has, or empty */
    struct arena arena; /* of the words and cues; the file's words are not needed any more */
};

/* False only when the options are out of range. No words make no cues. */
bool subtitle_cut(const struct subtitle_words *words, const struct subtitle_options *options,
                  struct subtitle_cues *ret_cues, struct failure *failure);
void subtitle_cues_free(struct subtitle_cues *cues);

enum subtitle_format { SUBTITLE_TO_SRT, SUBTITLE_TO_VTT, SUBTITLE_TO_ASS };

/* "srt", "vtt", "ass" */
bool subtitle_find_format(const char *name, enum subtitle_format *ret_format);
/* Look at buffer->failed afterwards. */
void subtitle_write(enum subtitle_format format, const struct subtitle_cues *cues,
                    struct buffer *buffer);

#endif
