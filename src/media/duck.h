/* The gain of what gives way to a voice: down a little before words begin, kept down through the
 * pauses between them, and slowly up again. One step is 10 ms. */
#ifndef MEDIA_DUCK_H
#define MEDIA_DUCK_H

#include <stdbool.h>

enum { DUCK_AHEAD = 20 /* steps that the voice must be known in advance */ };

struct duck {
    double gain;  /* dB */
    int speaking; /* steps for which it still counts as speech */
};

/* `level` is the voice's mean square DUCK_AHEAD steps from now. Gives the gain, 0 … 1, at the end
 * of this step. Begin with a zeroed struct, fed with the first DUCK_AHEAD levels. */
double duck_step(struct duck *duck, double level);

#endif
