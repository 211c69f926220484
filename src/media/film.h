/* Makes a video from a function that draws frame n: a few threads draw ahead into a short ring of
 * frames, the calling thread takes them in order and encodes. Memory is the ring, however long the
 * film is. Which thread draws a frame makes no difference to it. */
#ifndef MEDIA_FILM_H
#define MEDIA_FILM_H

#include "media/encoder.h"
#include "media/failure.h"
#include "media/plane.h"

enum { FILM_THREADS_MAX = 4 };

struct film {
    int width, height, fps;
    int frames;
    int threads;   /* that draw, 1 … FILM_THREADS_MAX */
    bool dithered; /* painted gradients, whose dither the encoder should keep */
    bool filmed;   /* see encoder.h, as the next three */
    const struct soundtrack_source *sound;
    const struct captions *captions;
    struct encoder_choice choice;
    void *context;
    /* Draws frame `frame` as BT.709 YUV 4:2:0. Called by several threads at once, each with its own
     * number `thread`. */
    void (*draw)(void *context, int thread, int frame, struct plane yuv[3]);
    /* Asked before each frame is encoded: true, with a failure, when it could not be drawn. May be
     * NULL: what is drawn from nothing but memory never fails. */
    bool (*spoilt)(void *context, struct failure *failure);
    /* Told how many frames are drawn, by the calling thread only; may be NULL. */
    void (*drawn)(void *context, int frames);
    /* Told once, when only the encoder has work left; may be NULL. */
    void (*encoding)(void *context);
};

enum { FILM_HASH_SIZE = 33 };

/* Writes an MP4 to the open file. *ret_hash, 32 hex digits, is of all frames before encoding: equal
 * frames have equal hashes. fd < 0 draws and hashes without encoding, for measurements. */
bool film_make(const struct film *film, int fd, struct failure *failure,
               char ret_hash[static FILM_HASH_SIZE]);

/* Threads that suit this machine. */
int film_threads(void);

#endif
