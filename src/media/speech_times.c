#include "media/speech_times.h"

#include "base/memory.h"

enum {
    WINDOW_MS = 5,
    /* Sound is what is louder than this part of the loudest, and than this. */
    QUIET_PART = 40,
    QUIET_LEAST = 60,
    /* A word's sound is looked for only so long after its mark: a stop consonant begins with a
     * closure of up to 100 ms, a pause takes longer. */
    NO_SOUND = -1,
};

void speech_times_init(struct speech_times *times, int rate)
{
    *times = (struct speech_times){.rate = rate};
}

void speech_times_done(struct speech_times *times)
{
    memory_free(times->mark);
    memory_free(times->peak);
    *times = (struct speech_times){0};
}

static void begin_window(struct speech_times *times)
{
    if (times->peak_count == times->peak_capacity) {
        times->peak_capacity = times->peak_capacity * 2 + 1024;
        times->peak = memory_grow(times->peak, times->peak_capacity * sizeof *times->peak);
    }
    times->peak[times->peak_count++] = 0;
    times->peak_left = times->rate * WINDOW_MS / 1000;
}

void speech_times_add(struct speech_times *times, const int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (times->peak_left == 0)
            begin_window(times);
        int level = samples[i] < 0 ? -(int)samples[i] : samples[i];
        if (level > times->peak[times->peak_count - 1])
            times->peak[times->peak_count - 1] = (uint16_t)level;
        times->peak_left--;
    }
    times->samples += (int64_t)count;
}

void speech_times_add_silence(struct speech_times *times, int64_t count)
{
    static const int16_t silence[512];
    while (count > 0) {
        int64_t part = count < 512 ? count : 512;
        speech_times_add(times, silence, (size_t)part);
        count -= part;
    }
}

void speech_times_mark(struct speech_times *times, int character)
{
    if (times->mark_count == times->mark_capacity) {
        times->mark_capacity = times->mark_capacity * 2 + 256;
        times->mark = memory_grow(times->mark, times->mark_capacity * sizeof *times->mark);
    }
    times->mark[times->mark_count++] = (struct speech_mark){character, times->samples};
}

static int64_t to_ms(const struct speech_times *times, int64_t sample)
{
    return sample * 1000 / times->rate;
}

/* Gives every word the time of the first mark in it; marks that step back belong to what was said
 * before. */
static void map_marks(const struct speech_times *times, const struct speech_text *text,
                      struct subtitle_word *words)
{
    int next = 0; /* words before it are settled */
    for (size_t m = 0; m < times->mark_count; m++) {
        int p = next;
        while (p < text->count && text->piece[p].end_character <= times->mark[m].character)
            p++;
        /* One in the blank before a word is that word's; one further back is a second mark. */
        int32_t earliest = p > 0 ? text->piece[p - 1].end_character : 0;
        if (p == text->count || times->mark[m].character < earliest)
            continue;
        words[p].start_ms = to_ms(times, times->mark[m].sample);
        next = p + 1;
    }
}

static int32_t length_of(const struct speech_piece *piece)
{
    return piece->end_character - piece->first_character;
}

/* Words without a mark share the time between those that have one. */
static int estimate(const struct speech_times *times, const struct speech_text *text,
                    struct subtitle_word *words)
{
    int estimated = 0;
    for (int p = 0; p < text->count;) {
        int end = p + 1;
        int64_t length = length_of(&text->piece[p]), passed = 0;
        if (p == 0 && words[0].start_ms < 0) {
            words[0].start_ms = 0;
            estimated++;
        }
        while (end < text->count && words[end].start_ms < 0)
            length += length_of(&text->piece[end++]);
        int64_t from = words[p].start_ms;
        int64_t to = end < text->count ? words[end].start_ms : to_ms(times, times->samples);
        for (int w = p; w < end; w++) {
            words[w].start_ms = from + (to - from) * passed / length;
            passed += length_of(&text->piece[w]);
        }
        estimated += end - p - 1;
        p = end;
    }
    return estimated;
}

static uint16_t quiet_level(const struct speech_times *times)
{
    int peak = 0;
    for (size_t i = 0; i < times->peak_count; i++)
        peak = times->peak[i] > peak ? times->peak[i] : peak;
    return (uint16_t)(peak / QUIET_PART > QUIET_LEAST ? peak / QUIET_PART : QUIET_LEAST);
}

/* The first (or the end of the last) window that sounds in [from, to); NO_SOUND when none does. */
static int64_t find_sound(const struct speech_times *times, uint16_t quiet, int64_t from_ms,
                          int64_t to_ms, bool is_last)
{
    int64_t from = from_ms / WINDOW_MS, to = to_ms / WINDOW_MS;
    if (to > (int64_t)times->peak_count)
        to = (int64_t)times->peak_count;
    for (int64_t n = 0; n < to - from; n++) {
        int64_t at = is_last ? to - 1 - n : from + n;
        if (times->peak[at] > quiet)
            return (at + (is_last ? 1 : 0)) * WINDOW_MS;
    }
    return NO_SOUND;
}

/* Moves starts to where the sound begins and ends to where it stops. */
static void fit_to_sound(const struct speech_times *times, struct subtitle_word *words, int count)
{
    uint16_t quiet = quiet_level(times);
    int64_t all = to_ms(times, times->samples);
    for (int w = 0; w < count; w++) {
        int64_t next = w + 1 < count ? words[w + 1].start_ms : all;
        int64_t first = find_sound(times, quiet, words[w].start_ms, next, false);
        int64_t last = find_sound(times, quiet, words[w].start_ms, next, true);
        if (first > words[w].start_ms)
            words[w].start_ms = first;
        words[w].end_ms = last == NO_SOUND ? next : last;
        if (words[w].end_ms > next)
            words[w].end_ms = next;
        if (words[w].end_ms < words[w].start_ms)
            words[w].end_ms = words[w].start_ms;
    }
}

static const char *copy_piece(const struct speech_text *text, const struct speech_piece *piece,
                              struct arena *arena)
{
    char *copy =
        arena_copy(arena, span_make(text->bytes + piece->from, (size_t)(piece->to - piece->from)));
    for (char *at = copy; *at; at++) {
        if (*at == '\n')
            *at = ' ';
    }
    return copy;
}

void speech_times_words(const struct speech_times *times, const struct speech_text *text,
                        struct subtitle_words *ret_words, int *ret_estimated)
{
    struct subtitle_words words = {.count = text->count};
    arena_init(&words.arena);
    words.word = arena_array(&words.arena, struct subtitle_word, (size_t)text->count + 1);
    words.duration_ms = to_ms(times, times->samples);
    for (int p = 0; p < text->count; p++) {
        words.word[p].text = copy_piece(text, &text->piece[p], &words.arena);
        words.word[p].joined = text->piece[p].joined;
        words.word[p].start_ms = -1;
    }
    map_marks(times, text, words.word);
    *ret_estimated = estimate(times, text, words.word);
    fit_to_sound(times, words.word, words.count);
    *ret_words = words;
}
