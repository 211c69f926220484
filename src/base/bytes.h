/* Reading numbers out of bytes that strangers sent: past the end everything reads as zero, so a
 * parser needs no check at every step and can still never leave its input. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

static inline uint8_t bytes_u8(struct bytes bytes, size_t at)
{
    return at < bytes.size ? bytes.data[at] : 0;
}
static inline uint32_t bytes_be16(struct bytes bytes, size_t at)
{
    return (uint32_t)bytes_u8(bytes, at) << 8 | bytes_u8(bytes, at + 1);
}
static inline uint32_t bytes_le16(struct bytes bytes, size_t at)
{
    return (uint32_t)bytes_u8(bytes, at + 1) << 8 | bytes_u8(bytes, at);
}
static inline uint32_t bytes_be32(struct bytes bytes, size_t at)
{
    return bytes_be16(bytes, at) << 16 | bytes_be16(bytes, at + 2);
}
static inline uint32_t bytes_le24(struct bytes bytes, size_t at)
{
    return (uint32_t)bytes_u8(bytes, at + 2) << 16 | bytes_le16(bytes, at);
}
static inline uint32_t bytes_le32(struct bytes bytes, size_t at)
{
    return bytes_le16(bytes, at + 2) << 16 | bytes_le16(bytes, at);
}
static inline bool bytes_are(struct bytes bytes, size_t at, const char *expected, size_t size)
{
    return at <= bytes.size && size <= bytes.size - at &&
           memcmp(bytes.data + at, expected, size) == 0;
}
/* The part from `at`, at most `size` long, cut to what there is. */
static inline struct bytes bytes_part(struct bytes bytes, size_t at, size_t size)
{
    if (at > bytes.size)
        at = bytes.size;
    if (size > bytes.size - at)
        size = bytes.size - at;
    return (struct bytes){bytes.data + at, size};
}

#endif
