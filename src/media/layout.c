#include "media/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uscript.h>

enum { REFERENCE_SIZE = 64, FIT_ROUNDS = 4 };

/* Families are as high as their tallest marks, so the same size means different letters: how close
 * lines may stand, in parts of their size, and how much larger a size may be chosen, by script. */
static const struct measure {
    UScriptCode script;
    double leading, enlarge;
} measures[] = {
    {USCRIPT_LATIN, 0.84, 1},  {USCRIPT_GREEK, 0.84, 1},     {USCRIPT_CYRILLIC, 0.84, 1},
    {USCRIPT_HEBREW, 0.88, 1}, {USCRIPT_ARABIC, 0.80, 1.35}, {USCRIPT_HAN, 0.88, 1},
};
static const struct measure measure_other = {USCRIPT_COMMON, 1, 1};

struct segments {
    int32_t end[LAYOUT_SEGMENTS_MAX];
    double full[LAYOUT_SEGMENTS_MAX], bare[LAYOUT_SEGMENTS_MAX]; /* at REFERENCE_SIZE */
    int count;
};

/* best[l][s]: the smallest widest line when the first s segments fill l lines; rest: the sum of
 * squares, to choose among equals. */
struct table {
    double best[LAYOUT_LINES_MAX + 1][LAYOUT_SEGMENTS_MAX + 1];
    double rest[LAYOUT_LINES_MAX + 1][LAYOUT_SEGMENTS_MAX + 1];
    int from[LAYOUT_LINES_MAX + 1][LAYOUT_SEGMENTS_MAX + 1];
};

static void fill(struct table *table, const double *full, const double *bare, int segments,
                 int lines)
{
    for (int l = 0; l <= lines; l++) {
        for (int s = 0; s <= segments; s++) {
            table->best[l][s] = table->rest[l][s] = INFINITY;
            table->from[l][s] = 0;
        }
    }
    table->best[0][0] = table->rest[0][0] = 0;
    for (int l = 1; l <= lines; l++) {
        for (int s = l; s <= segments; s++) {
            double width = bare[s - 1];
            for (int k = s - 1; k >= l - 1; k--) {
                double widest = fmax(table->best[l - 1][k], width);
                double squares = table->rest[l - 1][k] + width * width;
                bool better = widest < table->best[l][s] - 1e-9 ||
                              (widest < table->best[l][s] + 1e-9 && squares < table->rest[l][s]);
                if (better) {
                    table->best[l][s] = widest;
                    table->rest[l][s] = squares;
                    table->from[l][s] = k;
                }
                if (k > 0)
                    width += full[k - 1];
            }
        }
    }
}

double layout_balance(const double *full, const double *bare, int segments, int lines,
                      int *ret_ends)
{
    struct table *table = malloc(sizeof *table);
    if (!table)
        abort();
    fill(table, full, bare, segments, lines);
    double widest = table->best[lines][segments];
    for (int l = lines, s = segments; l > 0; l--) {
        ret_ends[l - 1] = s;
        s = table->from[l][s];
    }
    free(table);
    return widest;
}

static struct typeset_text part(const struct prose *prose, int32_t from, int32_t to)
{
    return (struct typeset_text){prose->units + from, to - from, prose->right_to_left};
}

static int32_t without_spaces(const struct prose *prose, int32_t from, int32_t to)
{
    while (to > from && prose->units[to - 1] == ' ')
        to--;
    return to;
}

/* The way a pen goes, blanks and side bearings too: the text between two letters, less the letters.
 * Ink alone would lose both. */
static double advance(struct typesetter *typesetter, const struct typeface *face,
                      struct typeset_text text, double letters)
{
    UChar between[512];
    if (text.size > (int32_t)(sizeof between / sizeof between[0]) - 2)
        return typeset_width(typesetter, face, REFERENCE_SIZE, text);
    between[0] = 'n';
    memcpy(between + 1, text.units, sizeof(UChar) * (size_t)text.size);
    between[text.size + 1] = 'n';
    struct typeset_text whole = {between, text.size + 2, false};
    return typeset_width(typesetter, face, REFERENCE_SIZE, whole) - letters;
}

