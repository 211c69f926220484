/* ASS, as libass burns it in. One event a cue; for karaoke one for each word of it, in which that
 * word alone is lit: libass's own karaoke sweeps from the left in any script, and its words stay
 * lit. A box is drawn, since libass's own one has a box for each line, and they overlap. */
#include "media/subtitle_frame.h"
#include "media/subtitle_private.h"
#include "media/typeset.h"

#include <inttypes.h>
#include <math.h>
#include <unicode/uchar.h>

#define LEFT_TO_RIGHT_MARK "\u200e"
#define RIGHT_TO_LEFT_MARK "\u200f"

enum { UNLIT = -1, LIT_REST_MS = 400 };

/* What is being written. */
struct writing {
    const struct subtitle_cues *cues;
    struct subtitle_frame frame;
    struct buffer *buffer;
    struct arena arena;
};

/* Colours are &HAABBGGRR, AA being how transparent they are. */
#define WHITE        "&H00FFFFFF"
#define DARK         "&H20101010"
#define SHADE        "&H60000000"
#define LIT          "&H23D5FF&"
#define UNLIT_COLOUR "&HFFFFFF&"

static void write_head(struct writing *writing)
{
    const struct subtitle_options *options = &writing->cues->options;
    const char *family = font_find(USCRIPT_LATIN, FONT_SANS, 'a');
    double size = writing->frame.size;
    bool boxed = options->style == SUBTITLE_BOXED;
    buffer_print(writing->buffer,
                 "[Script Info]\nScriptType: v4.00+\nPlayResX: %d\nPlayResY: %d\n"
                 "LayoutResX: %d\nLayoutResY: %d\nWrapStyle: 2\nScaledBorderAndShadow: yes\n"
                 "YCbCr Matrix: None\nKerning: yes\n\n",
                 options->width, options->height, options->width, options->height);
    buffer_print(writing->buffer,
                 "[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, "
                 "OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, "
                 "Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, "
                 "MarginV, Encoding\n"
                 "Style: Default,%s,%.2f," WHITE "," WHITE "," DARK "," SHADE
                 ",-1,0,0,0,100,100,0,0,1,%.2f,%.2f,2,%d,%d,%d,-1\n"
                 "Style: Box,%s,%.2f," SHADE "," SHADE "," SHADE "," SHADE
                 ",0,0,0,0,100,100,0,0,1,0,0,7,0,0,0,-1\n\n",
                 family ? family : "sans-serif", size, boxed ? 0 : fmax(size * 0.055, 1),
                 boxed ? 0 : size * 0.02, writing->frame.side, writing->frame.side,
                 writing->frame.bottom, family ? family : "sans-serif", size);
    buffer_add_text(writing->buffer,
                    "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, "
                    "Effect, Text\n");
}

/* Hundredths, always downwards, so that what follows in time follows in the file. */
static void write_time(struct buffer *buffer, int64_t ms)
{
    buffer_print(buffer, "%" PRId64 ":%02d:%02d.%02d", ms / 3600000, (int)(ms / 60000 % 60),
                 (int)(ms / 1000 % 60), (int)(ms % 1000 / 10));
}

static void begin_event(struct writing *writing, const char *style, int64_t start_ms,
                        int64_t end_ms)
{
    bool is_box = style[0] == 'B';
    buffer_print(writing->buffer, "Dialogue: %d,", is_box ? 0 : 1);
    write_time(writing->buffer, start_ms);
    buffer_add_byte(writing->buffer, ',');
    write_time(writing->buffer, end_ms);
    buffer_print(writing->buffer, ",%s,,0,0,0,,", style);
}

/* A line that is wider than the frame allows makes the whole cue smaller. */
static double scale_of(const struct writing *writing, const struct subtitle_cue *cue)
{
    double scale = 1;
    for (int line = 0; line < cue->lines; line++) {
        if (cue->line_width[line] > writing->frame.width)
            scale = fmin(scale, writing->frame.width / cue->line_width[line]);
    }
    return scale;
}

/* A run's family and size are told where they are not those of the run before. */
struct font_state {
    const char *family;
    double size;
};

static void write_word(struct writing *writing, const struct subtitle_word *word, double scale,
                       struct font_state *state)
{
    int32_t size;
    struct typeset_text text = {.units = subtitle_units(&writing->arena, word->text, &size)};
    text.size = size;
    for (int32_t at = 0; at < size;) {
        struct typeset_run run = typeset_run(text, at, FONT_SANS);
        double line = writing->frame.size * scale * subtitle_frame_enlarge(run.script);
        if (run.family && (run.family != state->family || line != state->size)) {
            buffer_print(writing->buffer, "{\\fn%s\\fs%.2f}", run.family, line);
            *state = (struct font_state){run.family, line};
        }
        typeset_escape(writing->buffer,
                       (struct typeset_text){text.units + at, run.end - at, false});
        at = run.end;
    }
}

