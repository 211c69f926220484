/* A film as a row of frames at a constant rate: frame n is what the file shows n / fps seconds
 * after its first picture, the last one is held. Read in order only. */
#ifndef MEDIA_CLIP_H
#define MEDIA_CLIP_H

#include "media/failure.h"

#include <libavcodec/codec_par.h>
#include <libavutil/frame.h>
#include <stdbool.h>

struct clip_facts {
    int width, height; /* as stored, before it is turned */
    AVRational pixel;  /* width over height of one */
    int orientation;   /* as in orient.h */
    double start;      /* the file's time of the first picture, seconds */
    double seconds, fps;
    bool has_sound;
    AVCodecParameters *codec; /* owned: what need not be found out twice */
    bool wide_gamut;          /* for screens that show more than BT.709 has */
};

/* Opens the file and says what it is. `fd` and `field` are borrowed; the caller frees. */
bool clip_measure(int fd, const char *field, struct failure *failure, struct clip_facts *ret_facts);

void clip_facts_free(struct clip_facts *facts);

struct clip_source {
    int fd;            /* borrowed */
    const char *field; /* borrowed */
    struct clip_facts facts;
};

struct clip;

bool clip_open(const struct clip_source *source, int fps, int threads, struct failure *failure,
               struct clip **ret_clip);
/* Accepts NULL. */
void clip_free(struct clip *clip);
/* The frame to be seen at `index`, which never falls; borrowed until the next call. */
bool clip_frame(struct clip *clip, int index, struct failure *failure, const AVFrame **ret_frame);

#endif
