#include "media/compose_input.h"

#include "media/fit.h"
#include "media/job.h"
#include "media/sound.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SIDE_MIN = 128, SIDE_MAX = 3840, FPS_MIN = 12, FPS_MAX = 60 };

void compose_input_init(struct compose_input *input)
{
    *input = (struct compose_input){.voice_fd = -1, .music_fd = -1};
}

void compose_input_done(struct compose_input *input)
{
    for (int i = 0; i < input->count; i++) {
        clip_facts_free(&input->clips[i].facts);
        close(input->clips[i].fd);
    }
    if (input->voice_fd >= 0)
        close(input->voice_fd);
    if (input->music_fd >= 0)
        close(input->music_fd);
    input->count = 0;
    input->voice_fd = input->music_fd = -1;
}

static bool is_given(const struct job *job, const char *name)
{
    const json_t *value = json_object_get(job->input, name);
    return value && !json_is_null(value);
}

/* One of a list of words; the first one stands for nothing given. */
static bool read_choice(struct job *job, const char *name, const char *const *words,
                        int *ret_choice)
{
    const char *text;
    if (!job_text(job, name, false, &text))
        return false;
    *ret_choice = 0;
    if (!text)
        return true;
    char all[120] = "";
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) {
            *ret_choice = i;
            return true;
        }
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", words[i]);
    }
    return failure_set(&job->failure, ERROR_VALIDATION, name, "%s must be one of %s.", name, all);
}

static bool read_switch(struct job *job, const char *name, bool *ret_value)
{
    const json_t *value = json_object_get(job->input, name);
    if (value && !json_is_null(value) && !json_is_boolean(value))
        return failure_set(&job->failure, ERROR_VALIDATION, name, "%s must be true or false.",
                           name);
    if (json_is_boolean(value))
        *ret_value = json_is_true(value);
    return true;
}

static bool open_clips(struct job *job, struct compose_input *input)
{
    int count;
    if (!job_files(job, "videoUrl", "videoUrls", input->files, &count))
        return false;
    for (int i = 0; i < count; i++) {
        const struct job_file *file = &input->files[i];
        struct clip_source *clip = &input->clips[i];
        clip->field = file->field;
        if (!folder_read(job->folder, file->path, file->field, &job->failure, &clip->fd))
            return false;
        input->count++;
        if (!clip_measure(clip->fd, clip->field, &job->failure, &clip->facts))
            return false;
        if (clip->facts.wide_gamut)
            job_warn(job, "%s is a film for HDR screens; its colours are shown without that range.",
                     clip->field);
    }
    return true;
}

static bool open_sound(struct job *job, const char *name, int *ret_fd)
{
    const char *path;
    if (!job_text(job, name, false, &path))
        return false;
    return !path || folder_read(job->folder, path, name, &job->failure, ret_fd);
}

static const char *const aspects[] = {"source", "16:9", "9:16", "1:1", "4:5", NULL};
static const double shapes[] = {0, 16.0 / 9, 9.0 / 16, 1, 4.0 / 5};
static const char *const resolutions[] = {"source", "480p",  "720p", "1080p",
                                          "1440p",  "2160p", NULL};
static const int short_sides[] = {0, 480, 720, 1080, 1440, 2160};

static int even(double size)
{
    int whole = (int)lround(size / 2) * 2;
    return whole < SIDE_MIN ? SIDE_MIN : whole > SIDE_MAX ? SIDE_MAX : whole;
}

/* The first clip's shape and size, where nothing else is asked for; with another shape its short
 * side stays, at least that of 720p. */
