#include "media/compose_words.h"

#include "media/job.h"
#include "media/subtitle.h"

#include <errno.h>
#include <libavutil/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unicode/uloc.h>
#include <unistd.h>

static const char field[] = "wordsUrl";

void compose_words_init(struct compose_words *words)
{
    *words = (struct compose_words){0};
    buffer_init(&words->text, SUBTITLE_OUTPUT_MAX);
    buffer_init(&words->store, SUBTITLE_OUTPUT_MAX);
}

void compose_words_done(struct compose_words *words)
{
    buffer_done(&words->text);
    buffer_done(&words->store);
    free(words->items);
    words->items = NULL;
}

static bool read_file(struct job *job, const char *path, struct buffer *target)
{
    struct stat status;
    int fd;
    if (!folder_read(job->folder, path, field, &job->failure, &fd))
        return false;
    bool done = fstat(fd, &status) == 0;
    if (done && status.st_size > SUBTITLE_JSON_MAX) {
        close(fd);
        return failure_set(&job->failure, ERROR_TOO_LARGE, field,
                           "The file of %s has %lld bytes; at most %d are allowed.", field,
                           (long long)status.st_size, SUBTITLE_JSON_MAX);
    }
    char portion[65536];
    ssize_t got = 0;
    while (done && ((got = read(fd, portion, sizeof portion)) > 0 || (got < 0 && errno == EINTR)))
        buffer_add(target, span_make(portion, got > 0 ? (size_t)got : 0));
    close(fd);
    return (done && got == 0 && !target->failed) ||
           failure_set(&job->failure, ERROR_INPUT_UNREACHABLE, field,
                       "The file of %s could not be read.", field);
}

/* A cue's words as lines of text. */
static void write_cue(const struct subtitle_cues *cues, const struct subtitle_cue *cue,
                      struct buffer *store)
{
    int line = 0;
    for (int i = 0; i < cue->count; i++) {
        const struct subtitle_word *word = &cues->word[cue->first + i];
        bool breaks = line < cue->lines - 1 && i == cue->line_end[line];
        if (breaks)
            line++;
        if (breaks)
            buffer_add_byte(store, '\n');
        else if (i > 0 && !word->joined)
            buffer_add_byte(store, ' ');
        buffer_add(store, span_of(word->text));
    }
    buffer_add_byte(store, '\0');
}

static bool write_captions(const struct subtitle_cues *cues, const char *language,
                           struct compose_words *words)
{
    words->items = calloc((size_t)cues->count + 1, sizeof *words->items);
    if (!words->items)
        return false;
    for (int i = 0; i < cues->count; i++)
        write_cue(cues, &cues->cue[i], &words->store);
    if (words->store.failed)
        return false;
    const char *text = words->store.data;
    for (int i = 0; i < cues->count; i++) {
        words->items[i] = (struct caption){cues->cue[i].start_ms, cues->cue[i].end_ms, text};
        text += strlen(text) + 1;
    }
    words->captions.items = words->items;
    words->captions.count = cues->count;
    const char *three = uloc_getISO3Language(language);
    if (strlen(three) == 3)
        memcpy(words->captions.language, three, 4);
    return true;
}

static bool attach(struct job *job, const struct subtitle_cues *cues, struct compose_words *words)
{
    struct buffer text;
    buffer_init(&text, SUBTITLE_OUTPUT_MAX);
    subtitle_write(SUBTITLE_TO_SRT, cues, &text);
    bool done =
        !text.failed && job_attach(job, "output.srt", "application/x-subrip", text.data, text.size);
    buffer_clear(&text);
    if (done)
        subtitle_write(SUBTITLE_TO_VTT, cues, &text);
    done = done && !text.failed && job_attach(job, "output.vtt", "text/vtt", text.data, text.size);
    buffer_done(&text);
    subtitle_write(SUBTITLE_TO_ASS, cues, &words->text);
    return done && !words->text.failed &&
           job_attach(job, "output.ass", "text/x-ssa", words->text.data, words->text.size);
}

static bool cut(struct job *job, const struct compose_input *input,
                const struct subtitle_words *read, struct compose_words *words)
{
    const struct sequence *sequence = &input->sequence;
    struct subtitle_options options = {.style = input->style,
                                       .width = input->layout.width,
                                       .height = input->layout.height,
                                       .duration_ms =
                                           (int64_t)sequence->total * 1000 / sequence->fps};
    struct subtitle_cues cues;
    if (!subtitle_cut(read, &options, &cues, &job->failure))
        return false;
    if (cues.missing[0])
        job_warn(job, "No installed font has the letters of %s; subtitles show boxes for them.",
                 cues.missing);
    bool done = attach(job, &cues, words) && write_captions(&cues, read->language, words);
    subtitle_cues_free(&cues);
    return done ||
           failure_set_av(&job->failure, ERROR_INTERNAL, "writing the subtitles", AVERROR(ENOMEM));
}

bool compose_words_make(struct job *job, const struct compose_input *input,
                        struct compose_words *words)
{
    struct buffer json;
    struct subtitle_words read;
    if (input->subtitles == COMPOSE_NONE)
        return true;
    buffer_init(&json, SUBTITLE_JSON_MAX + 1);
    bool done = read_file(job, input->words, &json) &&
                subtitle_read(buffer_span(&json), field, &read, &job->failure);
    buffer_done(&json);
    if (!done)
        return false;
    done = cut(job, input, &read, words);
    subtitle_words_free(&read);
    return done;
}
