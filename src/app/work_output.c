/* From a worker's words to files in the depot. */
#include "app/work_private.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static json_t *read_line(struct work *work, struct span line)
{
    char fault[JSON_FAULT_SIZE];
    json_t *value = json_read(line, fault);
    if (!json_is_object(value))
        work_fail(work, ERROR_INTERNAL, true, "The worker's answer could not be understood.");
    return value;
}

void work_read_progress(struct work *work, struct span line, ms_t now)
{
    json_t *value = read_line(work, line);
    struct span stage = json_span(json_object_get(value, "stage"));
    bool is_new_stage = stage.size && !span_is(stage, work->progress_stage);
    if (now - work->progress_at >= WORK_PROGRESS_MS || is_new_stage || !work->progress_at) {
        struct message *message = work_message(work, WORKED_RUNNING);
        struct worked *told = &message->event.worked;
        told->progress = (int)json_integer_value(json_object_get(value, "percent"));
        if (stage.size && span_copy(stage, work->progress_stage, sizeof work->progress_stage))
            told->stage = arena_copy(&message->arena, stage);
        work->progress_at = now;
        work_post(work->works, message);
    }
    json_decref(value);
}

/* A plain file name in the attempt's folder; the depot looks again when it opens it. */
static bool read_name(const json_t *output, const char *field, char name[static JOB_NAME_SIZE])
{
    struct span text = json_span(json_object_get(output, field));
    ptrdiff_t slash = -1;
    for (size_t n = 0; n < text.size; n++) {
        if (text.data[n] == '/')
            slash = (ptrdiff_t)n;
    }
    struct span last = {text.data + slash + 1, text.size - (size_t)(slash + 1)};
    return last.size > 0 && last.data[0] != '.' && span_copy(last, name, JOB_NAME_SIZE);
}

static double number_of(const json_t *output, const char *field, double max)
{
    double value = json_number_value(json_object_get(output, field));
    return value >= 0 && value <= max ? value : 0;
}

static bool read_output(struct work *work, const json_t *value)
{
    struct work_file *file = &work->files[work->file_count];
    *file = (struct work_file){.file = ""};
    if (!read_name(value, "file", file->file))
        return false;
    (void)read_name(value, "thumbnail", file->thumbnail);
    struct job_output *output = &file->output;
    (void)span_copy(json_span(json_object_get(value, "contentType")), output->content_type,
                    sizeof output->content_type);
    /* What a provider or a program calls its file says nothing; the worker has looked. */
    const char *dot =
        work->inspects ? depot_extension(span_of(output->content_type)) : strrchr(file->file, '.');
    if (!dot)
        return false;
    char number[16] = "";
    unsigned before = work->files_before + work->file_count;
    if (before > 0)
        (void)snprintf(number, sizeof number, "-%u", before + 1);
    (void)snprintf(output->name, sizeof output->name, "output%s%.8s", number, dot);
    if (file->thumbnail[0])
        (void)snprintf(output->thumbnail, sizeof output->thumbnail, "thumbnail%s.jpg", number);
    output->duration = (ms_t)number_of(value, "durationMs", 1e12);
    output->width = (int)number_of(value, "width", 1e6);
    output->height = (int)number_of(value, "height", 1e6);
    output->fps_milli = (int)lround(number_of(value, "fps", 1e6) * 1000);
    work->file_count++;
    return true;
}

static bool write_word(struct json_writer *writer, const json_t *value)
{
    struct span word = json_span(json_object_get(value, "word"));
    const json_t *start = json_object_get(value, "startMs"), *end = json_object_get(value, "endMs");
    if (!word.size || !json_is_integer(start) || !json_is_integer(end))
        return false;
    json_open_object(writer, NULL);
    json_text(writer, "word", word);
    json_number(writer, "startMs", json_integer_value(start));
    json_number(writer, "endMs", json_integer_value(end));
    if (json_is_true(json_object_get(value, "joined")))
        json_bool(writer, "joined", true);
    json_close_object(writer);
    return true;
}

/* Written anew, so that an answer holds what it should whatever a worker says. Words are an extra
 * of the output, whose own file of them is whole: they are left out where they are amiss. */
static void read_words(struct work *work, const json_t *words)
{
    struct buffer text;
    struct json_writer writer;
    const json_t *value;
    size_t n;
    bool good = json_array_size(words) > 0;
    buffer_init(&text, JOB_WORDS_MAX);
    json_writer_init(&writer, &text);
    json_open_array(&writer, NULL);
    json_array_foreach(words, n, value)
        good = good && write_word(&writer, value);
    json_close_array(&writer);
    memory_free(work->words);
    work->words = good && !text.failed ? memory_copy(buffer_span(&text)) : NULL;
    buffer_done(&text);
}

