#include "media/still.h"

#include "media/job.h"
#include "media/save.h"
#include "media/scene.h"

#include <errno.h>
#include <libavutil/error.h>
#include <unistd.h>

enum { SIDE_MIN = 256, SIDE_MAX = 4096, SIDE_USUAL = 1024 };

static bool save(struct job *job, const struct picture *picture)
{
    int fd;
    report_progress(job->report, "Encoding video", 80, 0, 0);
    if (!job_create(job, "output.png", &fd))
        return false;
    bool done = save_png(picture, fd, &job->failure);
    close(fd);
    return done;
}

bool still_render(struct job *job)
{
    char warning[SCENE_WARNING_SIZE];
    struct scene_wish wish = {.note = "LOCAL STILL · NO AI", .seed = job->seed};
    report_progress(job->report, "Analyzing prompt", 5, 0, 0);
    if (!job_text(job, "prompt", true, &wish.prompt) || !job_text(job, "look", false, &wish.look) ||
        !job_integer(job, "width", SIDE_MIN, SIDE_MAX, SIDE_USUAL, &wish.width) ||
        !job_integer(job, "height", SIDE_MIN, SIDE_MAX, SIDE_USUAL, &wish.height))
        return false;
    job->wish = (struct inspect_wish){.width = wish.width, .height = wish.height};
    report_progress(job->report, "Initializing model", 12, 0, 0);
    struct scene *scene = scene_make(&wish, &job->failure, warning);
    if (!scene)
        return false;
    if (warning[0])
        job_warn(job, "%s", warning);
    report_progress(job->report, "Generating frames", 20, 0, 0);
    struct picture picture = {0};
    bool done = picture_make(wish.width, wish.height, &picture) ||
                failure_set_av(&job->failure, ERROR_INTERNAL, "painting", AVERROR(ENOMEM));
    if (done)
        scene_paint(scene, 0, &picture);
    scene_free(scene);
    done = done && save(job, &picture);
    picture_free(&picture);
    return done && job_complete(job);
}
