/* Text as a terminal shows it: how many columns it takes, and made harmless. What servers and
 * callers wrote must not move the cursor, so control characters become blanks. */
#ifndef APP_GLYPH_H
#define APP_GLYPH_H

#include "base/buffer.h"
#include "base/span.h"

/* Columns; invalid bytes and controls count as one each. */
unsigned glyph_width(struct span text);
/* Adds the text without its control characters; invalid bytes become '?'. */
void glyph_add(struct buffer *target, struct span text);
/* The same in exactly `width` columns: cut with an ellipsis, or filled with blanks (before the text
 * when `right`). */
void glyph_fit(struct buffer *target, struct span text, unsigned width, bool right);

#endif
