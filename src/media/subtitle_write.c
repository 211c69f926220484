/* SRT and WebVTT; subtitle_ass.c writes ASS. */
#include "media/subtitle_frame.h"
#include "media/subtitle_private.h"

#include <inttypes.h>
#include <string.h>

#define RIGHT_TO_LEFT_MARK "\u200f"
#define WORD_JOINER        "\u2060"

struct subtitle_run subtitle_line(const struct subtitle_cue *cue, int line)
{
    return (struct subtitle_run){line > 0 ? cue->line_end[line - 1] : 0, cue->line_end[line]};
}

bool subtitle_cue_is_right_to_left(const struct subtitle_cues *cues, const struct subtitle_cue *cue)
{
    int right = 0;
    for (int i = 0; i < cue->count; i++)
        right += subtitle_is_right_to_left(cues->word[cue->first + i].text) ? 1 : 0;
    return right * 2 > cue->count ||
           (right > 0 && subtitle_is_right_to_left(cues->word[cue->first].text));
}

static void write_time(struct buffer *buffer, int64_t ms, char point)
{
    buffer_print(buffer, "%02" PRId64 ":%02d:%02d%c%03d", ms / 3600000, (int)(ms / 60000 % 60),
                 (int)(ms / 1000 % 60), point, (int)(ms % 1000));
}

/* Players take tags from SRT though nothing escapes there: a joiner of no width after their first
 * letter breaks the spell. */
static void write_srt_text(struct buffer *buffer, const char *text)
{
    for (const char *at = text; *at; at++) {
        buffer_add_byte(buffer, *at);
        if (*at == '<' || *at == '{' || *at == '\\')
            buffer_add_text(buffer, WORD_JOINER);
    }
}

static void write_vtt_text(struct buffer *buffer, const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '&')
            buffer_add_text(buffer, "&amp;");
        else if (*at == '<')
            buffer_add_text(buffer, "&lt;");
        else if (*at == '>')
            buffer_add_text(buffer, "&gt;");
        else
            buffer_add_byte(buffer, *at);
    }
}

/* In WebVTT each further word of karaoke has the time at which it lights. */
static void write_lines(const struct subtitle_cues *cues, const struct subtitle_cue *cue,
                        bool is_vtt, struct buffer *buffer)
{
    bool right_to_left = subtitle_cue_is_right_to_left(cues, cue);
    for (int line = 0; line < cue->lines; line++) {
        struct subtitle_run run = subtitle_line(cue, line);
        const struct subtitle_word *words = &cues->word[cue->first];
        if (right_to_left && !subtitle_is_right_to_left(words[run.first].text))
            buffer_add_text(buffer, RIGHT_TO_LEFT_MARK);
        for (int i = run.first; i < run.end; i++) {
            if (i > run.first && !words[i].joined)
                buffer_add_byte(buffer, ' ');
            bool lights = is_vtt && cues->options.style == SUBTITLE_KARAOKE && i > 0 &&
                          words[i].start_ms > words[i - 1].start_ms &&
                          words[i].start_ms < cue->end_ms;
            if (lights) {
                buffer_add_byte(buffer, '<');
                write_time(buffer, words[i].start_ms, '.');
                buffer_add_byte(buffer, '>');
            }
            if (is_vtt)
                write_vtt_text(buffer, words[i].text);
            else
                write_srt_text(buffer, words[i].text);
        }
        buffer_add_byte(buffer, '\n');
    }
    buffer_add_byte(buffer, '\n');
}

static void write_srt(const struct subtitle_cues *cues, struct buffer *buffer)
{
    for (int i = 0; i < cues->count; i++) {
        buffer_print(buffer, "%d\n", i + 1);
        write_time(buffer, cues->cue[i].start_ms, ',');
        buffer_add_text(buffer, " --> ");
        write_time(buffer, cues->cue[i].end_ms, ',');
        buffer_add_byte(buffer, '\n');
        write_lines(cues, &cues->cue[i], false, buffer);
    }
}

static void write_vtt(const struct subtitle_cues *cues, struct buffer *buffer)
{
    struct subtitle_frame frame = subtitle_frame(cues->options.width, cues->options.height);
    buffer_add_text(buffer, "WEBVTT\n\n");
    if (cues->options.style == SUBTITLE_KARAOKE)
        buffer_add_text(buffer, "STYLE\n::cue(:future) { opacity: 0.6; }\n\n");
    for (int i = 0; i < cues->count; i++) {
        const struct subtitle_cue *cue = &cues->cue[i];
        write_time(buffer, cue->start_ms, '.');
        buffer_add_text(buffer, " --> ");
        write_time(buffer, cue->end_ms, '.');
        /* Where the block begins, on standing frames; players keep clear of the lower edge. */
        if (cues->options.height > cues->options.width) {
            double top = cues->options.height - frame.bottom - frame.size * cue->lines;
            buffer_print(buffer, " line:%d%%", (int)(100 * top / cues->options.height));
        }
        buffer_add_byte(buffer, '\n');
        write_lines(cues, cue, true, buffer);
    }
}

void subtitle_write(enum subtitle_format format, const struct subtitle_cues *cues,
                    struct buffer *buffer)
{
    switch (format) {
    case SUBTITLE_TO_SRT:
        write_srt(cues, buffer);
        break;
    case SUBTITLE_TO_VTT:
        write_vtt(cues, buffer);
        break;
    case SUBTITLE_TO_ASS:
        subtitle_write_ass(cues, buffer);
        break;
    }
}
