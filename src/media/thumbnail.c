#include "media/thumbnail.h"

#include "base/sniff.h"
#include "media/job.h"
#include "media/resample.h"
#include "media/sample.h"
#include "media/save.h"

#include <errno.h>
#include <libavutil/error.h>
#include <unistd.h>

enum { HEAD_SIZE = 4096 };

static bool read_video(struct job *job, int fd, const char *demuxer, struct picture *ret_picture)
{
    struct sample sample;
    if (!sample_video(fd, demuxer, job->limits, &job->failure, &sample))
        return false;
    *ret_picture = sample.best;
    return true;
}

static bool read_any(struct job *job, int fd, const char *field, struct picture *ret_picture)
{
    uint8_t head[HEAD_SIZE];
    ssize_t size = pread(fd, head, sizeof head, 0);
    enum sniff_kind kind = sniff_bytes(head, size > 0 ? (size_t)size : 0).kind;
    if (kind == SNIFF_MP4)
        return read_video(job, fd, "mov", ret_picture);
    if (kind == SNIFF_MATROSKA)
        return read_video(job, fd, "matroska", ret_picture);
    return image_read(fd, field, job->limits, &job->failure, ret_picture);
}

static bool shrink(const struct picture *picture, struct picture *ret_small)
{
    int width = picture_width(picture), height = picture_height(picture);
    int side = width > height ? width : height;
    double scale = side > THUMBNAIL_SIDE ? (double)THUMBNAIL_SIDE / side : 1;
    int small_width = (int)(width * scale + 0.5), small_height = (int)(height * scale + 0.5);
    struct picture small = {0};
    bool done = picture_make(small_width > 0 ? small_width : 1, small_height > 0 ? small_height : 1,
                             &small);
    for (int i = 0; i < PICTURE_PLANES && done; i++)
        done = resample_fit(&picture->plane[i], &small.plane[i]);
    if (done)
        *ret_small = small;
    else
        picture_free(&small);
    return done;
}

bool thumbnail_write(struct job *job, const struct picture *picture, const char *path)
{
    struct picture small = {0};
    int target = -1;
    bool done = shrink(picture, &small) || failure_set_av(&job->failure, ERROR_INTERNAL,
                                                          "making the thumbnail", AVERROR(ENOMEM));
    done = done && folder_create(job->folder, path, &job->failure, &target) &&
           save_jpeg(&small, target, &job->failure);
    if (target >= 0)
        close(target);
    picture_free(&small);
    return done;
}

bool thumbnail_make(struct job *job, int fd, const char *field, const char *path)
{
    struct picture picture = {0};
    bool done = read_any(job, fd, field, &picture) && thumbnail_write(job, &picture, path);
    picture_free(&picture);
    return done;
}
