/* What a word looks like to a reader: how long it is, what it ends, what it belongs to. */
#include "media/speech_text.h"
#include "media/subtitle_private.h"

#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

enum { ABBREVIATION_MAX = 5 };

static int columns_of(UChar32 c)
{
    uint32_t kind = U_GET_GC_MASK(c);
    if ((kind & (U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK)) != 0)
        return 0;
    int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
    return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

int subtitle_columns(const char *text)
{
    int columns = 0;
    for (int32_t i = 0; text[i];) {
        UChar32 c;
        U8_NEXT(text, i, -1, c);
        columns += columns_of(c);
    }
    return columns;
}

bool subtitle_is_right_to_left(const char *text)
{
    for (int32_t i = 0; text[i];) {
        UChar32 c;
        U8_NEXT(text, i, -1, c);
        UCharDirection direction = u_charDirection(c);
        if (direction == U_LEFT_TO_RIGHT)
            return false;
        if (direction == U_RIGHT_TO_LEFT || direction == U_RIGHT_TO_LEFT_ARABIC)
            return true;
    }
    return false;
}

const UChar *subtitle_units(struct arena *arena, const char *text, int32_t *ret_size)
{
    int32_t capacity = (int32_t)strlen(text) + 1;
    UChar *units = arena_array(arena, UChar, (size_t)capacity);
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(units, capacity, ret_size, text, -1, 0xfffd, NULL, &status);
    return units;
}

static bool is_spaceless(const char *text)
{
    for (int32_t i = 0; text[i];) {
        UChar32 c;
        U8_NEXT(text, i, -1, c);
        if (speech_text_is_spaceless(c))
            return true;
    }
    return false;
}

/* Words being divided. */
struct division {
    struct arena *arena;
    struct subtitle_word *word;
    int count, capacity;
};

static void add(struct division *division, struct subtitle_word word)
{
    if (division->count == division->capacity) {
        int capacity = division->capacity * 2 + 64;
        struct subtitle_word *grown =
            arena_array(division->arena, struct subtitle_word, (size_t)capacity);
        if (division->count > 0)
            memcpy(grown, division->word, sizeof *grown * (size_t)division->count);
        division->word = grown;
        division->capacity = capacity;
    }
    division->word[division->count++] = word;
}

/* Adds the part of a word up to `to`, with its share of the time. */
static void add_part(struct division *division, const struct subtitle_word *word, int32_t from,
                     int32_t to)
{
    int64_t size = (int64_t)strlen(word->text), length = word->end_ms - word->start_ms;
    while (to > from + 1 && word->text[to - 1] == ' ')
        to--;
    add(division,
        (struct subtitle_word){
            .text = arena_copy(division->arena, span_make(word->text + from, (size_t)(to - from))),
            .start_ms = word->start_ms + length * from / size,
            .end_ms = word->start_ms + length * to / size,
            .joined = from == 0 ? word->joined : word->text[from - 1] != ' ',
        });
}

/* Breaks where lines may end; a part without such a place is cut between characters. */
static void divide(struct division *division, const struct subtitle_word *word, int columns,
                   UBreakIterator *lines, UBreakIterator *characters)
{
    UErrorCode status = U_ZERO_ERROR;
    UText *view = utext_openUTF8(NULL, word->text, -1, &status);
    ubrk_setUText(lines, view, &status);
    ubrk_setUText(characters, view, &status);
    int32_t from = 0, to = U_SUCCESS(status) ? ubrk_first(lines) : UBRK_DONE;
    while (to != UBRK_DONE && (to = ubrk_next(lines)) != UBRK_DONE) {
        int32_t at = from;
        while (at < to) {
            int32_t end = at;
            int used = 0;
            while (end < to) {
                int32_t next = ubrk_following(characters, end);
                if (next == UBRK_DONE || next > to)
                    next = to;
                UChar32 c;
                int32_t look = end;
                U8_NEXT(word->text, look, to, c);
                used += columns_of(c);
                if (used > columns && end > at)
                    break;
                end = next;
            }
            add_part(division, word, at, end);
            at = end;
        }
        from = to;
    }
    utext_close(view);
    if (from == 0)
        add(division, *word);
}

void subtitle_divide(const struct subtitle_words *words, int columns, struct arena *arena,
                     struct subtitle_word **ret_word, int *ret_count)
{
    UErrorCode status = U_ZERO_ERROR;
    struct division division = {.arena = arena};
    UBreakIterator *lines = ubrk_open(UBRK_LINE, words->language, NULL, 0, &status);
    UBreakIterator *characters = ubrk_open(UBRK_CHARACTER, "en", NULL, 0, &status);
    for (int w = 0; w < words->count; w++) {
        const struct subtitle_word *word = &words->word[w];
        int length = subtitle_columns(word->text);
        bool long_one = length > columns || (length > columns / 4 && is_spaceless(word->text)) ||
                        (length > columns / 2 && strchr(word->text, ' '));
        if (long_one && U_SUCCESS(status))
            divide(&division, word, columns, lines, characters);
        else
            add(&division, (struct subtitle_word){arena_copy(arena, span_of(word->text)),
                                                  word->start_ms, word->end_ms, word->joined});
    }
    ubrk_close(lines);
    ubrk_close(characters);
    *ret_word = division.word;
    *ret_count = division.count;
}

/* The last character that is no closing quote or bracket; *ret_before the one before it. */
static UChar32 last_of(const char *text, UChar32 *ret_before)
{
    int32_t at = (int32_t)strlen(text);
    UChar32 c = 0;
    *ret_before = 0;
    while (at > 0) {
        U8_PREV(text, 0, at, c);
        uint32_t kind = U_GET_GC_MASK(c);
        if ((kind & (U_GC_PE_MASK | U_GC_PF_MASK)) == 0 && c != '"' && c != '\'')
            break;
    }
    if (at > 0)
        U8_PREV(text, 0, at, *ret_before);
    return c;
}

static UChar32 first_of(const char *text)
{
    for (int32_t at = 0; text[at];) {
        UChar32 c;
        U8_NEXT(text, at, -1, c);
        if ((U_GET_GC_MASK(c) & U_GC_P_MASK) == 0)
            return c;
    }
    return 0;
}

static bool is_number(UChar32 c)
{
    return u_isdigit(c) || (U_GET_GC_MASK(c) & U_GC_SC_MASK) != 0;
}

/* "Dr.", "St.", "J.", "U.S.": a stop after capitals or a short title is no end. */
static bool is_abbreviation(const char *text)
{
    static const char *const titles[] = {"Dr.", "Mr.", "Mrs.", "Ms.", "St.", "Prof.",
                                         "No.", "Nr.", "Sr.",  "Jr.", "Mt."};
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        if (strcmp(text, titles[i]) == 0)
            return true;
    }
    size_t size = strlen(text);
    return size <= ABBREVIATION_MAX && size >= 2 && text[0] >= 'A' && text[0] <= 'Z' &&
           (size == 2 || text[1] == '.');
}

struct subtitle_piece subtitle_look(const struct subtitle_word *word,
                                    const struct subtitle_word *next, bool begins)
{
    struct subtitle_piece piece = {.columns = subtitle_columns(word->text)};
    UChar32 before, last = last_of(word->text, &before);
    bool abbreviated = last == '.' && is_abbreviation(word->text);
    piece.ends_sentence =
        !abbreviated && (u_hasBinaryProperty(last, UCHAR_S_TERM) || last == 0x2026);
    piece.ends_clause = !piece.ends_sentence && !abbreviated &&
                        (u_hasBinaryProperty(last, UCHAR_TERMINAL_PUNCTUATION) ||
                         u_hasBinaryProperty(last, UCHAR_DASH));
    if (!next || piece.ends_sentence || piece.ends_clause)
        return piece;
    UChar32 first = first_of(word->text), other = first_of(next->text);
    bool name = u_isUUppercase(first) && u_isUUppercase(other) && !begins;
    bool counted = is_number(first) && (u_isalpha(other) || is_number(other));
    bool numbered = u_isUUppercase(first) && is_number(other);
    piece.holds_next = abbreviated || name || counted || numbered;
    return piece;
}