static void settle_size(const struct clip_facts *first, int aspect, int resolution,
                        struct canvas_layout *layout)
{
    struct fit_picture picture = {first->width, first->height, av_q2d(first->pixel),
                                  first->orientation};
    double shape = shapes[aspect] > 0 ? shapes[aspect] : fit_shape(&picture);
    double stored = fit_shape(&picture);
    bool turned = first->orientation >= 5;
    double high = turned ? first->width : first->height;
    double side = stored < 1 ? high * stored : high;
    if (short_sides[resolution] > 0)
        side = short_sides[resolution];
    else if (shapes[aspect] > 0 && side < 720)
        side = 720;
    double width = shape < 1 ? side : side * shape, height = shape < 1 ? side / shape : side;
    double shrink = fmin(1, fmin(SIDE_MAX / width, SIDE_MAX / height));
    layout->width = even(width * shrink);
    layout->height = even(height * shrink);
}

static bool read_size(struct job *job, const struct clip_facts *first, struct canvas_layout *layout)
{
    int aspect, resolution, width, height;
    if (!read_choice(job, "aspectRatio", aspects, &aspect) ||
        !read_choice(job, "resolution", resolutions, &resolution) ||
        !job_integer(job, "width", SIDE_MIN, SIDE_MAX, SIDE_MIN, &width) ||
        !job_integer(job, "height", SIDE_MIN, SIDE_MAX, SIDE_MIN, &height))
        return false;
    settle_size(first, aspect, resolution, layout);
    double shape = (double)layout->width / layout->height;
    bool has_width = is_given(job, "width"), has_height = is_given(job, "height");
    if (has_width)
        layout->width = width & ~1;
    if (has_height)
        layout->height = height & ~1;
    if (has_width && !has_height)
        layout->height = even(layout->width / shape);
    if (has_height && !has_width)
        layout->width = even(layout->height * shape);
    if ((has_width && (width & 1)) || (has_height && (height & 1)))
        job_warn(job,
                 "The size was rounded down to %d × %d, since H.264 video with 4:2:0 colour "
                 "needs even sides.",
                 layout->width, layout->height);
    return true;
}

static bool read_picture(struct job *job, struct compose_input *input)
{
    static const char *const fits[] = {"crop", "fit", NULL};
    static const char *const grounds[] = {"blur", "black", NULL};
    const struct clip_facts *first = &input->clips[0].facts;
    int fit, ground;
    int usual = (int)lround(first->fps);
    usual = usual < FPS_MIN ? FPS_MIN : usual > FPS_MAX ? FPS_MAX : usual;
    if (!read_size(job, first, &input->layout) || !read_choice(job, "fit", fits, &fit) ||
        !read_choice(job, "background", grounds, &ground) ||
        !job_integer(job, "fps", FPS_MIN, FPS_MAX, usual, &input->sequence.fps))
        return false;
    input->layout.fill = fit == 0;
    input->layout.ground = ground == 0 ? CANVAS_BLUR : CANVAS_BLACK;
    return true;
}

static bool read_transition(struct job *job, struct sequence *sequence)
{
    static const char *const transitions[] = {"none", "fade", NULL};
    int transition;
    double seconds;
    struct job_range range = {0, 2, 0.5};
    sequence->loop = true;
    if (!read_choice(job, "transition", transitions, &transition) ||
        !job_number(job, "transitionSeconds", range, &seconds) ||
        !read_switch(job, "loop", &sequence->loop))
        return false;
    sequence->fade = transition ? (int)lround(seconds * sequence->fps) : 0;
    return true;
}

static bool check_length(struct job *job, double seconds, const char *field)
{
    if (seconds <= COMPOSE_SECONDS_MAX)
        return true;
    return failure_set(&job->failure, ERROR_VALIDATION, field,
                       "The film would be %.0f seconds long because of %s; at most %d hours are "
                       "allowed.",
                       seconds, field, COMPOSE_SECONDS_MAX / 3600);
}

