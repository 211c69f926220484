#include "media/job.h"

#include "media/thumbnail.h"

#include <assert.h>
#include <errno.h>
#include <libavutil/error.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VIDEO_WIDTH_MAX = 3840, VIDEO_HEIGHT_MAX = 2160, VIDEO_SIDE_MIN = 256 };

void job_warn(struct job *job, const char *format, ...)
{
    if (job->warning_count == JOB_WARNINGS_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(job->warnings[job->warning_count++], JOB_WARNING_SIZE, format, arguments);
    va_end(arguments);
}

static const json_t *find(const struct job *job, const char *name)
{
    const json_t *value = json_object_get(job->input, name);
    return json_is_null(value) ? NULL : value;
}

bool job_number(struct job *job, const char *name, struct job_range range, double *ret_value)
{
    const json_t *value = find(job, name);
    double number = value ? json_number_value(value) : range.fallback;
    if ((value && !json_is_number(value)) || !(number >= range.min && number <= range.max))
        return failure_set(&job->failure, ERROR_VALIDATION, name,
                           "%s must be a number from %g to %g.", name, range.min, range.max);
    *ret_value = number;
    return true;
}

bool job_integer(struct job *job, const char *name, int min, int max, int fallback, int *ret_value)
{
    double number;
    if (!job_number(job, name, (struct job_range){min, max, fallback}, &number))
        return false;
    if (number != floor(number))
        return failure_set(&job->failure, ERROR_VALIDATION, name,
                           "%s must be a whole number from %d to %d.", name, min, max);
    *ret_value = (int)number;
    return true;
}

bool job_text(struct job *job, const char *name, bool required, const char **ret_text)
{
    const json_t *value = find(job, name);
    if (!value && !required) {
        *ret_text = NULL;
        return true;
    }
    if (!json_is_string(value))
        return failure_set(&job->failure, ERROR_VALIDATION, name, "%s must be a text%s.", name,
                           value ? "" : " and is missing");
    *ret_text = json_string_value(value);
    return true;
}

bool job_film(struct job *job, struct film *film)
{
    double duration;
    int width, height;
    if (!job_integer(job, "width", VIDEO_SIDE_MIN, VIDEO_WIDTH_MAX, 1280, &width) ||
        !job_integer(job, "height", VIDEO_SIDE_MIN, VIDEO_HEIGHT_MAX, 720, &height) ||
        !job_integer(job, "fps", 12, 60, 30, &film->fps) ||
        !job_number(job, "duration", (struct job_range){1, 60, 5}, &duration))
        return false;
    film->width = width & ~1;
    film->height = height & ~1;
    if (film->width != width || film->height != height)
        job_warn(job,
                 "The size was rounded down from %d × %d to %d × %d, since H.264 video with "
                 "4:2:0 colour needs even sides.",
                 width, height, film->width, film->height);
    film->frames = (int)lround(duration * film->fps);
    film->threads = film_threads();
    film->choice = job->encoder;
    job->wish = (struct inspect_wish){.width = film->width,
                                      .height = film->height,
                                      .duration = (double)film->frames / film->fps,
                                      .fps = film->fps};
    return true;
}

bool job_files(struct job *job, const char *one, const char *many,
               struct job_file files[static JOB_FILES_MAX], int *ret_count)
{
    const json_t *list = find(job, many), *item;
    if (!list) {
        snprintf(files[0].field, JOB_FIELD_SIZE, "%s", one);
        *ret_count = 1;
        return job_text(job, one, true, &files[0].path);
    }
    if (find(job, one))
        return failure_set(&job->failure, ERROR_VALIDATION, many,
                           "%s and %s can not stand together.", one, many);
    size_t count = json_array_size(list), n;
    if (count < 1 || count > JOB_FILES_MAX)
        return failure_set(&job->failure, ERROR_VALIDATION, many,
                           "%s must be a list of 1 to %d texts.", many, JOB_FILES_MAX);
    json_array_foreach(list, n, item) {
        snprintf(files[n].field, JOB_FIELD_SIZE, "%.20s[%d]", many, (int)n);
        files[n].path = json_string_value(item);
        if (!files[n].path)
            return failure_set(&job->failure, ERROR_VALIDATION, files[n].field,
                               "%s must be a text.", files[n].field);
    }
    *ret_count = (int)count;
    return true;
}

bool job_image(struct job *job, const struct job_file *file, struct picture *ret_picture)
{
    int fd;
    if (!folder_read(job->folder, file->path, file->field, &job->failure, &fd))
        return false;
    bool read = image_read(fd, file->field, job->limits, &job->failure, ret_picture);
    close(fd);
    return read;
}

bool job_directory(struct job *job, const char *directory)
{
    if (!directory || strlen(directory) >= JOB_PATH_MAX - 16 || !folder_path_ok(directory))
        return failure_set(&job->failure, ERROR_VALIDATION, "dir",
                           "dir must be a relative path inside the work folder, without \"..\" "
                           "steps.");
    job->directory = directory;
    return true;
}

bool job_create(struct job *job, const char *name, int *ret_fd)
{
    snprintf(job->file, sizeof job->file, "%s/%s", job->directory, name);
    return folder_create(job->folder, job->file, &job->failure, ret_fd);
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        size -= (size_t)put;
    }
    return true;
}

bool job_attach(struct job *job, const char *name, const char *content_type, const void *data,
                size_t size)
{
    assert(job->extra_count < JOB_EXTRAS_MAX);
    struct job_extra *extra = &job->extras[job->extra_count];
    int fd;
    *extra = (struct job_extra){.content_type = content_type, .bytes = (int64_t)size};
    snprintf(extra->file, sizeof extra->file, "%s/%s", job->directory, name);
    if (!folder_create(job->folder, extra->file, &job->failure, &fd))
        return false;
    job->extra_count++;
    bool done = write_all(fd, data, size);
    int error = done ? 0 : errno;
    close(fd);
    return done ||
           failure_set_av(&job->failure, ERROR_INTERNAL, "writing an output", AVERROR(error));
}

bool job_complete(struct job *job)
{
    int fd;
    report_progress(job->report, "Finalizing", 92, 0, 0);
    if (!folder_read(job->folder, job->file, "output", &job->failure, &fd))
        return false;
    snprintf(job->thumbnail, sizeof job->thumbnail, "%s/thumbnail.jpg", job->directory);
    struct picture best = {0};
    bool done =
        probe_read(fd, "output", &job->failure, &job->output) && inspect_output(job, fd, &best);
    if (done && best.plane[0].data)
        done = thumbnail_write(job, &best, job->thumbnail);
    else if (done)
        done = thumbnail_make(job, fd, "output", job->thumbnail);
    picture_free(&best);
    close(fd);
    if (done)
        report_progress(job->report, "Finalizing", 100, 0, 0);
    return done;
}

void job_discard(struct job *job)
{
    if (job->file[0])
        folder_remove(job->folder, job->file);
    if (job->thumbnail[0])
        folder_remove(job->folder, job->thumbnail);
    for (int i = 0; i < job->extra_count; i++)
        folder_remove(job->folder, job->extras[i].file);
}
