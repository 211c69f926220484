/* A few frames of a video as it was written, spread over its length: whether it decodes at all,
 * whether it shows anything and moves, and its best frame. Cheap: up to two dozen frames are looked
 * at; where there are key frames enough, these and the frames after the last one. */
#ifndef MEDIA_SAMPLE_H
#define MEDIA_SAMPLE_H

#include "media/failure.h"
#include "media/image.h"
#include "media/plane.h"

enum { SAMPLE_FRAMES = 24 };

/* How a frame looks, on a small grey copy of it. */
struct sample_frame {
    double seconds;
    double mean, deviation; /* of lightness, 0 … 255 */
    double brightest;       /* lightness that one in a hundred pixels exceeds */
    double detail;          /* mean step between neighbours */
};

struct sample {
    struct sample_frame frames[SAMPLE_FRAMES];
    int count;
    int faults;          /* places where the decoder complained or gave nothing */
    double reaches;      /* seconds of the last frame that decoded */
    double change;       /* the largest difference of any part of any frame from the first */
    struct picture best; /* owned; empty when nothing decoded */
};

/* What a video file (of the demuxer's kind) shows. False, and a failure, when nothing of it
 * decodes. sample_done accepts an empty one. */
bool sample_video(int fd, const char *demuxer, const struct image_limits *limits,
                  struct failure *failure, struct sample *ret_sample);
void sample_done(struct sample *sample);

/* Nothing but black; nothing but one colour; the same picture from beginning to end. */
bool sample_is_black(const struct sample *sample);
bool sample_is_blank(const struct sample *sample);
bool sample_is_frozen(const struct sample *sample);

/* The pure part: what a grey picture looks like, and how good a thumbnail it makes: sharp, neither
 * dark nor pale, not one colour. */
struct sample_frame sample_measure(const struct plane *grey);
double sample_worth(const struct sample_frame *frame);

#endif
