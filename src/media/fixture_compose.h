/* What the tests of the composer share: films from end to end, and eyes and ears for what came out.
 * One folder, `composed`, is theirs. */
#ifndef MEDIA_FIXTURE_COMPOSE_H
#define MEDIA_FIXTURE_COMPOSE_H

#include "media/clip.h"
#include "media/fixture_film.h"
#include "media/job.h"

extern struct fixture composed;
/* Setup and teardown of a group of tests. */
int fixture_compose_open(void **state);
int fixture_compose_close(void **state);

/* A size for tests that do not look at it. */
#define COMPOSE_SMALL "'width':160,'height':128"

/* Composes into out/; the parameters are JSON with ' for ". The first asserts that it is done, the
 * other that it is refused with this field and a sentence that has `part`. */
struct job compose_expect_done(const char *parameters);
void compose_expect_refused(const char *parameters, const char *field, const char *part);

/* Inputs in the folder: 160 × 128 (Matroska where the name ends so), and mono WAV. */
void compose_make_film(const char *name, int frames, int fps, void (*draw)(AVFrame *, int));
void compose_make_sound(const char *name, double seconds, double (*sample)(double, int));

/* The output's pictures, read back in order. */
struct seen {
    int fd;
    struct clip_source source;
    struct clip *clip;
};
struct seen seen_open(int fps);
void seen_close(struct seen *seen);
const AVFrame *seen_frame(struct seen *seen, int index);
/* Luma at a place given in parts of the sides, and what is expected there, ± 5. */
int seen_luma(const AVFrame *frame, double x, double y);
void seen_expect(const AVFrame *frame, double x, double y, int wanted);
/* The number that fixture_counting drew; 255 when all is white. */
int seen_number(const AVFrame *frame);

/* The output's sound, stereo at 48 kHz, at most 20 s; the caller frees. */
float *heard_all(int *ret_count);
/* Root mean square between two times, of all and of one frequency. */
double heard_strength(const float *samples, double from, double to);
double heard_strength_of(const float *samples, double from, double to, double hertz);

#endif
