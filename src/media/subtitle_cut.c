/* Words into cues: where to cut is the cheapest of all ways, by dynamic programming over a price
 * for each cue that could be. */
#include "base/memory.h"
#include "media/subtitle_frame.h"
#include "media/subtitle_private.h"
#include "media/typeset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDE_MIN = 64,
    SIDE_MAX = 8192,
    PIECES_MAX = 96,     /* words of a cue */
    READ_COLUMNS = 17,   /* that are read in a second */
    GAP_CUTS_MS = 1500,  /* so long a pause ends a cue */
    GAP_LONG_MS = 700,   /* so long a one should */
    GAP_SHORT_MS = 350,  /* so long a one is a good place */
    GAP_CLOSED_MS = 300, /* between cues: shorter ones only flicker */
    LINGER_MS = 150,     /* a word's end is not cut off */
    CACHE_SIZE = 4096,
};

struct cached {
    const char *text;
    double width;
};

struct cutter {
    const struct subtitle_options *options;
    struct subtitle_frame frame;
    struct subtitle_word *word;
    int count;
    struct subtitle_piece *piece;
    /* Sums before each word; a word counts the blank in front of it. */
    int *columns, *sentences, *long_gaps;
    double *widths;
    double blank; /* its width */
    double *best;
    int *from;
};

/* A cue's lines: after how many words the first one ends, and what that is worth. */
struct split {
    int lines, at;
    double cost;
};

static bool has_blank(const struct cutter *cutter, int word)
{
    return word > 0 && !cutter->word[word].joined;
}

static int columns_between(const struct cutter *cutter, int from, int to)
{
    return cutter->columns[to] - cutter->columns[from] - (has_blank(cutter, from) ? 1 : 0);
}

static double width_between(const struct cutter *cutter, int from, int to)
{
    return cutter->widths[to] - cutter->widths[from] -
           (has_blank(cutter, from) ? cutter->blank : 0);
}

static bool fits(const struct cutter *cutter, int from, int to)
{
    return to - from == 1 || (columns_between(cutter, from, to) <= cutter->frame.columns &&
                              width_between(cutter, from, to) <= cutter->frame.width);
}

/* Lines are balanced, and end where a reader would pause. */
static struct split split_lines(const struct cutter *cutter, int from, int to)
{
    struct split split = {.lines = 1, .at = to};
    if (fits(cutter, from, to))
        return split;
    split = (struct split){.lines = 2, .at = to, .cost = INFINITY};
    for (int at = from + 1; at < to; at++) {
        if (!fits(cutter, from, at) || !fits(cutter, at, to))
            continue;
        const struct subtitle_piece *last = &cutter->piece[at - 1];
        int first_columns = columns_between(cutter, from, at);
        int second_columns = columns_between(cutter, at, to);
        double cost = 3.0 * abs(first_columns - second_columns) / cutter->frame.columns;
        cost += last->holds_next ? 2 : 0;
        cost += last->columns <= 3 && !last->ends_clause && !cutter->word[at].joined ? 0.3 : 0;
        cost -= last->ends_sentence || last->ends_clause ? 0.6 : 0;
        if (cost < split.cost)
            split = (struct split){2, at, cost};
    }
    return split;
}

static int64_t gap_after(const struct cutter *cutter, int word)
{
    return word + 1 < cutter->count ? cutter->word[word + 1].start_ms - cutter->word[word].end_ms
                                    : INT32_MAX;
}

/* How long a cue of these words can be shown. */
static int64_t time_for(const struct cutter *cutter, int from, int to)
{
    int64_t until = to < cutter->count ? cutter->word[to].start_ms : INT64_MAX;
    int64_t begin = cutter->word[from].start_ms;
    return until - begin < SUBTITLE_CUE_MAX_MS ? until - begin : SUBTITLE_CUE_MAX_MS;
}

static double price_of_end(const struct cutter *cutter, int to)
{
    const struct subtitle_piece *last = &cutter->piece[to - 1];
    int64_t gap = gap_after(cutter, to - 1);
    if (to == cutter->count || last->ends_sentence || gap >= GAP_LONG_MS)
        return 0;
    double price = last->ends_clause ? 0.8 : gap >= GAP_SHORT_MS ? 0.6 : 2.5;
    return price + (last->holds_next ? 4 : 0);
}

static double price(const struct cutter *cutter, int from, int to)
{
    struct split split = split_lines(cutter, from, to);
    double columns = columns_between(cutter, from, to);
    double sum = 1.2 + split.cost + price_of_end(cutter, to);
    sum += 1.5 * (cutter->sentences[to - 1] - cutter->sentences[from]);
    sum += 2.0 * (cutter->long_gaps[to - 1] - cutter->long_gaps[from]);
    double seconds = (double)time_for(cutter, from, to) / 1000;
    double least = (double)SUBTITLE_CUE_MIN_MS / 1000;
    if (seconds < least)
        sum += 3 + 8 * (least - seconds);
    double speed = columns / fmax(seconds, 0.1);
    if (speed > READ_COLUMNS)
        sum += 0.35 * (speed - READ_COLUMNS);
    if (columns < cutter->frame.columns / 4)
        sum += 0.8;
    return sum;
}

