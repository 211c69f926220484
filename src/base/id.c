#include "base/id.h"

#include <string.h>

enum { ID_COUNTER_BITS = 15, ID_HALF = 13 };

static const char id_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

static void write_half(uint64_t value, char *target)
{
    for (int n = ID_HALF - 1; n >= 0; n--) {
        target[n] = id_digits[value & 31];
        value >>= 5;
    }
}

void id_write(const char *prefix, int64_t key, uint64_t random, char target[static ID_SIZE])
{
    memset(target, 0, ID_SIZE);
    memcpy(target, prefix, ID_PREFIX_SIZE);
    write_half((uint64_t)key, target + ID_PREFIX_SIZE);
    write_half(random, target + ID_PREFIX_SIZE + ID_HALF);
}

/* Of a digit of base 32; −1 for any other byte. The letters i, l, o and u are none. */
static int value_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte < 'a' || byte > 'z' || byte == 'i' || byte == 'l' || byte == 'o' || byte == 'u')
        return -1;
    return byte - 'a' + 10 - (byte > 'i') - (byte > 'l') - (byte > 'o') - (byte > 'u');
}

bool id_read(struct span id, const char *prefix, int64_t *ret_key)
{
    if (id.size != ID_PREFIX_SIZE + 2 * ID_HALF || !span_starts(id, prefix))
        return false;
    uint64_t halves[2] = {0, 0};
    for (size_t n = 0; n < 2 * ID_HALF; n++) {
        int digit = value_of(id.data[ID_PREFIX_SIZE + n]);
        uint64_t *half = &halves[n / ID_HALF];
        if (digit < 0 || *half >> 59)
            return false;
        *half = *half << 5 | (uint64_t)digit;
    }
    if (halves[0] == 0 || halves[0] > INT64_MAX)
        return false;
    *ret_key = (int64_t)halves[0];
    return true;
}

int64_t id_next_key(int64_t last, ms_t now)
{
    int64_t first = now << ID_COUNTER_BITS;
    return first > last ? first : last + 1;
}

ms_t id_time(int64_t key)
{
    return key >> ID_COUNTER_BITS;
}
