/* `compose`: clips, a voice, music and the voice's words become one film, an MP4: the clips one
 * after another in the frame that was asked for, the sounds mixed (mix.h), the words burnt in or as
 * a track, and as files beside it. It is as long as the voice, or as the clips without one. */
#ifndef MEDIA_COMPOSE_H
#define MEDIA_COMPOSE_H

#include <stdbool.h>

struct job;

bool compose_render(struct job *job);

#endif
