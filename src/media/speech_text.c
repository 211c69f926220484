#include "media/speech_text.h"

#include "base/memory.h"

#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

enum { PIECE_CHARACTERS_MAX = 64 };

bool speech_text_is_spaceless(int32_t character)
{
    static const UScriptCode scripts[] = {USCRIPT_HAN,    USCRIPT_HIRAGANA, USCRIPT_KATAKANA,
                                          USCRIPT_THAI,   USCRIPT_LAO,      USCRIPT_KHMER,
                                          USCRIPT_MYANMAR};
    UErrorCode status = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript(character, &status);
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        if (scripts[i] == script)
            return true;
    }
    return false;
}

static bool is_joiner(UChar32 c)
{
    return c == 0x200c || c == 0x200d;
}

/* Control characters begin commands of the engine; marks of direction are not spoken. */
static UChar32 clean(UChar32 c)
{
    if (c < 0)
        return 0xfffd;
    if (c == '\n' || c == 0x2029)
        return '\n';
    uint32_t kind = U_GET_GC_MASK(c);
    if (u_isUWhiteSpace(c) || (kind & U_GC_CC_MASK) != 0)
        return ' ';
    if ((kind & (U_GC_CS_MASK | U_GC_CN_MASK | U_GC_CO_MASK)) != 0 ||
        ((kind & U_GC_CF_MASK) != 0 && !is_joiner(c)))
        return -1;
    return c;
}

static void copy_clean(const char *text, struct speech_text *target)
{
    int32_t size = (int32_t)strlen(text);
    /* A faulty byte becomes three. */
    target->bytes = memory_make((size_t)size * 3 + 1);
    for (int32_t i = 0; i < size;) {
        UChar32 c;
        U8_NEXT(text, i, size, c);
        c = clean(c);
        if (c >= 0)
            U8_APPEND_UNSAFE(target->bytes, target->size, c);
    }
    target->bytes[target->size] = '\0';
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\n';
}

/* What a run of characters without blanks holds. */
struct run {
    bool is_spoken, is_spaceless, is_opening;
    int characters;
};

static bool is_spoken(UChar32 c)
{
    uint32_t kind = U_GET_GC_MASK(c);
    if ((kind & U_GC_P_MASK) != 0)
        return c == '&' || c == '%' || c == '@' || c == '#';
    return (kind & (U_GC_L_MASK | U_GC_N_MASK | U_GC_S_MASK)) != 0;
}

static struct run look(const struct speech_text *text, int32_t from, int32_t to)
{
    struct run run = {.is_opening = true};
    for (int32_t i = from; i < to; run.characters++) {
        UChar32 c;
        U8_NEXT(text->bytes, i, to, c);
        run.is_spoken = run.is_spoken || is_spoken(c);
        run.is_spaceless = run.is_spaceless || speech_text_is_spaceless(c);
        uint32_t kind = U_GET_GC_MASK(c);
        run.is_opening = run.is_opening &&
                         ((kind & (U_GC_PS_MASK | U_GC_PI_MASK)) != 0 || c == 0xbf || c == 0xa1);
    }
    return run;
}

/* Pieces being gathered. */
struct gathering {
    struct speech_text *text;
    UBreakIterator *breaks; /* NULL when ICU has none */
    int capacity;
    int32_t pending; /* where punctuation begins that waits for the next word; -1 for none */
};

static void add_piece(struct gathering *gathering, int32_t from, int32_t to, bool joined)
{
    struct speech_text *text = gathering->text;
    struct run run = look(text, from, to);
    struct speech_piece *last = text->count > 0 ? &text->piece[text->count - 1] : NULL;
    if (!run.is_spoken) {
        if (last && !run.is_opening && gathering->pending < 0)
            last->to = to;
        else if (gathering->pending < 0)
            gathering->pending = from;
        return;
    }
    if (text->count == gathering->capacity) {
        gathering->capacity = gathering->capacity * 2 + 64;
        text->piece = memory_grow(text->piece, (size_t)gathering->capacity * sizeof *text->piece);
    }
    if (gathering->pending >= 0) {
        from = gathering->pending;
        joined = from > 0 && !is_blank(text->bytes[from - 1]);
        gathering->pending = -1;
    }
    text->piece[text->count++] = (struct speech_piece){.from = from, .to = to, .joined = joined};
}

/* The end of at most PIECE_CHARACTERS_MAX characters. */
static int32_t limit(const struct speech_text *text, int32_t from, int32_t to)
{
    int32_t at = from;
    for (int n = 0; at < to && n < PIECE_CHARACTERS_MAX; n++)
        U8_FWD_1(text->bytes, at, to);
    return at;
}

static void add_run(struct gathering *gathering, int32_t from, int32_t to)
{
    struct run run = look(gathering->text, from, to);
    bool divide = gathering->breaks && run.is_spaceless;
    for (int32_t at = from; at < to;) {
        int32_t end = to;
        if (divide) {
            end = ubrk_following(gathering->breaks, at);
            if (end == UBRK_DONE || end > to)
                end = to;
        }
        end = limit(gathering->text, at, end);
        add_piece(gathering, at, end, at > from);
        at = end;
    }
}

static void count_characters(struct speech_text *text)
{
    int32_t at = 0;
    for (int p = 0; p < text->count; p++) {
        struct speech_piece *piece = &text->piece[p];
        for (; at < piece->from; text->characters++)
            U8_FWD_1(text->bytes, at, text->size);
        piece->first_character = text->characters;
        for (; at < piece->to; text->characters++)
            U8_FWD_1(text->bytes, at, text->size);
        piece->end_character = text->characters;
    }
    for (; at < text->size; text->characters++)
        U8_FWD_1(text->bytes, at, text->size);
}

void speech_text_make(const char *text, const char *language, struct speech_text *ret_text)
{
    struct speech_text made = {0};
    copy_clean(text, &made);
    UErrorCode status = U_ZERO_ERROR;
    UText *view = utext_openUTF8(NULL, made.bytes, made.size, &status);
    UBreakIterator *breaks = ubrk_open(UBRK_WORD, language, NULL, 0, &status);
    if (breaks)
        ubrk_setUText(breaks, view, &status);
    struct gathering gathering = {&made, U_SUCCESS(status) ? breaks : NULL, 0, -1};
    for (int32_t at = 0; at < made.size;) {
        int32_t end = at;
        while (end < made.size && !is_blank(made.bytes[end]))
            end++;
        if (end > at)
            add_run(&gathering, at, end);
        at = end + 1;
    }
    if (gathering.pending >= 0 && made.count > 0)
        made.piece[made.count - 1].to = made.size;
    while (made.count > 0 && is_blank(made.bytes[made.piece[made.count - 1].to - 1]))
        made.piece[made.count - 1].to--;
    ubrk_close(breaks);
    utext_close(view);
    count_characters(&made);
    *ret_text = made;
}

void speech_text_free(struct speech_text *text)
{
    memory_free(text->bytes);
    memory_free(text->piece);
    *text = (struct speech_text){0};
}
