#include "media/worker.h"

#include "base/json.h"
#include "base/memory.h"
#include "media/animatic.h"
#include "media/compose.h"
#include "media/foreign.h"
#include "media/job.h"
#include "media/kenburns.h"
#include "media/speech.h"
#include "media/still.h"
#include "media/thumbnail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024 };

static const struct renderer {
    const char *name;
    bool (*render)(struct job *job);
} renderers[] = {
    {"still", still_render},     {"kenburns", kenburns_render}, {"animatic", animatic_render},
    {"compose", compose_render}, {"speech", speech_render},
};

static const struct renderer *find_renderer(const char *name)
{
    for (size_t i = 0; name && i < sizeof renderers / sizeof renderers[0]; i++) {
        if (strcmp(renderers[i].name, name) == 0)
            return &renderers[i];
    }
    return NULL;
}

/* The seed beside the input, or the caller's own inside it. */
static uint64_t read_seed(const json_t *request, const json_t *input)
{
    const json_t *seed = json_object_get(request, "seed");
    if (!json_is_integer(seed))
        seed = json_object_get(input, "seed");
    return (uint64_t)json_integer_value(seed);
}

static bool render(const struct renderer *renderer, const json_t *request, struct job *job)
{
    const char *directory = json_string_value(json_object_get(request, "dir"));
    job->input = json_object_get(request, "input");
    if (!renderer)
        return failure_set(&job->failure, ERROR_VALIDATION, "renderer",
                           "renderer must be one of still, kenburns, animatic, compose and "
                           "speech.");
    if (!json_is_object(job->input))
        return failure_set(&job->failure, ERROR_VALIDATION, "input",
                           "input must be an object of parameters.");
    if (!job_directory(job, directory))
        return false;
    job->seed = read_seed(request, job->input);
    report_started(job->report);
    return renderer->render(job);
}

static void answer_render(const json_t *request, struct job *job)
{
    const char *name = json_string_value(json_object_get(request, "renderer"));
    if (render(find_renderer(name), request, job)) {
        report_done(job->report, job);
    } else {
        job_discard(job);
        if (job->failure.code == ERROR_NONE)
            failure_note(&job->failure, ERROR_INTERNAL, NULL,
                         "The renderer gave up without a reason.");
        report_failed(job->report, &job->failure);
    }
    memory_free(job->words);
}

static void answer_inspect(const json_t *request, struct job *job)
{
    struct foreign foreign = {.count = 0};
    if (foreign_inspect(job, request, &foreign)) {
        report_foreign(job->report, job, &foreign);
        return;
    }
    job_discard(job);
    report_failed(job->report, &job->failure);
}

static bool open_named(const json_t *request, struct job *job, int *ret_fd)
{
    const char *path = json_string_value(json_object_get(request, "file"));
    if (!path)
        return failure_set(&job->failure, ERROR_VALIDATION, "file", "file must name a file.");
    return folder_read(job->folder, path, "file", &job->failure, ret_fd);
}

static void answer_probe(const json_t *request, struct job *job)
{
    int fd;
    bool done = open_named(request, job, &fd);
    if (done) {
        done = probe_read(fd, "file", &job->failure, &job->output);
        close(fd);
    }
    if (done)
        report_probe(job->report, &job->output);
    else
        report_failed(job->report, &job->failure);
}

static bool make_thumbnail(const json_t *request, struct job *job)
{
    const char *output = json_string_value(json_object_get(request, "output"));
    int fd;
    if (!output || strlen(output) >= JOB_PATH_MAX || !folder_path_ok(output))
        return failure_set(&job->failure, ERROR_VALIDATION, "output",
                           "output must be a relative path inside the work folder, without "
                           "\"..\" steps.");
    if (!open_named(request, job, &fd))
        return false;
    snprintf(job->thumbnail, sizeof job->thumbnail, "%s", output);
    bool done = thumbnail_make(job, fd, "file", output);
    close(fd);
    int made;
    if (!done || !folder_read(job->folder, output, "output", &job->failure, &made))
        return false;
    done = probe_read(made, "output", &job->failure, &job->output);
    close(made);
    return done;
}

