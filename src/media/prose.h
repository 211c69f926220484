/* A caller's text made fit for setting in type: UTF-16 for ICU, blanks and line ends as single
 * spaces, no control characters, no towers of accents, no symbols that no font has. Then where its
 * lines may end, and which way it reads. */
#ifndef MEDIA_PROSE_H
#define MEDIA_PROSE_H

#include <stdbool.h>
#include <unicode/utypes.h>

struct prose {
    UChar *units; /* owned */
    int32_t size;
    bool right_to_left; /* by its first letter that has a direction */
    bool dropped;       /* symbols were left out */
};

/* `text` is UTF-8, faults in it become U+FFFD; what is beyond `units_max` is cut off at a whole
 * character and "…" added. False when memory is short. */
bool prose_make(const char *text, int32_t units_max, struct prose *ret_prose);
void prose_free(struct prose *prose);

/* Where lines may end, in any script (ICU's line rules; Thai and Khmer by dictionary): offsets in
 * units, rising, the last one the text's end. At most `breaks_max`, the rest runs on. */
int prose_breaks(const struct prose *prose, int32_t *breaks, int breaks_max);

#endif