static bool may_be_cue(const struct cutter *cutter, int from, int to)
{
    return to - from == 1 ||
           (cutter->word[to - 1].end_ms - cutter->word[from].start_ms <= SUBTITLE_CUE_MAX_MS &&
            columns_between(cutter, from, to) <= SUBTITLE_LINES_MAX * cutter->frame.columns);
}

static void find_best(struct cutter *cutter)
{
    cutter->best[0] = 0;
    for (int to = 1; to <= cutter->count; to++) {
        cutter->best[to] = INFINITY;
        for (int from = to - 1; from >= 0 && to - from <= PIECES_MAX; from--) {
            if (!may_be_cue(cutter, from, to) ||
                (from < to - 1 && gap_after(cutter, from) >= GAP_CUTS_MS))
                break;
            double sum = cutter->best[from] + price(cutter, from, to);
            if (sum < cutter->best[to]) {
                cutter->best[to] = sum;
                cutter->from[to] = from;
            }
        }
    }
}

/* Shown from the first word's start until it can be read, but not over the next cue. */
static struct subtitle_cue make_cue(const struct cutter *cutter, int from, int to)
{
    struct split split = split_lines(cutter, from, to);
    struct subtitle_cue cue = {.first = from, .count = to - from, .lines = split.lines};
    int64_t begin = cutter->word[from].start_ms, room = begin + time_for(cutter, from, to);
    int64_t read_ms = (int64_t)columns_between(cutter, from, to) * 1000 / READ_COLUMNS;
    int64_t end = cutter->word[to - 1].end_ms + LINGER_MS;
    end = end < begin + read_ms ? begin + read_ms : end;
    end = end < begin + SUBTITLE_CUE_MIN_MS ? begin + SUBTITLE_CUE_MIN_MS : end;
    if (end > room || (room - end < GAP_CLOSED_MS && room < begin + SUBTITLE_CUE_MAX_MS))
        end = room;
    cue.start_ms = begin;
    cue.end_ms = end;
    int at[SUBTITLE_LINES_MAX + 1] = {from, split.at, to};
    for (int line = 0; line < split.lines; line++) {
        int line_end = split.lines == 1 ? to : at[line + 1];
        cue.line_end[line] = line_end - from;
        cue.line_width[line] = width_between(cutter, at[line], line_end);
    }
    return cue;
}

/* Into the film's time; false when it begins after the film's end. */
static bool place(const struct subtitle_options *options, struct subtitle_cue *cue)
{
    cue->start_ms += options->offset_ms;
    cue->end_ms += options->offset_ms;
    if (options->duration_ms > 0 && cue->end_ms > options->duration_ms)
        cue->end_ms = options->duration_ms;
    return cue->start_ms >= 0 && cue->start_ms < cue->end_ms;
}

static void collect(struct cutter *cutter, struct subtitle_cues *cues)
{
    int count = 0;
    for (int to = cutter->count; to > 0; to = cutter->from[to])
        count++;
    cues->cue = arena_array(&cues->arena, struct subtitle_cue, (size_t)count + 1);
    int at = count;
    for (int to = cutter->count; to > 0; to = cutter->from[to])
        cues->cue[--at] = make_cue(cutter, cutter->from[to], to);
    for (int i = 0; i < count; i++) {
        struct subtitle_cue cue = cues->cue[i];
        if (place(cutter->options, &cue))
            cues->cue[cues->count++] = cue;
    }
    for (int w = 0; w < cutter->count; w++) {
        cutter->word[w].start_ms += cutter->options->offset_ms;
        cutter->word[w].end_ms += cutter->options->offset_ms;
    }
}

/* Widths of words, measured once each. */
struct meter {
    struct typesetter *typesetter; /* NULL: by columns */
    struct arena *arena;
    double size, letters;
    struct cached cache[CACHE_SIZE];
};

static const struct typeface face = {.kind = FONT_SANS, .bold = true};

static double width_of_text(struct meter *meter, const char *text)
{
    char framed[SUBTITLE_WORD_SIZE_MAX + 8];
    int32_t size;
    double enlarge = 1;
    snprintf(framed, sizeof framed, "n%sn", text);
    struct typeset_text whole = {.units = subtitle_units(meter->arena, framed, &size)};
    whole.size = size;
    for (int32_t at = 0; at < size;) {
        struct typeset_run run = typeset_run(whole, at, face.kind);
        enlarge = fmax(enlarge, subtitle_frame_enlarge(run.script));
        at = run.end;
    }
    return (typeset_width(meter->typesetter, &face, meter->size, whole) - meter->letters) * enlarge;
}

