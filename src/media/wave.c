#include "media/wave.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SAMPLE_SIZE = 2, FORMAT_PCM = 1, FORMAT_SIZE = 16 };

static bool write_all(int fd, const uint8_t *bytes, size_t size, struct failure *failure)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return failure_set_av(failure, ERROR_INTERNAL, "writing the sound", -errno);
        bytes += put;
        size -= (size_t)put;
    }
    return true;
}

static bool write_held(struct wave *wave, struct failure *failure)
{
    size_t size = wave->held * SAMPLE_SIZE;
    wave->held = 0;
    return write_all(wave->fd, wave->bytes, size, failure);
}

bool wave_begin(struct wave *wave, int fd, int rate, struct failure *failure)
{
    static const uint8_t room[WAVE_HEADER_SIZE];
    *wave = (struct wave){.fd = fd, .rate = rate};
    return write_all(fd, room, sizeof room, failure);
}

static bool add(struct wave *wave, int16_t sample, struct failure *failure)
{
    uint16_t bits = (uint16_t)sample;
    wave->bytes[wave->held * SAMPLE_SIZE] = (uint8_t)bits;
    wave->bytes[wave->held * SAMPLE_SIZE + 1] = (uint8_t)(bits >> 8);
    wave->samples++;
    return ++wave->held < WAVE_HELD || write_held(wave, failure);
}

bool wave_add(struct wave *wave, const int16_t *samples, size_t count, struct failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        if (!add(wave, samples[i], failure))
            return false;
    }
    return true;
}

bool wave_add_silence(struct wave *wave, int64_t count, struct failure *failure)
{
    for (int64_t i = 0; i < count; i++) {
        if (!add(wave, 0, failure))
            return false;
    }
    return true;
}

static uint8_t *put(uint8_t *at, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
    return at + size;
}

static uint8_t *put_tag(uint8_t *at, const char *tag)
{
    memcpy(at, tag, 4);
    return at + 4;
}

bool wave_end(struct wave *wave, struct failure *failure)
{
    uint8_t header[WAVE_HEADER_SIZE], *at = header;
    uint64_t size = (uint64_t)wave->samples * SAMPLE_SIZE, rate = (uint64_t)wave->rate;
    if (size > UINT32_MAX - WAVE_HEADER_SIZE)
        return failure_set(failure, ERROR_VALIDATION, NULL, "The sound is too long for a file.");
    at = put_tag(at, "RIFF");
    at = put(at, size + WAVE_HEADER_SIZE - 8, 4);
    at = put_tag(at, "WAVE");
    at = put_tag(at, "fmt ");
    at = put(at, FORMAT_SIZE, 4);
    at = put(at, FORMAT_PCM, 2);
    at = put(at, 1, 2);
    at = put(at, rate, 4);
    at = put(at, rate * SAMPLE_SIZE, 4);
    at = put(at, SAMPLE_SIZE, 2);
    at = put(at, SAMPLE_SIZE * 8, 2);
    at = put_tag(at, "data");
    put(at, size, 4);
    if (!write_held(wave, failure))
        return false;
    if (pwrite(wave->fd, header, sizeof header, 0) != sizeof header)
        return failure_set_av(failure, ERROR_INTERNAL, "writing the sound", -errno);
    return true;
}
