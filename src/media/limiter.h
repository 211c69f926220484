/* Keeps the true peaks of a stereo sound (those between the samples too, as ITU-R BS.1770-4 finds
 * them) under a ceiling: the gain goes down a few milliseconds before a peak and comes back slowly,
 * so nothing clips and nothing clicks. What goes in comes out LIMITER_DELAY samples later. */
#ifndef MEDIA_LIMITER_H
#define MEDIA_LIMITER_H

enum {
    LIMITER_WINDOW = 240, /* samples: 5 ms at 48 kHz */
    LIMITER_PHASES = 4,
    LIMITER_TAPS = 12,
    LIMITER_DELAY = LIMITER_WINDOW - 1 + LIMITER_TAPS / 2
};

struct limiter {
    double ceiling;
    float phase[LIMITER_PHASES][LIMITER_TAPS];
    float recent[2][LIMITER_TAPS]; /* for the filter that looks between the samples */
    float delayed[2][LIMITER_DELAY];
    double needed[LIMITER_WINDOW];      /* gains wanted by the latest samples */
    double smooth[LIMITER_WINDOW], sum; /* their slow minimum, averaged */
    double held;
    long at;
};

/* `ceiling` in dBTP. */
void limiter_init(struct limiter *limiter, double ceiling);
/* In place; stereo samples, two floats each. */
void limiter_run(struct limiter *limiter, float *samples, int count);

#endif
