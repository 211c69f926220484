#include "media/stream.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_SIZE = 64 * 1024 };

static int read_packet(void *opaque, uint8_t *target, int size)
{
    struct stream *stream = opaque;
    ssize_t got;
    do
        got = pread(stream->fd, target, (size_t)size, stream->position);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return AVERROR(errno);
    if (got == 0)
        return AVERROR_EOF;
    stream->position += got;
    return (int)got;
}

static int write_packet(void *opaque, uint8_t *bytes, int size)
{
    struct stream *stream = opaque;
    int left = size;
    while (left > 0) {
        ssize_t put = pwrite(stream->fd, bytes, (size_t)left, stream->position);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            if (!stream->error)
                stream->error = put < 0 ? errno : ENOSPC;
            return AVERROR(stream->error);
        }
        stream->position += put;
        bytes += put;
        left -= (int)put;
    }
    return size;
}

static int64_t seek(void *opaque, int64_t offset, int whence)
{
    struct stream *stream = opaque;
    struct stat status;
    if (fstat(stream->fd, &status) != 0)
        return AVERROR(errno);
    if (whence & AVSEEK_SIZE)
        return status.st_size;
    switch (whence & ~AVSEEK_FORCE) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        offset += stream->position;
        break;
    case SEEK_END:
        offset += status.st_size;
        break;
    default:
        return AVERROR(EINVAL);
    }
    if (offset < 0)
        return AVERROR(EINVAL);
    stream->position = offset;
    return offset;
}

bool stream_open(int fd, bool writes, struct stream *ret_stream)
{
    struct stream *stream = ret_stream;
    *stream = (struct stream){.fd = fd};
    unsigned char *buffer = av_malloc(BUFFER_SIZE);
    if (!buffer)
        return false;
    stream->io =
        avio_alloc_context(buffer, BUFFER_SIZE, writes, stream, writes ? NULL : read_packet,
                           writes ? write_packet : NULL, seek);
    if (!stream->io)
        av_free(buffer);
    return stream->io != NULL;
}

void stream_close(struct stream *stream)
{
    if (!stream->io)
        return;
    av_freep(&stream->io->buffer);
    avio_context_free(&stream->io);
}
