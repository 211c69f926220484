#include "media/prose.h"

#include "media/font.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

enum { MARKS_MAX = 4, ELLIPSIS = 0x2026 };

/* Format characters that only shaping needs: joiners. Direction is ours to decide. */
static bool is_joiner(UChar32 c)
{
    return c == 0x200c || c == 0x200d;
}

static bool is_symbol(UChar32 c)
{
    uint32_t kinds = U_GC_SO_MASK | U_GC_SK_MASK | U_GC_CO_MASK | U_GC_CN_MASK;
    return (U_GET_GC_MASK(c) & kinds) != 0;
}

/* What takes the place of `c`: itself, a space, or nothing (-1). */
static UChar32 clean(UChar32 c, struct prose *prose)
{
    if (c < 0)
        return 0xfffd;
    if (u_isUWhiteSpace(c))
        return ' ';
    uint32_t kind = U_GET_GC_MASK(c);
    if ((kind & (U_GC_CC_MASK | U_GC_CS_MASK)) != 0 ||
        ((kind & U_GC_CF_MASK) != 0 && !is_joiner(c)))
        return -1;
    if (u_hasBinaryProperty(c, UCHAR_VARIATION_SELECTOR) ||
        u_hasBinaryProperty(c, UCHAR_EMOJI_MODIFIER))
        return -1;
    if (is_symbol(c) && !font_has(c)) {
        prose->dropped = true;
        return -1;
    }
    return c;
}

static bool is_mark(UChar32 c)
{
    return (U_GET_GC_MASK(c) & (U_GC_MN_MASK | U_GC_ME_MASK)) != 0;
}

static void find_direction(struct prose *prose)
{
    for (int32_t i = 0; i < prose->size;) {
        UChar32 c;
        U16_NEXT(prose->units, i, prose->size, c);
        UCharDirection direction = u_charDirection(c);
        if (direction == U_LEFT_TO_RIGHT)
            return;
        if (direction == U_RIGHT_TO_LEFT || direction == U_RIGHT_TO_LEFT_ARABIC) {
            prose->right_to_left = true;
            return;
        }
    }
}

/* Back to the start of the character that the cut would split, and without its space. */
static void cut(struct prose *prose, int32_t units_max)
{
    UErrorCode status = U_ZERO_ERROR;
    UBreakIterator *characters =
        ubrk_open(UBRK_CHARACTER, "en", prose->units, prose->size, &status);
    int32_t end = units_max - 1;
    if (U_SUCCESS(status) && !ubrk_isBoundary(characters, end))
        end = ubrk_preceding(characters, end);
    ubrk_close(characters);
    while (end > 0 && prose->units[end - 1] == ' ')
        end--;
    prose->units[end] = ELLIPSIS;
    prose->size = end + 1;
}

bool prose_make(const char *text, int32_t units_max, struct prose *ret_prose)
{
    size_t bytes = strlen(text);
    /* Enough to see that there is more than fits; each unit takes at least a byte. */
    size_t look = (size_t)units_max * 8;
    int32_t size = (int32_t)(bytes < look ? bytes : look);
    struct prose prose = {.units = calloc((size_t)size + 2, sizeof(UChar))};
    if (!prose.units)
        return false;
    int marks = 0;
    bool space = true; /* so that leading blanks vanish */
    for (int32_t i = 0; i < size;) {
        UChar32 c;
        U8_NEXT(text, i, size, c);
        c = clean(c, &prose);
        if (c < 0 || (c == ' ' && space))
            continue;
        marks = is_mark(c) ? marks + 1 : 0;
        if (marks > MARKS_MAX)
            continue;
        space = c == ' ';
        U16_APPEND_UNSAFE(prose.units, prose.size, c);
    }
    if (prose.size > 0 && prose.units[prose.size - 1] == ' ')
        prose.size--;
    if (prose.size > units_max)
        cut(&prose, units_max);
    find_direction(&prose);
    *ret_prose = prose;
    return true;
}

void prose_free(struct prose *prose)
{
    free(prose->units);
    *prose = (struct prose){0};
}

/* ICU lets a line begin with a dash; a typesetter does not. */
static bool is_dash(UChar c)
{
    return c == 0x2013 || c == 0x2014 || c == '-';
}

int prose_breaks(const struct prose *prose, int32_t *breaks, int breaks_max)
{
    UErrorCode status = U_ZERO_ERROR;
    int count = 0;
    UBreakIterator *lines = ubrk_open(UBRK_LINE, "en", prose->units, prose->size, &status);
    if (U_SUCCESS(status)) {
        int32_t at;
        while (count < breaks_max - 1 && (at = ubrk_next(lines)) != UBRK_DONE) {
            if (at < prose->size && !is_dash(prose->units[at]))
                breaks[count++] = at;
        }
    }
    ubrk_close(lines);
    if (prose->size > 0)
        breaks[count++] = prose->size;
    return count;
}
