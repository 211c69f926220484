/* The facts of a media file as it was written, read back by a demuxer that its own bytes chose. */
#ifndef MEDIA_PROBE_H
#define MEDIA_PROBE_H

#include "media/failure.h"

#include <stdint.h>

struct probe {
    const char *content_type; /* as finely as sniff_media tells it */
    const char *demuxer;      /* libav's, of a film or a sound; NULL for an image */
    int64_t bytes;
    int width, height; /* as shown, so an image's orientation counts */
    bool is_video, has_audio;
    double fps;
    int64_t duration_ms, frames;
};

/* An image, a sound or a film; anything else is a failure, for which `field` is. */
bool probe_read(int fd, const char *field, struct failure *failure, struct probe *ret_probe);

#endif
