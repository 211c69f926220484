/* What a job of `compose` asks for: its parameters read and checked, its files opened and measured,
 * the film's size, rate and length settled. */
#ifndef MEDIA_COMPOSE_INPUT_H
#define MEDIA_COMPOSE_INPUT_H

#include "media/canvas.h"
#include "media/footage.h"
#include "media/job.h"
#include "media/mix.h"
#include "media/sequence.h"
#include "media/subtitle.h"

enum { COMPOSE_SECONDS_MAX = 4 * 3600 };

enum compose_subtitles { COMPOSE_NONE, COMPOSE_BURN, COMPOSE_TRACK, COMPOSE_FILE };

struct compose_input {
    int count;
    struct clip_source clips[SEQUENCE_CLIPS_MAX];
    struct job_file files[JOB_FILES_MAX];
    struct mix_clip sounds[SEQUENCE_CLIPS_MAX];
    int voice_fd, music_fd; /* -1: none */
    const char *words;      /* the file of the words, or NULL */
    struct sequence sequence;
    struct canvas_layout layout;
    struct mix_settings mix; /* borrows from this struct */
    enum compose_subtitles subtitles;
    enum subtitle_style style;
};

/* False with a failure. compose_input_done closes the files in any case, and accepts a zeroed one
 * after compose_input_init. */
void compose_input_init(struct compose_input *input);
bool compose_input_read(struct job *job, struct compose_input *input);
void compose_input_done(struct compose_input *input);

#endif
