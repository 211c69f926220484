/* `kenburns`: a slow camera movement over a picture, or over several that fade into each other, as
 * an MP4. Every frame is the picture
 * resampled once, at the exact fraction of a sample where the camera stands (motion.h, resample.h).
 */
#ifndef MEDIA_KENBURNS_H
#define MEDIA_KENBURNS_H

#include "media/film.h"
#include "media/motion.h"
#include "media/plane.h"
#include "media/sequence.h"

struct job;

bool kenburns_render(struct job *job);

/* The parts, for the measurements and the tests. */

/* One picture made ready: in YUV, at the size that the closest view needs and no larger. */
struct kenburns_shot {
    struct plane yuv[3];
    double width, height; /* of the picture that the motion's views are measured in */
    struct motion motion;
};

struct kenburns;

/* Takes the picture (it is freed in any case). False when memory is short. */
bool kenburns_prepare(struct picture *picture, const struct motion_wish *wish,
                      const struct film *film, struct kenburns_shot *ret_shot);
/* Equal shares of the film's frames for `count` pictures that overlap by `fade` frames, less where
 * the film is too short for that. */
struct sequence kenburns_share(const struct film *film, int count, int fade);
/* Takes the shots, as many as the sequence has. NULL when memory is short; kenburns_free accepts
 * NULL. */
struct kenburns *kenburns_make(const struct film *film, const struct sequence *sequence,
                               struct kenburns_shot *shots);
void kenburns_free(struct kenburns *kenburns);
/* film.h's `draw`, with a struct kenburns. */
void kenburns_draw(void *context, int thread, int frame, struct plane yuv[3]);

#endif