static void answer_thumbnail(const json_t *request, struct job *job)
{
    if (make_thumbnail(request, job)) {
        report_done(job->report, job);
        return;
    }
    job_discard(job);
    report_failed(job->report, &job->failure);
}

static void refuse(struct report *report, const char *field, const char *sentence)
{
    struct failure failure = {0};
    failure_note(&failure, ERROR_VALIDATION, field, "%s", sentence);
    report_failed(report, &failure);
}

static void dispatch(struct worker *worker, const json_t *request, struct report *report)
{
    const char *id = json_string_value(json_object_get(request, "id"));
    const char *op = json_string_value(json_object_get(request, "op"));
    report_begin(report, id && strlen(id) < REPORT_ID_MAX ? id : "");
    struct job job = {.folder = &worker->folder,
                      .limits = &worker->limits,
                      .encoder = worker->encoder,
                      .report = report};
    if (worker->cage)
        cage_begin_job(worker->cage, json_integer_value(json_object_get(request, "cpuSeconds")));
    if (!report->id[0])
        refuse(report, "id", "id must be a text of 1 to 127 bytes.");
    else if (op && strcmp(op, "render") == 0)
        answer_render(request, &job);
    else if (op && strcmp(op, "inspect") == 0)
        answer_inspect(request, &job);
    else if (op && strcmp(op, "probe") == 0)
        answer_probe(request, &job);
    else if (op && strcmp(op, "thumbnail") == 0)
        answer_thumbnail(request, &job);
    else if (op && strcmp(op, "ping") == 0)
        report_pong(report);
    else
        refuse(report, "op", "op must be one of render, inspect, probe, thumbnail and ping.");
}

static void answer_line(struct worker *worker, struct span line, struct report *report)
{
    char fault[JSON_FAULT_SIZE];
    if (span_trim(line).size == 0)
        return;
    json_t *request = json_read(line, fault);
    if (json_is_object(request)) {
        dispatch(worker, request, report);
    } else {
        report_begin(report, "");
        refuse(report, NULL, request ? "A request must be a JSON object." : fault);
    }
    json_decref(request);
}

/* Answers every whole line in the buffer and drops it. */
static void answer_lines(struct worker *worker, struct buffer *buffer, struct report *report)
{
    size_t start = 0;
    const char *end;
    while (!report->broken && !report->last && start < buffer->size &&
           (end = memchr(buffer->data + start, '\n', buffer->size - start))) {
        size_t size = (size_t)(end - buffer->data) - start;
        answer_line(worker, span_make(buffer->data + start, size), report);
        start += size + 1;
    }
    buffer_drop(buffer, start);
}

void worker_run(struct worker *worker)
{
    struct report report = {.fd = worker->output};
    struct buffer buffer;
    bool skipping = false; /* the rest of a line that was too long */
    buffer_init(&buffer, WORKER_LINE_MAX + READ_SIZE);
    while (!report.broken && !report.last) {
        char chunk[READ_SIZE];
        ssize_t got = read(worker->input, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        struct span bytes = span_make(chunk, (size_t)got);
        if (skipping) {
            ptrdiff_t end = span_find(bytes, '\n');
            if (end < 0)
                continue;
            bytes = span_make(bytes.data + end + 1, bytes.size - (size_t)end - 1);
            skipping = false;
        }
        buffer_add(&buffer, bytes);
        answer_lines(worker, &buffer, &report);
        if (buffer.size > WORKER_LINE_MAX) {
            report_begin(&report, "");
            refuse(&report, NULL, "A request line may have at most 1,048,576 bytes.");
            buffer_clear(&buffer);
            skipping = true;
        }
    }
    if (buffer.size > 0 && !report.last)
        answer_line(worker, buffer_span(&buffer), &report);
    buffer_done(&buffer);
}