/* The text of a cue with one of its words lit, or none. */
static void write_text(struct writing *writing, const struct subtitle_cue *cue, int lit)
{
    struct font_state state = {font_find(USCRIPT_LATIN, FONT_SANS, 'a'), writing->frame.size};
    const struct subtitle_word *words = &writing->cues->word[cue->first];
    double scale = scale_of(writing, cue);
    bool right_to_left = subtitle_cue_is_right_to_left(writing->cues, cue);
    for (int line = 0; line < cue->lines; line++) {
        struct subtitle_run run = subtitle_line(cue, line);
        if (line > 0)
            buffer_add_text(writing->buffer, "\\N");
        buffer_add_text(writing->buffer, right_to_left ? RIGHT_TO_LEFT_MARK : LEFT_TO_RIGHT_MARK);
        for (int i = run.first; i < run.end; i++) {
            if (i > run.first && !words[i].joined)
                buffer_add_byte(writing->buffer, ' ');
            if (i == lit)
                buffer_add_text(writing->buffer, "{\\1c" LIT "}");
            write_word(writing, &words[i], scale, &state);
            if (i == lit)
                buffer_add_text(writing->buffer, "{\\1c" UNLIT_COLOUR "}");
        }
    }
    buffer_add_byte(writing->buffer, '\n');
}

static void write_lit(struct writing *writing, const struct subtitle_cue *cue, int64_t start_ms,
                      int64_t end_ms, int lit)
{
    /* Hundredths again: what would be shown for no time is left out. */
    if (end_ms / 10 <= start_ms / 10)
        return;
    begin_event(writing, "Default", start_ms, end_ms);
    write_text(writing, cue, lit);
}

/* A word is lit until the next one starts, the last one until it has ended. */
static void write_karaoke(struct writing *writing, const struct subtitle_cue *cue)
{
    const struct subtitle_word *words = &writing->cues->word[cue->first];
    int64_t at = cue->start_ms;
    for (int i = 0; i < cue->count; i++) {
        int64_t until = i + 1 < cue->count ? words[i + 1].start_ms : words[i].end_ms;
        if (until > cue->end_ms || (i + 1 == cue->count && cue->end_ms - until < LIT_REST_MS))
            until = cue->end_ms;
        if (until > at) {
            write_lit(writing, cue, at, until, i);
            at = until;
        }
    }
    write_lit(writing, cue, at, cue->end_ms, UNLIT);
}

/* A rounded rectangle behind all lines. */
static void write_box(struct writing *writing, const struct subtitle_cue *cue)
{
    const struct subtitle_options *options = &writing->cues->options;
    double size = writing->frame.size * scale_of(writing, cue), widest = 0, enlarge = 1;
    for (int i = 0; i < cue->count; i++) {
        int32_t units;
        const UChar *text =
            subtitle_units(&writing->arena, writing->cues->word[cue->first + i].text, &units);
        struct typeset_run run =
            typeset_run((struct typeset_text){text, units, false}, 0, FONT_SANS);
        enlarge = fmax(enlarge, subtitle_frame_enlarge(run.script));
    }
    for (int line = 0; line < cue->lines; line++)
        widest = fmax(widest, cue->line_width[line]);
    if (widest == 0)
        return;
    widest = fmin(widest, writing->frame.width);
    int half = (int)lround(widest / 2 + size * 0.42);
    int middle = options->width / 2, left = middle - half, right = middle + half;
    int bottom = options->height - writing->frame.bottom + (int)lround(size * 0.08);
    int top = bottom - (int)lround(size * (cue->lines * enlarge + 0.16));
    int r = (int)lround(size * 0.22);
    /* A quarter of a circle as a curve: its handles are 0.45 of the radius from the corner. */
    int h = (int)lround(r * 0.45);
    begin_event(writing, "Box", cue->start_ms, cue->end_ms);
    buffer_print(writing->buffer,
                 "{\\an7\\pos(0,0)\\bord0\\shad0\\p1}m %d %d l %d %d b %d %d %d %d %d %d ",
                 left + r, top, right - r, top, right - h, top, right, top + h, right, top + r);
    buffer_print(writing->buffer, "l %d %d b %d %d %d %d %d %d l %d %d ", right, bottom - r, right,
                 bottom - h, right - h, bottom, right - r, bottom, left + r, bottom);
    buffer_print(writing->buffer, "b %d %d %d %d %d %d l %d %d b %d %d %d %d %d %d{\\p0}\n",
                 left + h, bottom, left, bottom - h, left, bottom - r, left, top + r, left, top + h,
                 left + h, top, left + r, top);
}

void subtitle_write_ass(const struct subtitle_cues *cues, struct buffer *buffer)
{
    struct writing writing = {.cues = cues, .buffer = buffer};
    arena_init(&writing.arena);
    writing.frame = subtitle_frame(cues->options.width, cues->options.height);
    write_head(&writing);
    for (int i = 0; i < cues->count; i++) {
        const struct subtitle_cue *cue = &cues->cue[i];
        if (cues->options.style == SUBTITLE_BOXED)
            write_box(&writing, cue);
        if (cues->options.style == SUBTITLE_KARAOKE)
            write_karaoke(&writing, cue);
        else
            write_lit(&writing, cue, cue->start_ms, cue->end_ms, UNLIT);
        arena_clear(&writing.arena);
    }
    arena_done(&writing.arena);
}
