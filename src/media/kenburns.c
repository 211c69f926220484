#include "media/kenburns.h"

#include "media/canvas.h"
#include "media/colour.h"
#include "media/job.h"
#include "media/resample.h"

#include <errno.h>
#include <libavutil/error.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Source samples for one of the frame's: a little more than one keeps sharpness the same wherever
 * between two samples the camera stands; more than two would need longer filters than eight taps.
 */
static const double step_wish = 1.5, step_max = 1.98;
/* A picture whose shape is so far from the frame's is panned over rather than zoomed. */
static const double pan_from = 1.3;

/* What one drawing thread needs. */
struct tools {
    struct resample_axis across, down;
    struct resample_scratch scratch;
    struct plane over[3]; /* the second picture of a cross-fade */
};

struct kenburns {
    int width, height, frames, count;
    struct kenburns_shot shot[SEQUENCE_CLIPS_MAX];
    struct sequence_piece piece[SEQUENCE_CLIPS_MAX];
    struct tools tools[FILM_THREADS_MAX];
    struct job *job; /* told of progress; may be NULL */
};

/* The prepared size over the picture's. */
static double scale_for(const struct motion *motion, const struct film *film)
{
    double close = fmin(motion->from.width, motion->to.width);
    double wide = fmax(motion->from.width, motion->to.width);
    double scale = fmin(step_wish * film->width / close, step_max * film->width / wide);
    return fmin(scale, 1);
}

static bool shrink(struct picture *picture, double scale)
{
    int width = (int)ceil(picture_width(picture) * scale);
    int height = (int)ceil(picture_height(picture) * scale);
    if (width == picture_width(picture) && height == picture_height(picture))
        return true;
    for (int i = 0; i < PICTURE_PLANES; i++) {
        struct plane small = {0};
        if (!plane_make(width, height, &small) || !resample_fit(&picture->plane[i], &small)) {
            plane_free(&small);
            return false;
        }
        plane_free(&picture->plane[i]);
        picture->plane[i] = small;
    }
    return true;
}

static bool halve(struct plane *plane)
{
    struct plane half = {0};
    if (!plane_make((plane->width + 1) / 2, (plane->height + 1) / 2, &half) ||
        !resample_fit(plane, &half)) {
        plane_free(&half);
        return false;
    }
    plane_free(plane);
    *plane = half;
    return true;
}

bool kenburns_prepare(struct picture *picture, const struct motion_wish *wish,
                      const struct film *film, struct kenburns_shot *ret_shot)
{
    struct kenburns_shot shot = {.width = picture_width(picture),
                                 .height = picture_height(picture)};
    double aspect = (double)film->width / film->height;
    shot.motion = motion_plan(wish, shot.width, shot.height, aspect);
    bool done = shrink(picture, scale_for(&shot.motion, film));
    for (int i = 0; i < 3 && done; i++)
        done = plane_make(picture_width(picture), picture_height(picture), &shot.yuv[i]);
    if (done)
        colour_to_yuv444(picture, shot.yuv);
    picture_free(picture);
    done = done && halve(&shot.yuv[1]) && halve(&shot.yuv[2]);
    if (done)
        *ret_shot = shot;
    for (int i = 0; i < 3 && !done; i++)
        plane_free(&shot.yuv[i]);
    return done;
}

struct sequence kenburns_share(const struct film *film, int count, int fade)
{
    if (fade > film->frames / (count + 1))
        fade = film->frames / (count + 1);
    struct sequence sequence = {
        .fps = film->fps, .count = count, .fade = fade, .total = film->frames};
    int sum = film->frames + (count - 1) * fade;
    for (int i = 0; i < count; i++)
        sequence.frames[i] = sum * (i + 1) / count - sum * i / count;
    return sequence;
}

static void free_shots(struct kenburns_shot *shots, int count)
{
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < 3; k++)
            plane_free(&shots[i].yuv[k]);
    }
}

static bool make_tools(const struct film *film, int width, bool fades, struct tools *tools)
{
    bool made = resample_axis_make(film->width, step_max + 1, &tools->across) &&
                resample_axis_make(film->height, step_max + 1, &tools->down) &&
                resample_scratch_make(width, &tools->scratch);
    for (int i = 0; i < 3 && made && fades; i++)
        made = plane_make(i ? film->width / 2 : film->width, i ? film->height / 2 : film->height,
                          &tools->over[i]);
    return made;
}

