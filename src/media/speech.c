#include "media/speech.h"

#include "base/json.h"
#include "media/job.h"
#include "media/speech_engine.h"
#include "media/speech_times.h"
#include "media/wave.h"

#include <strings.h>
#include <unistd.h>

enum {
    WORDS_JSON_MAX = 4 << 20,
    PERCENT_BEGIN = 10,
    PERCENT_END = 90,
};

struct wish {
    const char *text, *language, *voice; /* voice: NULL for the language's own */
    struct speech_manner manner;
    int pause_ms;
};

/* A text being spoken. */
struct speaking {
    struct job *job;
    const struct wish *wish;
    struct speech_text text;
    struct speech_times times;
    struct wave wave;
    int sentences;
};

static bool read_wish(struct job *job, struct wish *wish)
{
    if (!job_text(job, "text", true, &wish->text) ||
        !job_text(job, "language", false, &wish->language) ||
        !job_text(job, "voice", false, &wish->voice) ||
        !job_number(job, "speed", (struct job_range){0.5, 2, 1}, &wish->manner.speed) ||
        !job_integer(job, "pitch", 0, 99, 50, &wish->manner.pitch) ||
        !job_integer(job, "pauseMs", 0, SPEECH_PAUSE_MS_MAX, 0, &wish->pause_ms))
        return false;
    if (!wish->language)
        wish->language = "en-us";
    if (wish->voice && strcasecmp(wish->voice, "default") == 0)
        wish->voice = NULL;
    return true;
}

static bool read_text(struct speaking *speaking)
{
    const struct wish *wish = speaking->wish;
    struct failure *failure = &speaking->job->failure;
    speech_text_make(wish->text, wish->language, &speaking->text);
    if (speaking->text.characters > SPEECH_CHARACTERS_MAX)
        return failure_set(failure, ERROR_VALIDATION, "text",
                           "text may have at most %d characters; this one has %d.",
                           SPEECH_CHARACTERS_MAX, speaking->text.characters);
    if (speaking->text.count == 0)
        return failure_set(failure, ERROR_VALIDATION, "text",
                           "text holds nothing that can be spoken: no letter, digit or symbol.");
    return true;
}

static bool on_samples(void *context, const int16_t *samples, size_t count)
{
    struct speaking *speaking = context;
    speech_times_add(&speaking->times, samples, count);
    if (speaking->times.samples / speaking->times.rate > SPEECH_SECONDS_MAX)
        return failure_set(&speaking->job->failure, ERROR_VALIDATION, "text",
                           "text would be spoken for more than an hour; shorten it.");
    return wave_add(&speaking->wave, samples, count, &speaking->job->failure);
}

static void on_word(void *context, int character)
{
    struct speaking *speaking = context;
    speech_times_mark(&speaking->times, character);
    int part = (PERCENT_END - PERCENT_BEGIN) * character / (speaking->text.characters + 1);
    report_progress(speaking->job->report, "Speaking", PERCENT_BEGIN + part, 0, 0);
}

static void on_sentence(void *context, int character)
{
    struct speaking *speaking = context;
    if (speaking->sentences++ == 0 || speaking->wish->pause_ms == 0)
        return;
    int64_t count = (int64_t)speaking->wish->pause_ms * speaking->times.rate / 1000;
    speech_times_add_silence(&speaking->times, count);
    /* What can not be written now can not be written with the next samples either. */
    (void)wave_add_silence(&speaking->wave, count, &speaking->job->failure);
}

static bool speak(struct speaking *speaking)
{
    struct job *job = speaking->job;
    const struct speech_listener listener = {on_samples, on_word, on_sentence, speaking};
    int fd;
    if (!job_create(job, "output.wav", &fd))
        return false;
    int rate = speech_engine_rate();
    speech_times_init(&speaking->times, rate);
    job->report->last = true;
    bool done = wave_begin(&speaking->wave, fd, rate, &job->failure) &&
                speech_engine_speak(speaking->text.bytes, speaking->wish->manner, &listener) &&
                job->failure.code == ERROR_NONE && wave_end(&speaking->wave, &job->failure);
    close(fd);
    return done || failure_set(&job->failure, ERROR_INTERNAL, NULL,
                               "The speech engine could not speak the text.");
}

static void write_word(struct json_writer *json, const struct subtitle_word *word)
{
    json_open_object(json, NULL);
    json_text(json, "word", span_of(word->text));
    json_number(json, "startMs", word->start_ms);
    json_number(json, "endMs", word->end_ms);
    if (word->joined)
        json_bool(json, "joined", true);
    json_close_object(json);
}

/* The words as a JSON array, kept for the answer. */
static bool write_words(struct job *job, const struct subtitle_words *words)
{
    struct buffer buffer;
    struct json_writer json;
    buffer_init(&buffer, WORDS_JSON_MAX);
    json_writer_init(&json, &buffer);
    json_open_array(&json, NULL);
    for (int i = 0; i < words->count; i++)
        write_word(&json, &words->word[i]);
    json_close_array(&json);
    bool done = !buffer.failed;
    if (done)
        job->words = buffer_take(&buffer);
    buffer_done(&buffer);
    return done || failure_set(&job->failure, ERROR_INTERNAL, NULL,
                               "The times of the words are too many for a file.");
}

static bool attach_words(struct speaking *speaking, const struct subtitle_words *words)
{
    struct buffer buffer;
    struct json_writer json;
    buffer_init(&buffer, WORDS_JSON_MAX + 1024);
    json_writer_init(&json, &buffer);
    json_open_object(&json, NULL);
    json_text(&json, "language", span_of(speaking->wish->language));
    json_text(&json, "voice", span_of(speaking->wish->voice ? speaking->wish->voice : "default"));
    json_number(&json, "durationMs", words->duration_ms);
    json_raw(&json, "words", span_of(speaking->job->words));
    json_close_object(&json);
    bool done =
        job_attach(speaking->job, "words.json", "application/json", buffer.data, buffer.size);
    buffer_done(&buffer);
    return done;
}

static bool finish(struct speaking *speaking)
{
    struct job *job = speaking->job;
    struct subtitle_words words;
    int estimated;
    report_progress(job->report, "Finalizing", PERCENT_END, 0, 0);
    speech_times_words(&speaking->times, &speaking->text, &words, &estimated);
    if (estimated > 0)
        job_warn(job,
                 "The speech engine told no time for %d of the %d words; these are estimated by "
                 "their length.",
                 estimated, words.count);
    bool done = write_words(job, &words) && attach_words(speaking, &words);
    job->output = (struct probe){
        .content_type = "audio/wav",
        .demuxer = "wav",
        .bytes = WAVE_HEADER_SIZE + speaking->wave.samples * 2,
        .has_audio = true,
        .duration_ms = words.duration_ms,
    };
    if (done)
        report_progress(job->report, "Finalizing", 100, 0, 0);
    subtitle_words_free(&words);
    return done;
}

bool speech_render(struct job *job)
{
    struct wish wish = {0};
    struct speaking speaking = {.job = job, .wish = &wish};
    report_progress(job->report, "Analyzing text", 2, 0, 0);
    bool done = read_wish(job, &wish) && read_text(&speaking) &&
                speech_engine_begin(&job->failure) &&
                speech_engine_choose(wish.language, wish.voice, &job->failure) &&
                speak(&speaking) && finish(&speaking);
    speech_times_done(&speaking.times);
    speech_text_free(&speaking.text);
    return done;
}
