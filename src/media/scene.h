/* A prompt as a picture that moves: a look behind, the prompt's words in front, and a small line
 * that says where it comes from. One still or one film is one scene. */
#ifndef MEDIA_SCENE_H
#define MEDIA_SCENE_H

#include "media/failure.h"
#include "media/look.h"

struct scene;

struct scene_wish {
    const char *prompt; /* UTF-8 */
    const char *note;   /* the small line */
    const char *look;   /* NULL or "auto": by prompt and seed */
    uint64_t seed;
    int width, height;
    double duration; /* seconds; 0 for a still */
};

enum { SCENE_WARNING_SIZE = 200 };

/* NULL, and a failure, when the look is unknown or memory is short. *ret_warning, empty when there
 * is nothing to say, tells what of the text could not be shown. scene_free accepts NULL. */
struct scene *scene_make(const struct scene_wish *wish, struct failure *failure,
                         char ret_warning[static SCENE_WARNING_SIZE]);
void scene_free(struct scene *scene);
const char *scene_look(const struct scene *scene);
/* Paints the moment; several threads may, on pictures of their own. A still is painted with every
 * word in place. */
void scene_paint(const struct scene *scene, double seconds, struct picture *picture);

#endif
