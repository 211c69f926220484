/* How loud a sound is to people, as ITU-R BS.1770-4 measures it: 48 kHz stereo, weighted by
 * frequency, in blocks of 400 ms every 100 ms, quiet blocks left out. Memory does not grow. */
#ifndef MEDIA_LOUDNESS_H
#define MEDIA_LOUDNESS_H

#include <stdint.h>

enum {
    LOUDNESS_PARTS = 4, /* of 100 ms, in a block */
    LOUDNESS_BINS = 10000
};

struct loudness_filter {
    double state[2][2][2]; /* channel, stage, delay */
};

struct loudness {
    struct loudness_filter filter;
    double part[LOUDNESS_PARTS]; /* energy of the last four tenths of a second */
    double energy;               /* of the one that is being filled */
    int samples;                 /* in it */
    int64_t parts;
    /* Blocks by their loudness, in hundredths of a unit: how many, and their energies' sum. */
    int64_t count[LOUDNESS_BINS];
    double sum[LOUDNESS_BINS];
};

void loudness_init(struct loudness *loudness);
/* Stereo samples, two floats each. */
void loudness_add(struct loudness *loudness, const float *samples, int count);
/* In LUFS; -INFINITY for silence. Sounds shorter than a block count as one. */
double loudness_integrated(const struct loudness *loudness);

#endif
