#include "media/report.h"

#include "base/json.h"
#include "media/foreign.h"
#include "media/job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_SIZE = 512 * 1024,  /* what reel reads (edge/child.h) */
    WORDS_MAX_SIZE = 384 * 1024, /* of a line, and more than the longest text comes to */
    TELL_EVERY_MS = 100,
};

/* One line being written. */
struct line {
    struct buffer buffer;
    struct json_writer json;
};

static void line_begin(struct line *line, const struct report *report, const char *event)
{
    buffer_init(&line->buffer, LINE_MAX_SIZE);
    json_writer_init(&line->json, &line->buffer);
    json_open_object(&line->json, NULL);
    json_text(&line->json, "id", span_of(report->id));
    json_text(&line->json, "event", span_of(event));
}

static void line_end(struct line *line, struct report *report)
{
    json_close_object(&line->json);
    buffer_add_byte(&line->buffer, '\n');
    const char *data = line->buffer.data;
    size_t left = line->buffer.failed ? 0 : line->buffer.size;
    while (left > 0 && !report->broken) {
        ssize_t put = write(report->fd, data, left);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            report->broken = true;
            break;
        }
        data += put;
        left -= (size_t)put;
    }
    buffer_done(&line->buffer);
}

void report_begin(struct report *report, const char *id)
{
    *report = (struct report){.fd = report->fd, .broken = report->broken};
    snprintf(report->id, sizeof report->id, "%s", id);
}

void report_started(struct report *report)
{
    struct line line;
    line_begin(&line, report, "started");
    line_end(&line, report);
}

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void report_progress(struct report *report, const char *stage, int percent, int frame, int frames)
{
    int64_t now = monotonic_ms();
    bool soon = report->told_ms && now - report->told_ms < TELL_EVERY_MS;
    /* A new stage and the end are always told; stages are compared as the constants they are. A
     * frame more is news too: a caller takes long silence for a hang. */
    bool same = report->stage == stage;
    bool news = percent > report->percent || frame > report->frame;
    if (same && (!news || (soon && percent < 100)))
        return;
    report->frame = frame;
    if (percent > report->percent)
        report->percent = percent;
    report->stage = stage;
    report->told_ms = now;
    struct line line;
    line_begin(&line, report, "progress");
    json_number(&line.json, "percent", report->percent);
    json_text(&line.json, "stage", span_of(stage));
    if (frames > 0) {
        json_number(&line.json, "frame", frame);
        json_number(&line.json, "frames", frames);
    }
    line_end(&line, report);
}

/* A process that has done its last job is known by that line. */
static void write_last(struct line *line, const struct report *report)
{
    if (report->last)
        json_bool(&line->json, "last", true);
}

static void write_probe(struct json_writer *json, const struct probe *probe)
{
    json_text(json, "contentType", span_of(probe->content_type));
    json_number(json, "bytes", probe->bytes);
    if (probe->width > 0) {
        json_number(json, "width", probe->width);
        json_number(json, "height", probe->height);
    }
    if (probe->is_video)
        json_real_number(json, "fps", probe->fps);
    if (probe->is_video || probe->duration_ms > 0)
        json_number(json, "durationMs", probe->duration_ms);
    if (probe->is_video)
        json_number(json, "frames", probe->frames);
    json_bool(json, "hasAudio", probe->has_audio);
}

static void write_output(struct json_writer *json, const char *file, const char *thumbnail,
                         const struct probe *probe)
{
    json_open_object(json, NULL);
    json_text(json, "file", span_of(file));
    write_probe(json, probe);
    json_text_if(json, "thumbnail", thumbnail);
    json_close_object(json);
}

static void write_warnings(struct json_writer *json, const struct job *job)
{
    json_open_array(json, "warnings");
    for (int i = 0; i < job->warning_count; i++)
        json_text(json, NULL, span_of(job->warnings[i]));
    json_close_array(json);
}

void report_done(struct report *report, const struct job *job)
{
    struct line line;
    line_begin(&line, report, "done");
    json_open_array(&line.json, "outputs");
    write_output(&line.json, job->file[0] ? job->file : job->thumbnail,
                 job->file[0] ? job->thumbnail : NULL, &job->output);
    for (int i = 0; i < job->extra_count; i++) {
        json_open_object(&line.json, NULL);
        json_text(&line.json, "file", span_of(job->extras[i].file));
        json_text(&line.json, "contentType", span_of(job->extras[i].content_type));
        json_number(&line.json, "bytes", job->extras[i].bytes);
        json_close_object(&line.json);
    }
    json_close_array(&line.json);
    json_text_if(&line.json, "framesHash", job->frames_hash);
    if (job->words && strlen(job->words) <= WORDS_MAX_SIZE)
        json_raw(&line.json, "words", span_of(job->words));
    write_warnings(&line.json, job);
    write_last(&line, report);
    line_end(&line, report);
}

void report_foreign(struct report *report, const struct job *job, const struct foreign *foreign)
{
    struct line line;
    line_begin(&line, report, "done");
    json_open_array(&line.json, "outputs");
    for (int i = 0; i < foreign->count; i++)
        write_output(&line.json, foreign->files[i].file, foreign->files[i].thumbnail,
                     &foreign->files[i].probe);
    json_close_array(&line.json);
    write_warnings(&line.json, job);
    line_end(&line, report);
}

void report_probe(struct report *report, const struct probe *probe)
{
    struct line line;
    line_begin(&line, report, "done");
    json_open_array(&line.json, "outputs");
    json_open_object(&line.json, NULL);
    write_probe(&line.json, probe);
    json_close_object(&line.json);
    json_close_array(&line.json);
    json_open_array(&line.json, "warnings");
    json_close_array(&line.json);
    line_end(&line, report);
}

void report_failed(struct report *report, const struct failure *failure)
{
    struct line line;
    line_begin(&line, report, "failed");
    json_text(&line.json, "code", span_of(error_name(failure->code)));
    json_text(&line.json, "error", span_of(failure->text));
    json_text_if(&line.json, "field", failure->field);
    write_last(&line, report);
    line_end(&line, report);
}

void report_pong(struct report *report)
{
    struct line line;
    line_begin(&line, report, "done");
    json_bool(&line.json, "pong", true);
    line_end(&line, report);
}
