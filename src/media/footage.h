/* The pictures of a film made of clips: for each frame of the film, which decoded frames of which
 * clips make it, and how much of each. Files are open only while they are seen. */
#ifndef MEDIA_FOOTAGE_H
#define MEDIA_FOOTAGE_H

#include "media/canvas.h"
#include "media/clip.h"
#include "media/failure.h"
#include "media/sequence.h"

struct footage;

/* `clips` are as many as the sequence has; all is borrowed. NULL when memory is short. */
struct footage *footage_make(const struct clip_source *clips, const struct sequence *sequence,
                             int threads);
/* Accepts NULL. */
void footage_free(struct footage *footage);

enum { FOOTAGE_LAYERS = 2 };

/* What one frame of the film is made of, from below: the second, where there is one, lies over the
 * first with its weight. The frames are references that footage_let_go gives back. */
struct footage_view {
    struct canvas_frame layer[FOOTAGE_LAYERS];
    double weight[FOOTAGE_LAYERS];
    int count;
};

/* One thread at a time, frames in order. */
bool footage_view(struct footage *footage, int frame, struct failure *failure,
                  struct footage_view *ret_view);
void footage_let_go(struct footage_view *view);

#endif
