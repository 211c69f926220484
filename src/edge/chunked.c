#include "edge/chunked.h"

void chunked_init(struct chunked *chunked)
{
    *chunked = (struct chunked){.place = CHUNKED_SIZE_FIRST};
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* What may stand inside an extension or a trailer's line. */
static bool is_text(char byte)
{
    return byte == '\t' || (unsigned char)byte >= 0x80 || (byte >= 0x20 && byte < 0x7F);
}

static bool is_name(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

static enum chunked_place spare_byte(struct chunked *chunked, bool valid)
{
    if (!valid || ++chunked->spare > CHUNKED_SPARE_MAX)
        return CHUNKED_BROKEN;
    return chunked->place;
}

static enum chunked_place size_byte(struct chunked *chunked, char byte)
{
    int digit = hex_digit(byte);
    if (digit >= 0) {
        /* Fifteen digits can't overflow, and no body is as long as that. */
        if (++chunked->digits > 15)
            return CHUNKED_BROKEN;
        chunked->left = chunked->left * 16 + (unsigned)digit;
        return CHUNKED_SIZE;
    }
    if (chunked->place == CHUNKED_SIZE && byte == '\r')
        return CHUNKED_SIZE_LF;
    if (chunked->place == CHUNKED_SIZE && byte == ';')
        return CHUNKED_EXTENSION;
    return CHUNKED_BROKEN;
}

static enum chunked_place next_place(struct chunked *chunked, char byte)
{
    switch (chunked->place) {
    case CHUNKED_SIZE_FIRST:
    case CHUNKED_SIZE:
        return size_byte(chunked, byte);
    case CHUNKED_EXTENSION:
        return byte == '\r' ? CHUNKED_SIZE_LF : spare_byte(chunked, is_text(byte));
    case CHUNKED_SIZE_LF:
        if (byte != '\n')
            return CHUNKED_BROKEN;
        return chunked->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER_FIRST;
    case CHUNKED_DATA_CR:
        return byte == '\r' ? CHUNKED_DATA_LF : CHUNKED_BROKEN;
    case CHUNKED_DATA_LF:
        chunked->digits = 0;
        return byte == '\n' ? CHUNKED_SIZE_FIRST : CHUNKED_BROKEN;
    case CHUNKED_TRAILER_FIRST:
        if (byte == '\r')
            return CHUNKED_END_LF;
        chunked->place = CHUNKED_TRAILER_NAME;
        return spare_byte(chunked, is_name(byte));
    case CHUNKED_TRAILER_NAME:
        if (byte == ':')
            chunked->place = CHUNKED_TRAILER_VALUE;
        return spare_byte(chunked, byte == ':' || is_name(byte));
    case CHUNKED_TRAILER_VALUE:
        return byte == '\r' ? CHUNKED_TRAILER_LF : spare_byte(chunked, is_text(byte));
    case CHUNKED_TRAILER_LF:
        return byte == '\n' ? CHUNKED_TRAILER_FIRST : CHUNKED_BROKEN;
    case CHUNKED_END_LF:
        return byte == '\n' ? CHUNKED_DONE : CHUNKED_BROKEN;
    case CHUNKED_DATA:
    case CHUNKED_DONE:
    case CHUNKED_BROKEN:
        break;
    }
    return CHUNKED_BROKEN;
}

struct span chunked_read(struct chunked *chunked, struct span *bytes)
{
    while (bytes->size > 0 && chunked->place != CHUNKED_DONE && chunked->place != CHUNKED_BROKEN) {
        if (chunked->place != CHUNKED_DATA) {
            chunked->place = next_place(chunked, bytes->data[0]);
            bytes->data++;
            bytes->size--;
            continue;
        }
        size_t size = bytes->size < chunked->left ? bytes->size : (size_t)chunked->left;
        struct span run = {bytes->data, size};
        bytes->data += size;
        bytes->size -= size;
        chunked->left -= size;
        if (chunked->left == 0)
            chunked->place = CHUNKED_DATA_CR;
        return run;
    }
    return (struct span){"", 0};
}
