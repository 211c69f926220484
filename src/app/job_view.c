#include "app/job_view.h"

#include "app/command.h"

#include <string.h>
#include <time.h>

const char *job_view_text(const json_t *status, const char *field)
{
    const char *text = json_string_value(json_object_get(status, field));
    return text ? text : "";
}

int64_t job_view_number(const json_t *status, const char *field, int64_t otherwise)
{
    const json_t *value = json_object_get(status, field);
    if (json_is_integer(value))
        return json_integer_value(value);
    return json_is_real(value) ? (int64_t)json_real_value(value) : otherwise;
}

ms_t job_view_time(const json_t *status, const char *field)
{
    ms_t at;
    return time_read_iso(json_span(json_object_get(status, field)), &at) ? at : 0;
}

static bool is(const json_t *status, const char *field, const char *text)
{
    return strcmp(job_view_text(status, field), text) == 0;
}

bool job_view_ended(const json_t *status)
{
    return is(status, "status", "completed") || is(status, "status", "failed") ||
           is(status, "status", "canceled");
}

int job_view_exit(const json_t *status)
{
    if (is(status, "status", "canceled"))
        return COMMAND_CANCELED;
    if (!is(status, "status", "failed"))
        return COMMAND_SUCCEEDED;
    if (is(status, "errorCode", "expired"))
        return COMMAND_EXPIRED;
    if (is(status, "errorCode", "submission_uncertain"))
        return COMMAND_UNCERTAIN;
    return COMMAND_FAILED;
}

const char *job_view_word(const json_t *status)
{
    if (json_is_true(json_object_get(status, "uncertain")))
        return "uncertain";
    if (is(status, "errorCode", "expired"))
        return "expired";
    return job_view_text(status, "status");
}

enum terminal_ink job_view_ink(const json_t *status)
{
    static const struct {
        const char *word;
        enum terminal_ink ink;
    } inks[] = {
        {"completed", TERMINAL_GREEN},  {"failed", TERMINAL_RED},
        {"expired", TERMINAL_RED},      {"canceled", TERMINAL_YELLOW},
        {"uncertain", TERMINAL_YELLOW}, {"processing", TERMINAL_BLUE},
    };
    const char *word = job_view_word(status);
    for (size_t n = 0; n < sizeof inks / sizeof inks[0]; n++) {
        if (strcmp(inks[n].word, word) == 0)
            return inks[n].ink;
    }
    return TERMINAL_PLAIN;
}

struct progress_bar job_view_bar(const json_t *status, struct arena *arena)
{
    struct progress_bar bar = {
        .label = job_view_text(status, "jobId"),
        .percent = (unsigned)job_view_number(status, "progress", 0),
        .is_estimated = json_is_true(json_object_get(status, "progressEstimated")),
        .left = MS_NEVER,
        .ink = job_view_ink(status),
    };
    const json_t *waiting = json_object_get(status, "waitingFor");
    int64_t left = job_view_number(status, "etaSeconds", -1);
    if (is(status, "status", "completed")) {
        bar.percent = 100;
        bar.is_estimated = false;
        bar.stage = "done";
    } else if (job_view_ended(status)) {
        bar.is_estimated = false;
        bar.stage =
            is(status, "status", "failed") ? job_view_fault(status, arena) : job_view_word(status);
    } else if (waiting) {
        bar.stage = job_view_text(waiting, "message");
    } else if (is(status, "status", "queued")) {
        bar.stage = "queued";
    } else {
        bar.stage = job_view_text(status, "stage");
        if (!bar.stage[0])
            bar.stage = job_view_word(status);
        if (left >= 0)
            bar.left = left * MS_SECOND;
    }
    return bar;
}

const char *job_view_fault(const json_t *status, struct arena *arena)
{
    const char *error = job_view_text(status, "error"), *code = job_view_text(status, "errorCode");
    if (is(status, "status", "canceled")) {
        const char *receipt = job_view_text(status, "receipt");
        return receipt[0] ? arena_print(arena, "The job was canceled (%s).", receipt)
                          : "The job was canceled.";
    }
    if (!is(status, "status", "failed"))
        return "";
    return arena_print(arena, "%s%s%s%s", error[0] ? error : "The job failed.", code[0] ? " (" : "",
                       code, code[0] ? ")" : "");
}

const char *job_view_clock(ms_t at, struct arena *arena)
{
    char text[40];
    time_t seconds = (time_t)(at / MS_SECOND);
    struct tm parts;
    if (at == 0 || !localtime_r(&seconds, &parts) ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        return "";
    return arena_copy(arena, span_of(text));
}
