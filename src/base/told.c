#include "base/told.h"

#include <string.h>

static const char *const names[TOLD_COUNT] = {
#define TOLD_NAME(upper, lower) #lower,
    TOLD_LIST(TOLD_NAME)
#undef TOLD_NAME
};

const char *told_name(enum told_kind kind)
{
    return names[kind];
}

void told_init(struct told *told)
{
    memset(told, 0, sizeof *told);
    told->progress = -1;
    told->position = -1;
    told->cost = -1;
}

void told_say(struct told *told, struct span text)
{
    size_t size = 0;
    text = span_trim(text);
    while (text.size > 0) {
        size_t step = span_utf8(text);
        if (size + (step ? step : 1) >= sizeof told->text)
            break;
        unsigned char byte = (unsigned char)text.data[0];
        if (step == 0 || byte < 0x20 || byte == 0x7F)
            told->text[size++] = ' ';
        else
            memcpy(told->text + size, text.data, step);
        size += step && byte >= 0x20 && byte != 0x7F ? step : 0;
        text.data += step ? step : 1;
        text.size -= step ? step : 1;
    }
    while (size > 0 && told->text[size - 1] == ' ')
        size--;
    told->text[size] = '\0';
}
