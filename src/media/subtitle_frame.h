/* Where subtitles stand in a frame and how large they are: for 16:9, 1:1, 9:16 and what lies
 * between. On standing frames they keep clear of what the applications for short videos draw over
 * the lower third and the right edge. Sizes are of a line, as libass counts. */
#ifndef MEDIA_SUBTITLE_FRAME_H
#define MEDIA_SUBTITLE_FRAME_H

#include <stdbool.h>
#include <unicode/uscript.h>

struct subtitle_frame {
    int columns;  /* the most that a line has; a full-width character takes two */
    double width; /* the widest line, in pixels */
    double size;  /* of a line of Latin letters */
    int bottom;   /* from the block's lower end to the frame's */
    int side;     /* free at the left and at the right */
};

struct subtitle_frame subtitle_frame(int width, int height);

/* How much larger the script is set, since families are as high as their tallest marks. */
double subtitle_frame_enlarge(UScriptCode script);

#endif