static double measure(struct meter *meter, const char *text, int columns)
{
    if (!meter->typesetter)
        return 0;
    if (columns == 0)
        return 0;
    struct cached *cached = &meter->cache[span_hash(span_of(text)) % CACHE_SIZE];
    if (!cached->text || strcmp(cached->text, text) != 0)
        *cached = (struct cached){text, width_of_text(meter, text)};
    return cached->width;
}

static void note_missing(struct subtitle_cues *cues, const char *text)
{
    int32_t size;
    const UChar *units = subtitle_units(&cues->arena, text, &size);
    const char *missing = typeset_missing((struct typeset_text){units, size, false});
    if (missing && !cues->missing[0])
        snprintf(cues->missing, sizeof cues->missing, "%s", missing);
}

static void weigh(struct cutter *cutter, struct subtitle_cues *cues)
{
    struct meter *meter = memory_new(struct meter);
    *meter = (struct meter){.typesetter = typeset_make(), .arena = &cues->arena};
    meter->size = cutter->frame.size;
    if (meter->typesetter) {
        meter->letters = width_of_text(meter, "");
        cutter->blank = width_of_text(meter, " ");
    }
    bool begins = true;
    for (int w = 0; w < cutter->count; w++) {
        const struct subtitle_word *word = &cutter->word[w];
        cutter->piece[w] = subtitle_look(word, w + 1 < cutter->count ? word + 1 : NULL, begins);
        begins = cutter->piece[w].ends_sentence;
        int columns = cutter->piece[w].columns;
        double width = measure(meter, word->text, columns);
        cutter->piece[w].width = width;
        cutter->columns[w + 1] = cutter->columns[w] + columns + (has_blank(cutter, w) ? 1 : 0);
        cutter->widths[w + 1] =
            cutter->widths[w] + width + (has_blank(cutter, w) ? cutter->blank : 0);
        cutter->sentences[w + 1] = cutter->sentences[w] + (begins ? 1 : 0);
        cutter->long_gaps[w + 1] =
            cutter->long_gaps[w] + (gap_after(cutter, w) >= GAP_LONG_MS ? 1 : 0);
        if (!cues->missing[0] && meter->typesetter)
            note_missing(cues, word->text);
    }
    typeset_free(meter->typesetter);
    memory_free(meter);
}

static bool check(const struct subtitle_options *options, struct failure *failure)
{
    bool size = options->width >= SIDE_MIN && options->width <= SIDE_MAX &&
                options->height >= SIDE_MIN && options->height <= SIDE_MAX;
    int64_t max = (int64_t)SUBTITLE_HOURS_MAX * 3600 * 1000;
    bool times = options->offset_ms >= -max && options->offset_ms <= max &&
                 options->duration_ms >= 0 && options->duration_ms <= max;
    return (size && times) ||
           failure_set(failure, ERROR_VALIDATION, NULL,
                       "Subtitles need a frame of %d to %d pixels a side and times within %d "
                       "hours.",
                       SIDE_MIN, SIDE_MAX, SUBTITLE_HOURS_MAX);
}

bool subtitle_cut(const struct subtitle_words *words, const struct subtitle_options *options,
                  struct subtitle_cues *ret_cues, struct failure *failure)
{
    if (!check(options, failure))
        return false;
    struct subtitle_cues cues = {.options = *options};
    struct cutter cutter = {.options = options};
    struct arena scratch;
    arena_init(&cues.arena);
    arena_init(&scratch);
    cutter.frame = subtitle_frame(options->width, options->height);
    subtitle_divide(words, cutter.frame.columns, &cues.arena, &cutter.word, &cutter.count);
    if (cutter.count > 0) {
        size_t size = (size_t)cutter.count + 1;
        cutter.piece = arena_array(&scratch, struct subtitle_piece, size);
        cutter.columns = arena_array(&scratch, int, size);
        cutter.sentences = arena_array(&scratch, int, size);
        cutter.long_gaps = arena_array(&scratch, int, size);
        cutter.widths = arena_array(&scratch, double, size);
        cutter.best = arena_array(&scratch, double, size);
        cutter.from = arena_array(&scratch, int, size);
        weigh(&cutter, &cues);
        find_best(&cutter);
        collect(&cutter, &cues);
    }
    cues.word = cutter.word;
    cues.word_count = cutter.count;
    arena_done(&scratch);
    *ret_cues = cues;
    return true;
}

void subtitle_cues_free(struct subtitle_cues *cues)
{
    arena_done(&cues->arena);
    *cues = (struct subtitle_cues){0};
}
