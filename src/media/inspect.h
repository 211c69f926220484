/* Whether a finished output is what was asked for: its length, size and sound against the request,
 * and whether it shows and sounds like anything. What is only odd becomes a warning, a sentence;
 * what does not decode is a failure. Looks at some two dozen frames of the file as it was written.
 */
#ifndef MEDIA_INSPECT_H
#define MEDIA_INSPECT_H

#include "media/plane.h"

#include <stdbool.h>

struct job;

/* What a request asked for; zero where it asked for nothing. */
struct inspect_wish {
    int width, height;
    double duration; /* seconds */
    double fps;
    bool sound;
    double slack;  /* seconds that the length may be off; 0: about a frame */
    int side;      /* pixels that the shorter side should have about, "720p" */
    double aspect; /* width : height */
    bool is_paid;  /* made by others: a film whose end is missing is kept, with a warning */
};

/* Compares job->output (the facts of the open file) and the file with job->wish. *ret_best, the
 * caller's to free, is the picture for a thumbnail; empty where there is nothing to see. */
bool inspect_output(struct job *job, int fd, struct picture *ret_best);

#endif
