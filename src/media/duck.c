#include "media/duck.h"

#include <math.h>

/* A voice stands at about -16 LUFS here; what is so much weaker is breath and room. */
static const double threshold = 1e-4; /* -40 dB, as a mean square */
static const double depth = -10;      /* dB */
enum { HOLD = 35, FALL = 6, RISE = 30 /* steps; the last two are time constants */ };

double duck_step(struct duck *duck, double level)
{
    if (level > threshold)
        duck->speaking = DUCK_AHEAD + HOLD;
    else if (duck->speaking > 0)
        duck->speaking--;
    double goal = duck->speaking > 0 ? depth : 0;
    duck->gain += (goal - duck->gain) / (goal < duck->gain ? FALL : RISE);
    return pow(10, duck->gain / 20);
}
