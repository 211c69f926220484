#include "media/failure.h"

#include <errno.h>
#include <libavutil/error.h>
#include <stdarg.h>
#include <stdio.h>

void failure_note(struct failure *failure, enum error_code code, const char *field,
                  const char *format, ...)
{
    if (failure->code != ERROR_NONE)
        return;
    failure->code = code;
    snprintf(failure->field, sizeof failure->field, "%s", field ? field : "");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
}

void failure_note_av(struct failure *failure, enum error_code code, const char *doing, int av_error)
{
    char reason[AV_ERROR_MAX_STRING_SIZE] = "";
    switch (av_error) {
    case AVERROR(ENOMEM):
        failure_note(failure, ERROR_OUT_OF_MEMORY, NULL,
                     "The worker's memory limit was reached while %s; a smaller size needs less.",
                     doing);
        return;
    case AVERROR(ENOSPC):
    case AVERROR(EDQUOT):
        failure_note(failure, ERROR_STORAGE_FULL, NULL, "The disk filled up while %s.", doing);
        return;
    case AVERROR(EFBIG):
        failure_note(failure, ERROR_TOO_LARGE, NULL,
                     "The output grew past the worker's limit while %s; a shorter or smaller one "
                     "fits.",
                     doing);
        return;
    default:
        av_strerror(av_error, reason, sizeof reason);
        failure_note(failure, code, NULL, "An error occurred while %s: %s.", doing, reason);
    }
}
