/* `still`: the prompt as a designed picture, a PNG (scene.h). */
#ifndef MEDIA_STILL_H
#define MEDIA_STILL_H

#include <stdbool.h>

struct job;

bool still_render(struct job *job);

#endif
