#include "media/animatic.h"

#include "media/colour.h"
#include "media/job.h"
#include "media/scene.h"

#include <errno.h>
#include <libavutil/error.h>
#include <unistd.h>

struct animatic {
    struct job *job;
    const struct scene *scene;
    int fps, frames;
    struct picture canvas[FILM_THREADS_MAX]; /* one for each drawing thread */
};

static void draw(void *context, int thread, int frame, struct plane yuv[3])
{
    struct animatic *animatic = context;
    struct picture *canvas = &animatic->canvas[thread];
    scene_paint(animatic->scene, (double)frame / animatic->fps, canvas);
    colour_to_yuv420(canvas, yuv);
}

static void tell_drawn(void *context, int frames)
{
    struct animatic *animatic = context;
    report_progress(animatic->job->report, "Generating frames", 20 + 50 * frames / animatic->frames,
                    frames, animatic->frames);
}

static void tell_encoding(void *context)
{
    struct animatic *animatic = context;
    report_progress(animatic->job->report, "Encoding video", 80, animatic->frames,
                    animatic->frames);
}

static bool make_film(struct animatic *animatic, struct film *film)
{
    struct job *job = animatic->job;
    int fd;
    for (int i = 0; i < film->threads; i++) {
        if (!picture_make(film->width, film->height, &animatic->canvas[i]))
            return failure_set_av(&job->failure, ERROR_INTERNAL, "painting", AVERROR(ENOMEM));
    }
    if (!job_create(job, "output.mp4", &fd))
        return false;
    film->context = animatic;
    film->draw = draw;
    film->dithered = true;
    film->drawn = tell_drawn;
    film->encoding = tell_encoding;
    bool done = film_make(film, fd, &job->failure, job->frames_hash);
    close(fd);
    return done;
}

bool animatic_render(struct job *job)
{
    char warning[SCENE_WARNING_SIZE];
    struct film film = {0};
    struct scene_wish wish = {.note = "LOCAL ANIMATIC · NO AI", .seed = job->seed};
    report_progress(job->report, "Analyzing prompt", 5, 0, 0);
    if (!job_text(job, "prompt", true, &wish.prompt) || !job_text(job, "look", false, &wish.look) ||
        !job_film(job, &film))
        return false;
    wish.width = film.width;
    wish.height = film.height;
    wish.duration = (double)film.frames / film.fps;
    report_progress(job->report, "Initializing model", 12, 0, 0);
    struct scene *scene = scene_make(&wish, &job->failure, warning);
    if (!scene)
        return false;
    if (warning[0])
        job_warn(job, "%s", warning);
    struct animatic animatic = {.job = job, .scene = scene, .fps = film.fps, .frames = film.frames};
    bool done = make_film(&animatic, &film);
    for (int i = 0; i < FILM_THREADS_MAX; i++)
        picture_free(&animatic.canvas[i]);
    scene_free(scene);
    return done && job_complete(job);
}