static bool settle_length(struct job *job, struct compose_input *input)
{
    struct sequence *sequence = &input->sequence;
    struct job_range range = {0.5, COMPOSE_SECONDS_MAX, 0};
    double seconds = 0, whole = 0;
    sequence->count = input->count;
    for (int i = 0; i < input->count; i++) {
        whole += input->clips[i].facts.seconds;
        if (!check_length(job, whole, input->clips[i].field))
            return false;
        int frames = (int)lround(input->clips[i].facts.seconds * sequence->fps);
        sequence->frames[i] = frames > 0 ? frames : 1;
    }
    sequence->total = sequence_length(sequence);
    if (is_given(job, "duration")) {
        range.fallback = range.min;
        if (!job_number(job, "duration", range, &seconds))
            return false;
    } else if (input->voice_fd >= 0) {
        struct sound_wish wish = {.fd = input->voice_fd, .field = "audioUrl"};
        if (!sound_length(&wish, COMPOSE_SECONDS_MAX + 1, &job->failure, &seconds) ||
            !check_length(job, seconds, "audioUrl"))
            return false;
    }
    if (seconds > 0)
        sequence->total = (int)lround(seconds * sequence->fps);
    sequence->total = sequence->total > 0 ? sequence->total : 1;
    return true;
}

static bool read_volume(struct job *job, const char *name, double usual, double *ret_volume)
{
    struct job_range range = {0, 2, usual};
    return job_number(job, name, range, ret_volume);
}

static bool read_mix(struct job *job, struct compose_input *input)
{
    struct mix_settings *mix = &input->mix;
    struct job_range loudness = {-31, -9, -16};
    bool has_voice = input->voice_fd >= 0;
    mix->ducking = true;
    if (!job_number(job, "loudness", loudness, &mix->loudness) ||
        !read_switch(job, "ducking", &mix->ducking) ||
        !read_volume(job, "voiceVolume", 1, &mix->volume[MIX_VOICE]) ||
        !read_volume(job, "musicVolume", 0.35, &mix->volume[MIX_MUSIC]) ||
        !read_volume(job, "clipVolume", has_voice ? 0 : 1, &mix->volume[MIX_CLIPS]))
        return false;
    mix->voice = (struct mix_file){input->voice_fd, "audioUrl"};
    mix->music = (struct mix_file){input->music_fd, "musicUrl"};
    for (int i = 0; i < input->count; i++) {
        const struct clip_source *clip = &input->clips[i];
        input->sounds[i] = (struct mix_clip){{clip->facts.has_sound ? clip->fd : -1, clip->field},
                                             clip->facts.start};
    }
    mix->clips = input->sounds;
    mix->sequence = &input->sequence;
    return true;
}

static bool read_words(struct job *job, struct compose_input *input)
{
    static const char *const places[] = {"burn", "track", "file", "none", NULL};
    static const enum compose_subtitles meant[] = {COMPOSE_BURN, COMPOSE_TRACK, COMPOSE_FILE,
                                                   COMPOSE_NONE};
    const char *style;
    int place;
    if (!job_text(job, "wordsUrl", false, &input->words) ||
        !read_choice(job, "subtitles", places, &place) ||
        !job_text(job, "subtitleStyle", false, &style))
        return false;
    if (style && !subtitle_find_style(style, &input->style))
        return failure_set(&job->failure, ERROR_VALIDATION, "subtitleStyle",
                           "subtitleStyle must be one of plain, karaoke and boxed.");
    bool asked = is_given(job, "subtitles") && meant[place] != COMPOSE_NONE;
    if (asked && !input->words)
        return failure_set(&job->failure, ERROR_VALIDATION, "wordsUrl",
                           "wordsUrl is missing: subtitles need the words and their times.");
    input->subtitles = input->words ? meant[place] : COMPOSE_NONE;
    return true;
}

bool compose_input_read(struct job *job, struct compose_input *input)
{
    return open_clips(job, input) && open_sound(job, "audioUrl", &input->voice_fd) &&
           open_sound(job, "musicUrl", &input->music_fd) && read_picture(job, input) &&
           read_transition(job, &input->sequence) && settle_length(job, input) &&
           read_mix(job, input) && read_words(job, input);
}