static void weigh(struct typesetter *typesetter, const struct prose *prose,
                  const struct typeface *face, struct segments *segments)
{
    static const UChar pair[2] = {'n', 'n'};
    double letters =
        typeset_width(typesetter, face, REFERENCE_SIZE, (struct typeset_text){pair, 2, false});
    int32_t from = 0;
    for (int i = 0; i < segments->count; i++) {
        int32_t to = segments->end[i], bare = without_spaces(prose, from, to);
        segments->bare[i] = advance(typesetter, face, part(prose, from, bare), letters);
        segments->full[i] = segments->bare[i];
        if (bare < to)
            segments->full[i] = advance(typesetter, face, part(prose, from, to), letters);
        from = to;
    }
}

/* Of the script that stands highest in the text. */
static struct measure measure_of(const struct prose *prose)
{
    struct measure found = measures[0];
    for (int32_t i = 0; i < prose->size; i++) {
        UErrorCode status = U_ZERO_ERROR;
        UScriptCode script = uscript_getScript(prose->units[i], &status);
        if (script <= USCRIPT_INHERITED)
            continue;
        struct measure candidate = measure_other;
        for (size_t k = 0; k < sizeof measures / sizeof measures[0]; k++) {
            if (measures[k].script == script)
                candidate = measures[k];
        }
        if (candidate.leading * candidate.enlarge > found.leading * found.enlarge)
            found = candidate;
    }
    return found;
}

static double size_for(const struct layout_wish *wish, double leading, int lines, double widest)
{
    double across = wish->width / (widest / REFERENCE_SIZE);
    double down = wish->height / (leading * (lines - 1) + 1);
    return fmin(wish->size_max, fmin(across, down));
}

/* The number of lines that allows the largest size; fewer lines where it makes no difference. */
static double choose_lines(const struct segments *segments, const struct layout_wish *wish,
                           double leading, struct layout *layout)
{
    double best = 0;
    int ends[LAYOUT_LINES_MAX];
    for (int lines = 1; lines <= wish->lines_max && lines <= segments->count; lines++) {
        double widest =
            layout_balance(segments->full, segments->bare, segments->count, lines, ends);
        double size = size_for(wish, leading, lines, fmax(widest, 1));
        if (size <= best * 1.04)
            continue;
        best = size;
        layout->count = lines;
        for (int i = 0; i < lines; i++) {
            layout->line[i].from = i ? segments->end[ends[i - 1] - 1] : 0;
            layout->line[i].to = segments->end[ends[i] - 1];
        }
    }
    return best;
}

/* How many lines of the smallest size the box holds. */
static int lines_at_least(const struct layout_wish *wish, double leading)
{
    int lines = (int)((wish->height / wish->size_min - 1) / leading) + 1;
    return lines < 1 ? 1 : lines > LAYOUT_LINES_MAX ? LAYOUT_LINES_MAX : lines;
}

/* The number of leading segments that fit when lines are filled one after another. */
static int count_fitting(const struct segments *segments, double width, int lines)
{
    int s = 0;
    for (int l = 0; l < lines && s < segments->count; l++) {
        double used = 0;
        int first = s;
        while (s < segments->count && (s == first || used + segments->bare[s] <= width)) {
            used += segments->full[s];
            s++;
        }
    }
    return s;
}

/* Shortens the text to what fits at the smallest size, ending in "…". */
static bool shorten(const struct prose *prose, struct segments *segments,
                    const struct layout_wish *wish, double leading, struct prose *ret_prose)
{
    double width = wish->width / wish->size_min * REFERENCE_SIZE;
    int lines = lines_at_least(wish, leading);
    int fitting = count_fitting(segments, width * 0.97, lines);
    if (fitting > 1)
        fitting--; /* its place is the ellipsis's */
    int32_t end = segments->end[fitting - 1];
    end = without_spaces(prose, 0, end);
    *ret_prose = (struct prose){.right_to_left = prose->right_to_left};
    ret_prose->units = calloc((size_t)end + 1, sizeof(UChar));
    if (!ret_prose->units)
        return false;
    memcpy(ret_prose->units, prose->units, sizeof(UChar) * (size_t)end);
    ret_prose->units[end] = 0x2026;
    ret_prose->size = end + 1;
    segments->count = fitting;
    segments->end[fitting - 1] = ret_prose->size;
    return true;
}

