/* Which clip is seen at which frame of a film: clips one after another, hard or with cross-fades,
 * from the beginning again until the film is full, or the last frame held. Whole frames only, so
 * that picture and sound agree exactly. Pure. */
#ifndef MEDIA_SEQUENCE_H
#define MEDIA_SEQUENCE_H

#include <stdbool.h>

enum { SEQUENCE_CLIPS_MAX = 20 };

struct sequence {
    int fps;
    int count;                      /* clips, 1 … SEQUENCE_CLIPS_MAX */
    int frames[SEQUENCE_CLIPS_MAX]; /* of each, at `fps`, at least 1 */
    int fade;                       /* frames that neighbours overlap; shorter with short clips */
    bool loop;                      /* after the last the first again; not done for a mere rest */
    int total;                      /* of the film */
};

/* One showing of one clip. Its own frame 0 is frame `first` of the film. */
struct sequence_piece {
    int index, clip;
    int first, frames; /* frames beyond the clip's own are its last one, held */
    int fade_in, fade_out;
};

/* Frames of all clips after one another, each once: what `total` is when nothing else says. */
int sequence_length(const struct sequence *sequence);
/* The first piece, and the one after a piece; false after the last. */
bool sequence_first(const struct sequence *sequence, struct sequence_piece *ret_piece);
bool sequence_next(const struct sequence *sequence, const struct sequence_piece *piece,
                   struct sequence_piece *ret_piece);
/* How much of a frame of the film is the piece, by its fade-in: what is over what came before. */
double sequence_weight(const struct sequence_piece *piece, int frame);

#endif
