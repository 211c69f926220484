#include "edge/egress_body.h"

#include "base/crypto.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A multiple of 3, so that only a file's end is padded. */
enum { RAW_SIZE = 12 * 1024, BASE64_SIZE = RAW_SIZE / 3 * 4 };

struct egress_body {
    const struct http_part *parts;
    unsigned count, part;  /* the part that is being read */
    uint64_t offset;       /* in it, of its raw bytes */
    struct buffer encoded; /* base64 that was made but not read yet, from encoded_offset */
    size_t encoded_offset;
    uint64_t size;
    int fds[HTTP_PARTS_MAX]; /* -1: none */
};

static bool open_part(const struct http_part *part, int *ret_fd)
{
    int fd = open(part->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    struct stat status;
    bool usable = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                  (uint64_t)status.st_size >= part->size &&
                  (uint64_t)status.st_size - part->size >= part->offset;
    if (!usable) {
        (void)close(fd);
        return false;
    }
    *ret_fd = fd;
    return true;
}

struct egress_body *egress_body_make(const struct http_part *parts, unsigned count)
{
    struct egress_body *body = memory_new(struct egress_body);
    body->parts = parts;
    body->count = count;
    buffer_init(&body->encoded, BASE64_SIZE + 1);
    for (unsigned n = 0; n < count; n++)
        body->fds[n] = -1;
    for (unsigned n = 0; n < count; n++) {
        if (parts[n].kind != HTTP_PART_BYTES && !open_part(&parts[n], &body->fds[n])) {
            egress_body_free(body);
            return NULL;
        }
        if (parts[n].kind == HTTP_PART_BYTES)
            body->size += parts[n].bytes.size;
        else if (parts[n].kind == HTTP_PART_FILE)
            body->size += parts[n].size;
        else
            body->size += (parts[n].size + 2) / 3 * 4;
    }
    return body;
}

void egress_body_free(struct egress_body *body)
{
    if (!body)
        return;
    for (unsigned n = 0; n < body->count; n++) {
        if (body->fds[n] >= 0)
            (void)close(body->fds[n]);
    }
    buffer_done(&body->encoded);
    memory_free(body);
}

uint64_t egress_body_size(const struct egress_body *body)
{
    return body->size;
}

void egress_body_rewind(struct egress_body *body)
{
    body->part = 0;
    body->offset = 0;
    body->encoded_offset = 0;
    buffer_clear(&body->encoded);
}

/* The part's raw bytes from body->offset, as many as fit; false when the file does not hold them.
 */
static bool read_raw(struct egress_body *body, char *target, size_t capacity, size_t *ret_size)
{
    const struct http_part *part = &body->parts[body->part];
    uint64_t left = part->size - body->offset;
    size_t want = left < capacity ? (size_t)left : capacity, have = 0;
    while (have < want) {
        ssize_t got = pread(body->fds[body->part], target + have, want - have,
                            (off_t)(part->offset + body->offset + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    body->offset += have;
    *ret_size = have;
    return true;
}

static bool read_base64(struct egress_body *body, char *target, size_t capacity, size_t *ret_size)
{
    if (body->encoded_offset == body->encoded.size) {
        char raw[RAW_SIZE];
        size_t size;
        if (!read_raw(body, raw, sizeof raw, &size))
            return false;
        buffer_clear(&body->encoded);
        body->encoded_offset = 0;
        crypto_base64(span_make(raw, size), &body->encoded);
    }
    size_t left = body->encoded.size - body->encoded_offset;
    size_t size = left < capacity ? left : capacity;
    if (size)
        memcpy(target, body->encoded.data + body->encoded_offset, size);
    body->encoded_offset += size;
    *ret_size = size;
    return true;
}

static size_t read_bytes(struct egress_body *body, char *target, size_t capacity)
{
    struct span bytes = body->parts[body->part].bytes;
    size_t left = bytes.size - (size_t)body->offset;
    size_t size = left < capacity ? left : capacity;
    if (size)
        memcpy(target, bytes.data + body->offset, size);
    body->offset += size;
    return size;
}

ptrdiff_t egress_body_read(struct egress_body *body, char *target, size_t capacity)
{
    size_t have = 0;
    while (body->part < body->count && have < capacity) {
        size_t size = 0;
        bool read = true;
        if (body->parts[body->part].kind == HTTP_PART_BYTES)
            size = read_bytes(body, target + have, capacity - have);
        else if (body->parts[body->part].kind == HTTP_PART_FILE)
            read = read_raw(body, target + have, capacity - have, &size);
        else
            read = read_base64(body, target + have, capacity - have, &size);
        if (!read)
            return -1;
        have += size;
        if (size == 0) {
            body->part++;
            body->offset = 0;
        }
    }
    return (ptrdiff_t)have;
}