struct kenburns *kenburns_make(const struct film *film, const struct sequence *sequence,
                               struct kenburns_shot *shots)
{
    struct kenburns *kenburns = calloc(1, sizeof *kenburns);
    int width = 1;
    for (int i = 0; i < sequence->count; i++)
        width = shots[i].yuv[0].width > width ? shots[i].yuv[0].width : width;
    bool done = kenburns != NULL;
    for (int i = 0; i < film->threads && done; i++)
        done = make_tools(film, width, sequence->count > 1, &kenburns->tools[i]);
    if (!done) {
        kenburns_free(kenburns);
        free_shots(shots, sequence->count);
        return NULL;
    }
    kenburns->width = film->width;
    kenburns->height = film->height;
    kenburns->frames = film->frames;
    kenburns->count = sequence->count;
    bool more = sequence_first(sequence, &kenburns->piece[0]);
    for (int i = 0; i < sequence->count; i++) {
        kenburns->shot[i] = shots[i];
        if (i > 0 && more)
            more = sequence_next(sequence, &kenburns->piece[i - 1], &kenburns->piece[i]);
    }
    return kenburns;
}

void kenburns_free(struct kenburns *kenburns)
{
    if (!kenburns)
        return;
    free_shots(kenburns->shot, kenburns->count);
    for (int i = 0; i < FILM_THREADS_MAX; i++) {
        struct tools *tools = &kenburns->tools[i];
        resample_axis_free(&tools->across);
        resample_axis_free(&tools->down);
        resample_scratch_free(&tools->scratch);
        for (int k = 0; k < 3; k++)
            plane_free(&tools->over[k]);
    }
    free(kenburns);
}

static void draw_shot(const struct kenburns *kenburns, struct tools *tools,
                      const struct kenburns_shot *shot, double moment, struct plane yuv[3])
{
    struct motion_view view = motion_view_at(&shot->motion, moment);
    double pixel = view.width / kenburns->width; /* one of the frame's, in the picture's */
    for (int i = 0; i < 3; i++) {
        const struct plane *source = &shot->yuv[i];
        double scale_x = source->width / shot->width, scale_y = source->height / shot->height;
        double step = i ? 2 * pixel : pixel;
        /* H.264's chroma lies on the left one of its two columns: half a pixel left of their
         * middle. Down, it lies between the rows. */
        double left = i ? view.x - pixel / 2 : view.x;
        if (i < 2) {
            resample_axis_set(&tools->across, yuv[i].width, source->width, left * scale_x,
                              step * scale_x);
            resample_axis_set(&tools->down, yuv[i].height, source->height, view.y * scale_y,
                              step * scale_y);
        }
        resample_plane(source, &tools->across, &tools->down, &tools->scratch, &yuv[i]);
    }
}

void kenburns_draw(void *context, int thread, int frame, struct plane yuv[3])
{
    struct kenburns *kenburns = context;
    struct tools *tools = &kenburns->tools[thread];
    bool covered = false;
    for (int i = 0; i < kenburns->count; i++) {
        const struct sequence_piece *piece = &kenburns->piece[i];
        int at = frame - piece->first;
        if (at < 0 || at >= piece->frames)
            continue;
        double moment = piece->frames > 1 ? (double)at / (piece->frames - 1) : 0;
        draw_shot(kenburns, tools, &kenburns->shot[i], moment, covered ? tools->over : yuv);
        for (int k = 0; k < 3 && covered; k++)
            canvas_blend(&tools->over[k], sequence_weight(piece, frame), &yuv[k]);
        covered = true;
    }
}

static void tell_drawn(void *context, int frames)
{
    struct kenburns *kenburns = context;
    report_progress(kenburns->job->report, "Generating frames", 20 + 50 * frames / kenburns->frames,
                    frames, kenburns->frames);
}

static void tell_encoding(void *context)
{
    struct kenburns *kenburns = context;
    report_progress(kenburns->job->report, "Encoding video", 80, kenburns->frames,
                    kenburns->frames);
}

