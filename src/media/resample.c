#include "media/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAPS_UNIT = 8,
    ROW_PADDING = 64,
    TAPS_MAX = 1024,
};

/* Catmull-Rom: interpolates, is sharp, and overshoots little. */
static double kernel(double x)
{
    x = fabs(x);
    if (x < 1)
        return (1.5 * x - 2.5) * x * x + 1;
    if (x < 2)
        return ((-0.5 * x + 2.5) * x - 4) * x + 2;
    return 0;
}

/* The kernel at every source sample around a centre. Stretched, it neither sums to one nor has its
 * weight exactly at the centre, and by how much depends on where between two samples the centre
 * is: left alone, that moves details by hundredths of a pixel, to and fro as the camera goes. So a
 * small hat, tilted as needed, is added: it makes the sum 1 and the moment 0. */
static void weigh(double first, double centre, double stretch, int taps, double *exact)
{
    double sum = 0, moment = 0, hats = 0, hat_moment = 0, hat_spread = 0;
    for (int k = 0; k < taps; k++) {
        double away = (first + k + 0.5 - centre) / stretch;
        double hat = fmax(2 - fabs(away), 0);
        exact[k] = kernel(away);
        sum += exact[k];
        moment += exact[k] * away;
        hats += hat;
        hat_moment += hat * away;
        hat_spread += hat * away * away;
    }
    double missing = stretch - sum; /* stretch: what the sum is on average */
    double determinant = hats * hat_spread - hat_moment * hat_moment;
    double lift = (missing * hat_spread + moment * hat_moment) / determinant;
    double tilt = (-moment * hats - missing * hat_moment) / determinant;
    for (int k = 0; k < taps; k++) {
        double away = (first + k + 0.5 - centre) / stretch;
        exact[k] = (exact[k] + (lift + tilt * away) * fmax(2 - fabs(away), 0)) / stretch;
    }
}

static int taps_for(double step)
{
    double stretch = step > 1 ? step : 1;
    int taps = (int)ceil(4 * stretch);
    return (taps + TAPS_UNIT - 1) / TAPS_UNIT * TAPS_UNIT;
}

bool resample_axis_make(int count_max, double step_max, struct resample_axis *ret_axis)
{
    struct resample_axis axis = {.count_max = count_max, .taps_max = taps_for(step_max)};
    if (axis.taps_max > TAPS_MAX)
        return false;
    axis.start = calloc((size_t)count_max, sizeof *axis.start);
    axis.weight = calloc((size_t)count_max * (size_t)axis.taps_max, sizeof *axis.weight);
    if (!axis.start || !axis.weight) {
        resample_axis_free(&axis);
        return false;
    }
    *ret_axis = axis;
    return true;
}

void resample_axis_free(struct resample_axis *axis)
{
    free(axis->start);
    free(axis->weight);
    *axis = (struct resample_axis){0};
}

/* Rounds to whole weights whose sum is exactly one: what rounding lost goes to the largest. */
static void quantise(const double *exact, int taps, int16_t *weight)
{
    int left = RESAMPLE_ONE, largest = 0;
    for (int k = 0; k < taps; k++) {
        weight[k] = (int16_t)lrint(exact[k] * RESAMPLE_ONE);
        left -= weight[k];
        if (weight[k] > weight[largest])
            largest = k;
    }
    weight[largest] = (int16_t)(weight[largest] + left);
}

void resample_axis_set(struct resample_axis *axis, int count, int in_count, double origin,
                       double step)
{
    double stretch = step > 1 ? step : 1;
    axis->count = count;
    axis->in_count = in_count;
    axis->taps = taps_for(step);
    double exact[TAPS_MAX], folded[TAPS_MAX];
    for (int i = 0; i < count; i++) {
        double centre = origin + (i + 0.5) * step;
        int first = (int)floor(centre - axis->taps / 2.0 + 0.5);
        int start = first;
        if (start > in_count - axis->taps)
            start = in_count - axis->taps;
        if (start < 0)
            start = 0;
        weigh(first, centre, stretch, axis->taps, exact);
        memset(folded, 0, sizeof folded[0] * (size_t)axis->taps);
        for (int k = 0; k < axis->taps; k++) {
            int at = first + k;
            at = at < 0 ? 0 : at >= in_count ? in_count - 1 : at;
            folded[at - start] += exact[k];
        }
        axis->start[i] = start;
        quantise(folded, axis->taps, axis->weight + (size_t)i * (size_t)axis->taps);
    }
}

bool resample_scratch_make(int width, struct resample_scratch *ret_scratch)
{
    int capacity = width + TAPS_MAX + ROW_PADDING;
    int16_t *row = calloc((size_t)capacity, sizeof *row);
    if (!row)
        return false;
    *ret_scratch = (struct resample_scratch){row, capacity};
    return true;
}

void resample_scratch_free(struct resample_scratch *scratch)
{
    free(scratch->row);
    *scratch = (struct resample_scratch){0};
}

void resample_plane(const struct plane *source, const struct resample_axis *across,
                    const struct resample_axis *down, struct resample_scratch *scratch,
                    struct plane *target)
{
    /* Only the columns that some filter reads are summed, on whole vectors. */
    int left = across->start[0] / 32 * 32;
    int right = across->start[across->count - 1] + across->taps;
    if (right > source->width)
        right = source->width;
    const uint8_t *rows[TAPS_MAX];
    for (int y = 0; y < down->count; y++) {
        for (int k = 0; k < down->taps; k++) {
            int row = down->start[y] + k;
            rows[k] = plane_row(source, row < source->height ? row : source->height - 1) + left;
        }
        resample_rows(rows, down->weight + (size_t)y * (size_t)down->taps, down->taps, right - left,
                      scratch->row + left);
        resample_dots(scratch->row, across, plane_row(target, y));
    }
}

bool resample_fit(const struct plane *source, struct plane *target)
{
    double step_x = (double)source->width / target->width;
    double step_y = (double)source->height / target->height;
    struct resample_axis across = {0}, down = {0};
    struct resample_scratch scratch = {0};
    bool made = resample_axis_make(target->width, step_x, &across) &&
                resample_axis_make(target->height, step_y, &down) &&
                resample_scratch_make(source->width, &scratch);
    if (made) {
        resample_axis_set(&across, target->width, source->width, 0, step_x);
        resample_axis_set(&down, target->height, source->height, 0, step_y);
        resample_plane(source, &across, &down, &scratch, target);
    }
    resample_axis_free(&across);
    resample_axis_free(&down);
    resample_scratch_free(&scratch);
    return made;
}
