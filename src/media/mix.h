/* The sound of a film: voice, music and the clips' own sound, each brought to a common loudness,
 * music and clips turned down while somebody speaks, the whole at the loudness asked for and its
 * true peaks under the ceiling. Files are read once to measure them and once more (twice with
 * several sounds) to mix them, so memory does not grow with their length. */
#ifndef MEDIA_MIX_H
#define MEDIA_MIX_H

#include "media/failure.h"
#include "media/sequence.h"

#include <stdbool.h>
#include <stdint.h>

struct mix_file {
    int fd; /* borrowed; -1: there is none */
    const char *field;
};

struct mix_clip {
    struct mix_file file; /* fd -1: it has no sound */
    double start;         /* the file's time of its first picture */
};

enum mix_part { MIX_VOICE, MIX_MUSIC, MIX_CLIPS, MIX_PARTS };

struct mix_settings {
    struct mix_file voice, music;
    const struct mix_clip *clips;    /* as many as the sequence has; borrowed */
    const struct sequence *sequence; /* borrowed; its total is the film's length */
    double volume[MIX_PARTS];        /* 1: as loud as the voice; 0: left out */
    double loudness;                 /* LUFS */
    bool ducking;
    void *context;
    /* Told while it measures: how much of it is done, 0 … 1. May be NULL. */
    void (*measured)(void *context, double part);
};

struct mix;

/* Measures everything. *ret_mix is NULL when there is no sound at all. */
bool mix_make(const struct mix_settings *settings, struct failure *failure, struct mix **ret_mix);
/* Accepts NULL. */
void mix_free(struct mix *mix);
/* Stereo samples at 48 kHz that a film of this length has. */
int64_t mix_length(const struct sequence *sequence);
/* The next `count` stereo samples, two floats each; silence after the end. */
bool mix_read(struct mix *mix, float *samples, int count, struct failure *failure);

#endif