static bool read_wish(struct job *job, struct motion_wish *wish)
{
    const char *motion, *easing, *prompt;
    struct job_range duration = {1, 60, 5}, zoom = {1, 2, 1.25};
    *wish = (struct motion_wish){.easing = MOTION_EASE_IN_OUT, .seed = job->seed};
    if (!job_text(job, "motion", false, &motion) || !job_text(job, "easing", false, &easing) ||
        !job_text(job, "prompt", false, &prompt) ||
        !job_number(job, "duration", duration, &wish->duration) ||
        !job_number(job, "zoom", zoom, &wish->zoom))
        return false;
    wish->prompt = prompt;
    if (motion && !motion_kind_find(motion, &wish->kind))
        return failure_set(&job->failure, ERROR_VALIDATION, "motion",
                           "motion must be one of auto, zoom-in, zoom-out, pan-left, pan-right, "
                           "pan-up and pan-down.");
    if (easing && !motion_easing_find(easing, &wish->easing))
        return failure_set(&job->failure, ERROR_VALIDATION, "easing",
                           "easing must be linear or ease-in-out.");
    return true;
}

static bool make_film(struct job *job, struct film *film, struct kenburns *kenburns)
{
    int fd;
    if (!job_create(job, "output.mp4", &fd))
        return false;
    kenburns->job = job;
    film->context = kenburns;
    film->draw = kenburns_draw;
    film->drawn = tell_drawn;
    film->encoding = tell_encoding;
    bool done = film_make(film, fd, &job->failure, job->frames_hash);
    close(fd);
    return done;
}

/* The camera of picture `index`: where the caller leaves it to us, zooms in and out take turns, and
 * pictures of another shape than the frame's are panned over. */
static struct motion_wish wish_for(const struct motion_wish *wish, const struct picture *picture,
                                   const struct film *film, const struct sequence *sequence,
                                   int index)
{
    struct motion_wish own = *wish;
    if (sequence->count == 1)
        return own;
    double shape = (double)picture_width(picture) / picture_height(picture);
    double apart = shape * film->height / film->width;
    own.seed = wish->seed + (uint64_t)index * 0x9e3779b97f4a7c15u;
    own.duration = fmax(sequence->frames[index], 1) / sequence->fps;
    bool free_choice = wish->kind == MOTION_AUTO &&
                       (!wish->prompt || motion_from_prompt(wish->prompt) == MOTION_AUTO);
    if (free_choice && apart > 1 / pan_from && apart < pan_from)
        own.kind = ((uint64_t)index + wish->seed) % 2 ? MOTION_ZOOM_OUT : MOTION_ZOOM_IN;
    return own;
}

static bool prepare_shots(struct job *job, const struct film *film, const struct job_file *files,
                          const struct sequence *sequence, struct kenburns_shot *shots)
{
    struct motion_wish wish;
    bool moves = true;
    if (!read_wish(job, &wish))
        return false;
    for (int i = 0; i < sequence->count; i++) {
        struct picture picture;
        if (!job_image(job, &files[i], &picture))
            return false;
        struct motion_wish own = wish_for(&wish, &picture, film, sequence, i);
        if (!kenburns_prepare(&picture, &own, film, &shots[i]))
            return failure_set_av(&job->failure, ERROR_INTERNAL, "preparing the picture",
                                  AVERROR(ENOMEM));
        moves = moves && motion_moves(&shots[i].motion);
    }
    if (!moves)
        job_warn(job, "The picture stands still: at zoom 1 there is no room to move in this "
                      "direction.");
    return true;
}

bool kenburns_render(struct job *job)
{
    struct film film = {0};
    struct job_file files[JOB_FILES_MAX];
    struct kenburns_shot shots[JOB_FILES_MAX];
    double fade;
    int count;
    memset(shots, 0, sizeof shots);
    report_progress(job->report, "Analyzing prompt", 5, 0, 0);
    if (!job_film(job, &film) || !job_files(job, "imageUrl", "imageUrls", files, &count) ||
        !job_number(job, "crossfade", (struct job_range){0, 3, 0.8}, &fade))
        return false;
    struct sequence sequence = kenburns_share(&film, count, (int)lround(fade * film.fps));
    if (!prepare_shots(job, &film, files, &sequence, shots)) {
        free_shots(shots, count);
        return false;
    }
    report_progress(job->report, "Initializing model", 12, 0, 0);
    struct kenburns *kenburns = kenburns_make(&film, &sequence, shots);
    if (!kenburns)
        return failure_set_av(&job->failure, ERROR_INTERNAL, "preparing the picture",
                              AVERROR(ENOMEM));
    bool done = make_film(job, &film, kenburns);
    kenburns_free(kenburns);
    return done && job_complete(job);
}
