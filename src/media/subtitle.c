#include "media/subtitle.h"

#include "base/json.h"
#include "media/speech_text.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

enum { MS_MAX = SUBTITLE_HOURS_MAX * 3600 * 1000 };

/* Where the reader is, for failures. */
struct reader {
    const char *field;
    struct failure *failure;
    struct subtitle_words *words;
    size_t index;
    bool says_joined; /* some word does */
};

#define REFUSE(reader, ...)                                                                        \
    failure_set((reader)->failure, ERROR_VALIDATION, (reader)->field, __VA_ARGS__)

static bool is_dropped(UChar32 c)
{
    uint32_t kind = U_GET_GC_MASK(c);
    bool is_joiner = c == 0x200c || c == 0x200d;
    return c < 0 || (kind & (U_GC_CS_MASK | U_GC_CN_MASK)) != 0 ||
           ((kind & U_GC_CF_MASK) != 0 && !is_joiner);
}

/* Blanks and control characters become single spaces, none at the ends. */
static const char *clean(struct arena *arena, struct span text)
{
    char *copy = arena_make(arena, text.size + 1);
    int32_t at = 0, size = (int32_t)text.size, put = 0;
    bool blank = false;
    while (at < size) {
        UChar32 c;
        U8_NEXT(text.data, at, size, c);
        if (c >= 0 && (u_isUWhiteSpace(c) || (U_GET_GC_MASK(c) & U_GC_CC_MASK) != 0)) {
            blank = put > 0;
            continue;
        }
        if (is_dropped(c))
            continue;
        if (blank)
            copy[put++] = ' ';
        blank = false;
        U8_APPEND_UNSAFE(copy, put, c);
    }
    copy[put] = '\0';
    return copy;
}

static bool read_time(struct reader *reader, const json_t *object, const char *name,
                      int64_t *ret_ms)
{
    const json_t *value = json_object_get(object, name);
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 0 && number <= MS_MAX))
        return REFUSE(reader, "words[%zu].%s must be milliseconds from 0 to %d.", reader->index,
                      name, MS_MAX);
    *ret_ms = (int64_t)number;
    return true;
}

static bool read_word(struct reader *reader, const json_t *object)
{
    struct subtitle_words *words = reader->words;
    struct subtitle_word word = {0};
    const json_t *text = json_object_get(object, "word");
    if (!json_is_string(text) || json_string_length(text) > SUBTITLE_WORD_SIZE_MAX)
        return REFUSE(reader, "words[%zu].word must be a text of at most %d bytes.", reader->index,
                      SUBTITLE_WORD_SIZE_MAX);
    if (!read_time(reader, object, "startMs", &word.start_ms) ||
        !read_time(reader, object, "endMs", &word.end_ms))
        return false;
    if (word.end_ms < word.start_ms)
        return REFUSE(reader, "words[%zu] ends before it starts.", reader->index);
    struct subtitle_word *last = words->count > 0 ? &words->word[words->count - 1] : NULL;
    if (last && word.start_ms < last->start_ms)
        return REFUSE(reader, "words[%zu] starts before the word in front of it.", reader->index);
    const json_t *joined = json_object_get(object, "joined");
    if (joined && !json_is_boolean(joined))
        return REFUSE(reader, "words[%zu].joined must be true or false.", reader->index);
    reader->says_joined = reader->says_joined || joined;
    word.joined = last && json_is_true(joined);
    word.text = clean(&words->arena, json_span(text));
    if (!word.text[0])
        return true;
    if (last && last->end_ms > word.start_ms)
        last->end_ms = word.start_ms;
    words->word[words->count++] = word;
    return true;
}

static bool is_punctuation(UChar32 c)
{
    return (U_GET_GC_MASK(c) & U_GC_P_MASK) != 0;
}

/* Whether the last (first) letter of a word is of a script that is written without blanks. */
static bool is_tight(const char *text, bool at_end)
{
    int32_t size = (int32_t)strlen(text), at = at_end ? size : 0;
    UChar32 c = 0;
    do {
        if (at_end)
            U8_PREV(text, 0, at, c);
        else
            U8_NEXT(text, at, size, c);
    } while (is_punctuation(c) && at > 0 && at < size);
    return speech_text_is_spaceless(c);
}

static void join(struct subtitle_words *words)
{
    for (int w = 1; w < words->count; w++)
        words->word[w].joined =
            is_tight(words->word[w - 1].text, true) && is_tight(words->word[w].text, false);
}

static bool read_words(struct reader *reader, const json_t *list)
{
    struct subtitle_words *words = reader->words;
    if (!json_is_array(list))
        return REFUSE(reader, "The file must be a JSON object with a list of words.");
    size_t count = json_array_size(list);
    if (count > SUBTITLE_WORDS_MAX)
        return REFUSE(reader, "The file has %zu words; at most %d are read.", count,
                      SUBTITLE_WORDS_MAX);
    words->word = arena_array(&words->arena, struct subtitle_word, count + 1);
    for (reader->index = 0; reader->index < count; reader->index++) {
        const json_t *word = json_array_get(list, reader->index);
        if (!json_is_object(word))
            return REFUSE(reader, "words[%zu] must be an object.", reader->index);
        if (!read_word(reader, word))
            return false;
    }
    if (!reader->says_joined)
        join(words);
    return true;
}

static bool read_head(struct reader *reader, const json_t *file)
{
    const json_t *duration = json_object_get(file, "durationMs");
    if (duration && !read_time(reader, file, "durationMs", &reader->words->duration_ms))
        return false;
    /* A language of any other form is no reason to refuse the times. */
    (void)span_copy(json_span(json_object_get(file, "language")), reader->words->language,
                    sizeof reader->words->language);
    return read_words(reader, json_object_get(file, "words"));
}

bool subtitle_read(struct span json, const char *field, struct subtitle_words *ret_words,
                   struct failure *failure)
{
    char fault[JSON_FAULT_SIZE];
    struct subtitle_words words = {0};
    struct reader reader = {.field = field, .failure = failure, .words = &words};
    if (json.size > SUBTITLE_JSON_MAX)
        return REFUSE(&reader, "The file of words has %zu bytes; at most %d are read.", json.size,
                      SUBTITLE_JSON_MAX);
    json_t *file = json_read(json, fault);
    if (!file)
        return REFUSE(&reader, "The file of words is no JSON: %s", fault);
    arena_init(&words.arena);
    bool done = json_is_array(file) ? read_words(&reader, file) : read_head(&reader, file);
    json_decref(file);
    if (done)
        *ret_words = words;
    else
        subtitle_words_free(&words);
    return done;
}

void subtitle_words_free(struct subtitle_words *words)
{
    arena_done(&words->arena);
    *words = (struct subtitle_words){0};
}

static bool find_name(const char *const *names, int count, const char *name, int *ret_index)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

bool subtitle_find_style(const char *name, enum subtitle_style *ret_style)
{
    static const char *const names[] = {"plain", "karaoke", "boxed"};
    int index = 0;
    bool found = find_name(names, 3, name, &index);
    if (found)
        *ret_style = (enum subtitle_style)index;
    return found;
}

bool subtitle_find_format(const char *name, enum subtitle_format *ret_format)
{
    static const char *const names[] = {"srt", "vtt", "ass"};
    int index = 0;
    bool found = find_name(names, 3, name, &index);
    if (found)
        *ret_format = (enum subtitle_format)index;
    return found;
}
