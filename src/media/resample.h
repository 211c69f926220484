/* Resampling one plane by a scale and a sub-pixel shift, with a filter made for exactly that scale:
 * a Catmull-Rom kernel, stretched when the picture shrinks, so that nothing aliases at any zoom and
 * a moving view neither jumps nor shimmers. The two directions are separate: per output row the
 * source rows are summed (columns side by side in vectors), then each output sample is a short dot
 * product along that row.
 *
 * Positions are in source samples with edges at whole numbers: output sample i lies at
 * origin + (i + 0.5) * step, and the first source sample's centre is 0.5. Weights have 14 bits and
 * sum to one exactly, so a flat area stays what it was; samples beyond an edge repeat it. */
#ifndef MEDIA_RESAMPLE_H
#define MEDIA_RESAMPLE_H

#include "media/plane.h"

enum { RESAMPLE_WEIGHT_BITS = 14, RESAMPLE_ONE = 1 << RESAMPLE_WEIGHT_BITS };

/* The filters of one direction. */
struct resample_axis {
    int count;       /* output samples */
    int taps;        /* a multiple of 8, the same for all */
    int in_count;    /* source samples */
    int *start;      /* the first source sample of each */
    int16_t *weight; /* count * taps */
    int count_max, taps_max;
};

/* Room for `count_max` filters whose step is at most `step_max`. False when memory is short. */
bool resample_axis_make(int count_max, double step_max, struct resample_axis *ret_axis);
void resample_axis_free(struct resample_axis *axis);
/* Computes the filters; `count` and `step` within what the room was made for, in_count ≥ 1. */
void resample_axis_set(struct resample_axis *axis, int count, int in_count, double origin,
                       double step);

/* Row memory of one thread for sources up to `width` samples wide. */
struct resample_scratch {
    int16_t *row;
    int capacity;
};
bool resample_scratch_make(int width, struct resample_scratch *ret_scratch);
void resample_scratch_free(struct resample_scratch *scratch);

/* Fills `target` (whose size the axes' counts are) from `source`. */
void resample_plane(const struct plane *source, const struct resample_axis *across,
                    const struct resample_axis *down, struct resample_scratch *scratch,
                    struct plane *target);

/* The whole of `source` at the size of `target`. False when memory is short, or `target` is less
 * than a 255th of it. */
bool resample_fit(const struct plane *source, struct plane *target);

/* The two inner loops in plain C, which the vector versions equal bit by bit; for the tests. */
void resample_rows_plain(const uint8_t *const *rows, const int16_t *weight, int taps, int count,
                         int16_t *target);
void resample_dots_plain(const int16_t *row, const struct resample_axis *axis, uint8_t *target);
void resample_rows(const uint8_t *const *rows, const int16_t *weight, int taps, int count,
                   int16_t *target);
void resample_dots(const int16_t *row, const struct resample_axis *axis, uint8_t *target);

#endif
