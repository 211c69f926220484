#include "media/loudness.h"

#include <math.h>
#include <string.h>

enum { PART_SAMPLES = 4800, STAGES = 2 };

/* BS.1770-4, tables 1 and 2: the head as a sphere, then what the ear hears less of. For 48 kHz. */
static const struct {
    double b[3], a[2];
} stages[STAGES] = {
    {{1.53512485958697, -2.69169618940638, 1.19839281085285},
     {-1.69065929318241, 0.73248077421585}},
    {{1, -2, 1}, {-1.99004745483398, 0.99007225036621}},
};

static const double absolute_gate = -70, relative_gate = -10, bins_from = -80, bins_per_unit = 100;

void loudness_init(struct loudness *loudness)
{
    memset(loudness, 0, sizeof *loudness);
}

static double level(double energy)
{
    return energy > 0 ? -0.691 + 10 * log10(energy) : -INFINITY;
}

static void count_block(struct loudness *loudness, double energy)
{
    double units = level(energy);
    if (units < absolute_gate)
        return;
    int bin = (int)((units - bins_from) * bins_per_unit);
    bin = bin < LOUDNESS_BINS ? bin : LOUDNESS_BINS - 1;
    loudness->count[bin]++;
    loudness->sum[bin] += energy;
}

static void end_part(struct loudness *loudness)
{
    loudness->part[loudness->parts++ % LOUDNESS_PARTS] = loudness->energy / PART_SAMPLES;
    loudness->energy = 0;
    loudness->samples = 0;
    if (loudness->parts < LOUDNESS_PARTS)
        return;
    double energy = 0;
    for (int i = 0; i < LOUDNESS_PARTS; i++)
        energy += loudness->part[i];
    count_block(loudness, energy / LOUDNESS_PARTS);
}

static double weigh(double state[STAGES][2], double sample)
{
    for (int i = 0; i < STAGES; i++) {
        double out = stages[i].b[0] * sample + state[i][0];
        state[i][0] = stages[i].b[1] * sample - stages[i].a[0] * out + state[i][1];
        state[i][1] = stages[i].b[2] * sample - stages[i].a[1] * out;
        sample = out;
    }
    return sample;
}

void loudness_add(struct loudness *loudness, const float *samples, int count)
{
    for (int i = 0; i < count; i++) {
        double left = weigh(loudness->filter.state[0], (double)samples[2 * i]);
        double right = weigh(loudness->filter.state[1], (double)samples[2 * i + 1]);
        loudness->energy += left * left + right * right;
        if (++loudness->samples == PART_SAMPLES)
            end_part(loudness);
    }
}

/* Mean energy of the blocks from a bin on. */
static double mean_from(const struct loudness *loudness, int bin)
{
    double sum = 0;
    int64_t count = 0;
    for (int i = bin < 0 ? 0 : bin; i < LOUDNESS_BINS; i++) {
        sum += loudness->sum[i];
        count += loudness->count[i];
    }
    return count > 0 ? sum / (double)count : 0;
}

double loudness_integrated(const struct loudness *loudness)
{
    if (loudness->parts < LOUDNESS_PARTS) {
        double energy = loudness->energy;
        for (int64_t i = 0; i < loudness->parts; i++)
            energy += loudness->part[i] * PART_SAMPLES;
        double samples = (double)loudness->parts * PART_SAMPLES + loudness->samples;
        double units = samples > 0 ? level(energy / samples) : -INFINITY;
        return units < absolute_gate ? -INFINITY : units;
    }
    double ungated = level(mean_from(loudness, 0));
    if (!isfinite(ungated))
        return -INFINITY;
    int bin = (int)((ungated + relative_gate - bins_from) * bins_per_unit);
    return level(mean_from(loudness, bin));
}
