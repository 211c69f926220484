/* Subtitles drawn into frames: libass shapes and draws ASS text (subtitle.h), and what it drew is
 * laid over BT.709 4:2:0 planes. A layer is what is to be seen at one moment; while nothing
 * changes, frames share it. */
#ifndef MEDIA_BURN_H
#define MEDIA_BURN_H

#include "media/failure.h"
#include "media/plane.h"

#include <stdint.h>

struct burn;
struct burn_layer;

/* `text` is a whole ASS file made for frames of this size. NULL, and a failure, on failure. */
struct burn *burn_make(const char *text, size_t size, int width, int height,
                       struct failure *failure);
/* Accepts NULL. Layers outlive it. */
void burn_free(struct burn *burn);

/* What is seen at a moment; one thread at a time, moments never fall. *ret_layer is NULL where
 * nothing is; otherwise the caller lets go of it, from any thread. False when memory is short. */
bool burn_at(struct burn *burn, int64_t ms, struct burn_layer **ret_layer);
void burn_let_go(struct burn_layer *layer);
void burn_blend(const struct burn_layer *layer, struct plane yuv[3]);

#endif