void work_read_done(struct work *work, struct span line)
{
    json_t *value = read_line(work, line);
    const json_t *outputs = json_object_get(value, "outputs"), *output;
    size_t n;
    json_array_foreach(outputs, n, output) {
        if (work->files_before + work->file_count == JOB_OUTPUTS_MAX || !read_output(work, output))
            work_fail(work, ERROR_OUTPUT_INVALID, true, "The worker named an output amiss.");
    }
    if (work->file_count == 0)
        work_fail(work, ERROR_OUTPUT_INVALID, true, "The worker made no output.");
    read_words(work, json_object_get(value, "words"));
    const json_t *warnings = json_object_get(value, "warnings");
    if (json_is_array(warnings) && json_array_size(warnings) > 0) {
        struct buffer text;
        buffer_init(&text, 4096);
        json_canonical(warnings, &text);
        memory_free(work->warnings);
        work->warnings = text.failed ? NULL : memory_copy(buffer_span(&text));
        buffer_done(&text);
    }
    json_decref(value);
}

void work_read_failed(struct work *work, struct span line)
{
    json_t *value = read_line(work, line);
    enum error_code error = ERROR_INTERNAL;
    (void)error_find(json_span(json_object_get(value, "code")), &error);
    struct span field = json_span(json_object_get(value, "field"));
    struct span text = json_span(json_object_get(value, "error"));
    bool names_field = field.size == 0 || memmem(text.data, text.size, field.data, field.size);
    bool again = error == ERROR_INTERNAL || error == ERROR_STORAGE_FULL;
    work_fail(work, error == ERROR_NONE ? ERROR_INTERNAL : error, again, "%.*s%s%.*s",
              names_field ? 0 : (int)field.size, field.data, names_field ? "" : ": ",
              SPAN_PRINT(text));
    json_decref(value);
}

static void store_file(struct work *work, const char *file, const char *name,
                       struct depot_kept *kept)
{
    char path[DEPOT_PATH_SIZE + 64];
    (void)snprintf(path, sizeof path, "%s/%s", work->folder, file);
    enum depot_result result =
        depot_keep(work->works->config.depot, path, span_of(work->job_id), span_of(name), kept);
    if (result == DEPOT_FULL)
        work->disk_full = true;
    else if (result == DEPOT_TAKEN)
        work_fail(work, ERROR_INTERNAL, false, "Another file has the place of the output %s.",
                  name);
    else if (result != DEPOT_OK)
        work_fail(work, ERROR_OUTPUT_LOST, true, "The output %s could not be stored.", name);
}

void work_store(uv_work_t *request)
{
    struct work *work = request->data;
    for (unsigned n = 0; n < work->file_count; n++) {
        struct work_file *file = &work->files[n];
        struct depot_kept kept = {0, ""};
        store_file(work, file->file, file->output.name, &kept);
        file->output.size = (int64_t)kept.size;
        (void)span_copy(span_of(kept.sha256), file->output.sha256, sizeof file->output.sha256);
        if (file->thumbnail[0])
            store_file(work, file->thumbnail, file->output.thumbnail, &kept);
    }
}

void work_tell_kept(struct work *work)
{
    struct message *message = work_message(work, WORKED_KEPT);
    struct worked *told = &message->event.worked;
    for (unsigned n = 0; n < work->file_count; n++)
        told->outputs[n] = work->files[n].output;
    told->output_count = work->file_count;
    if (work->warnings)
        told->warnings = span_of(arena_copy(&message->arena, span_of(work->warnings)));
    if (work->words)
        told->words = span_of(arena_copy(&message->arena, span_of(work->words)));
    work_post(work->works, message);
    work_fetch_leave(work);
}

/* Both words at once: one turn ends the job and starts the next. */
void work_tell_nothing_made(struct works *works, const struct job *job)
{
    static const enum worked_kind kinds[] = {WORKED_MADE, WORKED_KEPT};
    for (unsigned n = 0; n < 2; n++) {
        struct message *message = message_make(EVENT_WORKED);
        message->event.worked.kind = kinds[n];
        message->event.worked.job = job->key;
        message->event.worked.attempt = job->attempt.number;
        work_post(works, message);
    }
}
