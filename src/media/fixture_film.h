/* Small films and sounds for the tests of this room, written by libav in any container, codec, rate
 * and turn. */
#ifndef MEDIA_FIXTURE_FILM_H
#define MEDIA_FIXTURE_FILM_H

#include "media/fixture.h"

#include <libavformat/avformat.h>

struct fixture_film {
    const char *name, *format;           /* "a.mp4", "mp4" */
    int width, height, frames, fps;      /* frames 0: no picture */
    enum AVCodecID codec;                /* of the picture; 0: H.264 */
    enum AVPixelFormat pixels;           /* 0: yuv420p */
    int turn;                            /* degrees clockwise that a player turns it */
    AVRational pixel;                    /* its shape; 0: square */
    void (*draw)(AVFrame *frame, int n); /* planes to be filled */
    enum AVCodecID sound_codec;
    int rate, channels;
    double seconds;                                /* of sound; 0: none */
    double (*sample)(double seconds, int channel); /* -1 … 1 */
};

/* Asserts on any failure. */
void fixture_film(const struct fixture *fixture, const struct fixture_film *film);

/* Draws: plain colours, in YUV. */
void fixture_fill(AVFrame *frame, int y, int u, int v);
void fixture_black(AVFrame *frame, int n);
void fixture_white(AVFrame *frame, int n);
/* Eight upright stripes tell the frame's number in bits, the lowest at the left, white for one. */
void fixture_counting(AVFrame *frame, int n);
/* Four areas, clockwise from the upper left: luma 40, 90, 140, 200. */
void fixture_corners(AVFrame *frame, int n);
/* Sounds. */
double fixture_tone(double seconds, int channel);     /* 440 Hz at a tenth of full scale */
double fixture_low_tone(double seconds, int channel); /* 100 Hz, the same */
double fixture_silence(double seconds, int channel);

#endif
