#include "media/limiter.h"

#include <math.h>
#include <string.h>

/* How quickly the gain comes back: by 1/e in 120 ms. */
static const double release = 1.0 / (0.12 * 48000);

/* Four filters that find the sound at, and a quarter, a half and three quarters after a sample: a
 * sine over its argument, windowed, as band-limited interpolation is. */
static void make_phases(struct limiter *limiter)
{
    for (int p = 0; p < LIMITER_PHASES; p++) {
        double sum = 0, exact[LIMITER_TAPS];
        for (int k = 0; k < LIMITER_TAPS; k++) {
            double x = k - (LIMITER_TAPS / 2 - 1) - (double)p / LIMITER_PHASES;
            double window = cos(M_PI * x / (LIMITER_TAPS + 1));
            exact[k] = (fabs(x) < 1e-9 ? 1 : sin(M_PI * x) / (M_PI * x)) * window * window;
            sum += exact[k];
        }
        for (int k = 0; k < LIMITER_TAPS; k++)
            limiter->phase[p][k] = (float)(exact[k] / sum);
    }
}

void limiter_init(struct limiter *limiter, double ceiling)
{
    memset(limiter, 0, sizeof *limiter);
    limiter->ceiling = pow(10, ceiling / 20);
    limiter->held = 1;
    limiter->sum = LIMITER_WINDOW;
    for (int i = 0; i < LIMITER_WINDOW; i++)
        limiter->needed[i] = limiter->smooth[i] = 1;
    make_phases(limiter);
}

static float peak_of(const struct limiter *limiter, const float recent[LIMITER_TAPS])
{
    float peak = 0;
    for (int p = 0; p < LIMITER_PHASES; p++) {
        float sum = 0;
        for (int k = 0; k < LIMITER_TAPS; k++)
            sum += limiter->phase[p][k] * recent[k];
        peak = fmaxf(peak, fabsf(sum));
    }
    return peak;
}

/* The gain for the sample that leaves now: the least that any sample of the window needs, let up
 * slowly, averaged over a window, so that it has arrived when the peak does. */
static double gain_of(struct limiter *limiter, float peak)
{
    int slot = (int)(limiter->at % LIMITER_WINDOW);
    limiter->needed[slot] = (double)peak > limiter->ceiling ? limiter->ceiling / (double)peak : 1;
    double least = limiter->held + (1 - limiter->held) * release;
    if (limiter->needed[slot] < least || limiter->held < 1) {
        for (int i = 0; i < LIMITER_WINDOW; i++)
            least = limiter->needed[i] < least ? limiter->needed[i] : least;
    }
    limiter->held = least > 1 - 1e-9 ? 1 : least;
    limiter->sum += limiter->held - limiter->smooth[slot];
    limiter->smooth[slot] = limiter->held;
    return limiter->sum / LIMITER_WINDOW;
}

void limiter_run(struct limiter *limiter, float *samples, int count)
{
    for (int i = 0; i < count; i++, limiter->at++) {
        float peak = 0;
        for (int c = 0; c < 2; c++) {
            float *recent = limiter->recent[c];
            memmove(recent, recent + 1, (LIMITER_TAPS - 1) * sizeof *recent);
            recent[LIMITER_TAPS - 1] = samples[2 * i + c];
            peak = fmaxf(peak, peak_of(limiter, recent));
        }
        float gain = (float)gain_of(limiter, peak);
        int slot = (int)(limiter->at % LIMITER_DELAY);
        for (int c = 0; c < 2; c++) {
            float in = samples[2 * i + c];
            samples[2 * i + c] = limiter->delayed[c][slot] * gain;
            limiter->delayed[c][slot] = in;
        }
    }
}
