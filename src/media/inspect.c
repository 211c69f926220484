#include "media/inspect.h"

#include "media/job.h"
#include "media/listen.h"
#include "media/sample.h"

#include <math.h>

/* A film whose frames end this much before its stated length breaks off. */
static const double complete_share = 0.8;

/* Makers round sizes to what their models draw, and call a wide picture by another's height. */
static const double side_share = 0.85, aspect_share = 0.05;

static void compare(struct job *job)
{
    const struct inspect_wish *wish = &job->wish;
    const struct probe *output = &job->output;
    if (wish->width > 0 && wish->height > 0 &&
        (output->width != wish->width || output->height != wish->height))
        job_warn(job, "The output is %d × %d pixels large, %d × %d were asked for.", output->width,
                 output->height, wish->width, wish->height);
    int side = output->width < output->height ? output->width : output->height;
    if (wish->side > 0 && side < wish->side * side_share)
        job_warn(job, "The output is %d × %d pixels large, %d on the shorter side were asked for.",
                 output->width, output->height, wish->side);
    double aspect = output->height > 0 ? (double)output->width / output->height : 0;
    if (wish->aspect > 0 && fabs(aspect - wish->aspect) > wish->aspect * aspect_share)
        job_warn(job, "The output is %d × %d pixels large, which is not the shape asked for.",
                 output->width, output->height);
    double frame = wish->fps > 0 ? 1 / wish->fps : 0.1, length = (double)output->duration_ms / 1000;
    double slack = wish->slack > 0 ? wish->slack : frame;
    if (wish->duration > 0 && fabs(length - wish->duration) > slack + 0.001)
        job_warn(job, "The output is %.2f s long, %.2f s were asked for.", length, wish->duration);
    if (wish->fps > 0 && output->fps > 0 && fabs(output->fps - wish->fps) > 0.01 * wish->fps)
        job_warn(job, "The output has %.2f frames a second, %.2f were asked for.", output->fps,
                 wish->fps);
    if (wish->sound && !output->has_audio)
        job_warn(job, "The output has no sound, which was asked for.");
}

/* Beside a picture a bad sound is only odd; alone it is all there is. */
static bool inspect_sound(struct job *job, int fd)
{
    if (!job->output.has_audio)
        return true;
    struct listen heard = listen_file(fd, job->output.demuxer);
    if (!heard.decodes && !job->output.is_video)
        return failure_set(&job->failure, ERROR_OUTPUT_INVALID, "output",
                           "The sound of the output can not be decoded.");
    if (!heard.decodes)
        job_warn(job, "The output's sound can not be decoded.");
    else if (listen_is_silent(&heard))
        job_warn(job, "The output is silent: it has a track of sound with nothing in it.");
    return true;
}

static void judge(struct job *job, const struct sample *sample)
{
    if (sample_is_black(sample))
        job_warn(job, "The video is black from beginning to end.");
    else if (sample_is_blank(sample))
        job_warn(job, "The video shows a single colour and nothing else.");
    else if (sample_is_frozen(sample))
        job_warn(job, "The video shows the same picture from beginning to end.");
    if (sample->faults > 0)
        job_warn(job, "Parts of the video could not be decoded (%d of %d places).", sample->faults,
                 SAMPLE_FRAMES);
}

bool inspect_output(struct job *job, int fd, struct picture *ret_best)
{
    compare(job);
    if (!inspect_sound(job, fd))
        return false;
    if (!job->output.is_video)
        return true;
    struct sample sample;
    if (!sample_video(fd, job->output.demuxer, job->limits, &job->failure, &sample))
        return false;
    double length = (double)job->output.duration_ms / 1000;
    double frame = job->output.fps > 0 ? 1 / job->output.fps : 0;
    bool whole = length < 1 || sample.reaches + frame >= length * complete_share;
    judge(job, &sample);
    *ret_best = sample.best;
    if (!whole && job->wish.is_paid)
        job_warn(job, "The video may break off: it is %.1f s long, and its frames end at %.1f s.",
                 length, sample.reaches + frame);
    if (whole || job->wish.is_paid)
        return true;
    picture_free(ret_best);
    return failure_set(&job->failure, ERROR_OUTPUT_INVALID, "output",
                       "The video breaks off: it says that it is %.1f s long, and its frames end "
                       "at %.1f s.",
                       length, sample.reaches + frame);
}
