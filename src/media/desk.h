/* One run through all sounds of a film, in blocks of 10 ms: where each begins and ends, repeats and
 * fades, and who gives way to whom. mix.h runs one to measure and one to hear. */
#ifndef MEDIA_DESK_H
#define MEDIA_DESK_H

#include "media/mix.h"

enum { DESK_BLOCK = 480 /* samples */ };

struct desk;

/* `level` is the gain of each part; a part at 0 is not even opened. The settings are borrowed. */
struct desk *desk_make(const struct mix_settings *settings, const double level[MIX_PARTS],
                       struct failure *failure);
/* Accepts NULL. */
void desk_free(struct desk *desk);
/* The next block, DESK_BLOCK stereo samples. */
bool desk_block(struct desk *desk, float *samples, struct failure *failure);

#endif
