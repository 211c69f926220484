#include "base/error.h"

static const struct {
    const char *name, *sentence;
    int status;
    bool retryable;
} errors[ERROR_COUNT] = {
#define ERROR_ROW(code, text, status, retry, sentence) {#text, sentence, status, retry},
    ERROR_LIST(ERROR_ROW)
#undef ERROR_ROW
};

const char *error_name(enum error_code code)
{
    return errors[code].name;
}

bool error_find(struct span name, enum error_code *ret_code)
{
    static const struct span names[ERROR_COUNT] = {
#define ERROR_SPAN(code, text, status, retry, sentence) {#text, sizeof #text - 1},
        ERROR_LIST(ERROR_SPAN)
#undef ERROR_SPAN
    };
    for (int code = 0; code < ERROR_COUNT; code++) {
        if (span_equal(name, names[code])) {
            *ret_code = (enum error_code)code;
            return true;
        }
    }
    return false;
}

int error_status(enum error_code code)
{
    return errors[code].status;
}

bool error_retryable(enum error_code code)
{
    return errors[code].retryable;
}

const char *error_sentence(enum error_code code)
{
    return errors[code].sentence;
}