static void free_masks(struct layout *layout)
{
    for (int i = 0; i < layout->count; i++)
        typeset_mask_free(&layout->line[i].mask);
}

/* Sets the lines; widths do not grow exactly with the size, so what is too wide is set again. */
static bool set_lines(struct typesetter *typesetter, const struct prose *prose,
                      const struct layout_wish *wish, struct layout *layout)
{
    for (int round = 0; round < FIT_ROUNDS; round++) {
        layout->width = 0;
        for (int i = 0; i < layout->count; i++) {
            struct layout_line *line = &layout->line[i];
            int32_t to = without_spaces(prose, line->from, line->to);
            if (!typeset_line(typesetter, &wish->face, layout->size, part(prose, line->from, to),
                              &line->mask))
                return false;
            layout->width = fmax(layout->width, line->mask.width);
        }
        if (layout->width <= wish->width + 0.5 || round == FIT_ROUNDS - 1)
            return true;
        free_masks(layout);
        layout->size *= wish->width / layout->width * 0.995;
    }
    return true;
}

/* Masks are placed by their ink, so that edges align to the eye. */
static void place(struct layout *layout, double leading, enum layout_align align)
{
    double top = INFINITY, bottom = 0;
    for (int i = 0; i < layout->count; i++) {
        struct layout_line *line = &layout->line[i];
        double free_width = layout->width - line->mask.width;
        line->x = align == LAYOUT_CENTRE ? free_width / 2 : layout->right_to_left ? free_width : 0;
        line->x = round(line->x);
        line->y = round(i * leading * layout->size) + line->mask.y;
        if (!line->mask.data)
            continue;
        top = fmin(top, line->y);
        bottom = fmax(bottom, line->y + line->mask.height);
    }
    if (!isfinite(top))
        top = 0;
    for (int i = 0; i < layout->count; i++)
        layout->line[i].y -= top;
    layout->height = fmax(bottom - top, 0);
}

/* Breaks and sizes the text: with the lines wished for, else with as many as the smallest size
 * allows, else shortened into *shorter. */
static bool fit(struct typesetter *typesetter, const struct prose *prose, struct layout_wish *wish,
                struct layout *layout, struct prose *shorter)
{
    struct segments *segments = calloc(1, sizeof *segments);
    if (!segments)
        return false;
    double leading = measure_of(prose).leading;
    bool done = true;
    segments->count = prose_breaks(prose, segments->end, LAYOUT_SEGMENTS_MAX);
    weigh(typesetter, prose, &wish->face, segments);
    layout->size = choose_lines(segments, wish, leading, layout);
    if (layout->size < wish->size_min) {
        wish->lines_max = lines_at_least(wish, leading);
        layout->size = choose_lines(segments, wish, leading, layout);
    }
    if (layout->size < wish->size_min) {
        layout->cut = true;
        done = shorten(prose, segments, wish, leading, shorter);
        weigh(typesetter, done ? shorter : prose, &wish->face, segments);
        layout->size = choose_lines(segments, wish, leading, layout);
    }
    free(segments);
    return done;
}

bool layout_make(struct typesetter *typesetter, const struct prose *prose,
                 const struct layout_wish *wish, enum layout_align align, struct layout *ret_layout)
{
    struct layout layout = {.right_to_left = prose->right_to_left};
    struct layout_wish own = *wish;
    struct prose shorter = {0};
    bool done = true;
    if (prose->size > 0) {
        struct measure measure = measure_of(prose);
        own.size_max *= measure.enlarge;
        own.size_min *= measure.enlarge;
        done = fit(typesetter, prose, &own, &layout, &shorter) &&
               set_lines(typesetter, shorter.units ? &shorter : prose, &own, &layout);
        place(&layout, measure.leading, align);
    }
    prose_free(&shorter);
    if (!done) {
        layout_free(&layout);
        return false;
    }
    *ret_layout = layout;
    return true;
}

void layout_free(struct layout *layout)
{
    free_masks(layout);
    *layout = (struct layout){0};
}
