/* One MP4 file with an H.264 track, written to an open file: yuv420p, BT.709 tags, the index moved
 * to the front so that a browser starts at once, every frame exactly 1/fps long. Beside it sound
 * and timed text, where there are. */
#ifndef MEDIA_ENCODER_H
#define MEDIA_ENCODER_H

#include "media/captions.h"
#include "media/failure.h"
#include "media/soundtrack.h"

#include <libavutil/frame.h>
#include <stdbool.h>

struct encoder;

/* What the operator chose, borrowed; NULL: libx264, veryfast. */
struct encoder_choice {
    const char *name;   /* libav's: "libx264", "h264_nvenc", "h264_qsv", … */
    const char *preset; /* one of that encoder's */
};

const char *encoder_name(const struct encoder_choice *choice);

struct encoder_settings {
    int fd;            /* open for reading and writing, borrowed until encoder_free */
    int width, height; /* even */
    int fps;
    int threads;   /* 0: as many as x264 likes */
    bool dithered; /* keep faint noise, which hides the bands of gradients; costs bytes */
    bool filmed;   /* moves as what cameras film does, not as evenly as what is drawn */
    const struct soundtrack_source *sound; /* borrowed; NULL: none */
    const struct captions *captions;       /* borrowed; NULL: none */
    struct encoder_choice choice;
};

/* Whether the chosen encoder can be had and opens, for a film of a usual size; a failure says why
 * not. */
bool encoder_try(const struct encoder_choice *choice, struct failure *failure);
/* NULL, and a failure, on failure. */
struct encoder *encoder_make(const struct encoder_settings *settings, struct failure *failure);
/* The next frame; its memory may be used again when this returns. */
bool encoder_write(struct encoder *encoder, const AVFrame *frame, struct failure *failure);
/* Waits for the frames still inside and completes the file. */
bool encoder_finish(struct encoder *encoder, struct failure *failure);
/* Accepts NULL; the file is no MP4 unless finished. */
void encoder_free(struct encoder *encoder);

#endif
