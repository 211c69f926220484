/* One line of text as an image: libass shapes, orders (right-to-left too) and draws it, with the
 * family of font.h for each script in it. Nothing of the text is taken for a command of libass. */
#ifndef MEDIA_TYPESET_H
#define MEDIA_TYPESET_H

#include "base/buffer.h"
#include "media/font.h"

#include <stdbool.h>
#include <stdint.h>
#include <unicode/utypes.h>

struct typesetter;

/* NULL when memory is short or there are no fonts at all. */
struct typesetter *typeset_make(void);
/* Accepts NULL. */
void typeset_free(struct typesetter *typesetter);

struct typeface {
    enum font_kind kind;
    bool bold, italic;
    double tracking; /* space between letters, in parts of the size; Latin-like scripts only */
};

struct typeset_text {
    const UChar *units;
    int32_t size;
    bool right_to_left; /* the paragraph's direction */
};

/* Coverage of the ink, 0 … 255; (x, y) is its corner relative to the line's own: at the left end of
 * the line, at its top. A line of size s is s high. */
struct typeset_mask {
    uint8_t *data; /* owned; NULL where there is no ink */
    int x, y, width, height;
};

bool typeset_line(struct typesetter *typesetter, const struct typeface *face, double size,
                  struct typeset_text text, struct typeset_mask *ret_mask);
void typeset_mask_free(struct typeset_mask *mask);
/* Width of the ink of a line. */
double typeset_width(struct typesetter *typesetter, const struct typeface *face, double size,
                     struct typeset_text text);

/* The run of one script that begins at `from`: where it ends and the family that shows it, NULL
 * when none does. Punctuation, digits and marks belong to what is around them. */
struct typeset_run {
    int32_t end;
    UScriptCode script;
    const char *family;
};
struct typeset_run typeset_run(struct typeset_text text, int32_t from, enum font_kind kind);
/* Adds the text so that libass takes nothing of it for a command. */
void typeset_escape(struct buffer *markup, struct typeset_text text);

/* The first script of the text that no installed font has, or NULL. */
const char *typeset_missing(struct typeset_text text);

#endif
