/* `animatic`: the prompt as a titled, moving clip, an MP4 (scene.h): a placeholder or a
 * storyboard's frame. */
#ifndef MEDIA_ANIMATIC_H
#define MEDIA_ANIMATIC_H

#include <stdbool.h>

struct job;

bool animatic_render(struct job *job);

#endif
