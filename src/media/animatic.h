/* `animatic`: the prompt as a titled, moving clip, an MP4 (scene.h), as for a storyboard. */
#ifndef MEDIA_ANIMATIC_H
#define MEDIA_ANIMATIC_H

#include <stdbool.h>

struct job;

bool animatic_render(struct job *job);

#endif
