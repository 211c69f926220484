#include "app/progress_bar.h"

#include "app/glyph.h"
#include "app/human.h"

enum { BAR_MAX = 28, BAR_LEAST = 6, LABEL_MAX = 30, TEXT_LEAST = 12, TEXT_USUAL = 30, EIGHTHS = 8 };

static void write_text(const struct progress_bar *bar, const char *separator, struct buffer *target)
{
    char left[HUMAN_SIZE];
    if (bar->stage)
        buffer_add_text(target, bar->stage);
    if (bar->left == MS_NEVER)
        return;
    human_span(bar->left, left);
    buffer_print(target, "%s%s left", bar->stage ? separator : "", left);
}

static void write_blocks(unsigned percent, unsigned width, bool has_blocks, struct buffer *target)
{
    static const char *const parts[EIGHTHS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    unsigned filled = percent * width * EIGHTHS / 100, column = 0;
    for (; column < filled / EIGHTHS; column++)
        buffer_add_text(target, has_blocks ? "█" : "#");
    if (filled % EIGHTHS > 0 && has_blocks) {
        buffer_add_text(target, parts[filled % EIGHTHS]);
        column++;
    }
    for (; column < width; column++)
        buffer_add_text(target, has_blocks ? "░" : "-");
}

void progress_bar_write(const struct progress_bar *bar, const struct terminal *terminal,
                        struct buffer *target)
{
    unsigned width = terminal->width ? terminal->width : TERMINAL_WIDTH_DEFAULT;
    unsigned label = glyph_width(span_of(bar->label));
    unsigned percent = bar->percent > 100 ? 100 : bar->percent;
    struct buffer text;
    buffer_init(&text, 1000);
    write_text(bar, terminal->has_blocks ? " · " : ", ", &text);
    /* Beside the bar stand two gaps, "~100 %" and another gap. */
    label = label > LABEL_MAX ? LABEL_MAX : label;
    if (label + BAR_LEAST + TEXT_LEAST + 12 > width)
        label = width > BAR_LEAST + TEXT_LEAST + 14 ? width - BAR_LEAST - TEXT_LEAST - 12 : 0;
    unsigned room = width - label - (label ? 2 : 0) - 10;
    unsigned blocks = room > TEXT_USUAL + BAR_LEAST ? room - TEXT_USUAL : BAR_LEAST;
    blocks = blocks > BAR_MAX ? BAR_MAX : blocks;
    if (label) {
        glyph_fit(target, span_of(bar->label), label, false);
        buffer_add_text(target, "  ");
    }
    buffer_add_text(target,
                    bar->ink == TERMINAL_PLAIN ? "" : terminal_ink(terminal->has_colour, bar->ink));
    write_blocks(percent, blocks, terminal->has_blocks, target);
    buffer_add_text(target, bar->ink == TERMINAL_PLAIN
                                ? ""
                                : terminal_ink(terminal->has_colour, TERMINAL_PLAIN));
    buffer_print(target, " %s%3u %%  ", bar->is_estimated ? "~" : " ", percent);
    struct span words = buffer_span(&text);
    unsigned left = room > blocks ? room - blocks : 0, whole = glyph_width(words);
    glyph_fit(target, words, whole < left ? whole : left, false);
    buffer_done(&text);
}

void progress_bar_write_plain(const struct progress_bar *bar, struct buffer *target)
{
    struct buffer text;
    buffer_init(&text, 1000);
    write_text(bar, ", ", &text);
    buffer_print(target, "%s  %s%u %%  ", bar->label, bar->is_estimated ? "~" : "", bar->percent);
    glyph_add(target, buffer_span(&text));
    buffer_done(&text);
}
